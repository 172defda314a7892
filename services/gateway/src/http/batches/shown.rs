//! Batches and their rows as JSON.

use crate::{
    app::App,
    batches::{Acted, Batch, PlanTally, RowState, ShownRow, Tally},
    http::{findings, pages::link},
    words::Locale,
};
use planshift_domain::transition::Finding;
use planshift_storage::StorageError;
use serde_json::{Value, json};

/// A batch with what its rows add up to.
pub(super) async fn whole(app: &App, batch: &Batch) -> Result<Value, StorageError> {
    let tally = app.batches.tally(batch.id).await?;
    let planned = app.batches.plan_tally(batch.id).await?;
    let left = tally.rows(RowState::Waiting) + tally.under_way();
    let expected_end = if batch.state == crate::batches::BatchState::Running {
        app.batches.pace(batch.id).await?.end_of(left, app.ports.clock.now())
    } else {
        None
    };
    let mut shown = summary(batch);
    let (subscriptions, completed) = tally.subscriptions();
    shown["counts"] = counts(&tally);
    shown["percent"] = json!(tally.percent());
    shown["drained"] = json!(tally.under_way() == 0);
    shown["expectedEnd"] = json!(expected_end);
    shown["subscriptions"] = json!({ "total": subscriptions, "completed": completed });
    shown["plan"] = if planned.is_none() { Value::Null } else { plan(&planned) };
    shown["attributes"] = json!({ "objectType": "ProductUpgradeBatch" });
    Ok(shown)
}

/// A batch as lists show it.
pub(super) fn summary(batch: &Batch) -> Value {
    json!({
        "batchId": batch.id,
        "partnerId": batch.partner,
        "externalReferenceId": batch.reference,
        "state": batch.state,
        "settled": batch.state.is_settled(),
        "note": batch.note,
        "version": batch.version,
        "rows": batch.rows,
        "scheduleId": batch.gate.schedule,
        "options": batch.options,
        "keepToPlan": batch.keep_to_plan,
        "undo": batch.undo,
        "createdAt": batch.created_at,
        "createdBy": batch.actor,
        "changedAt": batch.changed_at,
        "startedAt": batch.started_at,
        "endedAt": batch.ended_at,
        "links": { "self": link(format!("/productUpgrades/batches/{}", batch.id)) },
        "attributes": { "objectType": "ProductUpgradeBatchSummary" },
    })
}

pub(in crate::http) fn counts(tally: &Tally) -> Value {
    let counts = RowState::ALL.iter().map(|state| {
        let name = state.name();
        (name[..1].to_lowercase() + &name[1..], json!(tally.rows(*state)))
    });
    Value::Object(counts.collect())
}

fn plan(planned: &PlanTally) -> Value {
    let reasons = planned.reasons.iter().map(|(code, customers)| json!({ "code": code, "customers": customers }));
    json!({
        "wanted": planned.wanted,
        "eligible": planned.eligible,
        "refused": planned.refused,
        "subscriptions": planned.subscriptions,
        "plansToBuy": planned.buy,
        "plansToReuse": planned.reuse,
        "plansToReactivate": planned.reactivate,
        "reasons": reasons.collect::<Vec<_>>(),
    })
}

/// What a row says of itself: the first of its reasons, why it was refused, or what failed.
pub(super) fn description(row: &ShownRow, locale: Locale) -> Option<String> {
    let text = row.description.clone()?;
    let code = row.code.clone().unwrap_or_default();
    let reason = row.reasons.iter().find(|reason| reason.code == code);
    let resource_id = reason.map_or_else(|| row.customer.to_string(), |reason| reason.resource_id.clone());
    Some(findings::said(Finding { code, resource_id, description: text }, locale))
}

/// A row.
pub(in crate::http) fn row(row: &ShownRow, locale: Locale) -> Value {
    let plan = row.plan.as_ref().map(|plan| {
        json!({
            "state": plan.state,
            "planHash": plan.hash,
            "subscriptions": plan.subscriptions,
            "plansToBuy": plan.buy,
            "plansToReuse": plan.reuse,
            "plansToReactivate": plan.reactivate,
        })
    });
    json!({
        "row": row.number,
        "customerId": row.customer,
        "companyName": row.company_name,
        "externalReferenceId": row.reference,
        "planHash": row.given_hash,
        "state": row.state,
        "attempt": row.attempt,
        "transitionId": row.transition,
        "subscriptions": row.subscriptions,
        "code": row.code,
        "description": description(row, locale),
        "reasons": findings::translated(row.reasons.clone(), locale),
        "plan": plan,
        "beganAt": row.began_at,
        "endedAt": row.ended_at,
    })
}

/// Something that was done to a batch.
pub(super) fn act(acted: &Acted) -> Value {
    json!({
        "version": acted.version,
        "at": acted.at,
        "act": acted.act,
        "actor": acted.actor,
        "reason": acted.reason,
        "state": acted.state,
    })
}
