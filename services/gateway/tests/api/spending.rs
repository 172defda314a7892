//! What customers have spent of their budgets, over HTTP: shown, warned of, seen to, told; and left as it is by transitions.

use crate::{holder::*, receiver::*, world::*};
use planshift_domain::{
    message::{
        Body as _,
        event::{AccountImported, ImportedCustomer},
        ownership::{OwnedSubscription, OwnershipRead, ReadOwnership},
        request::ReadCustomer,
    },
    time::Timestamp,
    transition::State,
};
use planshift_gateway::{Auth, LocalToken, Settings};
use planshift_messaging::{Delivery, Destination, Outgoing};
use planshift_storage::{Args, Statement};
use planshift_worker::codec;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const AZURE: u128 = 11;

/// Eligibility holds the facts; mapping knows one subscription of the customer.
fn script(holder: &Holder, document: &Value, customer: &str) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    let (mut held, partner): (_, Uuid) = (holder.script(), document["partner"]["id"].as_str().unwrap().parse().unwrap());
    let customer: Uuid = customer.parse().unwrap();
    move |delivery| {
        if delivery.message.kind != ReadOwnership::TYPE {
            return held(delivery);
        }
        let question: ReadOwnership = codec::body(&delivery.message).unwrap();
        let known = question.azure_subscription_ids.contains(&id(AZURE)) && question.partner_id.0 == partner;
        let one = OwnedSubscription { azure_subscription_id: id(AZURE), customer_id: customer.into(), points: Vec::new() };
        let subscriptions = if known { vec![one] } else { Vec::new() };
        vec![answer(delivery, &OwnershipRead { request_id: question.request_id, subscriptions })]
    }
}

async fn ask(world: &World, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = world.client.request(method, format!("{}{path}", world.base)).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn get(world: &World, path: &str) -> Value {
    let (status, body) = ask(world, Method::GET, path, json!(null)).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn this_month() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap()).to_string()[..7].to_owned()
}

/// Brings what the subscription's one meter has cost this month.
async fn spend(world: &World, amount: &str, currency: &str) {
    let header = "EntitlementId,UsageDate,MeterId,ResourceURI,Quantity,Unit,BillingPreTaxTotal,BillingCurrency";
    let file = format!("{header}\n{},{}-01,m,/x,1,Hours,{amount},{currency}\n", guid(AZURE), this_month());
    let request = world.client.post(format!("{}/v1/usage", world.base)).header("content-type", "text/csv").body(file);
    let response = request.send().await.unwrap();
    let (status, import) = (response.status(), response.json::<Value>().await.unwrap());
    assert_eq!((status.as_u16(), &import["state"]), (200, &json!("Done")), "{import}");
}

/// Tells what the holder has of the customer, as the coordinator tells of imports.
async fn tell(world: &World, holder: &Holder, customer: &str, version: u32) {
    let (partner, told) = holder.look(customer, |held| (held.partner.clone(), ImportedCustomer::of(&held.part, version)));
    let event = AccountImported {
        partner_id: partner.id,
        partner_name: partner.name,
        begun_at: None,
        customers: vec![told],
        resellers: Vec::new(),
        audit: Vec::new(),
    };
    world.coordinator.publish(vec![message(Destination::Event("account.imported".into()), &event)]).await.unwrap();
    static KNOWN: Statement = Statement::new("SELECT count(*) FROM customers WHERE version = $1");
    world.eventually(async || world.database.query(&KNOWN, Args::new().value(version)).await.unwrap()[0].get::<i64>(0).unwrap() == 1).await;
}

async fn set_budget(world: &World, of: &str, amount: &str) {
    let request = world.client.patch(format!("{}{of}/usagebudget", world.base)).body(format!(r#"{{"amount":{amount}}}"#));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

fn thresholds(budget: &Value) -> Vec<u64> {
    budget["warnings"].as_array().unwrap().iter().rev().map(|warning| warning["threshold"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_is_spent_is_shown_warned_of_and_left_alone_by_transitions() {
    let (document, customer) = one_customer(2);
    let holder = Holder::default();
    let mut trial: Settings = settings();
    trial.webhooks.allow_internal = true;
    trial.webhooks.signing = Some(SIGNING.clone());
    let (world, receiver) = (World::with(trial, script(&holder, &document, &customer)).await, Receiver::start().await);
    import(&world, &document).await;
    let partner = document["partner"]["id"].as_str().unwrap();
    let currency = holder.look(&customer, |held| held.part.customer.currency_code.clone());
    let of = format!("/v1/customers/{customer}");
    let budget = format!("{of}/budget");
    set_budget(&world, &of, "100.0").await;
    tell(&world, &holder, &customer, 10).await;
    let hook = json!({ "WebhookUrl": receiver.url, "WebhookEvents": ["usagerecords-thresholdExceeded"] });
    assert_eq!(ask(&world, Method::POST, &format!("/webhooks/v1/registration?partnerId={partner}"), hook).await.0, 200);

    let shown = get(&world, &budget).await;
    assert_eq!((&shown["spending"]["amount"], &shown["spending"]["percentUsed"]), (&json!("0"), &json!("0")));
    let spent = async |amount: &str, percent: &str| {
        spend(&world, amount, &currency).await;
        world.eventually(async || get(&world, &budget).await["spending"]["percentUsed"] == percent).await;
        let shown = get(&world, &budget).await;
        assert_eq!((&shown["spending"]["isUpToDate"], &shown["spending"]["isComplete"]), (&json!(true), &json!(true)));
        shown
    };
    assert!(thresholds(&spent("79.99", "79.99").await).is_empty());
    assert!(get(&world, "/v1/budgets?over=80").await["items"].as_array().unwrap().is_empty());
    assert_eq!(thresholds(&spent("80.00", "80").await), [80]);
    let over = get(&world, "/v1/budgets?over=80").await;
    assert_eq!((&over["totalCount"], &over["items"][0]["spending"]["percentUsed"]), (&json!(1), &json!("80")));
    assert!(get(&world, "/v1/budgets?over=81").await["items"].as_array().unwrap().is_empty());
    let seen = spent("155.5", "155.5").await;
    assert_eq!(thresholds(&seen), [80, 100, 120, 150]);

    // told: once for each time that a threshold was reached
    world.eventually(async || receiver.count() == 2).await;
    let got = receiver.got();
    assert_eq!(got[1].name(), "usagerecords-thresholdExceeded");
    got[1].check_signature().await;
    let uri = got[1].event["ResourceUri"].as_str().unwrap().strip_prefix(&world.base).unwrap().to_owned();
    let summary = get(&world, &uri).await;
    assert_eq!((&summary["totalCost"], &summary["budget"]["amount"]), (&json!(155.5), &json!(100)));
    let records = get(&world, "/v1/customers/usagerecords").await;
    let record = &records["items"][0];
    assert_eq!((&record["percentUsed"], &record["isUpgraded"], &record["resourceId"]), (&json!(155.5), &json!(false), &json!(customer)));
    // and again, where that is asked for, under the same id
    let replay = json!({ "from": "2020-01-01T00:00:00Z" });
    assert_eq!(ask(&world, Method::POST, &format!("/webhooks/v1/deliveries/replay?partnerId={partner}"), replay).await.0, 202);
    world.eventually(async || receiver.count() == 4).await;
    let got = receiver.got();
    let ids = |range: std::ops::Range<usize>| {
        let mut ids: Vec<&str> = got[range].iter().map(super::receiver::Got::id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(0..2), ids(2..4));

    // somebody sees to it
    let acknowledge = format!("{budget}/acknowledge");
    let first = seen["warnings"].as_array().unwrap().last().unwrap()["at"].as_str().unwrap();
    let (status, one) = ask(&world, Method::POST, &format!("{acknowledge}?until={first}"), json!({ "reason": "the first" })).await;
    let open = |shown: &Value| shown["warnings"].as_array().unwrap().iter().filter(|one| one["acknowledged"].is_null()).count();
    assert_eq!((status, open(&one), &one["warnings"][3]["acknowledged"]["reason"]), (200, 3, &json!("the first")), "the others came later");
    let (status, first) = ask(&world, Method::POST, &acknowledge, json!({ "actor": "Nadia", "reason": "called them" })).await;
    assert_eq!((status, &first["warnings"][0]["acknowledged"]["reason"]), (200, &json!("called them")));
    let (_, second) = ask(&world, Method::POST, &acknowledge, json!({ "reason": "second" })).await;
    assert_eq!(second["warnings"], first["warnings"], "said twice, the first one counts");
    let (status, none) = ask(&world, Method::POST, &format!("{acknowledge}?month=2020-01"), json!({})).await;
    assert_eq!((status, &none["errorName"]), (409, &json!("NoWarning")));

    // a transition and its undoing leave all of it as it was; one that completes opens the task, and changes nothing else
    let before = get(&world, &budget).await;
    let moved = async |n: u128, state: State| {
        let mut event = changed(n, 9, state);
        (event.transition.partner_id, event.transition.customer_id) = (partner.parse().unwrap(), customer.parse().unwrap());
        world.tell(event).await;
        get(&world, &budget).await
    };
    assert_eq!(moved(71, State::Compensated).await, before);
    let after = moved(72, State::Completed).await;
    for kept in ["amount", "currencyCode", "spending", "warnings"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(after["azurePortal"]["task"], "open");
    assert_eq!(get(&world, "/v1/customers/usagerecords").await["items"][0]["isUpgraded"], true);

    // a lower budget asks again
    set_budget(&world, &of, "50").await;
    tell(&world, &holder, &customer, 11).await;
    world.eventually(async || thresholds(&get(&world, &budget).await) == [80, 100, 120, 150, 80, 100, 120, 150, 200, 300]).await;
    world.eventually(async || receiver.count() == 5).await;
    for wrong in ["/v1/budgets?over=-1", "/v1/budgets?over=x", "/v1/budgets?month=2026-13", "/v1/customers/usagerecords?month=x"] {
        let (status, fault) = ask(&world, Method::GET, wrong, json!(null)).await;
        assert_eq!((status, &fault["errorName"]), (400, &json!("InvalidParameter")), "{wrong}");
    }
    world.stop().await;
}

/// A customer that an older version has imported: the list does not know its budget, until eligibility was asked.
#[tokio::test]
async fn budgets_that_imports_have_not_told_of_are_asked_for() {
    let (document, customer) = one_customer(1);
    let holder = Holder::default();
    let (clock, auth) = (Forward::default(), Auth::local(LocalToken::try_new(TOKEN).unwrap()));
    let world = World::in_time(clock.ports(), auth, settings(), script(&holder, &document, &customer)).await;
    import(&world, &document).await;
    let of = format!("/v1/customers/{customer}");
    set_budget(&world, &of, "12.50").await;
    static OLD: Statement = Statement::new(
        "INSERT INTO customers (partner_id, customer_id, version, company_name, domain) SELECT $1::uuid, $2::uuid, 1, 'Contoso', 'c' WHERE true
         ON CONFLICT (partner_id, customer_id) DO UPDATE SET budget = NULL, currency = ''",
    );
    let partner: Uuid = document["partner"]["id"].as_str().unwrap().parse().unwrap();
    world.database.execute(&OLD, Args::new().value(partner).value(customer.parse::<Uuid>().unwrap())).await.unwrap();
    let asked = world.count(ReadCustomer::TYPE).0;
    // longer than from look to look (2 s), for nothing tells of a question that is not asked
    tokio::time::sleep(std::time::Duration::from_millis(2_300)).await;
    assert_eq!(world.count(ReadCustomer::TYPE).0, asked, "eligibility may be an old one as long as services are upgraded");
    clock.by(std::time::Duration::from_secs(15 * 60));
    world.eventually(async || get(&world, "/v1/budgets").await["items"][0]["amount"] == "12.5").await;
    world.stop().await;
}
