//! The effect ledger: every effect exactly once.
//!
//! A worker writes, in the transaction of the effect itself, one row for (transition, step, item). Command and undo write the
//! same row, so that whichever comes first decides, and the other one learns of it. The rules are in [`rules`]; what is here
//! runs them over sets of rows.
//!
//! # How a worker uses it
//! In one transaction: [`claim`] all items of a batch, do what the verdicts say, [`record`] what differs from what was claimed,
//! commit. After `claim`
//! - the row of a `Do` with [`Verdict::Apply`] says `done` already, without an answer: record it only if it came out otherwise
//!   (`refused`; `intent` before an outside system is called) or if an answer is to be kept;
//! - the row of an [`Verdict::Fence`] says `fenced` already;
//! - the row of an `Undo` with [`Verdict::Apply`] still says `done`: record `undone` once it is undone. (The other way round, an
//!   undo that failed and was forgotten would stand as evidence that it had happened.)
//!
//! Rows are locked in the order of their keys, so that batches which share items wait for each other instead of deadlocking.
//! That holds within one call of `claim`; a transaction that claims for several steps must do so in one order everywhere.

pub(crate) mod claim;
pub(crate) mod read;
pub mod rules;
mod table;

pub use claim::{Claim, claim, record};
pub use read::{LedgerKey, LedgerMark, LedgerRow, load, lock, marks, page};
pub use rules::{Action, LedgerState, Verdict, decide, may_become};
pub use table::LEDGER_TABLE;
