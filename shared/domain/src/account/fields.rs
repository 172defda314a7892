//! The properties of one object, asked for by name; what is wrong with them is noted on the way.
//!
//! A fault never ends the reading, so that all of them are found. `None` for a required property means that its fault is
//! noted already.

use super::{
    fault::{Faults, Path},
    node::{Members, Node},
    parse::{self, Parsed},
};

/// An object at its place.
pub(super) struct Fields<'a> {
    pub(super) path: &'a Path<'a>,
    pub(super) faults: &'a mut Faults,
    members: Members,
}

impl<'a> Fields<'a> {
    /// Opens an object, and notes the properties that it has twice.
    pub(super) fn open(path: &'a Path<'a>, mut members: Members, faults: &'a mut Faults) -> Self {
        for (name, spelling) in members.again.drain(..) {
            faults.add(&path.property(name), format!("once more, as {spelling}"), "each property once, in one spelling");
        }
        Self { path, faults, members }
    }

    /// A property that must be there.
    pub(super) fn required<T>(&mut self, name: &'static str, parse: impl FnOnce(&mut Node) -> Parsed<T>) -> Option<T> {
        let node = self.members.take(name);
        let found = node.as_ref().map_or_else(|| "nothing".to_owned(), |_| String::new());
        let mut node = node.unwrap_or(Node::Null);
        match parse(&mut node) {
            Ok(value) => Some(value),
            Err(expected) => {
                let found = if found.is_empty() { node.found() } else { found };
                self.faults.add(&self.path.property(name), found, expected);
                None
            }
        }
    }

    /// A property that may be absent or null.
    pub(super) fn optional<T>(&mut self, name: &'static str, parse: impl FnOnce(&mut Node) -> Parsed<T>) -> Option<T> {
        match self.members.take(name) {
            None | Some(Node::Null) => None,
            Some(mut node) => match parse(&mut node) {
                Ok(value) => Some(value),
                Err(expected) => {
                    self.faults.add(&self.path.property(name), node.found(), expected);
                    None
                }
            },
        }
    }

    /// An id that may be absent, null or empty.
    pub(super) fn optional_id<T>(&mut self, name: &'static str, parse: impl FnOnce(&mut Node) -> Parsed<T>) -> Option<T> {
        self.optional(name, |node| match node {
            Node::Text(text) if text.is_empty() => Ok(None),
            node => parse(node).map(Some),
        })
        .flatten()
    }

    /// An object that must be there.
    pub(super) fn inside<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        let members = self.required(name, parse::object)?;
        read(&mut Fields::open(&self.path.property(name), members, self.faults))
    }

    /// An object that may be absent or null.
    pub(super) fn maybe_inside<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        let members = self.optional(name, parse::object)?;
        read(&mut Fields::open(&self.path.property(name), members, self.faults))
    }

    /// A list of values that may be absent or null; items that are wrong are left out.
    pub(super) fn optional_list<T>(&mut self, name: &'static str, parse: impl Fn(&mut Node) -> Parsed<T>) -> Option<Vec<T>> {
        let items = self.optional(name, parse::list)?;
        let path = self.path.property(name);
        let mut values = Vec::with_capacity(items.len());
        for (index, mut node) in items.into_iter().enumerate() {
            match parse(&mut node) {
                Ok(value) => values.push(value),
                Err(expected) => self.faults.add(&path.item(index), node.found(), expected),
            }
        }
        Some(values)
    }
}
