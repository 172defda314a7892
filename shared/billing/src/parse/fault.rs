//! What is wrong with a file of usage: where, what stood there, what was expected.

use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// How many faults are listed; the others are counted.
pub const LISTED_FAULTS: usize = 100;
/// How much of a text is quoted, in characters.
const QUOTED_CHARS: usize = 60;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The row, as a spreadsheet counts: the header is row 1. In JSON the number of the record, in NDJSON of the line, both from 1.
    pub row: u64,
    /// The column, as it is named in the documentation; empty where it is the whole row.
    pub column: String,
    /// What stood there, shortened; `nothing` where it is missing.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, column, found, expected } = self;
        if column.is_empty() {
            write!(f, "row {row}: ")?;
        } else {
            write!(f, "row {row}, column {column}: ")?;
        }
        write!(f, "{found}, expected {expected}")
    }
}

/// All faults of a file, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    /// The first [`LISTED_FAULTS`].
    pub listed: Vec<Fault>,
    /// How many there are, listed or not.
    pub total: u64,
}

impl Faults {
    /// None at all.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Notes a fault; past the first hundred it is counted.
    pub fn add(&mut self, row: u64, column: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.total += 1;
        if self.listed.len() < LISTED_FAULTS {
            self.listed.push(Fault { row, column: column.to_owned(), found: found.into(), expected: expected.into() });
        }
    }

    /// Those of another part of the same file, which come after these.
    pub fn append(&mut self, other: Self) {
        self.total += other.total;
        let room = LISTED_FAULTS - self.listed.len().min(LISTED_FAULTS);
        self.listed.extend(other.listed.into_iter().take(room));
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = if self.total == 1 { "fault" } else { "faults" };
        write!(f, "the file has {} {faults}, and nothing of it was taken:", self.total)?;
        for fault in &self.listed {
            write!(f, "\n  {fault}")?;
        }
        match self.total.saturating_sub(self.listed.len() as u64) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
impl std::error::Error for Faults {}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// It is at fault itself.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// Its source broke off: says nothing about the file.
    #[error("the file could not be read")]
    Io(#[source] io::Error),
}

/// A text in quotes, shortened.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}
