//! `/v1/queues`: how much every queue holds, and how many take from it.

use super::{actor::for_operators, answer::Answer, context::Context, errors::ApiError};
use crate::{
    app::App,
    words::{Words, words},
};
use axum::{Extension, extract::State};

const WHAT: &Words = &Words::both("Queues", "Les files");

/// `GET /v1/queues`.
pub(super) async fn read(State(app): State<App>, Extension(context): Extension<Context>) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let queues = app.queues.look().await.map_err(|error| {
        tracing::warn!(%error, "the queues are not looked at");
        ApiError::unavailable(words!("The broker is away. Try again.", "Le service de messagerie n’est pas joignable. Réessayez."))
    })?;
    Answer::json(&queues)
}
