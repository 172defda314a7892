//! Collections, and pages of them. Source: the domain's section 5.2: a list is never cut short without `links.next`.

use super::{answer::Answer, errors::ApiError, fields::Parameters};
use crate::words::words;
use axum::http::HeaderMap;
use planshift_domain::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// How many items a page has at most. Source: Partner Center's lists of customers.
pub(super) const LARGEST_PAGE: u32 = 500;
/// Where the next page begins; opaque to clients.
const TOKEN: &str = "MS-ContinuationToken";
/// In a token, between the number of all and the key; no key has it.
const COUNTED: char = '~';

/// The page that a request asks for.
pub(super) struct Asked {
    pub(super) size: u32,
    token: Option<String>,
    /// How many there are in all, as the first page counted them: where counting costs more than a page, the others are told.
    pub(super) counted: Option<u64>,
}

/// A page of a list.
#[derive(Default)]
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// How many there are in all, where that is known.
    pub(super) total: Option<u64>,
    /// Where the next page begins, where there is one.
    pub(super) next: Option<String>,
    /// One more property of the collection.
    pub(super) more: Option<(&'static str, Value)>,
}

impl Asked {
    /// From the query, and from the header `MS-ContinuationToken`. Without a `size` a page has `usual` items.
    pub(super) fn read(headers: &HeaderMap, parameters: &Parameters, usual: u32) -> Result<Self, ApiError> {
        let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(usual);
        let header = headers.get(TOKEN).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        let token = header.or(parameters.get("continuationToken")).map(str::to_owned);
        let counted =
            token.as_deref().and_then(|token| token.split_once(COUNTED)).and_then(|(counted, _)| u64::from_str_radix(counted, 16).ok());
        Ok(Self { size, token, counted })
    }

    /// The token of a page whose list has `total`, so that it need not be counted for that page again.
    pub(super) fn counted(total: u64, token: impl std::fmt::Display) -> String {
        format!("{total:x}{COUNTED}{token}")
    }

    /// What the token says, read by `parse`.
    pub(super) fn after<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
        let text = || {
            words!(
                "The continuation token is none that was given out.",
                "Le jeton de continuation n’est pas un de ceux qui ont été donnés."
            )
        };
        let wrong = || ApiError::bad_input("InvalidContinuationToken", text());
        let key = |token: &str| match self.counted {
            None => parse(token),
            Some(_) => token.split_once(COUNTED).and_then(|(_, key)| parse(key)),
        };
        self.token.as_deref().map(|token| key(token).ok_or_else(wrong)).transpose()
    }

    /// Cuts the page off rows of which one more was read than it has. The token of the next page, where there is one.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, token: impl Fn(&T) -> String) -> Option<String> {
        let more = rows.len() > self.size as usize;
        rows.truncate(self.size as usize);
        rows.last().filter(|_| more).map(token)
    }

    /// The page as an answer. `query` is what else the list was asked for: the links lead to the same.
    pub(super) fn answer(&self, path: &str, query: &str, page: Page) -> Result<Answer, ApiError> {
        let links = self.links(path, query, page.next.as_deref());
        let mut body = json!({ "totalCount": page.total, "links": links, "attributes": { "objectType": "Collection" } });
        body["items"] = Value::Array(page.items);
        if let Some((name, value)) = page.more {
            body[name] = value;
        }
        Ok(self.continued(Answer::json(&body)?, page.next))
    }

    /// The links of a page.
    pub(super) fn links(&self, path: &str, query: &str, next: Option<&str>) -> Value {
        let uri = |token: Option<&str>| {
            let token = query_of(&[("continuationToken", token.map(str::to_owned))]);
            link(format!("{path}?size={}{query}{token}", self.size))
        };
        let mut links = json!({ "self": uri(self.token.as_deref()) });
        if let Some(next) = next {
            links["next"] = uri(Some(next));
        }
        links
    }

    /// Says where the next page begins.
    pub(super) fn continued(&self, answer: Answer, next: Option<String>) -> Answer {
        match next {
            Some(next) => answer.header(TOKEN, next),
            None => answer,
        }
    }
}

/// A place in a list by time, as a token.
pub(super) fn token_of(at: Timestamp, id: Uuid) -> String {
    format!("{:x}-{}", at.as_micros(), id.as_simple())
}

/// The place that such a token tells.
pub(super) fn place_of(token: &str) -> Option<(Timestamp, Uuid)> {
    let (at, id) = token.split_once('-')?;
    Some((Timestamp::from_micros(i64::from_str_radix(at, 16).ok()?), Uuid::try_parse(id).ok()?))
}

/// A collection that is whole on its one page.
pub(super) fn whole(path: &str, items: Vec<Value>) -> Result<Answer, ApiError> {
    let links = json!({ "self": link(path) });
    let mut body = json!({ "totalCount": items.len(), "links": links, "attributes": { "objectType": "Collection" } });
    body["items"] = Value::Array(items);
    Answer::json(&body)
}

/// A link, relative to the version of the API.
pub(super) fn link(uri: impl Into<String>) -> Value {
    json!({ "uri": uri.into(), "method": "GET", "headers": [] })
}

/// Parameters of a query that are given, each after an `&`.
pub(super) fn query_of(parameters: &[(&str, Option<String>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.map(|(name, value)| format!("&{name}={}", encoded(value))).collect()
}

/// Those of these parameters that a request has given, to be asked for again.
pub(super) fn again(parameters: &Parameters, names: &[&str]) -> String {
    let given: Vec<(&str, Option<String>)> = names.iter().map(|name| (*name, parameters.get(name).map(str::to_owned))).collect();
    query_of(&given)
}

/// A value in a query: what is no letter, digit or dash stands as its bytes.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_link_is_encoded() {
        let query = query_of(&[("filter", Some("{\"a\":\"é&\"}".to_owned())), ("none", None), ("x", Some("-._~".to_owned()))]);
        assert_eq!(query, "&filter=%7B%22a%22%3A%22%C3%A9%26%22%7D&x=-._~");
    }
}
