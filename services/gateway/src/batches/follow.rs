//! A row follows its transition: written with the events that tell of it, in their transaction. Transitions without a batch cost nothing.

use super::RowState;
use planshift_domain::{time::Timestamp, transition::TransitionRow};
use planshift_storage::{Statement, Value};

/// Only a change is written: a transition moves some times between its start and its end, and the row says only that it is under way.
/// Words about an attempt before the present one are of the past.
pub(crate) static FOLLOW: Statement = Statement::new(
    "UPDATE batch_rows SET state = r.state, version = r.version, transition_id = r.transition_id, subscriptions = r.subscriptions,
            code = r.code, description = r.description, ended_at = r.ended_at, due_at = 0
     FROM {1: batch_id uuid, number bigint, attempt bigint, transition_id uuid, version bigint, state text, subscriptions bigint, code text,
              description text, ended_at bigint} AS r
     WHERE batch_rows.batch_id = r.batch_id AND batch_rows.number = r.number AND batch_rows.attempt = r.attempt
       AND batch_rows.version < r.version AND (batch_rows.state <> r.state OR batch_rows.transition_id IS NULL)",
);

/// The rows of [`FOLLOW`].
pub(crate) fn follow_rows<'a>(transitions: impl Iterator<Item = &'a TransitionRow>) -> Vec<Vec<Value>> {
    let rows = transitions.filter_map(|row| {
        let of = row.batch.as_ref()?;
        let failure = row.failure.as_ref();
        let state = RowState::of(row.state, failure.map(|failure| failure.code.as_str()));
        let failure = failure.filter(|_| state.is_end());
        Some(vec![
            of.batch_id.0.into(),
            of.row.into(),
            of.attempt.into(),
            row.id.0.into(),
            row.version.into(),
            state.name().into(),
            row.lines.into(),
            failure.map(|failure| failure.code.as_str()).into(),
            failure.map(|failure| failure.description.as_str()).into(),
            row.ended_at.map(Timestamp::as_micros).into(),
        ])
    });
    rows.collect()
}
