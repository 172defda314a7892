//! `/v1/productUpgrades/batches`: many customers moved in one go.

mod acts;
mod create;
mod events;
mod read;
mod results;
mod shown;

pub(super) use acts::{cancel, pause, plan, recheck, resume, retry, start};
pub(super) use acts::{not_planned, refused, scheduled};
pub(super) use create::{create, faulty, partner, reference_of};
pub(super) use events::events;
pub(super) use read::{history, list, one, rows};
pub(super) use results::results;
pub(super) use shown::{counts, row};

use super::{context::Context, errors::ApiError};
use crate::{app::App, batches::Batch, words::words};
use axum::http::StatusCode;
use planshift_domain::ids::parse_guid;

/// The batch of that id, where the caller may see it.
pub(super) async fn find(app: &App, context: &Context, id: &str) -> Result<Batch, ApiError> {
    let known = match parse_guid(id) {
        Some(id) => app.batches.find(id).await?,
        None => None,
    };
    known.filter(|batch| context.caller.sees(batch.partner)).ok_or_else(|| unknown(id))
}

pub(super) fn unknown(id: &str) -> ApiError {
    let text = words!("There is no batch {id}.", "Il n’existe pas de lot {id}.");
    ApiError::new(StatusCode::NOT_FOUND, "404", "BatchNotFound", text)
}
