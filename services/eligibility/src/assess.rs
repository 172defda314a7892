//! An assessment: what a check would find now, for one who only wants to know. Nothing is marked, and nothing is remembered.

use crate::{
    check::{count, find},
    read::{Check, NO_TRANSITION},
    rules::RuleSettings,
    store,
};
use planshift_domain::{
    message::request::{ASSESSED_FINDINGS, AssessCustomer, AssessOutcome},
    time::Timestamp,
};
use planshift_storage::{Args, StorageError, Transaction};

/// Asks the rules about the newest facts of a customer, if they are whole.
pub(crate) async fn assess(
    tx: &mut Transaction,
    question: &AssessCustomer,
    now: Timestamp,
    settings: RuleSettings,
) -> Result<AssessOutcome, StorageError> {
    let customer = Args::new().value(question.partner_id.0).value(question.customer_id.0);
    let Some(row) = tx.query(&store::LOCK_VERSION, customer).await?.into_iter().next() else {
        return Ok(AssessOutcome::UnknownCustomer);
    };
    let (facts_version, complete): (u32, u32) = (row.get(0)?, row.get(1)?);
    // rows of the version before may have been overwritten by parts of the newer one: neither is whole
    if complete < facts_version {
        return Ok(AssessOutcome::ImportUnderWay);
    }
    let check = Check {
        transition: NO_TRANSITION,
        partner: question.partner_id,
        customer: question.customer_id,
        facts_version,
        checked_at: now,
        plans: false,
    };
    let Some(found) = find(tx, &[check], settings).await?.pop() else {
        return Err(StorageError::Statement("a customer was asked about, and nothing was found".to_owned()));
    };
    let (mut findings, nothing_in_scope) = (found.findings, found.nothing_in_scope);
    let (reasons_total, warnings_total) = (count(findings.reasons.len()), count(findings.warnings.len()));
    findings.reasons.truncate(ASSESSED_FINDINGS);
    findings.warnings.truncate(ASSESSED_FINDINGS);
    Ok(AssessOutcome::Assessed { facts_version, checked_at: now, nothing_in_scope, findings, reasons_total, warnings_total })
}
