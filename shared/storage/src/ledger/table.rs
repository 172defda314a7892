//! The ledger's table.

/// The statement that makes the ledger's table, as a literal: `concat!(planshift_storage::ledger_table!(), "CREATE TABLE …")`
/// is the text of a [`crate::Migration`].
///
/// Keys compare by bytes on both databases, so that the order in which rows are locked and read is one and the same everywhere.
#[macro_export]
macro_rules! ledger_table {
    () => {
        "CREATE TABLE ledger (
    transition_id uuid NOT NULL,
    step text {postgres: COLLATE \"C\"} NOT NULL,
    item text {postgres: COLLATE \"C\"} NOT NULL,
    state text NOT NULL CHECK (state IN ('intent', 'done', 'refused', 'undone', 'fenced')),
    attempt bigint NOT NULL,
    answer text,
    at bigint NOT NULL,
    PRIMARY KEY (transition_id, step, item)
) {sqlite: WITHOUT ROWID};
"
    };
}

/// [`ledger_table!`] as a constant.
pub const LEDGER_TABLE: &str = crate::ledger_table!();
