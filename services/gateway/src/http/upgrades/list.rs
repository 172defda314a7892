//! `GET /v1/productUpgrades`: lists and search, newest first, by key.
//!
//! `q` is free text: where it is an id it finds what has that id, as `id` does; any other text is looked for in what there is, page by
//! page, and an answer says how many it has looked through.

use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, A_STATE, Parameters},
        findings,
        pages::{Asked, Page, link, query_of},
    },
    model::{Filter, Status},
    words::{Locale, Words, words},
};
use axum::{Extension, extract::State, http::HeaderMap};
use planshift_domain::{
    ids::{CustomerId, TransitionId, parse_guid},
    time::{Timestamp, seconds_of},
    transition::{State as TransitionState, TransitionRow},
};
use serde_json::{Value, json};

/// How many it has unless asked otherwise.
const PAGE: u32 = 100;
/// What parameters must be.
const A_TIME: &Words = &Words::both("a time, as 2026-11-22T16:00:00Z", "une date et heure, comme 2026-11-22T16:00:00Z");
const A_LENGTH: &Words = &Words::both("a length of time, as 90s, 15m or 2h", "une durée, comme 90s, 15m ou 2h");
const A_STATUS: &Words = &Words::both("Pending, InProgress, Completed or Failed", "Pending, InProgress, Completed ou Failed");
/// The longest text that is looked for.
const TEXT_CHARS: usize = 200;

pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let guid = |name: &str| parameters.parse(name, A_GUID, parse_guid);
    let state = |name: &str| parameters.parse(name, A_STATE, TransitionState::from_name);
    let partner = guid("partnerId")?.map(Into::into);
    let time = |name: &str| parameters.parse(name, A_TIME, |text| text.parse::<Timestamp>().ok());
    let older = parameters
        .parse("olderThan", A_LENGTH, |text| text.parse::<i64>().ok().or_else(|| seconds_of(text)).filter(|seconds| *seconds >= 0))?;
    let older = older.map(|seconds| app.ports.clock.now().plus_seconds(-seconds));
    let text = parameters.get("q").map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > TEXT_CHARS) {
        let text = words!("The parameter q may have {TEXT_CHARS} characters.", "Le paramètre q peut avoir {TEXT_CHARS} caractères.");
        return Err(ApiError::bad_input("InvalidParameter", text));
    }
    let (text_id, text) = match text.and_then(parse_guid) {
        Some(id) => (Some(id), None),
        None => (None, text),
    };
    let filter = Filter {
        // a caller that is a partner sees its own, whatever it asks for
        partner: context.caller.partner.or(partner),
        customer: guid("customerId")?.map(Into::into),
        state: state("state")?,
        status: parameters.parse("status", A_STATUS, Status::from_name)?,
        started_after: time("startedAfter")?,
        started_before: time("startedBefore")?.into_iter().chain(older).min(),
        any_id: guid("id")?.or(text_id),
    };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let after = asked.after(key)?;
    let query = query_of(&[
        ("partnerId", filter.partner.map(|id| id.to_string())),
        ("customerId", filter.customer.map(|id| id.to_string())),
        ("state", filter.state.map(|state| state.name().to_owned())),
        ("status", filter.status.map(|status| status.name().to_owned())),
        ("startedAfter", filter.started_after.map(|at| at.to_string())),
        ("startedBefore", filter.started_before.map(|at| at.to_string())),
        ("id", filter.any_id.map(|id| id.as_hyphenated().to_string())),
        ("q", text.map(str::to_owned)),
    ]);
    let page = match text {
        _ if filter.states_are_none() => Page { total: Some(0), ..Page::default() },
        None => {
            let page = app.model.list(&filter, after, asked.size).await?;
            Page { items: items(&app, &context, &page.rows).await?, total: page.total, next: page.next.map(token), more: None }
        }
        Some(text) => {
            let found = app.model.search(&filter, text, after, asked.size).await?;
            // how many there are in all is known where everything was looked through at once
            let total = (found.next.is_none() && after.is_none()).then_some(found.rows.len() as u64);
            let more = Some(("lookedThrough", json!(found.looked_through)));
            Page { items: items(&app, &context, &found.rows).await?, total, next: found.next.map(token), more }
        }
    };
    asked.answer("/productUpgrades", &query, page)
}

async fn items(app: &App, context: &Context, rows: &[TransitionRow]) -> Result<Vec<Value>, ApiError> {
    let customers: Vec<CustomerId> = rows.iter().map(|row| row.customer_id).collect();
    let names = app.model.customer_names(context.caller.partner, &customers).await?;
    Ok(rows.iter().map(|row| summary(row, names.get(&row.customer_id), context.locale)).collect())
}

fn token((at, id): (Timestamp, TransitionId)) -> String {
    format!("{:x}-{}", at.as_micros(), id.0.as_simple())
}

fn key(token: &str) -> Option<(Timestamp, TransitionId)> {
    let (at, id) = token.split_once('-')?;
    let at = i64::from_str_radix(at, 16).ok()?;
    Some((Timestamp::from_micros(at), TransitionId(uuid::Uuid::try_parse(id).ok()?)))
}

/// A transition without what is beneath it.
fn summary(row: &TransitionRow, name: Option<&String>, locale: Locale) -> Value {
    json!({
        "transitionId": row.id,
        "partnerId": row.partner_id,
        "customerId": row.customer_id,
        "companyName": name,
        "state": row.state,
        "version": row.version,
        "lines": row.lines,
        "plans": row.plans,
        "mapped": row.mapped,
        "suspended": row.suspended,
        "effectiveAt": row.effective_at,
        "startedAt": row.started_at,
        "endedAt": row.ended_at,
        "closedAt": row.closed_at,
        "startedBy": row.started_by,
        "failure": findings::failure(row.failure.clone(), locale),
        "links": { "self": link(format!("/productUpgrades/{}", row.id)) },
        "attributes": { "objectType": "ProductUpgrade" },
    })
}
