//! What happens by itself: deadlines, the recovery of output that was never sent, and housekeeping.

use crate::{
    engine::{Engine, Input},
    store::{imports, transitions},
};
use planshift_domain::ids::TransitionId;
use planshift_messaging::Broker;
use planshift_storage::StorageError;
use planshift_worker::{HandleError, watched};
use std::{ops::ControlFlow, pin::pin, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often what was confirmed is written, where no later commit has done so: in ticks.
const FLUSH_TICKS: u64 = 3;
/// How often output that was never sent is looked for: in ticks.
const RECOVER_TICKS: u64 = 30;
/// How often it is shown how many transitions there are, and how old: in ticks. Prometheus looks about as often.
const MEASURE_TICKS: u64 = 15;
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
        if timers.tick(&stop).await.is_break() {
            break;
        }
        if let Err(error) = timers.steps().await {
            tracing::debug!(%error, "paused steps wait for the database");
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
        if tick % MEASURE_TICKS == 1
            && let Err(error) = timers.engine.measure().await
        {
            tracing::debug!(%error, "how many transitions there are is shown later");
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
    /// Until the next tick; meanwhile those who wait in line begin as soon as there is room.
    async fn tick(&self, stop: &CancellationToken) -> ControlFlow<()> {
        let mut tick = pin!(self.engine.ports.clock.sleep(TICK));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return ControlFlow::Break(()),
                () = &mut tick => {
                    self.admit().await;
                    return ControlFlow::Continue(());
                }
                () = self.engine.room.notified() => self.admit().await,
            }
        }
    }

    async fn admit(&self) {
        loop {
            match self.admit_some().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(%error, "who waits in line waits for the database");
                    return;
                }
            }
        }
    }

    /// False: nobody waits, or there is no room.
    async fn admit_some(&self) -> Result<bool, HandleError> {
        Ok(self.engine.look_at_line().await? && self.one_turn(&[Input::Admit]).await? > 0)
    }

    /// Learns which steps are paused, and lets go on who is held at one that is not any more.
    async fn steps(&self) -> Result<(), HandleError> {
        let paused = self.engine.look_at_steps().await?;
        let released = transitions::released(&self.engine.db, &paused, PAGE).await?;
        self.turn(released.into_iter().map(Input::Clock).collect()).await
    }

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

    /// A turn, and what it publishes. Says how many have begun that had waited in line.
    async fn one_turn(&self, inputs: &[Input]) -> Result<usize, HandleError> {
        let turn = self.engine.turn(inputs).await?;
        match self.broker.publish(turn.publish).await {
            Ok(()) => self.engine.confirmed(&turn.told),
            Err(error) => tracing::warn!(%error, "sent again at the next recovery"),
        }
        Ok(turn.admitted)
    }

    /// A transition that cannot be handled must not hold up the others: a page is taken apart until it stands alone.
    async fn turn(&self, inputs: Vec<Input>) -> Result<(), HandleError> {
        let mut waiting = vec![inputs.as_slice()];
        while let Some(inputs) = waiting.pop() {
            if inputs.is_empty() {
                continue;
            }
            match self.one_turn(inputs).await {
                Ok(_) => {}
                Err(error) if is_passing(&error) => return Err(error),
                Err(_) if inputs.len() > 1 => {
                    let (first, second) = inputs.split_at(inputs.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) => {
                    watched::refused(&self.engine.metrics, &error);
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
