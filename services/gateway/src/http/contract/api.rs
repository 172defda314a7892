//! Operations, and the shapes that they share.

use super::{errors, headers, info, operation::Operation, shapes};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::cell::RefCell;

/// What was described so far.
pub(super) struct Api {
    generator: RefCell<SchemaGenerator>,
    named: RefCell<Map<String, Value>>,
    paths: RefCell<Map<String, Value>>,
}

impl Api {
    pub(super) fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.definitions_path = "/components/schemas".into();
        let api = Self { generator: RefCell::new(settings.into_generator()), named: RefCell::default(), paths: RefCell::default() };
        for (name, schema) in [("Link", shapes::link_itself()), ("Error", errors::error()), ("TooFast", errors::too_fast())] {
            api.named(name, schema);
        }
        // a parameter of paths refers to it
        api.of::<planshift_domain::step::Step>();
        api
    }

    /// Adds an operation.
    pub(super) fn add(&self, operation: Operation) {
        let (method, path) = (operation.method, operation.path);
        let mut paths = self.paths.borrow_mut();
        paths.entry(path).or_insert_with(|| json!({}))[method] = operation.into_value();
    }

    /// The schema of a type, as it is printed.
    pub(super) fn of<T: JsonSchema>(&self) -> Value {
        self.generator.borrow_mut().subschema_for::<T>().to_value()
    }

    /// A schema of that name: what is given back refers to it.
    pub(super) fn named(&self, name: &str, schema: impl Into<Value>) -> Value {
        self.named.borrow_mut().insert(name.to_owned(), schema.into());
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// The whole document, with this at its head.
    pub(super) fn into_document(self, mut head: Value) -> Value {
        let mut schemas = self.generator.into_inner().take_definitions(true);
        schemas.append(&mut self.named.into_inner());
        let parameters: Map<String, Value> = headers::parameters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let headers: Map<String, Value> = headers::answers().into_iter().map(|(name, _, value)| (name.to_owned(), value)).collect();
        let responses: Map<String, Value> = errors::responses().map(|(name, value)| (name.to_owned(), value)).collect();
        head["paths"] = self.paths.into_inner().into();
        head["components"] = json!({
            "schemas": schemas,
            "parameters": parameters,
            "headers": headers,
            "responses": responses,
            "securitySchemes": info::security_schemes(),
        });
        head
    }
}
