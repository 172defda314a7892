//! A document in lines (NDJSON): one JSON object a line, so that it can be written and read without an end in sight.
//!
//! The first line is the document without customers (or with some); each further one is a customer, or a whole small document of
//! the same partner. Faults are named by their line: `line 17: subscriptions[1].status`. Read from the same stream as a document
//! of one piece, and no more is held: not a line, let alone all of them.

use super::{
    customer::Customer,
    fault::Path,
    node::{Node, Take, Value},
    shape::{CUSTOMER, DOCUMENT},
    walk::{Document, Walk},
};
use serde::de::{DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, value::StringDeserializer};
use std::{
    cell::Cell,
    io::{self, Read},
};

/// What stands in a line that is no object.
const AN_OBJECT: &str = "an object: a customer, or a document of the same partner";

/// A reader that counts the lines it has given, byte by byte as the parser takes them.
pub(super) struct Counting<'c, R> {
    pub(super) source: R,
    pub(super) lines: &'c Cell<usize>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(out)?;
        let newlines = out[..count].iter().filter(|byte| **byte == b'\n').count();
        self.lines.set(self.lines.get() + newlines);
        Ok(count)
    }
}

/// Reads line after line until the end, or until the sink wants no more.
///
/// # Errors
/// What ends the reading: no JSON from there on, or a source that broke off.
pub(super) fn walk<R: Read>(source: R, walk: &mut Walk<'_>) -> serde_json::Result<()> {
    let passed = Cell::new(0);
    let mut json = serde_json::Deserializer::from_reader(Counting { source, lines: &passed });
    let mut before = 0;
    loop {
        match json.end() {
            Ok(()) => break,
            Err(error) if error.is_io() => return Err(error),
            // another value begins, at the line that was counted so far
            Err(_) => {}
        }
        let line = passed.get() + 1;
        let path = Path::Line(line);
        if line == before {
            walk.faults.add(&path, "a second value", "one object a line");
        }
        let header = before == 0;
        before = line;
        Value(Line { walk: &mut *walk, path, number: line, header }).deserialize(&mut json)?;
        if walk.stopped {
            return Ok(());
        }
        if passed.get() + 1 != line {
            walk.faults.add(&path, "an object over several lines", "one object a line");
            before = passed.get() + 1;
        }
    }
    if before == 0 {
        walk.faults.add(&Path::Root, "nothing", "a line with the partner, then a customer a line");
    } else if walk.met_customers == 0 {
        walk.faults.add(&Path::Root, "no customer", "at least one customer");
    }
    Ok(())
}

/// One line.
struct Line<'w, 'a> {
    walk: &'w mut Walk<'a>,
    path: Path<'static>,
    number: usize,
    /// The first one: a document, whatever it begins with.
    header: bool,
}

impl<'de> Take<'de> for Line<'_, '_> {
    type Out = ();

    fn other(self, node: Node) {
        self.walk.faults.add(&self.path, node.found(), AN_OBJECT);
    }

    /// The first property that one of the two kinds has tells which it is.
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, path, number, header } = self;
        let has = |shape: &super::shape::Shape, key: &str| shape.0.iter().any(|property| property.name.eq_ignore_ascii_case(key));
        let mut first = None;
        while let Some(key) = map.next_key::<String>()? {
            if has(&DOCUMENT, &key) || has(&CUSTOMER, &key) {
                first = Some(key);
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        let is_document = header || first.as_deref().is_some_and(|key| has(&DOCUMENT, key));
        let begun = Begun { first, map };
        if is_document {
            Document { walk, line: Some(number) }.object(begun)
        } else {
            walk.met_customers += 1;
            Customer::new(walk, path, number).object(begun)
        }
    }
}

/// An object whose first key was read already.
struct Begun<A> {
    first: Option<String>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Begun<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => {
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                seed.deserialize(key).map(Some)
            }
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
