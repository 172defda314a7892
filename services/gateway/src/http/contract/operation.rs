//! One method of one path, told step by step.

use super::{
    errors::name_of,
    headers::of_every_answer,
    shapes::{Schema, guid, number, or_empty, pattern, plain, text},
};
use crate::http::{pages::LARGEST_PAGE, rules::RULES};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    summary: &'static str,
    description: Option<&'static str>,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
    errors: BTreeSet<u16>,
}

impl Operation {
    fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        let mut operation = Self {
            method,
            path,
            id,
            summary,
            description: None,
            parameters: Vec::new(),
            body: None,
            responses: Map::new(),
            errors: BTreeSet::from([400, 403, 500, 503]),
        };
        if path.contains('{') {
            operation.errors.insert(404);
        }
        operation
    }

    /// `GET`, and `HEAD` with it.
    pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("get", path, id, summary)
    }

    /// `POST`.
    pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("post", path, id, summary)
    }

    /// `PATCH`.
    pub(super) fn patch(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("patch", path, id, summary)
    }

    /// `PUT`.
    pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("put", path, id, summary)
    }

    /// `DELETE`.
    pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("delete", path, id, summary)
    }

    /// More about it than its summary.
    pub(super) fn says(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// A parameter of the query; an empty one is the same as none.
    pub(super) fn query(self, name: &str, schema: impl Into<Schema>, text: &str) -> Self {
        self.parameter(json!({ "name": name, "in": "query", "description": text, "schema": or_empty(schema) }))
    }

    /// A parameter of the query that must be given.
    pub(super) fn needs(self, name: &str, schema: impl Into<Schema>, text: &str) -> Self {
        let schema = schema.into();
        self.parameter(json!({ "name": name, "in": "query", "required": true, "description": text, "schema": schema }))
    }

    /// A parameter of the query that is JSON itself.
    pub(super) fn query_json(self, name: &str, schema: impl Into<Schema>, text: &str) -> Self {
        let content = json!({ "application/json": { "schema": schema.into() } });
        self.parameter(json!({ "name": name, "in": "query", "description": text, "content": content }))
    }

    /// A header of the request.
    pub(super) fn header(self, name: &str, schema: impl Into<Schema>, text: &str) -> Self {
        self.parameter(json!({ "name": name, "in": "header", "description": text, "schema": schema.into() }))
    }

    fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Where several partners have what is asked for, an operator says which is meant.
    pub(super) fn of_partner(self) -> Self {
        self.query("partnerId", guid(), "Whose: needed where the caller sees several partners that have it. Others see their own alone.")
    }

    /// It is a list that is read page by page.
    pub(super) fn pages(self) -> Self {
        const TOKEN: &str = "Where the page begins: as the page before it has told.";
        self.query("size", number(1, LARGEST_PAGE), "How many items the page has at most.")
            .query("continuationToken", plain(), TOKEN)
            .header("MS-ContinuationToken", text(), TOKEN)
    }

    /// The body, as JSON.
    pub(super) fn body(self, schema: impl Into<Schema>) -> Self {
        self.bodies(&[("application/json", schema.into())], true)
    }

    /// The body, as JSON; there need not be one.
    pub(super) fn may_have_body(self, schema: impl Into<Schema>) -> Self {
        self.bodies(&[("application/json", schema.into())], false)
    }

    /// The body, in one of these kinds.
    pub(super) fn bodies(mut self, kinds: &[(&str, Schema)], required: bool) -> Self {
        let content: Map<String, Value> = kinds.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({ "schema": schema }))).collect();
        self.body = Some(json!({ "required": required, "content": content }));
        self.errors.extend([408, 413]);
        self
    }

    /// It answers with JSON.
    pub(super) fn json(self, status: u16, text: &str, schema: impl Into<Schema>) -> Self {
        self.kind(status, text, "application/json", schema)
    }

    /// It answers with this kind; said twice of a status, either comes, as the request accepts.
    pub(super) fn kind(mut self, status: u16, text: &str, kind: &str, schema: impl Into<Schema>) -> Self {
        self.response(status, text)["content"][kind] = json!({ "schema": schema.into() });
        self
    }

    /// It answers without a body.
    pub(super) fn nothing(mut self, status: u16, text: &str) -> Self {
        self.response(status, text);
        self
    }

    /// The answer with this status always has this header.
    pub(super) fn gives(self, status: u16, name: &str, text: &str) -> Self {
        self.gives_header(status, name, json!({ "description": text, "required": true, "schema": { "type": "string" } }))
    }

    /// It may have it.
    pub(super) fn may_give(self, status: u16, name: &str, text: &str) -> Self {
        self.gives_header(status, name, json!({ "description": text, "required": false, "schema": { "type": "string" } }))
    }

    fn gives_header(mut self, status: u16, name: &str, header: Value) -> Self {
        self.response(status, "")["headers"][name] = header;
        self
    }

    /// From the answer with this status one goes on to another operation, with these of its parameters taken from the answer.
    pub(super) fn leads_to(mut self, status: u16, operation: &str, parameters: &[(&str, &str)]) -> Self {
        let parameters: Map<String, Value> = parameters.iter().map(|(name, from)| ((*name).to_owned(), (*from).into())).collect();
        self.response(status, "")["links"][operation] = json!({ "operationId": operation, "parameters": parameters });
        self
    }

    fn response(&mut self, status: u16, text: &str) -> &mut Value {
        let empty = || json!({ "description": text, "headers": of_every_answer() });
        self.responses.entry(status.to_string()).or_insert_with(empty)
    }

    /// It may also answer with these errors.
    pub(super) fn fails(mut self, statuses: &[u16]) -> Self {
        self.errors.extend(statuses);
        self
    }

    /// As the document has it.
    pub(super) fn into_value(mut self) -> Value {
        let path = self.path.to_lowercase();
        let rule = RULES.iter().find(|rule| rule.path == path && rule.method.eq_ignore_ascii_case(self.method));
        // one without a rule is refused to everybody, and a test fails
        let security = super::info::security(rule.map_or(crate::auth::Right::Operate, |rule| rule.right));
        if security != json!([]) {
            self.errors.extend([401, 429]);
        }
        for status in &self.errors {
            let name = name_of(*status).unwrap_or("InternalError");
            self.responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = names.map(path_parameter).collect();
        parameters.append(&mut self.parameters);
        let shared = super::headers::parameters().into_iter();
        parameters.extend(shared.map(|(name, _)| json!({ "$ref": format!("#/components/parameters/{name}") })));
        let mut value = json!({
            "operationId": self.id,
            "summary": self.summary,
            "security": security,
            "parameters": parameters,
            "responses": self.responses,
        });
        if let Some(text) = self.description {
            value["description"] = text.into();
        }
        if let Some(body) = self.body {
            value["requestBody"] = body;
        }
        value
    }
}

/// A part of a path that varies, by its name.
fn path_parameter(name: &str) -> Value {
    let (schema, text) = match name {
        "customer" => (guid(), "The customer's tenant."),
        "subscription" => (guid(), "A commerce subscription, or an Azure plan."),
        "entitlement" => (guid(), "The Azure subscription."),
        "product" => (text(), "The product, as the catalogue lists it."),
        "sku" => (text(), "The SKU, as the catalogue lists it."),
        "availability" => (text(), "The availability, as the catalogue lists it."),
        "cart" => (guid(), "The cart."),
        // an import may tell of orders whose ids are no GUIDs
        "order" => (text(), "The order."),
        "step" => (json!({ "$ref": "#/components/schemas/Step" }), "The step."),
        "key" => (pattern("^[0-9a-f]{32}$"), "What the dead letter is known by."),
        _ => (guid(), "Its id."),
    };
    json!({ "name": name, "in": "path", "required": true, "description": text, "schema": schema })
}
