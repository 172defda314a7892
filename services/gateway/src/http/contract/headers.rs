//! Headers that every request may have, and those that every answer has. Source: the domain's section 5.1.

use super::shapes::{guid, text};
use serde_json::{Value, json};

/// Parameters of every request: their name in the document, and what they are.
pub(super) fn parameters() -> Vec<(&'static str, Value)> {
    let header = |name: &str, schema: Value, text: &str| json!({ "name": name, "in": "header", "description": text, "schema": schema });
    vec![
        (
            "RequestId",
            header(
                "MS-RequestId",
                guid(),
                "The idempotency key: the same request under the same key has the same answer, and nothing happens twice. A new request \
                 needs a new one. It is made up where it is missing.",
            ),
        ),
        ("CorrelationId", header("MS-CorrelationId", guid(), "The caller's own id for what it does; made up where it is missing.")),
        ("Vector", header("MS-CV", text(), "Microsoft's correlation vector; handed back, where it has at most 128 characters.")),
        ("Locale", header("X-Locale", json!({ "type": "string", "default": "en-US" }), "In which language errors are told.")),
    ]
}

/// Headers of every answer: their name in the document and on the wire, and what they are.
pub(super) fn answers() -> Vec<(&'static str, &'static str, Value)> {
    let header = |schema: Value, text: &str| json!({ "description": text, "required": true, "schema": schema });
    vec![
        ("RequestId", "MS-RequestId", header(guid(), "That of the request.")),
        ("CorrelationId", "MS-CorrelationId", header(guid(), "That of the request; the log has it too.")),
        ("Vector", "MS-CV", header(text(), "That of the request.")),
        ("Language", "Content-Language", json!({ "description": "In which language it is told.", "schema": text() })),
    ]
}

/// References to [`answers`], to be put under `headers` of a response.
pub(super) fn of_every_answer() -> serde_json::Map<String, Value> {
    let reference = |(name, wire, _): (&str, &str, Value)| (wire.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    answers().into_iter().map(reference).collect()
}
