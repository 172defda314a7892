//! Schedules looked at: the list, one with its days, its rows, what was done to it.

use super::{find, shown};
use crate::{
    app::App,
    batches::{RowFilter, RowState},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked, Page, again, place_of, token_of, whole},
    },
    schedules::{ScheduleFilter, ScheduleState},
    words::Words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use uuid::Uuid;

/// How many a page has unless asked otherwise.
const PAGE: u32 = 100;
const A_SCHEDULE_STATE: &Words =
    &Words::both("a state of a schedule, as Waiting or Running", "un état de planification, comme Waiting ou Running");
const A_ROW_STATE: &Words = &Words::both("a state of a row, as Waiting or Failed", "un état de ligne, comme Waiting ou Failed");
const A_TIME: &Words = &Words::both("a time (RFC 3339)", "un instant (RFC 3339)");

/// `GET /v1/productUpgrades/schedules?partnerId=&state=&customerId=&from=&to=&size=`: newest first.
pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let named = parameters.parse("partnerId", A_GUID, |text| text.parse::<PartnerId>().ok())?;
    let time = |name| parameters.parse(name, A_TIME, |text| text.parse::<Timestamp>().ok());
    let filter = ScheduleFilter {
        // a caller that is a partner sees its own, whatever it asks for
        partner: context.caller.partner.or(named),
        state: parameters.parse("state", A_SCHEDULE_STATE, ScheduleState::from_name)?,
        customer: parameters.parse("customerId", A_GUID, |text| text.parse().ok())?,
        from: time("from")?,
        to: time("to")?,
    };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let mut schedules = app.schedules.list(filter, asked.after(place_of)?, asked.size + 1).await?;
    let next = asked.cut(&mut schedules, |last| token_of(last.created_at, last.id));
    let ids: Vec<Uuid> = schedules.iter().map(|schedule| schedule.id).collect();
    let (late, now) = (app.schedules.late_since(&ids).await?, app.ports.clock.now());
    let items = schedules.iter().map(|schedule| shown::summary(schedule, late.get(&schedule.id).copied(), now)).collect();
    let page = Page { items, next, ..Page::default() };
    asked.answer("/productUpgrades/schedules", &again(&parameters, &["partnerId", "state", "customerId", "from", "to"]), page)
}

/// `GET /v1/productUpgrades/schedules/{schedule}`.
pub(in crate::http) async fn one(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let schedule = find(&app, &context, &id).await?;
    Answer::json(&shown::whole(&app, &schedule).await?)
}

/// `GET /v1/productUpgrades/schedules/{schedule}/rows?state=&customerId=&size=`: in the order of their numbers.
pub(in crate::http) async fn rows(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let schedule = find(&app, &context, &id).await?;
    let state = parameters.parse("state", A_ROW_STATE, RowState::from_name)?;
    let filter = RowFilter { state, customer: parameters.parse("customerId", A_GUID, |text| text.parse().ok())? };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let after = asked.after(|token| token.parse::<u32>().ok())?.unwrap_or_default();
    let mut rows = app.batches.rows((schedule.batch, schedule.partner.0), filter, after, asked.size + 1).await?;
    let next = asked.cut(&mut rows, |last| last.number.to_string());
    let (days, now) = (app.schedules.days(schedule.id).await?, app.ports.clock.now());
    let items = rows.iter().map(|row| shown::row(&schedule, &days, row, now, context.locale)).collect();
    let path = format!("/productUpgrades/schedules/{}/rows", schedule.id);
    asked.answer(&path, &again(&parameters, &["state", "customerId"]), Page { items, next, ..Page::default() })
}

/// `GET /v1/productUpgrades/schedules/{schedule}/history`: who did what to it and why, the newest first.
pub(in crate::http) async fn history(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let schedule = find(&app, &context, &id).await?;
    let acts = app.schedules.acts(schedule.id).await?;
    whole(&format!("/productUpgrades/schedules/{}/history", schedule.id), acts.iter().map(shown::act).collect())
}
