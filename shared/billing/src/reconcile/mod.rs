//! What belongs on which invoice, and what is wrong with those that came.
//!
//! What was metered is in two parts by the interval ledger: the legacy offer's (invoice D) and the plan's (invoice G). That they come to what
//! was metered is computed and stated, and never assumed: the three are added by themselves.
//!
//! | file | holds |
//! |---|---|
//! | `usage` | what was metered of a meter on a day, and the check of the sums |
//! | `day` | what of a day belongs on which invoice |
//! | `cycle` | days and cycles as the legacy invoice counts them |
//! | `invoice` | lines of invoices |
//! | `legacy_file` | the legacy invoice's file |
//! | `compare` | lines against usage: what is missing, doubled, or on the wrong invoice |
//!
//! Source: the domain's sections 1.3, 8 and 10.

mod compare;
pub mod cycle;
mod day;
mod invoice;
mod legacy_file;
#[cfg(test)]
mod tests;
mod usage;

pub use compare::{Came, Comparison, Fault, Finding, MOST_FINDINGS, compare};
pub use day::{Basis, Belonging, DayUse, Sum};
pub use invoice::{InvoiceLine, LinePlace, Series};
pub use legacy_file::read_legacy_file;
pub use usage::{SumCheck, Used};
