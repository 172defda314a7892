//! Each effect once, by the ledgers and by the tables.

use super::{Finding, rows};
use crate::{client::Client, fleet::Stores};
use planshift_messaging::Service;
use planshift_storage::{Statement, StorageError};
use uuid::Uuid;

/// Change points that a transition appended to one subscription's ownership: one there, and one back.
static POINTS: Statement = Statement::new(
    "SELECT transition_id, azure_subscription_id, count(plan_id), count(*) - count(plan_id) FROM ownership
     GROUP BY transition_id, azure_subscription_id HAVING count(plan_id) > 1 OR count(*) - count(plan_id) > count(plan_id)",
);
/// Subscriptions that a transition is said to have put under a plan, without the ledger's word for it, or the other way about.
static ATTACHED: Statement = Statement::new(
    "SELECT a.attached_by, a.azure_subscription_id FROM azure_subscriptions AS a
     WHERE a.attached_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger AS l
         WHERE l.transition_id = a.attached_by AND l.item = a.azure_subscription_id AND l.state = 'done')
     UNION ALL
     SELECT l.transition_id, l.item FROM ledger AS l
     WHERE l.state = 'done' AND NOT EXISTS (SELECT 1 FROM azure_subscriptions AS a
         WHERE a.attached_by = l.transition_id AND a.azure_subscription_id = l.item)",
);
static SUSPENDED: Statement = Statement::new(
    "SELECT c.suspended_by, c.commerce_subscription_id FROM commerce_subscriptions AS c
     WHERE c.suspended_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger AS l
         WHERE l.transition_id = c.suspended_by AND l.item = c.commerce_subscription_id AND l.state = 'done')",
);
/// Plans that a transition has active without the ledger's word for it.
static ACTIVE: Statement = Statement::new(
    "SELECT p.activated_by, p.plan_id FROM plans AS p
     WHERE p.origin = 'bought' AND p.status = 'active' AND NOT EXISTS (SELECT 1 FROM ledger AS l
         WHERE l.transition_id = p.activated_by AND l.item = p.reseller AND l.state = 'done')",
);
static REQUESTS: Statement = Statement::new(
    "SELECT request_id, id FROM transitions UNION ALL SELECT moved_up_by, id FROM transitions WHERE moved_up_by IS NOT NULL",
);

/// What was done twice, or without the ledger.
///
/// # Errors
/// Any of a reading statement.
pub fn effects(client: &Client, stores: &Stores) -> Result<Vec<Finding>, StorageError> {
    let mut findings = Vec::new();
    let mut look = |service: Service, statement: &'static Statement, words: &str| -> Result<(), StorageError> {
        let Some(store) = stores.get(&service) else { return Ok(()) };
        for row in rows(store, statement)? {
            let (transition, item): (Uuid, String) = (row.get(0)?, row.get(1)?);
            findings.push(Finding::new("one effect", format!("{words}: {item} by {transition}"), [transition]));
        }
        Ok(())
    };
    look(Service::Mapping, &POINTS, "ownership changed hands more than once there and back")?;
    look(Service::Mapping, &ATTACHED, "the ledger and the attachments do not say the same")?;
    look(Service::Suspension, &SUSPENDED, "suspended without the ledger's word")?;
    look(Service::Purchasing, &ACTIVE, "an active plan without the ledger's word")?;
    findings.extend(requests(client, stores)?);
    Ok(findings)
}

/// The same request made one transition, and the asker was told which.
fn requests(client: &Client, stores: &Stores) -> Result<Vec<Finding>, StorageError> {
    let Some(coordinator) = stores.get(&Service::Coordinator) else { return Ok(Vec::new()) };
    let mut made = std::collections::BTreeMap::new();
    for row in rows(coordinator, &REQUESTS)? {
        made.insert(row.get::<Uuid>(0)?, row.get::<Uuid>(1)?);
    }
    let wrong = client
        .accepted()
        .into_iter()
        .filter(|(request, told)| told.len() != 1 || !told.iter().all(|transition| made.get(request) == Some(&transition.0)));
    Ok(wrong
        .map(|(request, told)| {
            let text = format!("request {request} was told that it made {told:?}, and made {:?}", made.get(&request));
            Finding::new("I11", text, told.into_iter().map(|id| id.0))
        })
        .collect())
}
