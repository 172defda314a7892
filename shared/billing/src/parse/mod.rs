//! Files of usage, read record by record in bounded memory.
//!
//! What kind a file is of is seen by its columns ([`Kind`]). Columns that are not known are passed over. Faults are noted by
//! row and column; after the first one no more records are given, and reading goes on for further faults. What was given before is the
//! caller's to forget.
//!
//! | file | does |
//! |---|---|
//! | `columns` | the columns that are read, and what files call them |
//! | `cells` | the cells of one row |
//! | `build` | cells to a record |
//! | `times` | times and dates |
//! | `tables` | CSV |
//! | `objects` | JSON and NDJSON |
//! | `bounded` | no row is longer than it may be |
//! | `fault` | what is wrong, and where |

mod bounded;
mod build;
mod cells;
mod columns;
mod fault;
mod objects;
mod tables;
#[cfg(test)]
mod tests;
mod times;

pub use bounded::{Bound, Bounded, LONGEST_ROW};
pub(crate) use fault::quoted;
pub use fault::{Fault, Faults, LISTED_FAULTS, UsageError};
pub(crate) use times::time;

use crate::{Kind, UsageRecord};
use cells::Cells;
use planshift_domain::ids::{AzureSubscriptionId, CustomerId};
use std::{io::Read, ops::ControlFlow};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows, with commas, semicolons or tabs.
    Csv,
    /// An array of records; an object whose `items` are records, as Partner Center's pages are; one record; or several of these, one
    /// after the other.
    Json,
    /// A record a line.
    Ndjson,
}

impl Format {
    /// As it is named.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

/// What holds for records that do not say it themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults {
    /// Partner Center's utilisation records are asked for by a commerce subscription, and do not all tell the Azure subscription.
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// Nor the customer.
    pub customer_id: Option<CustomerId>,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many records.
    pub records: u64,
    /// Whether whoever took them had enough before the end.
    pub ended_early: bool,
}

/// Reads a file, and gives each record with its row. `take` may end it.
///
/// # Errors
/// `Faults` where the file is at fault anywhere, also after records were given; `Io` where its source broke off.
pub fn read<R: Read>(
    source: R,
    format: Format,
    defaults: &Defaults,
    mut take: impl FnMut(u64, UsageRecord) -> ControlFlow<()>,
) -> Result<Reading, UsageError> {
    let bound = Bound::default();
    let source = Bounded::new(source, bound.clone());
    let mut rows = Rows { cells: Cells::new(), faults: Faults::default(), reading: Reading::default(), defaults, bound, take: &mut take };
    match format {
        Format::Csv => tables::read(source, &mut rows),
        Format::Json => objects::read(source, &mut rows),
        Format::Ndjson => objects::read_lines(source, &mut rows),
    }
    .map_err(UsageError::Io)?;
    if rows.faults.is_empty() {
        if rows.reading.records == 0 && !rows.reading.ended_early {
            rows.faults.add(1, "", "no record", "at least one");
            return Err(rows.faults.into());
        }
        return Ok(rows.reading);
    }
    Err(rows.faults.into())
}

/// Where rows go.
struct Rows<'a> {
    cells: Cells,
    faults: Faults,
    reading: Reading,
    defaults: &'a Defaults,
    bound: Bound,
    take: &'a mut dyn FnMut(u64, UsageRecord) -> ControlFlow<()>,
}

impl Rows<'_> {
    /// The row whose cells are filled. Whether to go on.
    fn row(&mut self, number: u64, kind: Option<Kind>) -> ControlFlow<()> {
        self.bound.reset();
        self.reading.records += 1;
        let Some(kind) = kind.or_else(|| build::kind_of(|column| self.cells.get(column).is_some())) else {
            self.faults.add(number, "usageStartTime", "nothing", "a utilisation record's start, or the UsageDate of daily rated usage");
            return ControlFlow::Continue(());
        };
        match build::build(kind, &self.cells, self.defaults, number, &mut self.faults) {
            Some(record) if self.faults.is_empty() => {
                let go_on = (self.take)(number, record);
                self.reading.ended_early = go_on.is_break();
                go_on
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
