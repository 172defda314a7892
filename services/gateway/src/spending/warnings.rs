//! Warnings as they are kept: listed, and seen to.

use super::Spendings;
use planshift_billing::month::Month;
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError};

/// How many of a month are shown: those of several amounts of its budget.
const SHOWN: u32 = 200;

static OF_MONTH: Statement = Statement::new(
    "SELECT threshold, amount, currency, spent, percent, at, acknowledged_at, actor, reason FROM budget_warnings
     WHERE partner_id = $1 AND customer_id = $2 AND month = $3 ORDER BY at DESC, threshold DESC LIMIT $4",
);
static ACKNOWLEDGE: Statement = Statement::new(
    "UPDATE budget_warnings SET acknowledged_at = $4, actor = $5, reason = $6
     WHERE partner_id = $1 AND customer_id = $2 AND month = $3 AND acknowledged_at IS NULL AND at <= $7",
);

/// That a threshold of a budget was reached.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    pub(crate) threshold: u32,
    /// The budget's amount at that time.
    pub(crate) amount: String,
    pub(crate) currency: String,
    /// What was spent at that time.
    pub(crate) spent: String,
    /// How much of the budget that was, in hundredths of a percent; none of a budget of nothing.
    pub(crate) percent: Option<i64>,
    pub(crate) at: Timestamp,
    pub(crate) acknowledged: Option<Acknowledgement>,
}

/// That somebody has seen to it.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledgement {
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) reason: String,
}

impl Warning {
    fn of(row: &Row) -> Result<Self, StorageError> {
        let acknowledged = match row.get::<Option<i64>>(6)? {
            Some(at) => Some(Acknowledgement { at: Timestamp::from_micros(at), actor: row.get(7)?, reason: row.get(8)? }),
            None => None,
        };
        Ok(Self {
            threshold: row.get(0)?,
            amount: row.get(1)?,
            currency: row.get(2)?,
            spent: row.get(3)?,
            percent: row.get::<Option<i64>>(4)?.filter(|percent| *percent != i64::MAX),
            at: Timestamp::from_micros(row.get(5)?),
            acknowledged,
        })
    }
}

impl Spendings {
    /// A customer's of a month, the newest first, and of those the highest.
    pub(crate) async fn warnings(&self, partner: PartnerId, customer: CustomerId, month: Month) -> Result<Vec<Warning>, StorageError> {
        let args = Args::new().value(partner.0).value(customer.0).value(month.begins().as_micros()).value(SHOWN);
        self.database.query(&OF_MONTH, args).await?.iter().map(Warning::of).collect()
    }

    /// Somebody has seen to all of the month that are open, and that had come until then: those that come while he looks stay open. One that is
    /// said twice stays as it was said first.
    pub(crate) async fn acknowledge(
        &self,
        (partner, customer): (PartnerId, CustomerId),
        month: Month,
        until: Timestamp,
        by: &Acknowledgement,
    ) -> Result<(), StorageError> {
        let args = Args::new().value(partner.0).value(customer.0).value(month.begins().as_micros());
        let args = args.value(by.at.as_micros()).value(&by.actor).value(&by.reason).value(until.as_micros());
        self.database.execute(&ACKNOWLEDGE, args).await.map(drop)
    }
}
