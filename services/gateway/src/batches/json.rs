//! Rows in JSON: an object with the batch's options and, where it is a list, `rows`, which are read one after the other.

use super::{
    fault::{Faults, Place},
    rows::{self, Column, NewRow},
};
use crate::words::words;
use planshift_billing::parse::{Bound, Bounded, LONGEST_ROW};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};

/// How much is read at a time.
const BLOCK: usize = 64 * 1024;
/// Says that the text is UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// The property that the rows stand in.
const ROWS: &str = "rows";

/// What else stands in the document.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Its other properties.
    pub(crate) options: Map<String, Value>,
    /// It has rows, if only an empty list of them.
    pub(crate) has_rows: bool,
}

/// Reads the rows, and gives each that is as it must be; what is wrong is noted.
///
/// # Errors
/// The document cannot be read.
pub(crate) fn read(
    document: impl Read,
    give: impl FnMut(NewRow) -> ControlFlow<()>,
    faults: &mut Faults,
) -> io::Result<ControlFlow<(), Rest>> {
    let ends = Bound::default();
    let bounded = Bounded::new(document, ends.clone());
    let mut reader = BufReader::with_capacity(BLOCK, bounded);
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    let mut document = Document { give, faults, ends, rest: Rest::default(), number: 0, is_stopped: false };
    let mut text = serde_json::Deserializer::from_reader(reader);
    let read = (&mut document).deserialize(&mut text).and_then(|()| text.end());
    let Document { rest, number, is_stopped, faults, .. } = document;
    match read {
        _ if is_stopped => return Ok(ControlFlow::Break(())),
        Ok(()) => {}
        Err(error) if error.io_error_kind() == Some(io::ErrorKind::FileTooLarge) => {
            let found = words!("a row of more than {LONGEST_ROW} bytes", "une ligne de plus de {LONGEST_ROW} octets");
            faults.say(Place::row(number + 1), found, words!("a shorter one", "une ligne plus courte"));
        }
        Err(error) if error.is_io() => return Err(error.into()),
        Err(error) => {
            let place = Place { line: Some(error.line() as u64), ..Place::default() };
            faults.say(place, words!("{error}", "{error}"), words!("an object in JSON", "un objet JSON"));
        }
    }
    Ok(ControlFlow::Continue(rest))
}

struct Document<'f, G> {
    give: G,
    faults: &'f mut Faults,
    ends: Bound,
    rest: Rest,
    number: u32,
    is_stopped: bool,
}

impl<'de, G: FnMut(NewRow) -> ControlFlow<()>> DeserializeSeed<'de> for &mut Document<'_, G> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, G: FnMut(NewRow) -> ControlFlow<()>> Visitor<'de> for &mut Document<'_, G> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let is_twice = self.rest.options.keys().any(|known| known.eq_ignore_ascii_case(&name));
            let is_rows = name.eq_ignore_ascii_case(ROWS);
            if is_twice || (is_rows && self.rest.has_rows) {
                let expected = words!("each property once", "chaque propriété une seule fois");
                self.faults.add(Place::default().column(&name), &name, expected);
                map.next_value::<IgnoredAny>()?;
            } else if is_rows {
                self.rest.has_rows = true;
                map.next_value_seed(Rows(self))?;
            } else {
                let value = map.next_value()?;
                self.rest.options.insert(name, value);
            }
            self.ends.reset();
        }
        Ok(())
    }
}

/// The list of rows.
struct Rows<'d, 'f, G>(&'d mut Document<'f, G>);

impl<'de, G: FnMut(NewRow) -> ControlFlow<()>> DeserializeSeed<'de> for Rows<'_, '_, G> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, G: FnMut(NewRow) -> ControlFlow<()>> Visitor<'de> for Rows<'_, '_, G> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let document = self.0;
        while let Some(value) = rows.next_element::<Value>()? {
            document.ends.reset();
            document.number = document.number.saturating_add(1);
            if let Some(row) = row(document.number, &value, document.faults)
                && (document.give)(row).is_break()
            {
                document.is_stopped = true;
                return Err(A::Error::custom("nobody takes the rows any more"));
            }
        }
        Ok(())
    }
}

/// A row of an object.
fn row(number: u32, value: &Value, faults: &mut Faults) -> Option<NewRow> {
    let place = Place::row(number);
    let Value::Object(object) = value else {
        let names = Column::names();
        faults.add(place, &value.to_string(), words!("an object with {names}", "un objet avec {names}"));
        return None;
    };
    let mut cells: Vec<(Column, &str)> = Vec::with_capacity(object.len());
    let mut is_good = true;
    for (name, value) in object {
        let column = Column::from_name(name);
        let expected = match (column, value) {
            (None, _) => {
                let names = Column::names();
                words!("one of the properties {names}", "l’une des propriétés {names}")
            }
            (Some(column), _) if cells.iter().any(|(known, _)| *known == column) => {
                words!("each property once", "chaque propriété une seule fois")
            }
            (Some(column), Value::String(text)) => {
                cells.push((column, text));
                continue;
            }
            (Some(column), Value::Null) => {
                cells.push((column, ""));
                continue;
            }
            (Some(_), _) => words!("a text", "un texte"),
        };
        let found = if column.is_some() { value.to_string() } else { name.clone() };
        faults.add(place.column(name), &found, expected);
        is_good = false;
    }
    if !is_good && !cells.iter().any(|(column, _)| *column == Column::CustomerId) {
        return None;
    }
    rows::check(&place, cells.into_iter(), faults).filter(|_| is_good)
}

#[cfg(test)]
#[path = "tests/json.rs"]
mod tests;
