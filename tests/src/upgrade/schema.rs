//! Does this version read what another one wrote? By the two documents of their messages (`docs/asyncapi.json`), without running
//! anything: also for messages that no test provokes.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why a message of the old document would not be read by the types of the new one; nothing where all are.
pub fn unread(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, seen: BTreeSet::new(), faults: Vec::new() };
    let messages = |document: &Value| document["components"]["messages"].as_object().cloned().unwrap_or_default();
    let known = messages(new);
    for (name, message) in messages(old) {
        match known.get(&name) {
            None => comparison.faults.push(format!("{name}: it is not known any more")),
            Some(now) => comparison.compare(&message["payload"], &now["payload"], &name),
        }
    }
    comparison.faults
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Types refer to each other.
    seen: BTreeSet<(String, String)>,
    faults: Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, old: &Value, new: &Value, at: &str) {
        let names = (reference(old), reference(new));
        if let (Some(was), Some(is)) = names
            && !self.seen.insert((was, is))
        {
            return;
        }
        let (old, new) = (flat(self.old, old), flat(self.new, new));
        let (were, are) = (variants(&old), variants(&new));
        if were.is_empty() && are.is_empty() {
            self.compare_one(&old, &new, at);
            return;
        }
        // what has no variants is its own only one
        let were = if were.is_empty() { vec![Value::Object(old)] } else { were };
        let are = if are.is_empty() { vec![Value::Object(new)] } else { are };
        for was in were {
            let reads = |is: &Value| {
                let mut attempt = Comparison { old: self.old, new: self.new, seen: self.seen.clone(), faults: Vec::new() };
                attempt.compare(&was, is, at);
                attempt.faults
            };
            let attempts: Vec<Vec<String>> = are.iter().map(reads).collect();
            if !attempts.iter().any(Vec::is_empty) {
                self.faults
                    .push(format!("{at}: no variant reads {was}: {}", attempts.into_iter().flatten().collect::<Vec<_>>().join("; ")));
            }
        }
    }

    fn compare_one(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &str) {
        for key in ["type", "const", "enum"] {
            if let Some(is) = new.get(key)
                && !allows(old.get(key), is)
            {
                self.faults.push(format!("{at}: {key} was {}, and is {is}", old.get(key).unwrap_or(&Value::Null)));
            }
        }
        for name in texts(new.get("required")).difference(&texts(old.get("required"))) {
            self.faults.push(format!("{at}.{name}: it is needed now, and was not always there"));
        }
        let empty = Map::new();
        let properties = |of: &Map<String, Value>| of.get("properties").and_then(Value::as_object).unwrap_or(&empty).clone();
        let are = properties(new);
        for (name, was) in properties(old) {
            if let Some(is) = are.get(&name) {
                self.compare(&was, is, &format!("{at}.{name}"));
            }
        }
        if let (Some(was), Some(is)) = (old.get("items"), new.get("items")) {
            self.compare(was, is, &format!("{at}[]"));
        }
    }
}

/// Does the new keyword allow all that the old one did?
fn allows(old: Option<&Value>, new: &Value) -> bool {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    old.is_some_and(|old| all(old).iter().all(|was| all(new).contains(was)))
}

fn reference(schema: &Value) -> Option<String> {
    schema["$ref"].as_str().map(str::to_owned)
}

/// With references followed, and all that `allOf` says in one.
fn flat(document: &Value, schema: &Value) -> Map<String, Value> {
    let mut flattened = schema.as_object().cloned().unwrap_or_default();
    let referred = flattened.remove("$ref").and_then(|reference| {
        let pointer = reference.as_str()?.strip_prefix('#')?.to_owned();
        document.pointer(&pointer).cloned()
    });
    let parts = flattened.remove("allOf").and_then(|parts| parts.as_array().cloned()).unwrap_or_default();
    for part in parts.iter().chain(&referred) {
        for (key, value) in flat(document, part) {
            match (key.as_str(), flattened.get_mut(&key)) {
                ("properties", Some(Value::Object(own))) => own.extend(value.as_object().cloned().unwrap_or_default()),
                ("required", Some(Value::Array(own))) => own.extend(value.as_array().cloned().unwrap_or_default()),
                (_, Some(_)) => {}
                (_, None) => drop(flattened.insert(key, value)),
            }
        }
    }
    flattened
}

fn variants(schema: &Map<String, Value>) -> Vec<Value> {
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    variants.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn texts(value: Option<&Value>) -> BTreeSet<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(schema: &Value) -> Value {
        json!({ "components": {
            "messages": { "Start.v1": { "payload": { "$ref": "#/components/schemas/Start" } } },
            "schemas": { "Start": schema, "Id": { "type": "string" } },
        } })
    }

    fn start() -> Value {
        json!({ "type": "object", "required": ["id"], "properties": {
            "id": { "allOf": [{ "$ref": "#/components/schemas/Id" }], "description": "Which." },
            "of": { "anyOf": [{ "$ref": "#/components/schemas/Id" }, { "type": "null" }] },
            "is": { "oneOf": [{ "const": "a", "type": "string" }, { "const": "b", "type": "string" }] },
            "many": { "type": "array", "items": { "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" } } } },
        } })
    }

    fn faults_of(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut changed = start();
        change(&mut changed);
        unread(&document(&start()), &document(&changed))
    }

    #[test]
    fn what_only_grows_is_read() {
        assert_eq!(faults_of(|_| {}), Vec::<String>::new());
        assert_eq!(faults_of(|schema| schema["properties"]["more"] = json!({ "type": "string" })), Vec::<String>::new());
        let grown = |schema: &mut Value| schema["properties"]["is"]["oneOf"].as_array_mut().unwrap().push(json!({ "const": "c" }));
        assert_eq!(faults_of(grown), Vec::<String>::new());
        let loosened = |schema: &mut Value| schema["required"] = json!([]);
        assert_eq!(faults_of(loosened), Vec::<String>::new());
    }

    #[test]
    fn what_would_not_be_read_is_told() {
        let needed = |schema: &mut Value| schema["required"] = json!(["id", "of"]);
        assert_eq!(faults_of(needed), ["Start.v1.of: it is needed now, and was not always there"]);
        let other = |schema: &mut Value| schema["properties"]["many"]["items"]["properties"]["id"]["type"] = json!("string");
        assert_eq!(faults_of(other), ["Start.v1.many[].id: type was \"integer\", and is \"string\""]);
        assert_eq!(faults_of(|schema| schema["properties"]["of"] = json!({ "type": "string" })).len(), 1);
        assert_eq!(faults_of(|schema| schema["properties"]["is"]["oneOf"] = json!([{ "const": "a", "type": "string" }])).len(), 1);
        assert_eq!(unread(&document(&start()), &json!({})), ["Start.v1: it is not known any more"]);
    }
}
