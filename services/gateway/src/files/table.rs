//! The statements of a table of files: the same for each kind, but for what a file of it has brought.

use planshift_storage::Statement;

/// A table of files, made by [`table!`].
pub(crate) struct Table {
    pub(crate) one: Statement,
    pub(crate) same: Statement,
    pub(crate) done: Statement,
    pub(crate) newest: Statement,
    pub(crate) newest_of_all: Statement,
    pub(crate) forget_broken: Statement,
    pub(crate) alive: Statement,
    pub(crate) silent: Statement,
    pub(crate) undo: Statement,
    pub(crate) undoing: Statement,
    pub(crate) undone: Statement,
    /// What takes out a piece of what the file `$1` has brought. All of it is out when the last of them finds nothing.
    pub(crate) take_out: &'static [&'static Statement],
    /// What is taken out with the last piece.
    pub(crate) forget: &'static [&'static Statement],
}

/// The table of that name. `columns` are those that it has beside what all have, `undone` is what becomes of them when nothing of a file is
/// left. A file has faults where it was refused, and none where it broke off.
macro_rules! table {
    ($name:literal, columns: $columns:literal, undone: $undone:literal, take_out: $take_out:expr, forget: $forget:expr $(,)?) => {
        $crate::files::Table {
            one: $crate::files::table!(@select $columns, $name, "WHERE id = $1"),
            same: $crate::files::table!(
                @select $columns, $name, "WHERE partner_id = $1 AND document = $2 AND state = 'Done' ORDER BY created_at LIMIT 1"
            ),
            done: $crate::files::table!(@select $columns, $name, "WHERE partner_id = $1 AND state = 'Done' ORDER BY created_at, id"),
            newest: $crate::files::table!(
                @select $columns, $name,
                "WHERE partner_id = $4 AND (created_at, id) < ($1::bigint, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3"
            ),
            newest_of_all: $crate::files::table!(
                @select $columns, $name, "WHERE (created_at, id) < ($1::bigint, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3"
            ),
            forget_broken: $crate::files::table!(@statement "DELETE FROM ", $name, " WHERE id = $1 AND state = 'Broken'"),
            alive: $crate::files::table!(@statement "UPDATE ", $name, " SET alive_at = $2 WHERE id = $1 AND state = 'Running'"),
            silent: $crate::files::table!(
                @statement "UPDATE ", $name,
                " SET state = 'Undoing', alive_at = $1 WHERE state IN ('Running', 'Undoing') AND alive_at < $2 RETURNING id"
            ),
            undo: $crate::files::table!(
                @statement "UPDATE ", $name, " SET state = 'Undoing', alive_at = $2, faults = $3 WHERE id = $1 AND state = 'Running'"
            ),
            undoing: $crate::files::table!(@statement "UPDATE ", $name, " SET alive_at = $2 WHERE id = $1 AND state = 'Undoing'"),
            undone: $crate::files::table!(
                @statement "UPDATE ", $name, " SET state = CASE WHEN faults IS NULL THEN 'Broken' ELSE 'Refused' END, ended_at = $2, ", $undone,
                " WHERE id = $1 AND state = 'Undoing'"
            ),
            take_out: $take_out,
            forget: $forget,
        }
    };
    (@select $columns:literal, $name:literal, $rest:literal) => {
        $crate::files::table!(
            @statement "SELECT id, partner_id, state, format, actor, document, created_at, ended_at, faults, ", $columns, " FROM ", $name, " ",
            $rest
        )
    };
    (@statement $($text:literal),+) => {
        planshift_storage::Statement::new(concat!($($text),+))
    };
}
pub(crate) use table;
