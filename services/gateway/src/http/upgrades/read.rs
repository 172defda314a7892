//! One transition: all of it, how far it is, what happened to it, the report.

use super::{find, find_parts, progress::progress_of};
use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters, findings, pages::link},
    model::{Known, expected_end, percent},
    view::assemble,
    words::{Locale, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, header},
};
use planshift_domain::{report::Report, time::Timestamp, view::TransitionView};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// How many history entries an answer has at most: far more than a transition has whose deadlines did not fire for days.
const ENTRIES: u32 = 10_000;

/// `GET /v1/productUpgrades/{id}`: the object that `run --json` prints, its version, how far it is, and when it may end.
pub(in crate::http) async fn view(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Versioned {
        #[serde(flatten)]
        view: TransitionView,
        version: u32,
        percent: Option<u32>,
        #[serde(rename = "expectedEnd")]
        expected_end: Option<Timestamp>,
    }
    let parts = find_parts(&app, &context, &id).await?;
    let row = &parts.known.row;
    let (version, percent) = (row.version, percent(row));
    let now = app.ports.clock.now();
    let expected_end = expected_end(row, &app.model.pace(row).await?, now);
    let mut view = assemble(parts, now);
    view.reasons = findings::translated(view.reasons, context.locale);
    view.warnings = findings::translated(view.warnings, context.locale);
    view.failure = findings::failure(view.failure, context.locale);
    findings::of_lines(&mut view.lines, context.locale);
    Answer::json(&Versioned { view, version, percent, expected_end })
}

/// `GET …/{id}/progress?afterVersion=V&waitSeconds=N`: of fixed size; answered as soon as the version is above V, or after N
/// seconds. Without `afterVersion` it is answered at once. With `until=settled` it is answered when nothing more happens by itself.
pub(in crate::http) async fn progress(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let after = parameters.number("afterVersion", 0, u32::MAX)?;
    let longest = u32::try_from(app.settings.longest_wait.as_secs()).unwrap_or(u32::MAX);
    let wait = parameters.number("waitSeconds", 0, longest)?.unwrap_or(0);
    let until_settled = parameters.parse("until", &words!("settled", "settled"), |word| (word == "settled").then_some(()))?.is_some();
    let mut known = find(&app, &context, &id).await?;
    // one that has settled may yet become complete here without a new version
    let was_settled = known.settled();
    let is_news = |now: &Known| {
        let settled = now.settled();
        settled != was_settled || (!until_settled && after.is_some_and(|after| now.row.version > after))
    };
    let waits = if until_settled { !was_settled } else { after.is_some() };
    if waits && wait > 0 {
        let limit = Duration::from_secs(wait.into());
        known = app.wait_for(known.row.id, limit, &context.gone, is_news).await?.unwrap_or(known);
    }
    Answer::json(&progress_of(&app, &known, context.locale).await?)
}

/// `GET …/{id}/history?after=N&size=M`: the entries, in order.
pub(in crate::http) async fn history(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let after = parameters.number("after", 0, u32::MAX)?.unwrap_or(0);
    let size = parameters.number("size", 1, ENTRIES)?.unwrap_or(ENTRIES);
    let row = find(&app, &context, &id).await?.row;
    let mut entries = app.model.history(row.id, after, size + 1).await?;
    let more = entries.len() > size as usize;
    entries.truncate(size as usize);
    let here = format!("/productUpgrades/{}/history", row.id);
    let mut links = json!({ "self": link(format!("{here}?after={after}&size={size}")) });
    if let Some(last) = entries.last().filter(|_| more) {
        links["next"] = link(format!("{here}?after={}&size={size}", last.number));
    }
    // what was written down stays as it was written: a hash is over it
    Ok(Answer::json(&json!({
        "totalCount": row.history,
        "items": entries,
        "links": links,
        "attributes": { "objectType": "Collection" },
    }))?
    .in_language(Locale::English))
}

/// `GET …/{id}/report`: as text, or as JSON for whoever accepts that.
pub(in crate::http) async fn report(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    let parts = find_parts(&app, &context, &id).await?;
    let history = app.model.history(parts.known.row.id, 0, ENTRIES).await?;
    let mut view = assemble(parts, app.ports.clock.now());
    view.reasons = findings::translated(view.reasons, context.locale);
    let report = Report::new(&view, &history);
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_json = accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().to_ascii_lowercase().starts_with("application/json"));
    let answer = match (context.locale, is_json) {
        (Locale::English, true) => Answer::json(&report)?,
        (Locale::English, false) => Answer::text(report.to_string()),
        (Locale::French, true) => Answer::json(&report.in_french())?,
        (Locale::French, false) => Answer::text(report.in_french().to_string()),
    };
    Ok(answer.in_language(context.locale))
}
