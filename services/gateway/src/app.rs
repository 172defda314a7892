//! What the handlers share.

use crate::{
    ask::{AskError, Asker, Question},
    auth::{Authenticator, Pace},
    batches::Batches,
    hooks::Webhooks,
    http::{Reach, Uploads},
    hub::Hub,
    invoices::Invoices,
    letters::DeadLetters,
    model::{Known, ReadModel},
    queues::Queues,
    reconciliation::Reconciliation,
    schedules::Schedules,
    settings::Settings,
    spending::Spendings,
    usage::Usage,
    wait,
};
use planshift_domain::ids::TransitionId;
use planshift_storage::StorageError;
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, metrics::Metrics};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) model: ReadModel,
    pub(crate) asker: Asker,
    pub(crate) hub: Hub,
    pub(crate) letters: DeadLetters,
    pub(crate) queues: Queues,
    pub(crate) batches: Batches,
    pub(crate) schedules: Schedules,
    pub(crate) webhooks: Webhooks,
    pub(crate) usage: Usage,
    pub(crate) spendings: Spendings,
    pub(crate) invoices: Invoices,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) authenticator: Authenticator,
    pub(crate) reach: Reach,
    pub(crate) pace: Arc<Pace>,
    pub(crate) metrics: Metrics,
    pub(crate) ports: Ports,
    pub(crate) settings: Arc<Settings>,
    /// Documents that are being received.
    pub(crate) uploads: Uploads,
    /// One for each document that may be read at once.
    pub(crate) documents: Arc<Semaphore>,
    /// One for each dossier that may be made at once.
    pub(crate) dossiers: Arc<Semaphore>,
    /// One for each reader of events that may be here.
    pub(crate) streams: Arc<Semaphore>,
    /// Nothing new is begun, and nobody waits any longer.
    pub(crate) stop: CancellationToken,
    /// Held by work under way: when the last one is gone, so is the work.
    pub(crate) under_way: mpsc::Sender<()>,
}

impl App {
    /// Asks, with the usual patience.
    pub(crate) async fn ask<Q: Question>(&self, question: &Q, trace: &TraceContext) -> Result<Q::Answer, AskError> {
        self.asker.ask(question, trace, self.settings.answer).await
    }

    /// Waits until the transition `is_there`, at most for `limit`, or until the client is `gone`.
    pub(crate) async fn wait_for(
        &self,
        id: TransitionId,
        limit: Duration,
        gone: &CancellationToken,
        is_there: impl Fn(&Known) -> bool + Send + Sync,
    ) -> Result<Option<Known>, StorageError> {
        wait::wait_for((&self.model, &self.hub, &self.ports, &self.settings), id, limit, [gone, &self.stop], is_there).await
    }
}
