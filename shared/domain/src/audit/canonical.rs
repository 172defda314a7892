//! JSON in its one form: members in the order of their names, no white space, texts as they are but for what JSON must escape.
//!
//! It is what `jq -cS` prints, so that whoever has a shell can make it: `jq -cS . FILE | tr -d '\n' | sha256sum`.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The canonical form of a value.
///
/// Our own types become JSON without fail; one that did not would have the empty text, and every check of it would fail.
pub fn canonical(value: &impl Serialize) -> String {
    let mut out = String::new();
    if let Ok(value) = serde_json::to_value(value) {
        write(&value, &mut out);
    }
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                text(name, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::String(value) => text(value, out),
        // writing to a string does not fail
        other => drop(write!(out, "{other}")),
    }
}

/// As `jq` escapes it: DEL too, which JSON would allow as it is.
fn text(value: &str, out: &mut String) {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    if quoted.contains('\u{7f}') {
        out.push_str(&quoted.replace('\u{7f}', "\\u007f"));
    } else {
        out.push_str(&quoted);
    }
}

/// SHA-256, hexadecimal.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes.as_ref()))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_in_order_and_nothing_is_between() {
        let value = json!({ "b": [1, null, true, {"z": "é\n\u{1}\u{7f}\"\\/", "a": -2}], "B": {}, "a": [] });
        assert_eq!(canonical(&value), r#"{"B":{},"a":[],"b":[1,null,true,{"a":-2,"z":"é\n\u0001\u007f\"\\/"}]}"#);
    }

    #[test]
    fn the_hash_is_the_one_that_everybody_knows() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
