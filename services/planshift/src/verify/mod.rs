//! The invariants, checked on what is stored: read service by service, page by page in the order of the keys, never joined
//! across services. The parts of a pass run at the same time, and so do questions to different services that do not depend on each
//! other. What is held is some pages, whatever there is in all (and one transition with its lines, however many it has).
//!
//! A transition under way is not judged by rules about ends. Where services run meanwhile, what was read of one is older than
//! what was read of the next: so effects are read before the transitions that must have commanded them, and a violation counts
//! only if a second pass finds it again.
//!
//! | file | does |
//! |---|---|
//! | `stores` | opens the services' databases |
//! | `transitions`, `gather`, `lines`, `ledgers`, `history` | transitions with their lines, plans, effects, history: I3, I4, I7 to I9, I12 to I14, I16, I19, S1, S2, S6 |
//! | `chains` | customers' chains, and the histories that they seal: I19 |
//! | `live` | transitions that are not at an end: I10 |
//! | `ownership` | Azure subscriptions, and who owns their usage: I2 |
//! | `subscriptions` | the subscriptions as they were imported: I9, I12 |
//! | `usage` | usage records, and the copy of the change points that they follow: I2, I20 |
//! | `plans` | customers' plans: I7, I23 |
//! | `convert` | the services' rows as the values that checks look at |
//! | `report`, `print` | what was found |
//! | `watch` | pass after pass, with counters |
//! | `tell` | whom it tells |

mod chains;
mod convert;
mod gather;
mod history;
mod ledgers;
mod lines;
mod live;
mod ownership;
mod plans;
pub mod print;
mod report;
mod stores;
mod subscriptions;
mod tell;
mod transitions;
mod usage;
mod watch;

pub use report::{Report, Row};
pub use stores::{Databases, Stores};
pub use tell::Tell;
pub use watch::{beside, watch};

use futures::try_join;
use planshift_storage::StorageError;

/// How many rows are read at once.
const PAGE: u32 = 5_000;

/// Checks everything; twice where services may be running and the first pass has found something.
///
/// # Errors
/// Any of a reading statement.
pub async fn run(stores: &Stores) -> Result<Report, StorageError> {
    let first = pass(stores, Report::new()).await?;
    if !stores.may_be_live() || first.is_clean() {
        return Ok(first);
    }
    pass(stores, first.into_unconfirmed()).await
}

async fn pass(stores: &Stores, report: Report) -> Result<Report, StorageError> {
    try_join!(
        Box::pin(transitions::check(stores, &report)),
        chains::check(stores, &report),
        live::check(stores, &report),
        ownership::check_points(stores, &report),
        ownership::check_attachments(stores, &report),
        subscriptions::check_lines(stores, &report),
        Box::pin(subscriptions::check_told(stores, &report)),
        plans::check(stores, &report),
        usage::check_records(stores, &report),
        usage::check_copies(stores, &report),
    )?;
    Ok(report)
}
