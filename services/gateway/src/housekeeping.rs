//! Now and then: ask the coordinator for what has been missing for too long, and forget what is too old.

use crate::{
    Settings, batches::Batches, hooks::Webhooks, invoices::Invoices, model::ReadModel, schedules::Schedules, spending::Spendings,
    usage::Usage,
};
use planshift_domain::{
    ids::TransitionId,
    message::request::{ChainAsked, TellAgain},
    time::Timestamp,
};
use planshift_messaging::{Destination, Outgoing, Service, SharedBroker};
use planshift_storage::StorageError;
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec, metrics::Metrics};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// So many times some thousand changes are counted in a round, so that whoever asks for a number need not wait for all of them.
const COUNTS_IN_A_ROUND: usize = 10;
/// One round in so many also shows how far behind the feed its followers are: every 14 seconds, about as often as Prometheus looks.
const ROUNDS_TO_MEASURE: u32 = 7;
/// One round in so many also forgets old keys.
const ROUNDS_TO_FORGET: u32 = 100;

/// What has to be kept in order.
pub(crate) struct Housekeeping {
    pub(crate) model: ReadModel,
    /// Whose deliveries and cut-off uploads are forgotten, and what is measured; none where there is the read model alone.
    pub(crate) beside: Option<(Webhooks, Batches, Schedules, Spendings)>,
    /// Whose owners are kept, and whose files that broke off are undone; none where there is the read model alone.
    pub(crate) usage: Option<(Usage, Invoices)>,
    pub(crate) metrics: Metrics,
    pub(crate) broker: SharedBroker,
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
}

impl Housekeeping {
    /// Goes round until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut rounds, mut has_doubted) = (0_u32, false);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.ports.clock.sleep(self.settings.housekeeping) => {}
            }
            rounds = rounds.wrapping_add(1);
            if !has_doubted {
                // once: a broker that lost its messages was down, and so were those who listened to it
                has_doubted = self.model.doubt_unsettled(self.ports.clock.now(), self.settings.gap).await.is_ok();
            }
            if let Some((usage, invoices)) = &self.usage {
                if let Err(error) = usage.keep_owners().await {
                    tracing::warn!(%error, "who owns usage could not be asked for; the next round will");
                }
                if let Err(error) = usage.files.undo_silent_ones().await {
                    tracing::warn!(%error, "imports of usage that broke off are undone later");
                }
                if let Err(error) = invoices.files.undo_silent_ones().await {
                    tracing::warn!(%error, "invoices that broke off are undone later");
                }
            }
            if let Err(error) = self.round(rounds).await {
                tracing::warn!(%error, "the read model could not be looked over; the next round will");
            }
        }
    }

    async fn round(&self, round: u32) -> Result<(), StorageError> {
        let now = self.ports.clock.now();
        let missing = self.model.claim_gaps(now, self.settings.gap).await?;
        let chains = self.model.claim_chain_gaps(now, self.settings.gap).await?;
        if !missing.is_empty() || !chains.is_empty() {
            let (transitions, customers) = (missing.len(), chains.len());
            tracing::warn!(transitions, customers, "something is missing for long: the coordinator is asked to tell again");
            let of_transitions = missing.into_iter().map(|transition_id| self.ask(&TellAgain { transition_id, chain: None }, now));
            let of_customers = chains.into_iter().map(|((partner_id, customer_id), after)| {
                let chain = Some(ChainAsked { partner_id, customer_id, after });
                self.ask(&TellAgain { transition_id: TransitionId(Uuid::nil()), chain }, now)
            });
            let messages: Vec<Outgoing> = of_transitions.chain(of_customers).collect();
            // one that is lost is asked again: it stays a gap
            if let Err(error) = self.broker.publish(messages).await {
                tracing::warn!(%error, "the coordinator could not be asked");
            }
        }
        self.model.count_changes(COUNTS_IN_A_ROUND).await?;
        if round % ROUNDS_TO_MEASURE == 1 {
            self.model.measure(&self.metrics, now).await?;
            if let Some((_, batches, schedules, spendings)) = &self.beside {
                batches.measure(&self.metrics).await?;
                schedules.measure(&self.metrics).await?;
                spendings.measure(&self.metrics).await?;
            }
        }
        if round.is_multiple_of(ROUNDS_TO_FORGET) {
            let life = i64::try_from(self.settings.key_life.as_secs()).unwrap_or(i64::MAX);
            self.model.forget_requests(now.plus_seconds(life.saturating_neg())).await?;
            if let Some((webhooks, batches, ..)) = &self.beside {
                webhooks.forget().await?;
                batches.forget_cut_off().await?;
            }
        }
        Ok(())
    }

    fn ask(&self, again: &TellAgain, now: Timestamp) -> Outgoing {
        let (id, trace) = (self.ports.random.id(), TraceContext::unrecorded(self.ports.random.id()));
        let to = Destination::Command(Service::Coordinator);
        codec::outgoing(to, id.to_string(), again.transition_id.to_string(), &trace, now, again)
    }
}
