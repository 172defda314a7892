//! `/v1/reconciliation`: what belongs on which invoice, and what is wrong with those that came. Source: `docs/reconciliation.md`.
//!
//! | file | holds |
//! |---|---|
//! | `scope` | whose, and which month |
//! | `list` | subscriptions, page by page or as a table; totals |
//! | `shown` | a subscription, as answers and tables have it |
//! | `credit` | partner earned credit by day |
//! | `findings` | invoices' lines against what was metered |

mod credit;
mod findings;
mod list;
mod scope;
mod shown;

pub(super) use credit::credit;
pub(super) use findings::{findings, of_file};
pub(super) use list::{list, of_upgrade, totals};

use planshift_billing::reconcile::{Series, cycle};
use planshift_domain::time::Timestamp;

/// When a day of that invoice begins: the legacy one's begin at 00:00-07:00.
pub(super) const fn began(series: Series, day: Timestamp) -> Timestamp {
    match series {
        Series::Legacy => cycle::begins(day),
        Series::Plan => day,
    }
}
