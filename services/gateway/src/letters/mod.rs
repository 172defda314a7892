//! Dead letters, for operators: looked through, given another chance, dropped.
//!
//! The letters stay with the broker until somebody decides about them: there is no copy that could say something else. A look is a
//! pass through the queue, of which there is one at a time. What was decided is kept here, with who and why.
//!
//! | file | holds |
//! |---|---|
//! | `letter` | a letter: what it is known by, and as JSON |
//! | `wanted` | which letters are meant |
//! | `pass` | one pass at a time |
//! | `listing` | letters counted, grouped and shown |
//! | `store` | redrives, what became of their messages, what was dropped |
//! | `runner` | redrives at work: at their rate, behind their canary |
//! | `dropping` | letters that are kept here and taken away there |

mod dropping;
mod letter;
mod listing;
mod pass;
mod runner;
mod store;
mod wanted;

pub(crate) use dropping::DroppedNow;
pub(crate) use letter::Letter;
pub(crate) use listing::{Listing, Whole};
pub(crate) use store::{CanaryState, ENDED, Ended, NewRedrive, Redrive, RedriveState, ended_rows};
pub(crate) use wanted::Wanted;

use pass::Passes;
use planshift_messaging::{BrokerError, SharedBroker};
use planshift_storage::{Database, StorageError};
use planshift_worker::Ports;
use std::sync::Arc;
use tokio::sync::Notify;

/// Dead letters. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct DeadLetters {
    database: Database,
    broker: SharedBroker,
    ports: Ports,
    passes: Passes,
    /// A redrive was asked for or cancelled.
    news: Arc<Notify>,
}

/// Why nothing could be done about dead letters. Each passes by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LettersError {
    /// The broker's.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The database's.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another pass has not come to its end in time.
    #[error("somebody else is looking through the dead letters")]
    Busy,
}

impl DeadLetters {
    pub(crate) fn new(database: Database, broker: SharedBroker, ports: Ports) -> Self {
        let passes = Passes::new(database.clone(), broker.clone(), ports.clone());
        Self { database, broker, ports, passes, news: Arc::default() }
    }
}
