//! A document whose objects have what it says of them and nothing else.

use serde_json::{Map, Value, json};

/// What this refers to, or itself.
pub(crate) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

/// The same, and no object may have more than its properties. Objects that are put together of several are put together first.
pub(crate) fn closed(document: &Value, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| closed(document, item)).collect(),
        Value::Object(members) => {
            if let Some(Value::Array(parts)) = members.get("allOf") {
                return closed(document, &together(parts.iter().map(|part| resolved(document, part))));
            }
            let mut members: Map<String, Value> = members.iter().map(|(name, value)| (name.clone(), closed(document, value))).collect();
            let is_shape = members.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty());
            if is_shape && members.get("type").is_some_and(|kind| kind.to_string().contains("object")) {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(members)
        }
        other => other.clone(),
    }
}

fn together<'a>(parts: impl Iterator<Item = &'a Value>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().into_iter().flatten().cloned());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}
