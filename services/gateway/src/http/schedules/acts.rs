//! What people do to a schedule: `PUT /v1/productUpgrades/schedules/{schedule}` moves it, `POST …/cancel` cancels it.

use super::{find, shown, unknown, when::when};
use crate::{
    app::App,
    batches::By,
    http::{
        actor::{actor, reason},
        answer::Answer,
        batches,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
    },
    schedules::ScheduleError,
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

pub(in crate::http) async fn reschedule(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let by = By { actor: actor(&fields, &context)?, reason: reason(&fields).map_err(|error| error.of("reason"))? };
    let schedule = find(&app, &context, &id).await?;
    let when = when(&fields)?;
    let target = format!("PUT /v1/productupgrades/schedules/{}", schedule.id);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let schedule = app.schedules.reschedule(schedule.id, when, &by).await.map_err(|error| refused(error, &id))?;
        Answer::json(&shown::whole(&app, &schedule).await?)
    })
    .await
}

pub(in crate::http) async fn cancel(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let by = By { actor: actor(&fields, &context)?, reason: reason(&fields)? };
    let schedule = find(&app, &context, &id).await?;
    let target = format!("POST /v1/productupgrades/schedules/{}/cancel", schedule.id);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let schedule = app.schedules.cancel(schedule.id, &by).await.map_err(|error| refused(error, &id))?;
        Answer::json(&shown::whole(&app, &schedule).await?)
    })
    .await
}

fn refused(error: ScheduleError, id: &str) -> ApiError {
    match error {
        ScheduleError::Unknown => unknown(id),
        ScheduleError::NotAllowedInState(state) => {
            let state = state.name();
            let text = words!(
                "A schedule in the state {state} is over: it can be neither moved nor cancelled.",
                "Une planification dans l’état {state} est terminée : elle ne peut être ni déplacée ni annulée."
            );
            ApiError::new(StatusCode::CONFLICT, "409", "NotAllowedInState", text).with("state", state).definite()
        }
        ScheduleError::NothingWaits => ApiError::new(StatusCode::CONFLICT, "409", "NothingWaits", nothing_waits()).definite(),
        ScheduleError::When(error) => error.into(),
        ScheduleError::Batch(error) => batches::refused(error, id, "cancel"),
        ScheduleError::Storage(error) => error.into(),
    }
}

pub(super) fn nothing_waits() -> Words {
    words!(
        "No row of the batch waits: there is nothing to begin later.",
        "Aucune ligne du lot n’attend : il n’y a rien à commencer plus tard."
    )
}
