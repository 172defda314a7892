//! What was printed so far: lines of JSON, which tables are made of at the end.

use serde::Serialize;
use std::fmt::Display;

/// Lines that were printed, in their order.
#[derive(Debug, Default)]
pub struct Printed(Vec<String>);

impl Printed {
    /// Prints a line.
    pub fn line(&mut self, line: String) {
        println!("{line}");
        self.0.push(line);
    }

    /// Prints a value as a line of JSON.
    pub fn json(&mut self, value: &impl Serialize) {
        self.line(serde_json::to_string(value).unwrap_or_default());
    }

    /// All of them.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Says on standard error how far it is, for whoever waits.
pub fn progress(text: impl Display) {
    eprintln!("bench: {text}");
}

/// A measurement that does not count, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Void<'a> {
    /// Which system.
    pub system: &'a str,
    /// Which part of the benchmark.
    pub part: &'a str,
    /// What of it.
    pub of: String,
    /// Why.
    pub void: String,
}
