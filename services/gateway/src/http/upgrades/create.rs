//! `POST /v1/productUpgrades`: the coordinator decides, eligibility speaks, and the answer says which.

use super::{UpgradeRequest, partner_of, plan::hash_of};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        findings,
        once::{hash, once},
        reasons,
    },
    model::{Changes, Known},
    view::assemble,
    words::words,
};
use axum::{Extension, extract::State, http::StatusCode};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    message::{
        event::TransitionChanged,
        request::{Priority, StartOutcome, StartTransition},
    },
    transition::{State as TransitionState, TransitionRow},
};

pub(in crate::http) async fn create(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let UpgradeRequest { customer_id, .. } = UpgradeRequest::read(&fields)?;
    let plan_hash = hash_of(&fields)?;
    let partner_id = partner_of(&app, &context, customer_id, &fields, &parameters).await?;
    // the partner belongs to what the key stands for: it may have come in the query
    let target = format!("POST /v1/productupgrades of {partner_id}");
    once(&app, &context, &target, &hash(&fields.raw), start(&app, &context, partner_id, customer_id, plan_hash)).await
}

async fn start(
    app: &App,
    context: &Context,
    partner_id: PartnerId,
    customer_id: CustomerId,
    plan_hash: Option<String>,
) -> Result<Answer, ApiError> {
    let actor = context.caller.actor.clone();
    let question = StartTransition {
        request_id: context.request_id,
        partner_id,
        customer_id,
        actor,
        plan_hash,
        priority: Priority::Interactive,
        batch: None,
    };
    match app.ask(&question, &context.trace).await?.outcome {
        StartOutcome::Accepted { transition_id } => {
            tracing::info!(transition = %transition_id, trace_id = context.trace.trace_id, customer = %customer_id, "transition accepted");
            accepted(app, context, (partner_id, customer_id), transition_id).await
        }
        StartOutcome::InProgress { transition_id } => {
            let text = words!(
                "The upgrade {transition_id} of the customer is in progress.",
                "La mise à niveau {transition_id} du client est en cours."
            );
            Err(ApiError::new(StatusCode::CONFLICT, "900109", "UpgradeInProgress", text).with("transitionId", transition_id).definite())
        }
        StartOutcome::UnknownCustomer => Err(ApiError::not_imported(customer_id).definite()),
        StartOutcome::ImportUnderWay => Err(ApiError::import_under_way()),
    }
}

/// Accepted under this id. Most customers are checked within moments: an answer that waits for it can say that they may not move.
async fn accepted(app: &App, context: &Context, whose: (PartnerId, CustomerId), id: TransitionId) -> Result<Answer, ApiError> {
    // not cut short by a client that is gone: what is answered is stored under its key
    let never = tokio_util::sync::CancellationToken::new();
    let known = app.wait_for(id, app.settings.eligibility_wait, &never, has_spoken).await?;
    if known.is_none() {
        // its events are late: who looks for it right after the answer must find it all the same
        app.model.apply(&stub(app, context, whose, id), app.ports.clock.now(), app.settings.gap).await?;
    }
    if !known.is_some_and(|known| known.row.state == TransitionState::Ineligible && has_spoken(&known)) {
        return Ok(Answer::accepted(id));
    }
    let parts = app.model.parts(id).await?.ok_or_else(|| ApiError::unknown_upgrade(&id.to_string()))?;
    let view = assemble(parts, app.ports.clock.now());
    let warnings = findings::translated(view.warnings, context.locale);
    let error = reasons::ineligible(id, &view.reasons, context.locale);
    Err(error.with("customerId", view.customer_id).with("warnings", &warnings).definite())
}

/// Eligibility has spoken, and where it refused, all that it said is here.
fn has_spoken(known: &Known) -> bool {
    match known.row.state {
        TransitionState::Requested | TransitionState::CheckingEligibility => false,
        TransitionState::Ineligible => known.settled(),
        _ => true,
    }
}

/// The transition's row before its first event, so that it is found at once. Its version is lower than any event's.
fn stub(app: &App, context: &Context, (partner_id, customer_id): (PartnerId, CustomerId), id: TransitionId) -> Changes {
    let transition = TransitionRow {
        id,
        version: 0,
        partner_id,
        customer_id,
        state: TransitionState::Requested,
        left_state: None,
        facts_version: 0,
        failure: None,
        lines: 0,
        plans: 0,
        mapped: 0,
        suspended: 0,
        effective_at: None,
        started_at: app.ports.clock.now(),
        ended_at: None,
        started_by: context.caller.actor.clone(),
        closed_at: None,
        history: 0,
        traceparent: context.trace.traceparent(),
        batch: None,
    };
    let mut changes = Changes::default();
    changes.transition(TransitionChanged { transition, plans: Vec::new(), lines: Vec::new(), packets: Vec::new(), history: Vec::new() });
    changes
}
