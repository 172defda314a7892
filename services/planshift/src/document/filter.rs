//! A document with only some of its customers: partner and resellers and the order stay, byte for byte.

use planshift_domain::ids::CustomerId;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{
    collections::BTreeSet,
    fmt,
    io::{self, BufRead, Write},
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the document that `from` holds with only the customers that were chosen. It was checked before; one customer is
/// held at a time.
///
/// # Errors
/// It cannot be read or written.
pub fn write_chosen(mut from: impl BufRead, chosen: &BTreeSet<CustomerId>, to: &mut dyn Write) -> io::Result<()> {
    if from.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        from.consume(BYTE_ORDER_MARK.len());
    }
    let mut document = serde_json::Deserializer::from_reader(from);
    Document { chosen, to }.deserialize(&mut document).map_err(io::Error::from)
}

/// The same of a document in lines: lines with customers that were not chosen are left out. One line is held at a time.
///
/// # Errors
/// It cannot be read or written.
pub fn write_chosen_lines(mut from: impl BufRead, chosen: &BTreeSet<CustomerId>, to: &mut dyn Write) -> io::Result<()> {
    if from.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        from.consume(BYTE_ORDER_MARK.len());
    }
    for line in from.lines() {
        let line = line?;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let raw: &RawValue = serde_json::from_str(line).map_err(io::Error::from)?;
        if is_document(raw).map_err(io::Error::from)? {
            Document { chosen, to: &mut *to }.deserialize(&mut serde_json::Deserializer::from_str(line)).map_err(io::Error::from)?;
        } else if id_of(raw).map_err(io::Error::from)?.is_some_and(|id| chosen.contains(&id)) {
            to.write_all(line.as_bytes())?;
        } else {
            continue;
        }
        to.write_all(b"\n")?;
    }
    Ok(())
}

/// A line with a partner is a document, and no customer.
fn is_document(line: &RawValue) -> serde_json::Result<bool> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = bool;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a customer or a document")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut found = false;
            while let Some(key) = map.next_key::<String>()? {
                found |= key.eq_ignore_ascii_case("partner");
                map.next_value::<IgnoredAny>()?;
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(line.get()).deserialize_map(Keys)
}

struct Document<'a> {
    chosen: &'a BTreeSet<CustomerId>,
    to: &'a mut dyn Write,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account document")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut separator = "{";
        while let Some(key) = map.next_key::<String>()? {
            let name = serde_json::to_string(&key).map_err(A::Error::custom)?;
            write!(self.to, "{separator}{name}:").map_err(A::Error::custom)?;
            separator = ",";
            if key.eq_ignore_ascii_case("customers") {
                map.next_value_seed(Customers { chosen: self.chosen, to: &mut *self.to })?;
            } else {
                let value: Box<RawValue> = map.next_value()?;
                self.to.write_all(value.get().as_bytes()).map_err(A::Error::custom)?;
            }
        }
        self.to.write_all(if separator == "{" { b"{}" } else { b"}" }).map_err(A::Error::custom)
    }
}

struct Customers<'a> {
    chosen: &'a BTreeSet<CustomerId>,
    to: &'a mut dyn Write,
}

impl<'de> DeserializeSeed<'de> for Customers<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Customers<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of customers")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut customers: A) -> Result<(), A::Error> {
        let mut separator = "[";
        while let Some(customer) = customers.next_element::<Box<RawValue>>()? {
            if id_of(&customer).map_err(A::Error::custom)?.is_some_and(|id| self.chosen.contains(&id)) {
                write!(self.to, "{separator}{}", customer.get()).map_err(A::Error::custom)?;
                separator = ",";
            }
        }
        self.to.write_all(if separator == "[" { b"[]" } else { b"]" }).map_err(A::Error::custom)
    }
}

/// The customer's id, whatever the case of its name and its digits.
fn id_of(customer: &RawValue) -> serde_json::Result<Option<CustomerId>> {
    struct Id;
    impl<'de> Visitor<'de> for Id {
        type Value = Option<CustomerId>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a customer")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut id = None;
            while let Some(key) = map.next_key::<String>()? {
                if key.eq_ignore_ascii_case("id") {
                    id = map.next_value::<String>()?.parse().ok();
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(id)
        }
    }
    serde_json::Deserializer::from_str(customer.get()).deserialize_map(Id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(document: &str, chosen: &[&str]) -> String {
        let mut to = Vec::new();
        write_chosen(document.as_bytes(), &chosen.iter().map(|id| id.parse().unwrap()).collect(), &mut to).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn of_a_document_in_lines_the_chosen_lines_stay() {
        let lines = format!(
            "\u{feff}{{\"partner\":{{\"id\":1}}}}\n\n{{\"id\":\"{A}\"}}\r\n{{\"ID\":\"{B}\",\"x\":[1 , 2]}}\n{{\"customers\":[{{\"id\":\"{A}\"}}],\"partner\":{{}}}}"
        );
        let mut to = Vec::new();
        write_chosen_lines(lines.as_bytes(), &[B.parse().unwrap()].into(), &mut to).unwrap();
        let expected = format!("{{\"partner\":{{\"id\":1}}}}\n{{\"ID\":\"{B}\",\"x\":[1 , 2]}}\n{{\"customers\":[],\"partner\":{{}}}}\n");
        assert_eq!(String::from_utf8(to).unwrap(), expected);
    }

    const A: &str = "c501c3c4-d776-40ef-9ecf-9cefb59442c1";
    const B: &str = "c501c3c4-d776-40ef-9ecf-9cefb59442c2";

    #[test]
    fn only_the_chosen_stay_and_everything_else_is_as_it_was() {
        let upper = B.to_uppercase();
        let document = format!(
            "\u{feff} {{\"partner\" : {{\"id\": 1.50}},\"Customers\":[ {{\"id\":\"{A}\",\"x\":[1 , 2]}}, {{\"n\":{{\"id\":\"{A}\"}},\"ID\":\"{upper}\"}} ],\"resellers\":[]}}"
        );
        assert_eq!(
            filtered(&document, &[B]),
            format!("{{\"partner\":{{\"id\": 1.50}},\"Customers\":[{{\"n\":{{\"id\":\"{A}\"}},\"ID\":\"{upper}\"}}],\"resellers\":[]}}")
        );
        assert_eq!(
            filtered(&document, &[A]),
            format!("{{\"partner\":{{\"id\": 1.50}},\"Customers\":[{{\"id\":\"{A}\",\"x\":[1 , 2]}}],\"resellers\":[]}}")
        );
    }
}
