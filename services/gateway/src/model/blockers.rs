//! How many things stand in the way of each customer, as the last look found it.
//!
//! Eligibility alone knows what stands in the way, and is asked for each customer that is shown. What it says of thousands is kept here, so
//! that a list can be sorted by it: a number, of the facts that were there when it was asked. An import that changes them takes it away.

use super::{
    OverviewFilter, ReadModel,
    overview::{self, meeting},
    stand::could_move,
};
use planshift_domain::ids::{CustomerId, PartnerId};
use planshift_storage::{Args, Statement, StorageError, Value};

/// A customer that is asked about, as it was before it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LookedAt {
    pub(crate) partner: PartnerId,
    pub(crate) customer: CustomerId,
    version: i64,
    known: i64,
}

/// How many things stand in its way.
pub(crate) type Blocked = (LookedAt, u32);

static BEFORE: Statement = Statement::new(
    "SELECT c.partner_id, c.customer_id, c.version, c.blockers FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN customers AS c ON c.partner_id = r.partner_id AND c.customer_id = r.customer_id",
);
macro_rules! unknown {
    ($($list:ident, $count:ident: $whose:literal;)*) => { $(
        pub(super) static $list: Statement = Statement::new(concat!(
            "SELECT partner_id, customer_id, version, blockers FROM customers WHERE ", $whose, meeting!(),
            "AND blockers = -1 AND", could_move!(), "ORDER BY customer_id, partner_id LIMIT $7",
        ));
        static $count: Statement = Statement::new(concat!(
            "SELECT count(*) FROM customers WHERE ", $whose, meeting!(),
            "AND blockers = -1 AND", could_move!(),
        ));
    )* };
}
// a statement for each, so that each has an index that begins with what it asks for
unknown! {
    ALL_UNKNOWN, COUNT_ALL_UNKNOWN: "$1::uuid IS NULL";
    UNKNOWN, COUNT_UNKNOWN: "partner_id = $1::uuid";
}
static KEEP: Statement = Statement::new(
    "UPDATE customers SET blockers = r.blockers
     FROM {1: partner_id uuid, customer_id uuid, version bigint, blockers bigint} AS r
     WHERE customers.partner_id = r.partner_id AND customers.customer_id = r.customer_id AND customers.version = r.version",
);

impl ReadModel {
    /// These customers, before somebody asks about them; in no certain order, and only those that there are.
    pub(crate) async fn before_looking(&self, customers: &[(PartnerId, CustomerId)]) -> Result<Vec<LookedAt>, StorageError> {
        let keys = customers.iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect();
        looked_at(&self.database.query(&BEFORE, Args::new().rows(keys)).await?)
    }

    /// Some of the customers that meet the filter, about whom nobody has asked since their last import, and who could move.
    pub(crate) async fn not_looked_at(&self, filter: &OverviewFilter, most: u32) -> Result<Vec<LookedAt>, StorageError> {
        let list = if filter.partner.is_some() { &UNKNOWN } else { &ALL_UNKNOWN };
        looked_at(&self.in_order(list, filter.args().value(most)).await?)
    }

    /// How many of them there are.
    pub(crate) async fn count_not_looked_at(&self, filter: &OverviewFilter) -> Result<u64, StorageError> {
        let count = if filter.partner.is_some() { &COUNT_UNKNOWN } else { &COUNT_ALL_UNKNOWN };
        let rows = self.database.query(count, filter.args()).await?;
        Ok(u64::try_from(rows.first().map_or(Ok(0), |row| row.get::<i64>(0))?).unwrap_or_default())
    }

    /// Keeps what was found. Nothing is written where it was known, or where an import came in between.
    pub(crate) async fn keep_blockers(&self, found: &[Blocked]) -> Result<(), StorageError> {
        let mut new: Vec<&Blocked> = found.iter().filter(|(before, count)| before.known != i64::from(*count)).collect();
        if new.is_empty() {
            return Ok(());
        }
        new.sort_unstable_by_key(|(before, _)| (before.partner, before.customer));
        let keys = new.iter().map(|(before, _)| vec![before.partner.0.into(), before.customer.0.into()]).collect();
        let rows = new.iter().map(|(before, count)| -> Vec<Value> {
            vec![before.partner.0.into(), before.customer.0.into(), before.version.into(), (*count).into()]
        });
        let mut transaction = self.database.begin().await?;
        transaction.query(&overview::LOCK, Args::new().rows(keys)).await?;
        transaction.execute(&KEEP, Args::new().rows(rows.collect())).await?;
        transaction.commit().await
    }
}

fn looked_at(rows: &[planshift_storage::Row]) -> Result<Vec<LookedAt>, StorageError> {
    let read = rows.iter().map(|row| {
        let (partner, customer) = (PartnerId(row.get(0)?), CustomerId(row.get(1)?));
        Ok(LookedAt { partner, customer, version: row.get(2)?, known: row.get(3)? })
    });
    read.collect()
}
