//! `GET /v1/productUpgrades`: lists and search, newest first, by key.
//!
//! `q` is free text: where it is an id it finds what has that id, as `id` does; any other text is looked for in what there is, page by
//! page, and an answer says how many it has looked through.

use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters},
    model::{Filter, Status},
};
use axum::{Extension, extract::State, http::HeaderMap};
use planshift_domain::{
    ids::{TransitionId, parse_guid},
    time::{Timestamp, seconds_of},
    transition::{State as TransitionState, TransitionRow},
};
use serde_json::{Value, json};

/// How many a page has at most. Source: Partner Center's lists.
const LARGEST_PAGE: u32 = 500;
/// How many it has unless asked otherwise.
const PAGE: u32 = 100;
/// The longest text that is looked for.
const TEXT_CHARS: usize = 200;
/// Where the next page begins; opaque to clients.
const TOKEN: &str = "MS-ContinuationToken";

pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let guid = |name: &str| parameters.parse(name, "a GUID", parse_guid);
    let state = |name: &str| parameters.parse(name, "a state, as Completed or NeedsOperator", TransitionState::from_name);
    let partner = guid("partnerId")?.map(Into::into);
    let time = |name: &str| parameters.parse(name, "a time, as 2026-11-22T16:00:00Z", |text| text.parse::<Timestamp>().ok());
    let older = parameters.parse("olderThan", "a length of time, as 90s, 15m or 2h", |text| {
        text.parse::<i64>().ok().or_else(|| seconds_of(text)).filter(|seconds| *seconds >= 0)
    })?;
    let older = older.map(|seconds| app.ports.clock.now().plus_seconds(-seconds));
    let text = parameters.get("q").map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > TEXT_CHARS) {
        return Err(ApiError::bad_input("InvalidParameter", format!("The parameter q may have {TEXT_CHARS} characters.")));
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
        status: parameters.parse("status", "Pending, InProgress, Completed or Failed", Status::from_name)?,
        started_after: time("startedAfter")?,
        started_before: time("startedBefore")?.into_iter().chain(older).min(),
        any_id: guid("id")?.or(text_id),
    };
    let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(PAGE);
    let header = headers.get(TOKEN).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let token = header.or(parameters.get("continuationToken"));
    let wrong = || ApiError::bad_input("InvalidContinuationToken", "The continuation token is none that was given out.");
    let after = token.map(|token| key(token).ok_or_else(wrong)).transpose()?;

    let asked = Asked { filter: &filter, text, size };
    if filter.states_are_none() {
        return asked.answer(&[], Some(0), None, token, None);
    }
    match text {
        None => {
            let page = app.model.list(&filter, after, size).await?;
            asked.answer(&page.rows, Some(page.total), page.next, token, None)
        }
        Some(text) => {
            let found = app.model.search(&filter, text, after, size).await?;
            // how many there are in all is known where everything was looked through at once
            let total = (found.next.is_none() && after.is_none()).then_some(found.rows.len() as u64);
            asked.answer(&found.rows, total, found.next, token, Some(found.looked_through))
        }
    }
}

/// What was asked for: the links lead to the same.
struct Asked<'a> {
    filter: &'a Filter,
    text: Option<&'a str>,
    size: u32,
}

impl Asked<'_> {
    fn answer(
        &self,
        rows: &[TransitionRow],
        total: Option<u64>,
        next: Option<(Timestamp, TransitionId)>,
        token: Option<&str>,
        looked_through: Option<usize>,
    ) -> Result<Answer, ApiError> {
        let next = next.map(|(at, id)| format!("{:x}-{}", at.as_micros(), id.0.as_simple()));
        let mut links = json!({ "self": self.link(token) });
        if let Some(next) = &next {
            links["next"] = self.link(Some(next));
        }
        let mut body = json!({
            "totalCount": total,
            "items": rows.iter().map(summary).collect::<Vec<_>>(),
            "links": links,
            "attributes": { "objectType": "Collection" },
        });
        if let Some(looked_through) = looked_through {
            body["lookedThrough"] = json!(looked_through);
        }
        let answer = Answer::json(&body)?;
        Ok(match next {
            Some(next) => answer.header(TOKEN, next),
            None => answer,
        })
    }

    /// The same list, at this place.
    fn link(&self, token: Option<&str>) -> Value {
        let Self { filter, text, size } = self;
        let mut query = url_query(&[("size", Some(size.to_string()))]);
        query.push_str(&url_query(&[
            ("partnerId", filter.partner.map(|id| id.to_string())),
            ("customerId", filter.customer.map(|id| id.to_string())),
            ("state", filter.state.map(|state| state.name().to_owned())),
            ("status", filter.status.map(|status| status.name().to_owned())),
            ("startedAfter", filter.started_after.map(|at| at.to_string())),
            ("startedBefore", filter.started_before.map(|at| at.to_string())),
            ("id", filter.any_id.map(|id| id.as_hyphenated().to_string())),
            ("q", text.map(str::to_owned)),
            ("continuationToken", token.map(str::to_owned)),
        ]));
        json!({ "uri": format!("/productUpgrades?{}", query.trim_start_matches('&')), "method": "GET", "headers": [] })
    }
}

/// Parameters of a query, each after an `&`; what is no letter, digit or dash of a value stands as its bytes.
fn url_query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        query.push('&');
        query.push_str(name);
        query.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                query.push(char::from(byte));
            } else {
                query.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    query
}

fn key(token: &str) -> Option<(Timestamp, TransitionId)> {
    let (at, id) = token.split_once('-')?;
    let at = i64::from_str_radix(at, 16).ok()?;
    Some((Timestamp::from_micros(at), TransitionId(uuid::Uuid::try_parse(id).ok()?)))
}

/// A transition without what is beneath it.
fn summary(row: &TransitionRow) -> Value {
    json!({
        "transitionId": row.id,
        "partnerId": row.partner_id,
        "customerId": row.customer_id,
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
        "failure": row.failure,
        "links": { "self": { "uri": format!("/productUpgrades/{}", row.id), "method": "GET", "headers": [] } },
        "attributes": { "objectType": "ProductUpgrade" },
    })
}
