//! Webhooks: what happens to transitions, told to whom their partners have registered. Source: the domain's section 6.8.
//!
//! The history is the outbox already ([`crate::model`]'s feed: every entry has the number of the change that it came with, and numbers
//! are seen in their order). So nothing is added to the writing of events: a dispatcher reads what came after the place where it was,
//! and makes deliveries of it in the transaction that moves the place. A sender sends what is due, with a lease, each until it is
//! delivered or dead. Why: ADR 21.
//!
//! | file | holds |
//! |---|---|
//! | `event` | which entries are events, and what is told of one |
//! | `registration` | who wants what, and where |
//! | `dispatch` | from the feed to deliveries |
//! | `reached` | thresholds of budgets that were reached |
//! | `replay` | events of the past once more |
//! | `deliveries` | deliveries as they are kept: made, listed, begun anew, forgotten |
//! | `validation` | tests that a partner asks for |
//! | `due` | what is to be sent: taken with a lease, and its outcome |
//! | `sender` | batches of partners, side by side |
//! | `receivers` | who is served next, and who is left alone for a while |
//! | `attempt` | one request, and what became of it |
//! | `retry` | when the next one is made |
//! | `guard` | which URLs and addresses are called |
//! | `signer` | the key and its certificate |
//! | `options` | what is configured |

mod attempt;
mod deliveries;
mod dispatch;
mod due;
mod event;
mod guard;
mod options;
mod reached;
mod receivers;
mod registration;
mod replay;
mod retry;
mod sender;
mod signer;
mod validation;

pub(crate) use deliveries::{Delivery, DeliveryFilter, DeliveryState, Try};
pub(crate) use event::EventName;
pub(crate) use guard::Reachable;
pub use options::{InvalidWebhooks, WebhookOptions};
pub(crate) use reached::Reached;
pub(crate) use registration::{Registered, Registration};
pub(crate) use replay::{NewReplay, Replay};
pub use signer::{SigningKey, SigningKeyError};
pub(crate) use validation::Tested;

use crate::{hub::Hub, settings::WebhookSettings};
use attempt::Caller;
use planshift_domain::ids::PartnerId;
use planshift_storage::Database;
use planshift_worker::{Ports, metrics::Metrics};
use signer::{Signer, Signing};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Webhooks. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Webhooks {
    database: Database,
    hub: Hub,
    ports: Ports,
    metrics: Metrics,
    settings: Arc<WebhookSettings>,
    /// What every URI begins with.
    base: Arc<str>,
    signer: Signer,
    caller: Caller,
    news: Arc<News>,
}

/// What has just been done in this process, so that nobody waits for the next look.
#[derive(Default)]
struct News {
    /// A registration or a replay was made.
    to_dispatch: Notify,
    /// A delivery was made, or begun anew.
    to_send: Notify,
    /// Partners to whom somebody wants something sent now.
    asked: Mutex<HashSet<PartnerId>>,
}

impl News {
    /// Somebody wants something sent to a partner now, however its receiver was.
    fn ask(&self, partner: PartnerId) {
        self.lock().insert(partner);
        self.to_send.notify_one();
    }

    /// Whom somebody has asked for since the last call.
    fn asked(&self) -> HashSet<PartnerId> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PartnerId>> {
        // a panic elsewhere leaves it whole: each change of it is a single one
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Webhooks {
    /// Those of a gateway that listens at `address`.
    pub(crate) fn new(
        database: Database,
        hub: Hub,
        ports: Ports,
        metrics: Metrics,
        settings: WebhookSettings,
        address: SocketAddr,
    ) -> Self {
        let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Self {
            database,
            hub,
            ports,
            metrics,
            base: base.trim_end_matches('/').into(),
            signer: Signer::new(settings.signing.clone()),
            caller: Caller::new(settings.reachable()),
            settings: Arc::new(settings),
            news: Arc::default(),
        }
    }

    /// Which URLs may be registered.
    pub(crate) fn reachable(&self) -> Reachable {
        self.settings.reachable()
    }

    /// What events are signed with.
    pub(crate) async fn signing(&self) -> Result<Arc<Signing>, SigningKeyError> {
        self.signer.get(&self.database, &self.ports).await
    }
}

#[cfg(test)]
mod tests;
