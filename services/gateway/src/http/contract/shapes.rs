//! Schemas (JSON Schema 2020-12) of what answers and requests are made of.

use serde_json::{Map, Value, json};

/// A schema.
pub(super) type Schema = Value;

/// Any text.
pub(super) fn text() -> Schema {
    json!({ "type": "string" })
}

/// A text of at most so many characters, none of which is U+0000.
pub(super) fn text_up_to(characters: usize) -> Schema {
    json!({ "type": "string", "maxLength": characters, "pattern": r"^[^\u0000]*$" })
}

/// A text that matches this.
pub(super) fn pattern(pattern: &str) -> Schema {
    json!({ "type": "string", "pattern": pattern })
}

/// A text of a request: it may have any character but U+0000.
pub(super) fn plain() -> Schema {
    pattern(r"^[^\u0000]*$")
}

/// The same, and not empty.
pub(super) fn plain_and_not_empty() -> Schema {
    pattern(r"^[^\u0000]+$")
}

/// One of these texts.
pub(super) fn one_of(texts: &[&str]) -> Schema {
    json!({ "type": "string", "enum": texts })
}

/// This one text.
pub(super) fn always(text: &str) -> Schema {
    json!({ "type": "string", "const": text })
}

/// A GUID, with its hyphens.
pub(super) fn guid() -> Schema {
    json!({ "type": "string", "format": "uuid" })
}

/// An MPN id.
pub(super) fn mpn_id() -> Schema {
    pattern("^[0-9]+$")
}

/// An instant (RFC 3339).
pub(super) fn time() -> Schema {
    json!({ "type": "string", "format": "date-time" })
}

/// A whole number that is not negative.
pub(super) fn count() -> Schema {
    json!({ "type": "integer", "minimum": 0 })
}

/// A whole number within bounds.
pub(super) fn number(least: u32, most: u32) -> Schema {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// True or false.
pub(super) fn flag() -> Schema {
    json!({ "type": "boolean" })
}

/// A list of these.
pub(super) fn list(items: impl Into<Schema>) -> Schema {
    json!({ "type": "array", "items": items.into() })
}

/// This, or null.
pub(super) fn or_null(schema: impl Into<Schema>) -> Schema {
    json!({ "anyOf": [schema.into(), { "type": "null" }] })
}

/// What a request may leave out: null and an empty text are the same as nothing.
pub(super) fn optional(schema: impl Into<Schema>) -> Schema {
    json!({ "anyOf": [schema.into(), { "enum": [null, ""] }] })
}

/// This, or an empty text, which is the same as nothing.
pub(super) fn or_empty(schema: impl Into<Schema>) -> Schema {
    json!({ "anyOf": [schema.into(), { "const": "" }] })
}

/// An object; its properties follow.
#[derive(Clone, Default)]
pub(super) struct Object {
    properties: Map<String, Value>,
    required: Vec<Value>,
}

/// An object without properties so far.
pub(super) fn object() -> Object {
    Object::default()
}

impl Object {
    /// It always has this property.
    pub(super) fn has(mut self, name: &str, schema: impl Into<Schema>) -> Self {
        self.properties.insert(name.to_owned(), schema.into());
        self.required.push(name.into());
        self
    }

    /// It may have this property.
    pub(super) fn may_have(mut self, name: &str, schema: impl Into<Schema>) -> Self {
        self.properties.insert(name.to_owned(), schema.into());
        self
    }

    /// A resource's `attributes`. Source: the domain's section 5.2.
    pub(super) fn of_type(self, object_type: &str) -> Self {
        self.has("attributes", object().has("objectType", always(object_type)))
    }

    /// The `attributes` of a resource that has versions.
    pub(super) fn of_versioned_type(self, object_type: &str) -> Self {
        self.has("attributes", object().has("objectType", always(object_type)).has("etag", text()))
    }

    /// Links to itself and to these.
    pub(super) fn links(self, others: &[&str]) -> Self {
        let links = object().has("self", link());
        self.has("links", others.iter().fold(links, |links, name| links.has(name, link())))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        json!({ "type": "object", "properties": object.properties, "required": object.required })
    }
}

/// A link of Partner Center's: relative to the version of the API.
pub(super) fn link() -> Schema {
    json!({ "$ref": "#/components/schemas/Link" })
}

/// What [`link`] refers to.
pub(super) fn link_itself() -> Schema {
    object().has("uri", text()).has("method", always("GET")).has("headers", list(json!({}))).into()
}

/// A collection: where it is cut into pages, each but the last has `links.next`. Source: the domain's section 5.2.
pub(super) fn collection(item: impl Into<Schema>) -> Object {
    let links = object().has("self", link()).may_have("next", link());
    object().has("totalCount", or_null(count())).has("items", list(item)).has("links", links).of_type("Collection")
}
