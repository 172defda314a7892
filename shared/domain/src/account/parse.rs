//! A value of the document as the type it must have, or what was expected instead.

use super::node::{Members, Node};
use crate::{ids::MpnId, ids::parse_guid, time::Timestamp};
use std::mem;
use uuid::Uuid;

/// The value, or what was expected; the node is emptied only where it is right.
pub(super) type Parsed<T> = Result<T, String>;

fn expected<T>(what: &str) -> Parsed<T> {
    Err(what.to_owned())
}

/// Any string that can be stored: no database keeps U+0000 in a text.
pub(super) fn text(node: &mut Node) -> Parsed<String> {
    match node {
        Node::Text(text) if text.contains('\0') => expected("a string without the character U+0000"),
        Node::Text(text) => Ok(mem::take(text)),
        _ => expected("a string"),
    }
}

/// `true` or `false`.
pub(super) fn boolean(node: &mut Node) -> Parsed<bool> {
    match node {
        Node::Bool(value) => Ok(*value),
        _ => expected("true or false"),
    }
}

/// A GUID, any case.
pub(super) fn guid(node: &mut Node) -> Parsed<Uuid> {
    match node {
        Node::Text(text) => parse_guid(text).map_or_else(|| expected("a GUID"), Ok),
        _ => expected("a GUID"),
    }
}

/// A string of digits.
pub(super) fn mpn_id(node: &mut Node) -> Parsed<MpnId> {
    match node {
        Node::Text(text) => MpnId::try_new(text).or_else(|error| expected(error.expected)),
        _ => expected("a string of digits"),
    }
}

/// A time.
pub(super) fn time(node: &mut Node) -> Parsed<Timestamp> {
    match node {
        Node::Text(text) => text.parse().or_else(|_| expected("an RFC 3339 time")),
        _ => expected("an RFC 3339 time"),
    }
}

/// An ISO 3166 country code: two letters, in upper case from here on.
pub(super) fn country(node: &mut Node) -> Parsed<String> {
    letters(node, 2).map_or_else(|| expected("an ISO 3166 country code of two letters"), Ok)
}

/// An ISO 4217 currency code: three letters, in upper case from here on.
pub(super) fn currency(node: &mut Node) -> Parsed<String> {
    letters(node, 3).map_or_else(|| expected("an ISO 4217 currency code of three letters"), Ok)
}

fn letters(node: &Node, count: usize) -> Option<String> {
    match node {
        Node::Text(text) if text.len() == count && text.bytes().all(|b| b.is_ascii_alphabetic()) => Some(text.to_ascii_uppercase()),
        _ => None,
    }
}

/// A number that is not negative, with the digits that were written.
pub(super) fn amount(node: &mut Node) -> Parsed<String> {
    match node {
        Node::Number(digits) => match digits.strip_prefix('-') {
            None => Ok(mem::take(digits)),
            // minus nothing is nothing
            Some(rest) if is_zero(rest) => Ok(rest.to_owned()),
            Some(_) => expected("a number that is not negative"),
        },
        _ => expected("a number that is not negative"),
    }
}

fn is_zero(number: &str) -> bool {
    let digits = number.split(['e', 'E']).next().unwrap_or_default();
    digits.bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// A value of a closed set, any case.
pub(super) fn one_of<T>(from_text: fn(&str) -> Option<T>, texts: &'static [&'static str]) -> impl Fn(&mut Node) -> Parsed<T> {
    move |node| match node {
        Node::Text(text) if let Some(value) = from_text(text) => Ok(value),
        _ => Err(format!("one of {}", texts.join(", "))),
    }
}

/// An object.
pub(super) fn object(node: &mut Node) -> Parsed<Members> {
    match mem::replace(node, Node::Null) {
        Node::Object(members) => Ok(members),
        other => {
            *node = other;
            expected("an object")
        }
    }
}

/// A list.
pub(super) fn list(node: &mut Node) -> Parsed<Vec<Node>> {
    match node {
        Node::List(items) => Ok(mem::take(items)),
        _ => expected("a list"),
    }
}
