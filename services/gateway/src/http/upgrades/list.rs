//! `GET /v1/productUpgrades`: lists and search, newest first, by key.

use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters},
    model::Filter,
};
use axum::{Extension, extract::State, http::HeaderMap};
use planshift_domain::{
    ids::{TransitionId, parse_guid},
    time::Timestamp,
    transition::{State as TransitionState, TransitionRow},
};
use serde_json::{Value, json};

/// How many a page has at most. Source: Partner Center's lists.
const LARGEST_PAGE: u32 = 500;
/// How many it has unless asked otherwise.
const PAGE: u32 = 100;
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
    let filter = Filter {
        // a caller that is a partner sees its own, whatever it asks for
        partner: context.caller.partner.or(partner),
        customer: guid("customerId")?.map(Into::into),
        state: state("state")?,
        any_id: guid("id")?,
    };
    let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(PAGE);
    let header = headers.get(TOKEN).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let token = header.or(parameters.get("continuationToken"));
    let wrong = || ApiError::bad_input("InvalidContinuationToken", "The continuation token is none that was given out.");
    let after = token.map(|token| key(token).ok_or_else(wrong)).transpose()?;

    let page = app.model.list(&filter, after, size).await?;
    let next = page.next.map(|(at, id)| format!("{:x}-{}", at.as_micros(), id.0.as_simple()));
    let mut links = json!({ "self": link(&filter, size, token) });
    if let Some(next) = &next {
        links["next"] = link(&filter, size, Some(next));
    }
    let answer = Answer::json(&json!({
        "totalCount": page.total,
        "items": page.rows.iter().map(summary).collect::<Vec<_>>(),
        "links": links,
        "attributes": { "objectType": "Collection" },
    }))?;
    Ok(match next {
        Some(next) => answer.header(TOKEN, next),
        None => answer,
    })
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

/// The same list, at this place.
fn link(filter: &Filter, size: u32, token: Option<&str>) -> Value {
    let mut uri = format!("/productUpgrades?size={size}");
    for (name, value) in [
        ("partnerId", filter.partner.map(|id| id.to_string())),
        ("customerId", filter.customer.map(|id| id.to_string())),
        ("state", filter.state.map(|state| state.name().to_owned())),
        ("id", filter.any_id.map(|id| id.as_hyphenated().to_string())),
        ("continuationToken", token.map(str::to_owned)),
    ] {
        if let Some(value) = value {
            uri.push_str(&format!("&{name}={value}"));
        }
    }
    json!({ "uri": uri, "method": "GET", "headers": [] })
}
