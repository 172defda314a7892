//! What people do to a batch: `POST /v1/productUpgrades/batches/{batch}/start` and the like.

use super::{find, shown, unknown};
use crate::{
    app::App,
    batches::{ActError, By, How, Move},
    http::{
        actor::{actor, reason},
        acts::acts,
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
    },
    words::words,
};
use axum::http::StatusCode;
use uuid::Uuid;

acts! {
    plan: Move::Plan, start: Move::Start, pause: Move::Pause, resume: Move::Resume, cancel: Move::Cancel, retry: Move::Retry,
    recheck: Move::Recheck,
}

async fn act(app: &App, context: &Context, id: &str, what: Move, name: &str, fields: &Fields) -> Result<Answer, ApiError> {
    let by = By { actor: actor(fields, context)?, reason: reason(fields)? };
    let keep_to_plan = fields.value("keepToPlan")?.is_some_and(|value| !value.is_null()).then(|| fields.flag("keepToPlan")).transpose()?;
    let how = How { keep_to_plan, undo: fields.flag("undo")?, by_schedule: false };
    let batch = find(app, context, id).await?;
    let target = format!("POST /v1/productupgrades/batches/{}/{name}", batch.id);
    once(app, context, &target, &hash(&fields.raw), async {
        let batch = app.batches.act(batch.id, what, &by, how).await.map_err(|error| refused(error, id, name))?;
        Answer::json(&shown::whole(app, &batch).await?)
    })
    .await
}

pub(in crate::http) fn refused(error: ActError, id: &str, name: &str) -> ApiError {
    match error {
        ActError::Unknown => unknown(id),
        ActError::NotAllowedInState(state) => {
            let state = state.name();
            let text =
                words!("A batch in the state {state} cannot do this: {name}.", "Un lot dans l’état {state} ne le permet pas : {name}.");
            ApiError::new(StatusCode::CONFLICT, "409", "NotAllowedInState", text).with("state", state).definite()
        }
        ActError::Scheduled(schedule) => scheduled(schedule),
        ActError::NotPlanned => not_planned(),
        ActError::NotYet => ApiError::internal(&"an act of a person waits for nothing"),
        ActError::Storage(error) => error.into(),
    }
}

/// A schedule has the batch.
pub(in crate::http) fn scheduled(schedule: Uuid) -> ApiError {
    let text = words!(
        "The schedule {schedule} starts this batch at its time: move or cancel the schedule.",
        "La planification {schedule} démarre ce lot le moment venu : déplacez-la ou annulez-la."
    );
    ApiError::new(StatusCode::CONFLICT, "409", "BatchScheduled", text).with("scheduleId", schedule).definite()
}

/// Starts are to be held to plans, and there are none.
pub(in crate::http) fn not_planned() -> ApiError {
    let text = words!(
        "Not every row has a plan to keep to: have it planned first.",
        "Toutes les lignes n’ont pas de plan auquel se tenir : faites d’abord planifier le lot."
    );
    ApiError::new(StatusCode::CONFLICT, "409", "NotPlanned", text).definite()
}
