//! Spending behind imports, corrections and changed budgets, by one replica and by two. On SQLite, or on Postgres where
//! `PLANSHIFT_TEST_POSTGRES_URL` names one.

use super::{marks, reckon::Due, write::Reckoned, *};
use crate::{
    fixtures::id,
    hub::Hub,
    settings::WebhookSettings,
    usage::tests::{Fixture, PARTNER, fixture},
};
use planshift_billing::{Decimal, spending::Spending};
use planshift_domain::ids::{AzureSubscriptionId, CustomerId};
use planshift_storage::{Args, Statement};
use planshift_worker::metrics::Metrics;
use std::collections::BTreeSet;
use uuid::Uuid;

const HEADER: &str =
    "EntitlementId,UsageDate,MeterId,ResourceURI,Quantity,Unit,BillingPreTaxTotal,BillingCurrency,PricingPreTaxTotal,PricingCurrency\n";

fn customer() -> CustomerId {
    id(5)
}

fn azure(n: u128) -> AzureSubscriptionId {
    AzureSubscriptionId(Uuid::from_u128(0xa000_0000 + n))
}

struct Place {
    fixture: Fixture,
    spendings: Spendings,
    month: Month,
}

static CUSTOMER: Statement = Statement::new(
    "INSERT INTO customers (partner_id, customer_id, version, company_name, domain, budget, currency)
     SELECT $1::uuid, $2::uuid, 1, 'Contoso', 'c', $3::text, $4::text WHERE true
     ON CONFLICT (partner_id, customer_id) DO UPDATE SET budget = excluded.budget, currency = excluded.currency",
);
static REGISTER: Statement = Statement::new(
    "INSERT INTO webhook_registrations (partner_id, subscriber_id, url, events, since, changed_at, actor)
     SELECT $1::uuid, $1::uuid, 'https://x', ',usagerecords-thresholdExceeded,', 0, 0, ''",
);
static TOLD: Statement = Statement::new("SELECT number FROM webhook_deliveries ORDER BY number");

impl Place {
    async fn new() -> Self {
        let fixture = fixture().await;
        let (database, _, _) = fixture.parts();
        database.execute(&REGISTER, Args::new().value(PARTNER.0)).await.unwrap();
        let spendings = another(&fixture);
        let month = spendings.this_month();
        for n in 0..40 {
            fixture.has(azure(n));
        }
        Self { fixture, spendings, month }
    }

    /// As an import of the customer tells.
    async fn budget(&self, amount: Option<&str>, currency: &str) {
        let mut tx = self.spendings.database.begin().await.unwrap();
        let args = Args::new().value(PARTNER.0).value(customer().0).value(amount.map(str::to_owned)).value(currency);
        tx.execute(&CUSTOMER, args).await.unwrap();
        let rows = vec![vec![PARTNER.0.into(), customer().0.into()]];
        tx.execute(&CHECK, Args::new().rows(rows).value(this_month(self.spendings.ports.clock.now()))).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn row(&self, n: u128, meter: &str, amounts: &str) -> String {
        format!("{},{}-01,{meter},/subscriptions/x/y,1,Hours,{amounts}\n", azure(n), self.month)
    }

    async fn bring(&self, rows: &[String]) {
        self.fixture.bring(&format!("{HEADER}{}", rows.concat())).await.unwrap();
    }

    async fn settle(&self) {
        while self.spendings.round().await.unwrap() {}
    }

    async fn spent(&self) -> Spent {
        self.spendings.of(PARTNER, customer(), self.month).await.unwrap()
    }

    async fn warned(&self) -> Vec<u32> {
        let warnings = self.spendings.warnings(PARTNER, customer(), self.month).await.unwrap();
        warnings.iter().rev().map(|warning| warning.threshold).collect()
    }

    async fn told(&self) -> Vec<u32> {
        self.spendings.database.query(&TOLD, Args::new()).await.unwrap().iter().map(|row| row.get(0).unwrap()).collect()
    }
}

fn another(fixture: &Fixture) -> Spendings {
    let (database, asker, ports) = fixture.parts();
    let webhooks = Webhooks::new(
        database.clone(),
        Hub::new(1),
        ports.clone(),
        Metrics::new(),
        WebhookSettings::default(),
        "127.0.0.1:1".parse().unwrap(),
    );
    Spendings::new(database, asker, ports, webhooks, Thresholds::default(), Duration::from_secs(1), Arc::default())
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[tokio::test]
async fn each_threshold_warns_once_for_a_month_and_an_amount() {
    let place = Place::new().await;
    place.budget(Some("100"), "EUR").await;
    let is = async |amount: &str, spent: &str, warned: &[u32], told: &[u32]| {
        place.bring(&[place.row(0, "m", &format!("{amount},EUR,,"))]).await;
        place.settle().await;
        assert_eq!(place.spent().await.amount("EUR"), Some(decimal(spent)));
        assert_eq!((&place.warned().await[..], &place.told().await[..]), (warned, told), "{amount}");
    };
    is("79.99", "79.99", &[], &[]).await;
    is("80", "80", &[80], &[80]).await;
    is("99.9", "99.9", &[80], &[80]).await;
    is("100", "100", &[80, 100], &[80, 100]).await;
    // several at once: all are kept, and the highest is told
    is("155", "155", &[80, 100, 120, 150], &[80, 100, 150]).await;
    // corrected back, and up again: it is known
    is("10", "10", &[80, 100, 120, 150], &[80, 100, 150]).await;
    is("150", "150", &[80, 100, 120, 150], &[80, 100, 150]).await;
    // another amount asks again, and only once
    place.budget(Some("160"), "EUR").await;
    place.settle().await;
    assert_eq!((place.warned().await, place.told().await), (vec![80, 100, 120, 150, 80], vec![80, 80, 100, 150]));
    place.budget(Some("160"), "EUR").await;
    place.settle().await;
    assert_eq!(place.told().await.len(), 4);
    // seen to: all of them, and the first to say so counts
    let by = |actor: &str| Acknowledgement { at: place.spendings.ports.clock.now(), actor: actor.into(), reason: "r".into() };
    for actor in ["Nadia", "Max"] {
        place.spendings.acknowledge((PARTNER, customer()), place.month, place.spendings.ports.clock.now(), &by(actor)).await.unwrap();
    }
    let warnings = place.spendings.warnings(PARTNER, customer(), place.month).await.unwrap();
    assert!(warnings.iter().all(|warning| warning.acknowledged.as_ref().is_some_and(|by| by.actor == "Nadia")), "{warnings:?}");
    // no budget, no warning
    place.budget(None, "EUR").await;
    is("1000", "1000", &[80, 100, 120, 150, 80], &[80, 80, 100, 150]).await;
    place.fixture.end();
}

#[tokio::test]
async fn what_is_stated_in_another_currency_is_not_compared() {
    let place = Place::new().await;
    place.budget(Some("100"), "CHF").await;
    place.bring(&[place.row(0, "m", "500,EUR,550,USD")]).await;
    place.settle().await;
    let spent = place.spent().await;
    assert_eq!((spent.amount("CHF"), spent.spending.in_others("CHF"), spent.is_complete("CHF")), (None, 1, false));
    assert!(place.warned().await.is_empty());
    // part of it in the budget's currency is compared, and is not all
    place.bring(&[place.row(1, "m", "85,CHF,,")]).await;
    place.settle().await;
    let spent = place.spent().await;
    assert_eq!((spent.amount("CHF"), spent.is_complete("CHF"), place.warned().await), (Some(decimal("85")), false, vec![80]));
    // what the prices are in is a currency that is stated too
    place.budget(Some("600"), "USD").await;
    place.settle().await;
    assert_eq!((place.spent().await.amount("USD"), place.warned().await.last().copied()), (Some(decimal("550")), Some(80)));
    place.fixture.end();
}

#[tokio::test]
async fn utilisation_alone_says_nothing_of_money() {
    let place = Place::new().await;
    place.budget(Some("1"), "EUR").await;
    let rows = (0..3).map(|hour| {
        let (from, to) = (format!("{}-01T0{hour}:00:00Z", place.month), format!("{}-01T0{}:00:00Z", place.month, hour + 1));
        format!("{from},{to},m,5,Hours,/subscriptions/{}/x\n", azure(0))
    });
    let header = "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n";
    place.fixture.bring(&format!("{header}{}", rows.collect::<String>())).await.unwrap();
    place.settle().await;
    let spent = place.spent().await;
    assert_eq!((spent.spending.utilization, spent.amount("EUR"), spent.is_complete("EUR")), (3, None, false));
    assert!(place.warned().await.is_empty());
    place.fixture.end();
}

/// Two replicas at the same marks, while files and corrections come: the customer's month is the sum of all records, and no threshold is
/// told twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_at_once_reckon_each_record_once() {
    let place = Place::new().await;
    place.budget(Some("100"), "EUR").await;
    let stop = CancellationToken::new();
    let replicas: Vec<_> = (0..2).map(|_| tokio::spawn(another(&place.fixture).run(stop.clone()))).collect();
    let mut expected = Decimal::default();
    for round in 0..6_i64 {
        let rows: Vec<String> = (0..40_u32)
            .flat_map(|n| {
                // one that is new, and one that is corrected with each file
                let new = place.row(n.into(), &format!("new{round}"), &format!("0.{}1,EUR,,", n + 10));
                let corrected = place.row(n.into(), "corrected", &format!("{round}.5,EUR,,"));
                [new, corrected]
            })
            .collect();
        place.bring(&rows).await;
        expected = expected + (0..40_u32).map(|n| decimal(&format!("0.{}1", n + 10))).sum();
    }
    expected = expected + (0..40).map(|_| decimal("5.5")).sum();
    tokio::time::timeout(Duration::from_secs(60), async {
        // also one that helps: three are at it
        while place.spendings.round().await.unwrap() || place.spent().await.amount("EUR") != Some(expected.clone()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("it comes to {expected}"));
    stop.cancel();
    for replica in replicas {
        replica.await.unwrap();
    }
    let spent = place.spent().await;
    assert_eq!((spent.spending.rated, spent.amount("EUR")), (40 * 7, Some(expected.clone())));
    let warned = place.warned().await;
    assert_eq!(warned.iter().collect::<BTreeSet<_>>().len(), warned.len());
    assert_eq!(warned, Thresholds::default().reached(&expected, &decimal("100")));
    let told = place.told().await;
    assert_eq!((told.iter().collect::<BTreeSet<_>>().len(), told.last()), (told.len(), warned.last()));
    place.fixture.end();
}

/// What was read before something came is not written over it.
#[tokio::test]
async fn a_mark_that_was_made_anew_meanwhile_counts() {
    let place = Place::new().await;
    place.budget(Some("100"), "EUR").await;
    place.bring(&[place.row(0, "m", "50,EUR,,")]).await;
    let stale = |mark| Reckoned {
        due: Due { azure: azure(0).0, month: place.month, partner: PARTNER.0, mark },
        spending: Spending { rated: 999, ..Spending::default() },
    };
    place.spendings.write(vec![stale(Uuid::from_u128(1))]).await.unwrap();
    assert_eq!(place.spent().await.spending.rated, 0, "its mark is another");
    assert!(place.spendings.is_behind(PARTNER, customer(), place.month).await.unwrap());
    place.settle().await;
    assert_eq!(place.spent().await.amount("EUR"), Some(decimal("50")));
    assert!(!place.spendings.is_behind(PARTNER, customer(), place.month).await.unwrap());
    // it is taken: whoever comes later with it has nothing to write
    place.spendings.write(vec![stale(Uuid::from_u128(1))]).await.unwrap();
    assert_eq!(place.spent().await.amount("EUR"), Some(decimal("50")));
    place.fixture.end();
}

/// Records of the time before there was any of this, and many of one subscription: page by page.
#[tokio::test]
async fn what_was_there_before_is_found_and_many_records_are_read_in_pages() {
    static FORGET: [Statement; 4] = [
        Statement::new("DELETE FROM spending_due"),
        Statement::new("DELETE FROM spending"),
        Statement::new("DELETE FROM customer_spending"),
        Statement::new(
            "INSERT INTO spending_unlooked (partner_id, azure_id, from_at) SELECT partner_id, azure_id, -9223372036854775807 FROM usage_subscriptions",
        ),
    ];
    let place = Place::new().await;
    place.budget(Some("100"), "EUR").await;
    let before = place.month.before();
    let mut rows: Vec<String> = (0..4_321).map(|n| place.row(0, &format!("m{n}"), "0.01,EUR,,")).collect();
    rows.push(place.row(1, "m", "7,EUR,,"));
    rows.push(format!("{},{before}-03,m,/x,1,Hours,33,EUR,,\n", azure(1)));
    place.bring(&rows).await;
    for statement in &FORGET {
        place.spendings.database.execute(statement, Args::new()).await.unwrap();
    }
    place.settle().await;
    assert_eq!(place.spent().await.amount("EUR"), Some(decimal("50.21")));
    let last_month = place.spendings.of(PARTNER, customer(), before).await.unwrap();
    assert_eq!(last_month.amount("EUR"), Some(decimal("33")));
    place.fixture.end();
}

/// A file that is at fault leaves no mark.
#[tokio::test]
async fn what_is_refused_is_not_reckoned() {
    static NOTED: Statement = Statement::new("SELECT count(*) FROM usage_months");
    let place = Place::new().await;
    let text = format!("{HEADER}{}{}", place.row(0, "m", "1,EUR,,"), place.row(0, "m", "2,EUR,,"));
    assert!(place.fixture.bring(&text).await.is_err());
    let noted: i64 = place.spendings.database.query(&NOTED, Args::new()).await.unwrap()[0].get(0).unwrap();
    assert_eq!(noted, 0);
    assert!(!place.spendings.round().await.unwrap());
    let mut tx = place.spendings.database.begin().await.unwrap();
    marks::mark(&mut tx, Uuid::from_u128(3), PARTNER.0).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!place.spendings.round().await.unwrap(), "nothing was noted under it");
    place.fixture.end();
}
