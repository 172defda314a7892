//! Files that are brought, of usage and of invoices alike: all of one is taken, or nothing.
//!
//! One file of a kind is taken at a time of each partner: a unique index says so. What it brings is written batch by batch under its id, and
//! is seen when all of it is here. A file that nobody has been seen at for a minute is undone by whoever finds it; the one who was at it finds
//! it gone with the next batch, and gives up.
//!
//! | file | does |
//! |---|---|
//! | `file` | a file as it is kept, and where it stands |
//! | `table` | the statements of a table of files |
//! | `life` | files: found, begun, seen to be alive; what one that ended badly has left is taken out |
//! | `reading` | a file's rows, read in a thread of their own, batch by batch |

mod file;
mod life;
mod reading;
mod table;

pub(crate) use file::{Brought, File, FileState};
pub(crate) use life::Files;
pub(crate) use reading::Reading;
pub(crate) use table::{Table, table};

use crate::ask::AskError;
use planshift_billing::{UsageError, parse::Faults};
use planshift_storage::StorageError;
use std::io;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("another file of the partner is being taken")]
    UnderWay,
    #[error(transparent)]
    Faults(Faults),
    /// Its bytes ended early, or cannot be read where they lie.
    #[error("the file broke off")]
    BrokeOff(#[source] io::Error),
    #[error("who owns its records was asked for in vain")]
    Ask(#[source] AskError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("it was taken for dead, or what it was to replace was withdrawn meanwhile")]
    TakenAway,
}

impl From<UsageError> for FileError {
    fn from(error: UsageError) -> Self {
        match error {
            UsageError::Faults(faults) => Self::Faults(faults),
            UsageError::Io(error) => Self::BrokeOff(error),
        }
    }
}
