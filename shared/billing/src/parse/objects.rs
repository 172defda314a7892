//! JSON and NDJSON: objects, whose nested properties are columns of the names that lead to them (`resource.id`).
//!
//! Numbers are taken as they are written: no binary fraction is made of them.

use super::{LONGEST_ROW, Rows, cells::Cells, columns::Column, fault::quoted};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Read},
};

/// The property whose list has the records, in Partner Center's pages.
const ITEMS: &str = "items";
/// How deep objects of a record are looked into: `instanceData.Microsoft.Resources.resourceUri` and one more.
const DEEPEST: usize = 4;
/// Whoever takes records has had enough: an error to serde, and to nobody else.
const ENOUGH: &str = "enough";

/// One value after the other.
pub(super) fn read(source: impl Read, rows: &mut Rows<'_>) -> io::Result<()> {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    skip_mark(&mut source)?;
    let mut number = 0;
    loop {
        match skip_blanks(&mut source) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return too_long(error, number + 1, rows),
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut source);
        let values = Values { number: &mut number, rows, in_page: false };
        match values.deserialize(&mut deserializer) {
            Ok(()) => {}
            Err(_) if rows.reading.ended_early => return Ok(()),
            Err(error) if error.is_io() => return too_long(error.into(), number + 1, rows),
            Err(error) => {
                not_json(&error, number + 1, rows);
                return Ok(());
            }
        }
    }
}

/// A record a line; blank lines are passed over.
pub(super) fn read_lines(source: impl Read, rows: &mut Rows<'_>) -> io::Result<()> {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    skip_mark(&mut source)?;
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        number += 1;
        match source.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return too_long(error, number, rows),
        }
        rows.bound.reset();
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        rows.cells.clear();
        let Ok(text) = std::str::from_utf8(&line) else {
            rows.faults.add(number, "", "bytes that are no text", "UTF-8");
            continue;
        };
        match flatten("", text, &mut rows.cells) {
            Ok(()) if rows.row(number, None).is_break() => return Ok(()),
            Ok(()) => {}
            Err(error) => not_json(&error, number, rows),
        }
    }
}

fn not_json(error: &serde_json::Error, number: u64, rows: &mut Rows<'_>) {
    rows.faults.add(number, "", quoted(&error.to_string()), "a JSON object");
}

/// A row that is too long is the file's fault; all else is the source's.
fn too_long(error: io::Error, number: u64, rows: &mut Rows<'_>) -> io::Result<()> {
    if !rows.bound.is_over() {
        return Err(error);
    }
    rows.faults.add(number, "", "a record that does not end", format!("at most {LONGEST_ROW} bytes"));
    Ok(())
}

fn skip_mark(source: &mut impl BufRead) -> io::Result<()> {
    if source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    Ok(())
}

/// Is there anything but blanks?
fn skip_blanks(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let blanks = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let is_something = blanks < buffer.len();
        source.consume(blanks);
        if is_something {
            return Ok(true);
        }
    }
}

/// A list of records, a page of them, or a record.
struct Values<'a, 'r> {
    number: &'a mut u64,
    rows: &'a mut Rows<'r>,
    /// What comes is an item of a page: it has no items itself.
    in_page: bool,
}

impl<'de> DeserializeSeed<'de> for Values<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a usage record, a list of them, or a page of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.in_page {
            return Err(A::Error::custom("a list in a list"));
        }
        while list.next_element_seed(Values { number: self.number, rows: self.rows, in_page: true })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { number, rows, in_page } = self;
        let (mut cells, mut had_items, mut any) = (std::mem::replace(&mut rows.cells, Cells::new()), false, false);
        cells.clear();
        while let Some(name) = object.next_key::<String>()? {
            if !in_page && name.eq_ignore_ascii_case(ITEMS) {
                had_items = true;
                object.next_value_seed(Items { number: &mut *number, rows: &mut *rows })?;
                continue;
            }
            let value: Box<RawValue> = object.next_value()?;
            any = true;
            property(&name, &value, &mut cells, 1).map_err(A::Error::custom)?;
        }
        rows.cells = cells;
        if had_items || (!any && !in_page) {
            return Ok(());
        }
        *number += 1;
        if rows.row(*number, None).is_break() { Err(A::Error::custom(ENOUGH)) } else { Ok(()) }
    }
}

/// The items of a page.
struct Items<'a, 'r> {
    number: &'a mut u64,
    rows: &'a mut Rows<'r>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(Values { number: self.number, rows: self.rows, in_page: false })
    }
}

/// Fills the cells from an object, whose properties' names have `prefix` before them.
pub(super) fn flatten(prefix: &str, text: &str, cells: &mut Cells) -> serde_json::Result<()> {
    object(prefix, text, cells, 1)
}

fn object(prefix: &str, text: &str, cells: &mut Cells, depth: usize) -> serde_json::Result<()> {
    // the last one of a name counts, as everywhere in JSON
    let properties: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    for (name, value) in properties {
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        property(&name, value, cells, depth)?;
    }
    Ok(())
}

fn property(name: &str, value: &RawValue, cells: &mut Cells, depth: usize) -> serde_json::Result<()> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') if depth < DEEPEST && Column::named(name).is_none() => object(name, text, cells, depth + 1),
        Some(b'"') => {
            let Some(column) = Column::named(name) else { return Ok(()) };
            let text: String = serde_json::from_str(text)?;
            if text.contains('\0') {
                return Err(serde_json::Error::custom(format!("the character U+0000 in {name}")));
            }
            cells.set(column, &text);
            Ok(())
        }
        Some(b'n') | None => Ok(()),
        Some(_) => {
            // numbers, true and false, and what else the file tells of a resource: as it is written
            if let Some(column) = Column::named(name) {
                cells.set(column, text);
            }
            Ok(())
        }
    }
}
