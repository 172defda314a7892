//! What was done to batches, as audit records: `filter={"Field":"ResourceType","Value":"product_upgrade_batch","Operator":"equals"}`.
//!
//! A batch is no customer's, so its acts are in no customer's chain, and are listed for themselves.

use crate::{
    app::App,
    batches::{ActKey, ActRecord},
    http::{
        answer::Answer,
        errors::ApiError,
        pages::{Asked, Page},
    },
    model::RecordFilter,
    records::ticks,
};
use planshift_domain::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// What they are of.
pub(super) const BATCH: &str = "product_upgrade_batch";

/// A page of them.
pub(super) async fn acts(app: &App, filter: &RecordFilter, asked: &Asked, query: &str) -> Result<Answer, ApiError> {
    let (records, more) = app.batches.act_records(filter.partner, (filter.from, filter.until), asked.after(key)?, asked.size).await?;
    let next =
        records.last().filter(|_| more).map(|last| format!("b{:x}-{}-{:x}", last.at.as_micros(), last.batch.as_simple(), last.version));
    let total = Some(records.len() as u64);
    let page = Page { items: records.iter().map(record).collect(), total, next, ..Page::default() };
    asked.answer("/auditrecords", query, page)
}

fn record(record: &ActRecord) -> Value {
    let ActRecord { at, batch, version, act, actor, reason, state, partner, reference } = record;
    let operation = format!("{}_{BATCH}", snake(act));
    let data = [
        ("BatchId", batch.to_string()),
        ("ExternalReferenceId", reference.clone()),
        ("Version", version.to_string()),
        ("Text", reason.clone()),
    ];
    let data: Vec<Value> = data.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({
        "id": format!("{partner}_{batch}_{operation}_{}_{version}", ticks(*at)),
        "partnerId": partner,
        "customerId": Value::Null,
        "customerName": "",
        "userPrincipalName": actor,
        "applicationId": Value::Null,
        "resourceType": BATCH,
        "resourceOldValue": Value::Null,
        "resourceNewValue": json!({ "state": state }).to_string(),
        "operationType": operation,
        "originalCorrelationId": batch,
        "operationDate": at,
        "operationStatus": "succeeded",
        "customizedData": data,
        "attributes": { "objectType": "AuditRecord" },
    })
}

/// `AllPlanned` in Partner Center's spelling of operations, `all_planned`.
fn snake(name: &str) -> String {
    name.char_indices().fold(String::with_capacity(name.len() + 2), |mut out, (at, character)| {
        if at > 0 && character.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
        out
    })
}

fn key(token: &str) -> Option<ActKey> {
    let mut parts = token.strip_prefix('b')?.split('-');
    let at = i64::from_str_radix(parts.next()?, 16).ok()?;
    let batch = Uuid::try_parse(parts.next()?).ok()?;
    let version = u32::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some((Timestamp::from_micros(at), batch, version))
}
