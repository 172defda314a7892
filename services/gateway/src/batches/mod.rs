//! Batches: many customers moved in one go, run by the gateway. The transitions are the coordinator's, as those of single starts are.
//!
//! | file | holds |
//! |---|---|
//! | `state` | where a batch and its rows stand, and the one table of what may follow |
//! | `rows`, `options` | what is asked for |
//! | `csv`, `lines`, `json`, `fault` | rows read from a document, and what is wrong with it |
//! | `upload` | a document that becomes a batch, whole or not at all |
//! | `store` | batches as they are stored |
//! | `acts`, `audit` | what people, and the batch itself, do to it; the same over all batches, by time |
//! | `gate` | what a schedule lets it do, and until when |
//! | `runner`, `starting`, `planning` | batches at work |
//! | `follow` | rows written with the events of their transitions |
//! | `tally`, `page` | what the rows add up to, and the rows |

mod acts;
mod audit;
mod csv;
mod fault;
mod follow;
mod gate;
mod json;
mod lines;
mod measure;
mod options;
mod page;
mod planning;
mod rows;
mod runner;
mod starting;
mod state;
mod store;
mod tally;
mod upload;

pub(crate) use acts::{ActError, By, How};
pub(crate) use audit::{ActKey, ActRecord};
pub(crate) use fault::{Faults, Place};
pub(crate) use follow::{FOLLOW, follow_rows};
pub(crate) use gate::Gate;
pub(crate) use options::{AT_ONCE, Filter, LARGEST_STOP_MINIMUM, MOST_AT_ONCE, Options, STOP_MINIMUM, Which};
pub(crate) use page::{RowFilter, ShownRow};
pub(crate) use rows::{NewRow, REFERENCE_CHARS, RowsHash, reference};
pub(crate) use state::{BatchState, Move, RowState, from_names, names};
pub(crate) use store::{Acted, Batch, BatchFilter, lock};
pub(crate) use tally::{PlanTally, Tally};
pub(crate) use upload::{Document, Form, NewBatch, Source, Taken, UploadError};

use crate::{Settings, ask::Asker, model::ReadModel};
use planshift_messaging::SharedBroker;
use planshift_storage::Database;
use planshift_worker::Ports;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Batches. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Batches {
    database: Database,
    model: ReadModel,
    asker: Asker,
    broker: SharedBroker,
    ports: Ports,
    settings: Arc<Settings>,
    /// A batch was made or moved, or a row has come to its end.
    news: Arc<Notify>,
    /// When the rows of a batch are counted again, to see whether too many have failed; in microseconds.
    looks: Arc<Mutex<HashMap<Uuid, i64>>>,
}

impl Batches {
    pub(crate) fn new(
        database: Database,
        model: ReadModel,
        asker: Asker,
        broker: SharedBroker,
        ports: Ports,
        settings: Arc<Settings>,
    ) -> Self {
        Self { database, model, asker, broker, ports, settings, news: Arc::default(), looks: Arc::default() }
    }

    /// Told when rows of batches have changed.
    pub(crate) fn news(&self) -> Arc<Notify> {
        self.news.clone()
    }

    fn next_looks(&self) -> MutexGuard<'_, HashMap<Uuid, i64>> {
        // a panic elsewhere leaves it whole: each change of it is a single one
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
