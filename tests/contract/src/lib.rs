//! Answers of the API held against its OpenAPI document: their status, their headers, their kind, their body.
//!
//! Objects are closed here, though they are open in the document: what the server says and the document does not is a fault of the
//! document. Clients that read it are told to pass over what they do not know.

mod closed;

use closed::{closed, resolved};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Headers of HTTP, and those that say how a browser or a proxy is to take an answer: the document leaves them out.
const OF_HTTP: [&str; 11] = [
    "allow",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "transfer-encoding",
    "x-accel-buffering",
    "x-content-type-options",
];
/// What is told before it is known whether the path has the method, or is there at all.
const BEFORE_ROUTING: [u16; 5] = [400, 401, 403, 429, 503];

/// An OpenAPI document.
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An answer, and what it answers.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path, in any case, without its query.
    pub path: &'a str,
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(&'a str, &'a str)>,
    /// None where it is a stream, or was not read.
    pub body: Option<&'a [u8]>,
}

impl Heard<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// What a path is in the document.
enum Place<'a> {
    Nowhere,
    WithoutMethod,
    Operation(&'a Value),
}

impl Contract {
    /// Of this document.
    pub fn new(document: &Value) -> Self {
        Self { document: closed(document, document), validators: Mutex::default() }
    }

    /// What of the answer is not as the document says.
    pub fn faults(&self, heard: &Heard<'_>) -> Vec<String> {
        let is_head = heard.method == "HEAD";
        let refused = BEFORE_ROUTING.contains(&heard.status);
        let operation = match self.find(if is_head { "GET" } else { heard.method }, heard.path) {
            Place::Operation(operation) => operation,
            Place::Nowhere if heard.status == 404 || refused => return Vec::new(),
            Place::Nowhere => return vec!["the document has no such path".to_owned()],
            Place::WithoutMethod if refused || (heard.status == 405 && heard.header("allow").is_some()) => return Vec::new(),
            Place::WithoutMethod => return vec!["the document has no such method of the path".to_owned()],
        };
        let declared = &operation["responses"][heard.status.to_string()];
        if !declared.is_object() {
            return vec![format!("the status {} is not declared", heard.status)];
        }
        let response = self.resolved(declared);
        let mut faults = self.faults_of_headers(response, heard);
        faults.extend(self.faults_of_body(response, heard));
        faults
    }

    fn faults_of_headers(&self, response: &Value, heard: &Heard<'_>) -> Vec<String> {
        let declared = response["headers"].as_object().cloned().unwrap_or_default();
        let is_missing = |(name, header): (&String, &Value)| {
            let required = self.resolved(header)["required"] == true;
            (required && heard.header(name).is_none()).then(|| format!("the header {name} is missing"))
        };
        let mut faults: Vec<String> = declared.iter().filter_map(is_missing).collect();
        let names: BTreeSet<_> = declared.keys().map(|name| name.to_lowercase()).collect();
        let more = heard.headers.iter().filter(|(name, _)| !OF_HTTP.contains(name) && !names.contains(*name));
        faults.extend(more.map(|(name, _)| format!("the header {name} is not declared")));
        if heard.header("retry-after").is_some_and(|after| after.parse::<u32>().is_err()) {
            faults.push("Retry-After is no number of seconds".to_owned());
        }
        faults
    }

    fn faults_of_body(&self, response: &Value, heard: &Heard<'_>) -> Vec<String> {
        let Some(kind) = heard.header("content-type").and_then(|kind| kind.split(';').next()) else {
            let is_bare = response["content"].is_null() && heard.body.is_none_or(<[u8]>::is_empty);
            return if is_bare { Vec::new() } else { vec!["it does not say of which kind its body is".to_owned()] };
        };
        let schema = &response["content"][kind]["schema"];
        if schema.is_null() {
            return vec![format!("the kind {kind} is not declared")];
        }
        let Some(body) = heard.body.filter(|_| kind == "application/json" && heard.method != "HEAD") else { return Vec::new() };
        match serde_json::from_slice::<Value>(body) {
            Err(error) => vec![format!("the body is not JSON: {error}")],
            Ok(value) => {
                let validator = self.validator(schema);
                validator.iter_errors(&value).map(|error| format!("body{}: {error}", error.instance_path())).collect()
            }
        }
    }

    /// The operation of this path: parts that are spelled out come before those that vary, as in a router.
    fn find(&self, method: &str, path: &str) -> Place<'_> {
        let parts: Vec<_> = path.trim_end_matches('/').split('/').collect();
        let varies = |part: &str| part.starts_with('{');
        let fits = |known: &str| {
            let known: Vec<_> = known.trim_end_matches('/').split('/').collect();
            known.len() == parts.len()
                && known.iter().zip(&parts).all(|(known, part)| (varies(known) && !part.is_empty()) || known.eq_ignore_ascii_case(part))
        };
        let fitting = self.document["paths"].as_object().into_iter().flatten().filter(|(known, _)| fits(known));
        let Some((_, item)) = fitting.min_by_key(|(known, _)| known.split('/').map(varies).collect::<Vec<_>>()) else {
            return Place::Nowhere;
        };
        item.get(method.to_lowercase()).map_or(Place::WithoutMethod, Place::Operation)
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        resolved(&self.document, value)
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let make = || {
            // references lead into the document: it comes along
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).expect("the document's schemas are schemas"))
        };
        self.validators.lock().unwrap_or_else(PoisonError::into_inner).entry(schema.to_string()).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        let part = json!({ "type": "object", "properties": { "b": { "type": "string" } }, "required": ["b"] });
        let whole = json!({ "allOf": [{ "$ref": "#/components/schemas/A" }, part] });
        let headers = json!({ "MS-CV": { "required": true }, "Location": { "required": false } });
        let answer = json!({ "headers": headers, "content": { "application/json": { "schema": whole } } });
        Contract::new(&json!({
            "paths": { "/v1/camelCase/{id}": { "get": { "responses": { "200": answer } } }, "/v1/camelCase/one": { "post": {} } },
            "components": {
                "schemas": { "A": { "type": "object", "properties": { "a": { "type": "string", "format": "uuid" } }, "required": ["a"] } },
            },
        }))
    }

    #[test]
    fn an_answer_that_is_as_the_document_says_has_no_fault_and_any_other_has() {
        let guid = "00000000-0000-0000-0000-000000000001";
        let (json, cv) = (("content-type", "application/json; charset=utf-8"), ("ms-cv", "x"));
        let good = json!({ "a": guid, "b": "" });
        let faults = |method: &str, path: &str, status: u16, headers: &[(&str, &str)], body: &Value| {
            let body = body.to_string();
            contract().faults(&Heard { method, path, status, headers: headers.to_vec(), body: Some(body.as_bytes()) })
        };
        let is_fine = |method, path, status, headers: &[(&str, &str)]| {
            assert_eq!(faults(method, path, status, headers, &good), Vec::<String>::new());
        };
        is_fine("GET", "/V1/CAMELCASE/x/", 200, &[json, cv, ("date", "today")]);
        is_fine("HEAD", "/v1/camelcase/x", 200, &[json, cv, ("location", "here")]);
        is_fine("GET", "/v1/other", 404, &[]);
        is_fine("DELETE", "/v1/camelcase/x", 405, &[("allow", "GET")]);
        is_fine("GET", "/v1/camelcase/one", 405, &[("allow", "POST")]);
        for (method, path, status, headers, body, found) in [
            ("GET", "/v1/camelcase/x", 201, &[json, cv][..], &good, "201"),
            ("GET", "/v1/camelcase/x", 200, &[json], &good, "MS-CV"),
            ("GET", "/v1/camelcase/x", 200, &[json, cv, ("x-new", "")], &good, "x-new"),
            ("GET", "/v1/camelcase/x", 200, &[json, cv, ("retry-after", "soon")], &good, "Retry-After"),
            ("GET", "/v1/camelcase/x", 200, &[cv], &good, "of which kind"),
            ("GET", "/v1/camelcase/x", 200, &[cv, ("content-type", "text/html")], &good, "text/html"),
            ("GET", "/v1/camelcase/x", 200, &[json, cv], &json!({ "a": guid }), "required"),
            ("GET", "/v1/camelcase/x", 200, &[json, cv], &json!({ "a": "x", "b": "" }), "uuid"),
            ("GET", "/v1/camelcase/x", 200, &[json, cv], &json!({ "a": guid, "b": "", "c": 1 }), "Additional"),
            ("GET", "/v1/other", 200, &[], &good, "no such path"),
            ("GET", "/v1/camelcase/one", 200, &[json, cv], &good, "no such method"),
            ("DELETE", "/v1/camelcase/x", 405, &[], &good, "no such method"),
        ] {
            let faults = faults(method, path, status, headers, body);
            assert!(faults.iter().any(|fault| fault.contains(found)), "{found}: {faults:?}");
        }
    }
}
