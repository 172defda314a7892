//! The arguments of a statement, in the order of their numbers.

use crate::Value;

/// One argument: a value, or a set of rows for a `{N: …}` of the template.
#[derive(Clone, Debug)]
pub enum Arg {
    /// `$N`.
    Value(Value),
    /// `{N: name type, …}`.
    Rows(Vec<Vec<Value>>),
}

/// The arguments of a statement, built in order: `Args::new().value(now).rows(lines)`.
#[derive(Clone, Debug, Default)]
pub struct Args(pub Vec<Arg>);

impl Args {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next argument is a value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.0.push(Arg::Value(value.into()));
        self
    }

    /// The next argument is a set of rows; each row has the columns that the template names, in that order.
    #[must_use]
    pub fn rows(mut self, rows: Vec<Vec<Value>>) -> Self {
        self.0.push(Arg::Rows(rows));
        self
    }
}
