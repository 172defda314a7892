//! What happens by itself: deadlines, the recovery of output that was never sent, and housekeeping.

use crate::{
    engine::{Engine, Input},
    store::{imports, transitions},
};
use planshift_domain::ids::TransitionId;
use planshift_messaging::Broker;
use planshift_storage::StorageError;
use planshift_worker::HandleError;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often what was confirmed is written, where no later commit has done so: in ticks.
const FLUSH_TICKS: u64 = 3;
/// How often output that was never sent is looked for: in ticks.
const RECOVER_TICKS: u64 = 30;
/// How old such output must be: what is younger is under way.
const RECOVER_SECONDS: i64 = 20;
/// How often answered chunks of imports are forgotten: in ticks.
const FORGET_TICKS: u64 = 600;
/// How long they are kept: much longer than a message of theirs can be late.
const FORGET_SECONDS: i64 = 24 * 3600;
/// Transitions in one turn.
const PAGE: u32 = 200;

/// Runs until `stop`.
pub async fn run(engine: Arc<Engine>, broker: Arc<dyn Broker>, stop: CancellationToken) {
    let timers = Timers { engine, broker };
    // at the start whatever was left unsent is old: whoever was to send it is gone, or will be told twice
    let mut recovered = timers.recover(0).await.is_ok();
    for tick in 1_u64.. {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = timers.engine.ports.clock.sleep(TICK) => {}
        }
        if let Err(error) = timers.deadlines().await {
            tracing::debug!(%error, "deadlines wait for the database");
        }
        if tick % FLUSH_TICKS == 0
            && let Err(error) = timers.engine.flush_sent().await
        {
            tracing::debug!(%error, "what was sent is written later");
        }
        if !recovered || tick % RECOVER_TICKS == 0 {
            recovered = timers.recover(if recovered { RECOVER_SECONDS } else { 0 }).await.is_ok();
        }
        if tick % FORGET_TICKS == 0 {
            let before = timers.engine.ports.clock.now().plus_seconds(-FORGET_SECONDS);
            if let Err(error) = imports::forget(&timers.engine.db, before).await {
                tracing::debug!(%error, "old imports are forgotten later");
            }
        }
    }
}

struct Timers {
    engine: Arc<Engine>,
    broker: Arc<dyn Broker>,
}

impl Timers {
    async fn deadlines(&self) -> Result<(), HandleError> {
        let now = self.engine.ports.clock.now();
        let due = transitions::due(&self.engine.db, now, PAGE).await?;
        self.turn(due.into_iter().map(Input::Clock).collect()).await
    }

    async fn recover(&self, age_seconds: i64) -> Result<(), HandleError> {
        let before = self.engine.ports.clock.now().plus_seconds(-age_seconds);
        let mut after = TransitionId(Uuid::nil());
        loop {
            let page = transitions::unsent(&self.engine.db, before, after, PAGE).await?;
            let Some(last) = page.last().copied() else { return Ok(()) };
            tracing::info!(count = page.len(), "looking after output that may not have been sent");
            self.turn(page.into_iter().map(Input::Recover).collect()).await?;
            after = last;
        }
    }

    /// A transition that cannot be handled must not hold up the others: a page is taken apart until it stands alone.
    async fn turn(&self, inputs: Vec<Input>) -> Result<(), HandleError> {
        let mut waiting = vec![inputs.as_slice()];
        while let Some(inputs) = waiting.pop() {
            if inputs.is_empty() {
                continue;
            }
            match self.engine.turn(inputs).await {
                Ok(turn) => match self.broker.publish(turn.publish).await {
                    Ok(()) => self.engine.confirmed(&turn.told),
                    Err(error) => tracing::warn!(%error, "sent again at the next recovery"),
                },
                Err(error) if is_passing(&error) => return Err(error),
                Err(_) if inputs.len() > 1 => {
                    let (first, second) = inputs.split_at(inputs.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) => {
                    tracing::error!(transition = ?inputs[0].transition(), %error, "a transition is left alone until it can be handled");
                }
            }
        }
        Ok(())
    }
}

fn is_passing(error: &HandleError) -> bool {
    matches!(
        error,
        HandleError::NotYet(_)
            | HandleError::Storage(StorageError::Unavailable(_) | StorageError::CommitUnknown(_) | StorageError::Conflict(_))
    )
}
