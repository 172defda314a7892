//! Schedules: a batch that begins at a date, within hours, day by day, in a time zone. The batch does the work; the schedule says when.
//!
//! A schedule and its batch change together, under the lock of the batch's row, whoever changes them: there is one order of locks.
//!
//! | file | holds |
//! |---|---|
//! | `state` | where a schedule stands |
//! | `when` | when it is to be, as it is asked for |
//! | `calendar` | the hours of a time zone as instants |
//! | `days` | rows divided over days; what is open now |
//! | `store` | schedules as they are stored |
//! | `making` | a schedule that is made, alone or with its batch |
//! | `acts` | moved, cancelled, over |
//! | `runner` | schedules whose time has come |
//! | `late` | what should have begun and has not |
//! | `measure` | how many there are |

mod acts;
mod calendar;
mod days;
mod late;
mod making;
mod measure;
mod runner;
mod state;
mod store;
mod when;

pub(crate) use acts::{ScheduleError, over_in};
pub(crate) use days::Day;
pub(crate) use making::{Asked, Made, MakeError, NewSchedule, Whose, make_in};
pub(crate) use state::{ScheduleAct, ScheduleState};
pub(crate) use store::{Schedule, ScheduleFilter, Scheduled};
pub(crate) use when::{HORIZON_DAYS, MOST_DAYS, Weekday, When, Window, WrongWhen, zones};

use crate::batches::Batches;
use planshift_storage::Database;
use planshift_worker::Ports;
use std::sync::Arc;
use tokio::sync::Notify;

/// Schedules. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Schedules {
    database: Database,
    batches: Batches,
    ports: Ports,
    /// A schedule was made or moved.
    news: Arc<Notify>,
}

impl Schedules {
    pub(crate) fn new(database: Database, batches: Batches, ports: Ports) -> Self {
        Self { database, batches, ports, news: Arc::default() }
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
