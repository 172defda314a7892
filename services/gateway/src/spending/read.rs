//! What months have come to, as it is shown.

use super::Spendings;
use crate::model::{ListKey, from_json};
use planshift_billing::{Decimal, month::Month, spending::Spending};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError};
use uuid::Uuid;

static ONE: Statement = Statement::new("SELECT body, at FROM customer_spending WHERE partner_id = $1 AND customer_id = $2 AND month = $3");
// few are marked as a rule, and those are gone through
static IS_BEHIND: Statement = Statement::new(
    "SELECT 1 FROM spending_due AS d CROSS JOIN usage_subscriptions AS s
     WHERE d.partner_id = $1 AND d.month = $3 AND s.partner_id = d.partner_id AND s.azure_id = d.azure_id AND s.customer_id = $2
     LIMIT 1",
);
static ALL: Statement = Statement::new(
    "SELECT c.partner_id, c.customer_id, c.company_name, c.sort_name, c.budget, c.currency, s.body, s.at,
            CASE WHEN EXISTS (SELECT 1 FROM transitions AS t
                              WHERE t.customer_id = c.customer_id AND t.partner_id = c.partner_id AND t.state = 'Completed') THEN 1 ELSE 0 END
     FROM customers AS c
     LEFT JOIN customer_spending AS s ON s.partner_id = c.partner_id AND s.customer_id = c.customer_id AND s.month = $2
     WHERE ($1::uuid IS NULL OR c.partner_id = $1) AND (c.budget IS NOT NULL OR s.customer_id IS NOT NULL)
       AND (c.sort_name, c.customer_id, c.partner_id) > ($3::text, $4::uuid, $5::uuid)
     ORDER BY c.sort_name, c.customer_id, c.partner_id LIMIT $6",
);

/// What a customer's month has come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) spending: Spending,
    /// When it was reckoned; none where there is no usage.
    pub(crate) at: Option<Timestamp>,
}

impl Spent {
    /// From two columns of a row that may not be there.
    pub(crate) fn of(row: &Row, first: usize) -> Result<Self, StorageError> {
        let Some(body) = row.get::<Option<String>>(first)? else { return Ok(Self::default()) };
        let spending = from_json("what a customer's month comes to", &body)?;
        Ok(Self { spending, at: row.get::<Option<i64>>(first + 1)?.map(Timestamp::from_micros) })
    }

    /// In this currency; none where that is not known.
    pub(crate) fn amount(&self, currency: &str) -> Option<Decimal> {
        self.spending.in_currency(currency)
    }

    /// Is that all of it? Not where records have no price, or state none in this currency.
    pub(crate) fn is_complete(&self, currency: &str) -> bool {
        let has_more_than_utilization = self.spending.rated > 0 || self.spending.utilization == 0;
        has_more_than_utilization && self.spending.unpriced == 0 && self.spending.in_others(currency) == 0
    }
}

/// A customer that has a budget, or usage in the month.
#[derive(Clone, Debug)]
pub(crate) struct CustomerMonth {
    pub(crate) partner: PartnerId,
    pub(crate) customer: CustomerId,
    pub(crate) company_name: String,
    /// In one spelling.
    pub(crate) budget: Option<String>,
    pub(crate) currency: String,
    pub(crate) spent: Spent,
    /// A transition of it has completed.
    pub(crate) moved: bool,
    sort_name: String,
}

impl CustomerMonth {
    fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            partner: PartnerId(row.get(0)?),
            customer: CustomerId(row.get(1)?),
            company_name: row.get(2)?,
            sort_name: row.get(3)?,
            budget: row.get(4)?,
            currency: row.get(5)?,
            spent: Spent::of(row, 6)?,
            moved: row.get::<i64>(8)? == 1,
        })
    }

    fn key(&self) -> ListKey {
        (self.sort_name.clone(), self.customer, self.partner)
    }
}

impl Spendings {
    /// What a customer's month has come to.
    pub(crate) async fn of(&self, partner: PartnerId, customer: CustomerId, month: Month) -> Result<Spent, StorageError> {
        let args = Args::new().value(partner.0).value(customer.0).value(month.begins().as_micros());
        self.database.query(&ONE, args).await?.first().map_or_else(|| Ok(Spent::default()), |row| Spent::of(row, 0))
    }

    /// Has usage come that is not reckoned yet?
    pub(crate) async fn is_behind(&self, partner: PartnerId, customer: CustomerId, month: Month) -> Result<bool, StorageError> {
        let args = Args::new().value(partner.0).value(customer.0).value(month.begins().as_micros());
        Ok(!self.database.query(&IS_BEHIND, args).await?.is_empty())
    }

    /// The page of at most `size` customers with a budget or usage after `after`, in the order of their names; and where the next begins.
    pub(crate) async fn customers(
        &self,
        partner: Option<PartnerId>,
        month: Month,
        after: Option<ListKey>,
        size: u32,
    ) -> Result<(Vec<CustomerMonth>, Option<ListKey>), StorageError> {
        let (name, customer, whose) = after.map_or((String::new(), Uuid::nil(), Uuid::nil()), |(name, c, p)| (name, c.0, p.0));
        let args = Args::new().value(partner.map(|id| id.0)).value(month.begins().as_micros()).value(name).value(customer).value(whose);
        // one more than wanted tells whether there is a next page
        let found = self.database.query(&ALL, args.value(i64::from(size) + 1)).await?;
        let mut rows: Vec<CustomerMonth> = found.iter().map(CustomerMonth::of).collect::<Result<_, _>>()?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(CustomerMonth::key);
        Ok((rows, next))
    }
}
