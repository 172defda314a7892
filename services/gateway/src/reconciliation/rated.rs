//! What daily rated records say of prices: record by record, since each is rounded by itself.

use super::{Reconciliation, facts::Facts};
use crate::model::from_json;
use planshift_billing::{
    Decimal, Kind, Packed, Rated, Resource, UsageRecord,
    charge::{Reckoned, effective_unit_price},
    credit::{Access, CreditLoss, credit_on, day_of, earned_percent, product_earns},
};
use planshift_domain::{
    ids::{AzureSubscriptionId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use uuid::Uuid;

/// How many records are read at a time.
const PAGE: i64 = 4_000;

static PRICED: Statement = Statement::new(
    "SELECT u.azure_id, u.start_at, u.identity, u.end_at, u.whole, u.high, u.low, u.body, k.body
     FROM {1: azure uuid} AS r CROSS JOIN usage_records AS u CROSS JOIN usage_resources AS k
     WHERE u.azure_id = r.azure AND u.partner_id = $2 AND u.start_at >= $3::bigint AND u.start_at < $4::bigint AND u.rated
       AND (u.azure_id, u.start_at, u.identity) > ($5::uuid, $6::bigint, $7::uuid)
       AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $2 AND i.state IN ('Running', 'Undoing'))
       AND k.resource = u.resource
     ORDER BY u.azure_id, u.start_at, u.identity LIMIT $8",
);

/// A record with its prices.
#[derive(Clone, Debug)]
pub(super) struct Priced {
    pub(super) azure: AzureSubscriptionId,
    pub(super) day: Timestamp,
    pub(super) meter: String,
    pub(super) quantity: Decimal,
    pub(super) rated: Rated,
    /// Does its product earn credit at all?
    pub(super) earns: bool,
}

impl Priced {
    fn of(row: &Row) -> Result<Self, StorageError> {
        let resource: Resource = from_json("a usage resource", &row.get::<String>(8)?)?;
        let body = row.get::<Option<String>>(7)?;
        let rated: Rated = body.map(|text| from_json("what a record is charged", &text)).transpose()?.unwrap_or_default();
        let azure = AzureSubscriptionId(row.get(0)?);
        let record = UsageRecord {
            kind: Kind::RatedDaily,
            partner_id: None,
            customer_id: None,
            azure_subscription_id: azure,
            subscription_id: None,
            usage_start: Timestamp::from_micros(row.get(1)?),
            usage_end: Timestamp::from_micros(row.get(3)?),
            reported_at: None,
            quantity: Packed { whole: row.get(4)?, high: row.get(5)?, low: row.get(6)? }.into(),
            resource,
            rated: Some(Box::new(rated)),
        };
        let earns = product_earns(&record);
        let rated = record.rated.map(|rated| *rated).unwrap_or_default();
        let (day, meter, quantity) = (day_of(record.usage_start), record.resource.meter_id, record.quantity);
        Ok(Self { azure, day, meter, quantity, rated, earns })
    }

    /// The credit that its file gives it, in percent; none where that does not say.
    pub(super) fn given(&self) -> Option<&Decimal> {
        self.rated.partner_earned_credit_percentage.as_ref()
    }

    /// May there be credit? Who has which role on the subscription is not known here: where nothing else speaks against credit, and the file
    /// gives none, there was no access.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn may_earn(&self, facts: &Facts) -> Result<(), CreditLoss> {
        let somebody = Access { provider: "", reseller: None, roles: &[("", "Owner")] };
        credit_on(self.day, &facts.intervals, somebody, self.earns)
    }

    /// The rate to the billing currency.
    fn rate(&self) -> Option<Decimal> {
        let same = self.rated.billing_currency == self.rated.pricing_currency;
        self.rated.exchange_rate.clone().or_else(|| same.then(|| Decimal::scaled(1, 0)))
    }

    /// In what it is billed; empty where the file does not say.
    pub(super) fn currency(&self) -> String {
        self.rated.billing_currency.clone().unwrap_or_default()
    }

    /// What so much of it costs on the plan's invoice, with so many percent of credit.
    pub(super) fn cost(&self, quantity: &Decimal, percent: &Decimal) -> Option<Decimal> {
        let price = effective_unit_price(self.rated.unit_price.as_ref()?, percent);
        Some(Reckoned::plan(&price, quantity, &self.rate()?).rounded)
    }

    /// What so much of it must cost: with the credit that it has, where it may have it.
    pub(super) fn due(&self, quantity: &Decimal, facts: &Facts) -> Option<Decimal> {
        let may = self.may_earn(facts).is_ok();
        let zero = Decimal::default();
        let percent = match self.given() {
            Some(given) if may => given,
            _ => &zero,
        };
        match (&self.rated.unit_price, &self.rated.effective_unit_price) {
            (Some(_), _) if self.given().is_some() || !may => self.cost(quantity, percent),
            // the price list's price is not there, or nothing tells of the credit: then the price that the file has reckoned with
            (_, Some(price)) => Some(Reckoned::plan(price, quantity, &self.rate()?).rounded),
            (Some(_), None) => self.cost(quantity, percent),
            (None, None) => None,
        }
    }

    /// What the credit comes to that it has, or would have.
    pub(super) fn credit(&self) -> Option<Decimal> {
        let earned = earned_percent();
        let percent = self.given().filter(|given| !given.is_zero()).unwrap_or(&earned);
        let (full, reduced) = (self.cost(&self.quantity, &Decimal::default())?, self.cost(&self.quantity, percent)?);
        Some(full + -reduced)
    }
}

/// Records, page by page.
pub(super) struct PricedPages<'a> {
    pub(super) partner: PartnerId,
    pub(super) azure: &'a [AzureSubscriptionId],
    pub(super) span: (Timestamp, Timestamp),
    /// Where the next page begins; none at the end.
    pub(super) after: Option<(Uuid, i64, Uuid)>,
}

impl<'a> PricedPages<'a> {
    pub(super) const fn new(partner: PartnerId, azure: &'a [AzureSubscriptionId], span: (Timestamp, Timestamp)) -> Self {
        Self { partner, azure, span, after: Some((Uuid::nil(), i64::MIN, Uuid::nil())) }
    }
}

impl Reconciliation {
    /// The next records; none at the end.
    pub(super) async fn priced(&self, pages: &mut PricedPages<'_>) -> Result<Vec<Priced>, StorageError> {
        let Some((azure, start, identity)) = pages.after.take() else { return Ok(Vec::new()) };
        let rows = pages.azure.iter().map(|azure| vec![Value::Uuid(azure.0)]).collect();
        let args = Args::new().rows(rows).value(pages.partner.0).value(pages.span.0.as_micros()).value(pages.span.1.as_micros());
        let found = self.database.query(&PRICED, args.value(azure).value(start).value(identity).value(PAGE)).await?;
        if let Some(last) = found.last().filter(|_| i64::try_from(found.len()).is_ok_and(|count| count == PAGE)) {
            pages.after = Some((last.get(0)?, last.get(1)?, last.get(2)?));
        }
        found.iter().map(Priced::of).collect()
    }
}
