//! What Partner Center's resources have in common: collections, links, ETags, pages.

use crate::http::{answer::Answer, errors::ApiError, fields::Parameters};
use axum::http::HeaderMap;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::fmt::Display;

/// How many items a page has at most, and unless asked otherwise. Source: Partner Center's lists of customers.
pub(super) const LARGEST_PAGE: u32 = 500;
/// Where the next page begins; opaque to clients.
const TOKEN: &str = "MS-ContinuationToken";

/// A link, relative to the version of the API.
pub(super) fn link(uri: impl Into<String>) -> Value {
    json!({ "uri": uri.into(), "method": "GET", "headers": [] })
}

/// The ETag of a resource of that id in that version. Source: the domain's section 5.1.
pub(super) fn etag(id: impl Display, version: u64) -> String {
    BASE64_STANDARD.encode(json!({ "id": id.to_string(), "version": version }).to_string())
}

/// The page that a request asks for.
pub(super) struct Asked {
    pub(super) size: u32,
    pub(super) token: Option<String>,
}

impl Asked {
    /// From the query, and from the header `MS-ContinuationToken`.
    pub(super) fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Self, ApiError> {
        let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(LARGEST_PAGE);
        let header = headers.get(TOKEN).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        Ok(Self { size, token: header.or(parameters.get("continuationToken")).map(str::to_owned) })
    }

    /// What the token says, read by `parse`.
    pub(super) fn after<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
        let wrong = || ApiError::bad_input("InvalidContinuationToken", "The continuation token is none that was given out.");
        self.token.as_deref().map(|token| parse(token).ok_or_else(wrong)).transpose()
    }

    /// A collection: this page, and where the next one begins. `query` is what else the list was asked for, each part with an `&` first.
    pub(super) fn collection(
        &self,
        path: &str,
        query: &str,
        items: Vec<Value>,
        total: u64,
        next: Option<String>,
    ) -> Result<Answer, ApiError> {
        let uri = |token: Option<&str>| {
            let token = token.map(|token| format!("&continuationToken={token}")).unwrap_or_default();
            link(format!("{path}?size={}{query}{token}", self.size))
        };
        let mut links = json!({ "self": uri(self.token.as_deref()) });
        if let Some(next) = &next {
            links["next"] = uri(Some(next));
        }
        let attributes = json!({ "objectType": "Collection" });
        let mut body = json!({ "totalCount": total, "links": links, "attributes": attributes });
        body["items"] = Value::Array(items);
        let answer = Answer::json(&body)?;
        Ok(match next {
            Some(next) => answer.header(TOKEN, next),
            None => answer,
        })
    }
}

/// A collection that is whole on its one page.
pub(super) fn whole(path: &str, items: Vec<Value>) -> Result<Answer, ApiError> {
    let links = json!({ "self": link(path) });
    let mut body = json!({ "totalCount": items.len(), "links": links, "attributes": { "objectType": "Collection" } });
    body["items"] = Value::Array(items);
    Answer::json(&body)
}

/// A text for a query.
pub(super) fn in_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
