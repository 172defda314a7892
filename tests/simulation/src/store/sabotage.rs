//! What a broken twin does to statements and commits, from outside of the services.

use planshift_storage::Statement;
use std::borrow::Cow;

/// A hand in a database. Every question has an answer that changes nothing.
pub trait Sabotage: Send + Sync {
    /// Something to run before everything else.
    fn setup(&self) -> Option<&'static str> {
        None
    }

    /// The statement's text, or another one in its place.
    fn statement<'s>(&self, statement: &'s Statement) -> Cow<'s, str> {
        Cow::Borrowed(&statement.sql().sqlite)
    }

    /// Something to run before a statement of the transaction, with the same parameters.
    fn before(&self, statement: &Statement) -> Option<&'static str> {
        let _ = statement;
        None
    }

    /// A reading statement finds nothing.
    fn is_blind_to(&self, statement: &Statement) -> bool {
        let _ = statement;
        false
    }

    /// Something to run right before a commit.
    fn before_commit(&self) -> Option<&'static str> {
        None
    }

    /// The commit says that it happened, and does not.
    fn loses_commit(&self) -> bool {
        false
    }

    /// The commit says that it happened, and happens a moment later.
    fn defers_commit(&self) -> bool {
        false
    }

    /// A transaction that is dropped is committed.
    fn commits_on_drop(&self) -> bool {
        false
    }

    /// Each statement of a transaction commits itself.
    fn commits_each(&self) -> bool {
        false
    }
}
