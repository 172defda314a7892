//! What people do to a batch: `POST /v1/productUpgrades/batches/{batch}/start` and the like.

use super::{find, shown, unknown};
use crate::{
    app::App,
    batches::{ActError, By, How, Move},
    http::{
        actor::{actor, reason},
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
    },
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

macro_rules! acts {
    ($($name:ident: $act:expr),* $(,)?) => { $(
        pub(in crate::http) async fn $name(
            State(app): State<App>,
            Extension(context): Extension<Context>,
            Path(id): Path<String>,
            fields: Fields,
        ) -> Result<Answer, ApiError> {
            act(&app, &context, &id, $act, stringify!($name), &fields).await
        }
    )* };
}
acts! {
    plan: Move::Plan, start: Move::Start, pause: Move::Pause, resume: Move::Resume, cancel: Move::Cancel, retry: Move::Retry,
    recheck: Move::Recheck,
}

async fn act(app: &App, context: &Context, id: &str, what: Move, name: &str, fields: &Fields) -> Result<Answer, ApiError> {
    let by = By { actor: actor(fields, context)?, reason: reason(fields)? };
    let keep_to_plan = fields.value("keepToPlan")?.is_some_and(|value| !value.is_null()).then(|| fields.flag("keepToPlan")).transpose()?;
    let how = How { keep_to_plan, undo: fields.flag("undo")? };
    let batch = find(app, context, id).await?;
    let target = format!("POST /v1/productupgrades/batches/{}/{name}", batch.id);
    once(app, context, &target, &hash(&fields.raw), async {
        let batch = app.batches.act(batch.id, what, &by, how).await.map_err(|error| refused(error, id, name))?;
        Answer::json(&shown::whole(app, &batch).await?)
    })
    .await
}

fn refused(error: ActError, id: &str, name: &str) -> ApiError {
    match error {
        ActError::Unknown => unknown(id),
        ActError::NotAllowedInState(state) => {
            let state = state.name();
            let text =
                words!("A batch in the state {state} cannot do this: {name}.", "Un lot dans l’état {state} ne le permet pas : {name}.");
            ApiError::new(StatusCode::CONFLICT, "409", "NotAllowedInState", text).with("state", state).definite()
        }
        ActError::NotPlanned => {
            let text = words!(
                "Not every row has a plan to keep to: have it planned first.",
                "Toutes les lignes n’ont pas de plan auquel se tenir : faites d’abord planifier le lot."
            );
            ApiError::new(StatusCode::CONFLICT, "409", "NotPlanned", text).definite()
        }
        ActError::NotYet => ApiError::internal(&"an act of a person waits for nothing"),
        ActError::Storage(error) => error.into(),
    }
}
