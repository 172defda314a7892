//! How far a transition is, as answers and events print it: of fixed size, however many lines it has.

use crate::{
    app::App,
    http::{errors::ApiError, findings},
    model::{Known, expected_end, percent},
    words::Locale,
};
use serde_json::{Value, json};

/// How far it is, and when it may be expected to end.
pub(super) async fn progress_of(app: &App, known: &Known, locale: Locale) -> Result<Value, ApiError> {
    let row = &known.row;
    let pace = app.model.pace(row).await?;
    Ok(json!({
        "transitionId": row.id,
        "customerId": row.customer_id,
        "state": row.state,
        "version": row.version,
        "settled": known.settled(),
        "lines": row.lines,
        "plans": row.plans,
        "mapped": row.mapped,
        "suspended": row.suspended,
        "percent": percent(row),
        "expectedEnd": expected_end(row, &pace, app.ports.clock.now()),
        "startedAt": row.started_at,
        "endedAt": row.ended_at,
        "failure": findings::failure(row.failure.clone(), locale),
        "historyCount": row.history,
    }))
}
