//! What is wrong with an account document: where, what stood there, what was expected.

use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// How many faults are listed; the others are only counted, so that a document of nothing but faults stays readable.
pub const LISTED_FAULTS: usize = 100;

/// How much of a text is quoted, in characters.
const QUOTED_CHARS: usize = 60;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Where, as `customers[0].subscriptions[1].status`, or `line 17: subscriptions[1].status` in a document in lines;
    /// `line 3, column 7` where it is not JSON; `document` for all of it.
    pub path: String,
    /// What stood there, shortened; `nothing` where it is missing.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, expected {}", self.path, self.found, self.expected)
    }
}

/// All faults of a document, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// The first [`LISTED_FAULTS`].
    pub listed: Vec<Fault>,
    /// How many there are, listed or not.
    pub total: usize,
}

impl Faults {
    /// None at all.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Notes a fault; past the first hundred it is only counted.
    pub(super) fn add(&mut self, path: &Path<'_>, found: impl Into<String>, expected: impl Into<String>) {
        self.total += 1;
        if self.listed.len() < LISTED_FAULTS {
            self.listed.push(Fault { path: path.to_string(), found: found.into(), expected: expected.into() });
        }
    }

    /// Notes that it is no JSON from here on. It comes first: it ends the reading, so it must not be lost in a count.
    pub(super) fn add_not_json(&mut self, line: usize, column: usize, found: String, expected: &str) {
        self.total += 1;
        self.listed.truncate(LISTED_FAULTS - 1);
        self.listed.insert(0, Fault { path: format!("line {line}, column {column}"), found, expected: expected.to_owned() });
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = if self.total == 1 { "fault" } else { "faults" };
        write!(f, "the account document has {} {faults}, and nothing of it was taken:", self.total)?;
        for fault in &self.listed {
            write!(f, "\n  {fault}")?;
        }
        match self.total.saturating_sub(self.listed.len()) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
impl std::error::Error for Faults {}

/// Why a document was not read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is at fault itself.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// Its source broke off: says nothing about the document.
    #[error("the account document could not be read")]
    Io(#[source] io::Error),
}

/// Where the reader stands. Kept on the stack and written out only for a fault.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// The document.
    Root,
    /// A line of a document in lines, from 1.
    Line(usize),
    /// A property of an object.
    Property(&'a Path<'a>, &'static str),
    /// An item of a list, from 0.
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(super) const fn property<'a>(&'a self, name: &'static str) -> Path<'a> {
        Path::Property(self, name)
    }
    pub(super) const fn item(&self, index: usize) -> Path<'_> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("document"),
            Self::Line(number) => write!(f, "line {number}"),
            Self::Property(Self::Root, name) => f.write_str(name),
            Self::Property(Self::Line(number), name) => write!(f, "line {number}: {name}"),
            Self::Property(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A text in quotes, shortened.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}
