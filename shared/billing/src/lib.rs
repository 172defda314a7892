//! Usage records: what they are, which of them are the same, and how they are read from the files that partners have.
//!
//! It knows the domain's vocabulary alone and does no I/O: what it reads comes through a reader that the caller has.
//!
//! | module | holds |
//! |---|---|
//! | `decimal` | exact decimals, of bounded length |
//! | `record` | a usage record |
//! | `identity` | which records are the same |
//! | `parse` | CSV, JSON and NDJSON of two kinds, streamed |
//! | `charge` | what usage costs on each invoice |
//! | `month` | calendar months in UTC |
//! | `spending` | what usage has come to, and which thresholds of a budget that has passed |
//! | `credit` | partner earned credit by day |
//! | `reconcile` | what belongs on which invoice, and what is wrong with those that came |
//! | `owned` | a subscription's intervals, and what each owner has of records |
//! | `unit` | what quantities are counted in |
//! | `sample` | files of any size, for trying out and for measuring |

pub mod charge;
pub mod credit;
pub mod decimal;
mod identity;
pub mod month;
pub mod owned;
pub mod parse;
pub mod reconcile;
mod record;
pub mod sample;
pub mod spending;
mod unit;

pub use decimal::{Decimal, InvalidDecimal, Packed};
pub use parse::{Defaults, Fault, Faults, Format, Reading, UsageError, read};
pub use record::{Kind, Rated, Resource, UsageRecord};
pub use unit::unit_name;
