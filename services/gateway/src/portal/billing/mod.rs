//! Billing: what belongs on which invoice in a month, and is that all; what is wrong with the invoices that came; what was brought.
//!
//! All of it is what `/v1/reconciliation`, `/v1/invoices` and `/v1/usage` say, for one partner. Amounts and quantities stand here with the
//! digits that the API gives: nothing is rounded on a page.
//!
//! | file | holds |
//! |---|---|
//! | `asked` | whose, which month, and the way between these pages |
//! | `shapes` | sums and amounts, as the API has them and as they are shown |
//! | `month` | the reconciliation of a month, with its sum check |
//! | `credit` | partner earned credit, and who loses it |
//! | `invoices`, `invoice` | files of invoices; one of them, with what is wrong with it, line by line |
//! | `usage` | files of usage |
//! | `brought` | what is said of a file that was brought, or refused |
//! | `table` | all of it as CSV |

mod asked;
mod brought;
mod credit;
mod invoice;
mod invoices;
mod month;
mod shapes;
mod table;
mod usage;

pub(super) use credit::page as credit;
pub(super) use invoice::{page as invoice, replace, withdraw};
pub(super) use invoices::{bring as bring_invoice, page as invoices};
pub(super) use month::page as month;
pub(super) use shapes::{Amounts, Interval, money};
pub(super) use table::read as table;
pub(super) use usage::{bring as bring_usage, page as usage};
