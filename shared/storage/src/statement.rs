//! A statement, written once for both databases.

mod expand;
#[cfg(test)]
mod tests;

pub(crate) use expand::{ColumnType, Expanded, Physical, Shape, expand};
use std::sync::OnceLock;

/// The SQL of a statement for each kind of database.
#[derive(Debug)]
pub struct Sql {
    /// With `$1` …, sets of rows as `UNNEST` of arrays.
    pub postgres: String,
    /// With `?1` …, sets of rows as `json_each` of one JSON array of arrays.
    pub sqlite: String,
}

/// A statement: a template that is expanded once and then used as it is. Meant for `static`s.
///
/// In a template
/// - `$N` is argument N, a value;
/// - `{N: id uuid, name text, size bigint, done boolean}` is argument N, a set of rows: a table expression with these columns, to
///   be given an alias: `FROM {2: id uuid, name text} AS r`;
/// - `{for update}` and `{for update skip locked}` lock rows where the database locks rows, and are nothing where a writer has the
///   whole database to itself;
/// - `{postgres: …}` and `{sqlite: …}` stand for that database alone;
/// - `expression::type` is a cast on Postgres and is left out on SQLite.
///
/// The same argument may stand in several places. Quoted text is taken as it is; comments (`--`) are left out.
///
/// # What differs between the databases
/// - An argument that is NULL has no type of its own. Where its place does not give it one (`$1 IS NULL`, a bare `SELECT $1`),
///   write `$1::bigint`.
/// - SQLite reads `INSERT … SELECT … FROM x ON CONFLICT` as the start of a join: put `WHERE true` before `ON CONFLICT`.
/// - Name the columns: `SELECT *` means another thing after a migration, to a statement that was prepared before it.
/// - `sum(bigint)` is a `numeric` on Postgres: write `sum(x)::bigint`.
#[derive(Debug)]
pub struct Statement {
    template: &'static str,
    expanded: OnceLock<Expanded>,
}

impl Statement {
    /// A statement from its template.
    pub const fn new(template: &'static str) -> Self {
        Self { template, expanded: OnceLock::new() }
    }

    /// The SQL for each database. A template that is wrong panics at its first use, in any test.
    pub fn sql(&self) -> &Sql {
        &self.expanded().sql
    }

    /// The template's text.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// Whether the statement only reads, as far as its words tell. A store may run it where nothing can be written.
    pub fn only_reads(&self) -> bool {
        self.expanded().only_reads
    }

    pub(crate) fn expanded(&self) -> &Expanded {
        self.expanded.get_or_init(|| expand(self.template))
    }
}
