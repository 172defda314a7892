//! `/v1/productUpgrades/schedules`: upgrades that begin at their time.

mod acts;
mod create;
mod read;
mod shown;
mod when;

pub(super) use acts::{cancel, reschedule};
pub(super) use create::{MOST_LISTED, create};
pub(super) use read::{history, list, one, rows};

use super::{context::Context, errors::ApiError};
use crate::{app::App, schedules::Schedule, words::words};
use axum::http::StatusCode;
use planshift_domain::ids::parse_guid;

/// The schedule of that id, where the caller may see it.
async fn find(app: &App, context: &Context, id: &str) -> Result<Schedule, ApiError> {
    let known = match parse_guid(id) {
        Some(id) => app.schedules.find(id).await?,
        None => None,
    };
    known.filter(|schedule| context.caller.sees(schedule.partner)).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    let text = words!("There is no schedule {id}.", "Il n’existe pas de planification {id}.");
    ApiError::new(StatusCode::NOT_FOUND, "404", "ScheduleNotFound", text)
}
