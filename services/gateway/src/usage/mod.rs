//! Usage records: brought in files, each with exactly one owner (ADR 30).
//!
//! | file | does |
//! |---|---|
//! | `import` | a file, batch by batch: all of it is taken, or nothing |
//! | `batch` | one batch: new records, repeated ones, corrections |
//! | `imports` | imports, as [files](crate::files) that are begun and end |
//! | `owners` | who owns what: mapping is asked, and records follow its answer |
//! | `follow` | transitions that changed: whose owners are to be asked for again |
//! | `inspect` | what is stored, for verification |
//! | `read` | records and totals |

mod batch;
mod follow;
mod import;
mod imports;
pub mod inspect;
mod owners;
mod read;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use import::Bringing;
pub(crate) use imports::{Counts, Import};
pub(crate) use read::{Listed, Place, Total, UsageFilter, summed};

use crate::{ask::Asker, files::Files};
use planshift_storage::Database;
use planshift_worker::Ports;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Usage records of all partners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Usage {
    /// Imports.
    pub(crate) files: Files<Counts>,
    database: Database,
    asker: Asker,
    ports: Ports,
    /// How long mapping may take to answer.
    answer: Duration,
    /// Something was brought.
    brought: Arc<Notify>,
}

impl Usage {
    pub(crate) fn new(database: Database, asker: Asker, ports: Ports, answer: Duration) -> Self {
        Self { files: Files::new(database.clone(), ports.clone()), database, asker, ports, answer, brought: Arc::default() }
    }

    /// Told when a file was taken by this process.
    pub(crate) fn brought(&self) -> Arc<Notify> {
        self.brought.clone()
    }
}
