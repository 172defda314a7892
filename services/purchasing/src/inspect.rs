//! What is stored, for verification: read page by page, in the order of the keys.

use crate::{store, worker::status};
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{CustomerId, PartnerId, PlanId, Reseller, TransitionId},
};
use planshift_storage::{Args, Database, Row, StorageError};
use uuid::Uuid;

pub use planshift_storage::ledger::page as ledger;

/// A plan as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The plan.
    pub plan_id: PlanId,
    /// Its reseller.
    pub reseller: Reseller,
    /// Its status; `deleted` where the newest facts no longer tell of it.
    pub status: PlanStatus,
    /// The version of the customer's facts that told of it last; 0 for one that was bought here.
    pub facts_version: u32,
    /// Bought here, not told of by a document.
    pub bought: bool,
    /// The transition that bought it or made it active again last.
    pub activated_by: Option<TransitionId>,
    /// The transition whose compensation suspended it.
    pub suspended_by: Option<TransitionId>,
}

/// The next plans after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn plans(database: &Database, after: Option<(PartnerId, CustomerId, PlanId)>, limit: u32) -> Result<Vec<Plan>, StorageError> {
    let (partner, customer, plan) = after.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |(a, b, c)| (a.0, b.0, c.0));
    let args = Args::new().value(partner).value(customer).value(plan).value(limit);
    database.query(&store::PAGE, args).await?.iter().map(plan_of).collect()
}

/// The plans of these keys, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn plans_of(database: &Database, keys: &[(PartnerId, CustomerId, PlanId)]) -> Result<Vec<Plan>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.iter().map(|(partner, customer, plan)| vec![partner.0.into(), customer.0.into(), plan.0.into()]).collect();
    database.query(&store::FIND, Args::new().rows(rows)).await?.iter().map(plan_of).collect()
}

fn plan_of(row: &Row) -> Result<Plan, StorageError> {
    let (reseller, origin): (String, String) = (row.get(3)?, row.get(5)?);
    let (facts_version, complete): (i64, i64) = (row.get(8)?, row.get(9)?);
    let bought = origin == "bought";
    let stored = status(&row.get::<String>(4)?, 4)?;
    Ok(Plan {
        partner_id: PartnerId(row.get(0)?),
        customer_id: CustomerId(row.get(1)?),
        plan_id: PlanId(row.get(2)?),
        reseller: Reseller::from_key(&reseller).map_err(|error| StorageError::Decode { column: 3, problem: error.to_string() })?,
        status: if bought || facts_version >= complete { stored } else { PlanStatus::Deleted },
        facts_version: row.get(8)?,
        bought,
        activated_by: row.get::<Option<Uuid>>(6)?.map(TransitionId),
        suspended_by: row.get::<Option<Uuid>>(7)?.map(TransitionId),
    })
}
