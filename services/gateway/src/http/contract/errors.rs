//! Errors, in their two shapes, and the statuses that they come with. Source: the domain's section 5.3.

use super::{
    headers::of_every_answer,
    shapes::{Schema, always, flag, guid, list, number, object, text, text_up_to},
};
use serde_json::{Value, json};

/// Shape 1 with the fields of shape 3. Some errors say more: which upgrade, which reasons.
pub(super) fn error() -> Schema {
    let mut schema: Schema = object()
        .has("code", text())
        .has("description", text_up_to(1_024))
        .has("data", list(json!({})))
        .has("source", always("PlanshiftGateway"))
        .has("errorName", text())
        .has("isRetryable", flag())
        .has("correlationId", guid())
        .into();
    schema["additionalProperties"] = Value::Bool(true);
    schema
}

/// Shape 2: for those who ask too fast.
pub(super) fn too_fast() -> Schema {
    object().has("statusCode", number(429, 429)).has("message", text()).into()
}

/// Every status of an error: its name in the document, and when it comes.
const STATUSES: [(u16, &str, &str); 11] = [
    (400, "BadRequest", "The request is not as it must be, or Partner Center refuses its like with this status."),
    (401, "Unauthorized", "No token, or none that counts."),
    (403, "Forbidden", "The caller may not, or the business rules do not allow it."),
    (404, "NotFound", "It is not there, or it is another partner's: both look the same."),
    (405, "MethodNotAllowed", "The path has no such method; `Allow` says which ones it has."),
    (408, "RequestTimeout", "The body did not come in time."),
    (409, "Conflict", "Something stands in the way; where it passes by itself, `Retry-After` says when to try again."),
    (413, "PayloadTooLarge", "The body is larger than it may be."),
    (429, "TooManyRequests", "The partner asks too fast."),
    (500, "InternalError", "The fault is the server's."),
    (503, "Unavailable", "It passes by itself: try again with the same `MS-RequestId`."),
];

/// The name of this status in the document.
pub(super) fn name_of(status: u16) -> Option<&'static str> {
    STATUSES.iter().find(|(known, ..)| *known == status).map(|(_, name, _)| *name)
}

/// All of them: their names, and what they are.
pub(super) fn responses() -> impl Iterator<Item = (&'static str, Value)> {
    STATUSES.iter().map(|(status, name, text)| {
        let mut headers = of_every_answer();
        let mut add = |name: &str, schema: Value, text: &str, required: bool| {
            headers.insert(name.to_owned(), json!({ "description": text, "required": required, "schema": schema }));
        };
        match status {
            401 => add("WWW-Authenticate", json!({ "type": "string" }), "`Bearer`, and what is wrong with the token (RFC 6750).", true),
            405 => add("Allow", json!({ "type": "string" }), "The methods that the path has.", true),
            409 | 503 => add("Retry-After", super::shapes::count(), "Seconds, where it passes by itself.", *status == 503),
            429 => add("Retry-After", super::shapes::count(), "Seconds.", true),
            _ => {}
        }
        let shape = if *status == 429 { "TooFast" } else { "Error" };
        let schema = json!({ "$ref": format!("#/components/schemas/{shape}") });
        let content = json!({ "application/json": { "schema": schema } });
        (*name, json!({ "description": text, "headers": headers, "content": content }))
    })
}
