//! What the rules need to know of customers, read from the database: small things at once, subscriptions page by page.

use crate::{plan::Before, store};
use planshift_domain::{
    account::facts::{CustomerFacts, PartnerFacts, ResellerFacts, SubscriptionFacts},
    ids::{CustomerId, MpnId, PartnerId, PlanId, Reseller, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, StorageError, Transaction, Value};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many subscriptions are in memory at once: some megabytes.
const PAGE: u32 = 2_000;

/// Nobody's transition: every line there is is another's, as it is for a transition that has only just begun.
pub(crate) const NO_TRANSITION: TransitionId = TransitionId(Uuid::nil());

/// A check that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub transition: TransitionId,
    pub partner: PartnerId,
    pub customer: CustomerId,
    pub facts_version: u32,
    pub checked_at: Timestamp,
    /// The plan is wanted too, or at least its hash.
    pub plans: bool,
}

/// A customer without its subscriptions.
pub(crate) struct Known {
    pub partner: PartnerFacts,
    pub customer: CustomerFacts,
    pub resellers: BTreeMap<MpnId, ResellerFacts>,
    pub active_plans: BTreeSet<Reseller>,
}

/// Everything but the subscriptions, for each check.
pub(crate) async fn known(tx: &mut Transaction, checks: &[Check]) -> Result<Vec<Known>, StorageError> {
    let rows = place_rows(checks);
    let mut found: BTreeMap<usize, Known> = BTreeMap::new();
    for row in tx.query(&store::HEADS, Args::new().rows(rows.clone())).await? {
        let known = Known { partner: json(&row, 1)?, customer: json(&row, 2)?, resellers: BTreeMap::new(), active_plans: BTreeSet::new() };
        found.insert(place(&row)?, known);
    }
    for row in tx.query(&store::RESELLERS, Args::new().rows(rows.clone())).await? {
        let reseller: ResellerFacts = json(&row, 1)?;
        if let Some(known) = found.get_mut(&place(&row)?) {
            known.resellers.insert(reseller.mpn_id.clone(), reseller);
        }
    }
    for row in tx.query(&store::ACTIVE_PLANS, Args::new().rows(rows)).await? {
        let key: String = row.get(1)?;
        let reseller = Reseller::from_key(&key).map_err(|error| StorageError::Decode { column: 1, problem: error.to_string() })?;
        if let Some(known) = found.get_mut(&place(&row)?) {
            known.active_plans.insert(reseller);
        }
    }
    if found.len() != checks.len() {
        return Err(StorageError::Statement(format!("{} of {} customers have no facts", checks.len() - found.len(), checks.len())));
    }
    Ok(found.into_values().collect())
}

/// What a plan needs to know before, for each check that wants one.
pub(crate) async fn before(tx: &mut Transaction, checks: &[Check]) -> Result<BTreeMap<usize, Before>, StorageError> {
    let rows: Vec<_> = place_rows(checks).into_iter().zip(checks).filter(|(_, check)| check.plans).map(|(row, _)| row).collect();
    let mut found: BTreeMap<usize, Before> = BTreeMap::new();
    if rows.is_empty() {
        return Ok(found);
    }
    found.extend(checks.iter().enumerate().filter(|(_, check)| check.plans).map(|(place, _)| (place, Before::default())));
    for row in tx.query(&store::PLANS, Args::new().rows(rows.clone())).await? {
        let key: String = row.get(1)?;
        let reseller = Reseller::from_key(&key).map_err(|error| StorageError::Decode { column: 1, problem: error.to_string() })?;
        let Some(before) = found.get_mut(&place(&row)?) else { continue };
        match row.get::<Option<Uuid>>(2)? {
            None => {
                before.moved_before.insert(reseller);
            }
            Some(plan) => {
                let smallest = before.in_document.entry(reseller).or_insert(PlanId(plan));
                *smallest = (*smallest).min(PlanId(plan));
            }
        }
    }
    for row in tx.query(&store::RELEASES, Args::new().rows(rows)).await? {
        if let Some(before) = found.get_mut(&place(&row)?) {
            before.releases = row.get(1)?;
        }
    }
    Ok(found)
}

/// Hands every subscription in scope to `each`, with the place of its check.
pub(crate) async fn in_scope(
    tx: &mut Transaction,
    checks: &[Check],
    each: &mut (dyn FnMut(usize, SubscriptionFacts) + Send),
) -> Result<(), StorageError> {
    let rows = place_rows(checks);
    let mut next = 0;
    while next < checks.len() {
        let args = Args::new().rows(rows.clone()).value(i64::try_from(next).unwrap_or(i64::MAX)).value(PAGE);
        let page = tx.query(&store::IN_SCOPE, args).await?;
        for row in &page {
            each(place(row)?, json(row, 2)?);
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE as usize) else { return Ok(()) };
        let (cut, commerce) = (place(last)?, last.get(1)?);
        if let Some(check) = checks.get(cut) {
            rest_of_one(tx, check, commerce, &mut |facts| each(cut, facts)).await?;
        }
        next = cut + 1;
    }
    Ok(())
}

async fn rest_of_one(
    tx: &mut Transaction,
    check: &Check,
    mut after: Uuid,
    each: &mut (dyn FnMut(SubscriptionFacts) + Send),
) -> Result<(), StorageError> {
    loop {
        let args = Args::new().value(check.partner.0).value(check.customer.0).value(check.facts_version).value(check.transition.0);
        let page = tx.query(&store::IN_SCOPE_OF_ONE, args.value(after).value(PAGE)).await?;
        for row in &page {
            each(json(row, 1)?);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = last.get(0)?,
            _ => return Ok(()),
        }
    }
}

fn place_rows(checks: &[Check]) -> Vec<Vec<Value>> {
    let row = |(place, check): (i64, &Check)| {
        vec![place.into(), check.partner.0.into(), check.customer.0.into(), check.facts_version.into(), check.transition.0.into()]
    };
    (0..).zip(checks).map(row).collect()
}

fn place(row: &Row) -> Result<usize, StorageError> {
    let place: i64 = row.get(0)?;
    usize::try_from(place).map_err(|error| StorageError::Decode { column: 0, problem: error.to_string() })
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StorageError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| StorageError::Decode { column, problem: error.to_string() })
}
