//! Batches at work, on every replica: what is there to do is claimed in the database, so that a replica that is gone holds up nobody for
//! long, and none does what another does.

use super::{
    ActError, BatchState, Batches, Move,
    acts::{By, How},
    store::Batch,
};
use crate::ask::AskError;
use futures::{StreamExt as _, stream};
use planshift_domain::{
    ids::TransitionId,
    message::request::{Act, ActOnTransition},
};
use planshift_storage::{Args, Statement, StorageError};
use planshift_telemetry::TraceContext;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many batches are looked at in a round at most, and how many of them at once.
const BATCHES: u32 = 200;
const AT_ONCE: usize = 8;
/// The least pause between two rounds: what ends meanwhile makes room for as many starts together.
const BREATH: Duration = Duration::from_millis(10);
/// The pause between two looks at batches that wait for ends that another replica may have been told of.
const LOOK: Duration = Duration::from_millis(200);
/// The pause between two looks whether another replica has something to do.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// A look at all rows of a batch takes its time: the pause until the next is so many times as long.
const PAUSE_FOR_A_LOOK: i64 = 10;
/// How many rows that wait are cancelled in one statement.
const CANCELLED_AT_ONCE: u32 = 5_000;
/// How many transitions are undone together.
const UNDONE_AT_ONCE: u32 = 200;
/// After how long an undo that was not answered is asked for again.
const DUE: i64 = 30;
/// Not due any more (the year 9999).
const NEVER: i64 = 253_402_300_799_000_000;

static CANCEL_WAITING: Statement = Statement::new(
    "UPDATE batch_rows SET state = 'Cancelled', ended_at = $3, plan_state = CASE WHEN plan_state = 'Wanted' THEN NULL ELSE plan_state END
     WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' ORDER BY number LIMIT $2)",
);
static CLAIM_UNDO: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3
     WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Running' AND due_at <= $4 ORDER BY number LIMIT $2)
     RETURNING number, attempt, transition_id",
);
static UNDO_ASKED: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3 FROM {2: number bigint, attempt bigint} AS r
     WHERE batch_rows.batch_id = $1 AND batch_rows.number = r.number AND batch_rows.attempt = r.attempt AND batch_rows.state = 'Running'",
);

/// What to do after something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Then {
    /// Nothing is left of it.
    Drained,
    /// It waits for others.
    Look,
    /// There is more.
    AtOnce,
}

impl Batches {
    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let then = self.round().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "batches wait");
                None
            });
            let pause = match then {
                Some(Then::AtOnce) => BREATH,
                Some(Then::Drained | Then::Look) => LOOK,
                None => IDLE_LOOK,
            };
            if pause > BREATH {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.news.notified() => {}
                    () = self.ports.clock.sleep(pause) => {}
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.ports.clock.sleep(BREATH) => {}
            }
        }
    }

    /// Something for each batch that is at work; nothing where there is none.
    async fn round(&self) -> Result<Option<Then>, StorageError> {
        let batches = self.at_work(BATCHES).await?;
        self.next_looks().retain(|id, _| batches.iter().any(|batch| batch.id == *id));
        let rounds = stream::iter(batches).map(|batch| async move { (batch.id, self.work_on(&batch).await) });
        let done: Vec<(Uuid, Result<Then, ActError>)> = rounds.buffer_unordered(AT_ONCE).collect().await;
        let mut then = None;
        for (id, done) in done {
            let done = match done {
                Ok(then) => then,
                // somebody else has moved it on meanwhile
                Err(ActError::NotAllowedInState(_) | ActError::NotYet | ActError::Unknown) => Then::Look,
                Err(error) => {
                    tracing::warn!(batch = %id, %error, "a batch waits");
                    Then::Look
                }
            };
            then = then.max(Some(done));
        }
        Ok(then)
    }

    async fn work_on(&self, batch: &Batch) -> Result<Then, ActError> {
        match batch.state {
            BatchState::Planning => match self.plan_some(batch).await? {
                Then::Drained => {
                    let what = if batch.start_when_planned { Move::AllPlannedToStart } else { Move::AllPlanned };
                    self.follows(batch, what, "every row has its plan").await
                }
                then => Ok(then),
            },
            BatchState::Running => {
                if let Some(why) = self.has_failed_too_often(batch).await? {
                    return self.follows(batch, Move::Stop, &why).await;
                }
                if batch.gate.is_shut(self.ports.clock.now()) {
                    return self.follows(batch, Move::Close, "its hours are over").await;
                }
                match self.start_some(batch).await? {
                    Then::Drained => match self.follows(batch, Move::Complete, "every row has come to its end").await {
                        Err(ActError::NotYet) if batch.gate.holds_back(batch.rows) => {
                            self.follows(batch, Move::Close, "what is left is for later days").await
                        }
                        done => done,
                    },
                    then => Ok(then),
                }
            }
            BatchState::Pausing => match self.start_some(batch).await? {
                Then::Drained => self.follows(batch, Move::Drain, "nothing is under way").await,
                then => Ok(then),
            },
            BatchState::Cancelling => {
                let now = self.ports.clock.now().as_micros();
                let args = Args::new().value(batch.id).value(CANCELLED_AT_ONCE).value(now);
                if self.database.execute(&CANCEL_WAITING, args).await? > 0 {
                    return Ok(Then::AtOnce);
                }
                let undone = if batch.undo { self.undo_some(batch).await? } else { 0 };
                match self.start_some(batch).await? {
                    Then::Drained => self.follows(batch, Move::Drain, "nothing is under way").await,
                    _ if undone > 0 => Ok(Then::AtOnce),
                    then => Ok(then),
                }
            }
            _ => Ok(Then::Look),
        }
    }

    async fn follows(&self, batch: &Batch, what: Move, why: &str) -> Result<Then, ActError> {
        let now = self.act(batch.id, what, &By::itself(why), How::default()).await?;
        tracing::info!(batch = %batch.id, state = now.state.name(), "a batch has moved on: {why}");
        Ok(Then::AtOnce)
    }

    /// Why the batch stops by itself, where it does.
    async fn has_failed_too_often(&self, batch: &Batch) -> Result<Option<String>, StorageError> {
        let Some(percent) = batch.options.stop_percent else { return Ok(None) };
        let begun = self.ports.clock.now().as_micros();
        if self.next_looks().get(&batch.id).is_some_and(|next| *next > begun) {
            return Ok(None);
        }
        let tally = self.tally(batch.id).await?;
        let now = self.ports.clock.now().as_micros();
        self.next_looks().insert(batch.id, now + (now - begun) * PAUSE_FOR_A_LOOK);
        let (ends, failures) = (tally.ends() - batch.ends_before, tally.failures() - batch.failures_before);
        let is_too_much = ends >= i64::from(batch.options.stop_minimum) && failures * 100 > ends * i64::from(percent);
        Ok(is_too_much.then(|| format!("{failures} of {ends} have failed, more than {percent} %")))
    }

    /// Has transitions undone that are under way, where they still can be; how many were asked for.
    async fn undo_some(&self, batch: &Batch) -> Result<usize, StorageError> {
        let now = self.ports.clock.now();
        let args = Args::new().value(batch.id).value(UNDONE_AT_ONCE).value(now.plus_seconds(DUE).as_micros()).value(now.as_micros());
        let claimed = self.database.query(&CLAIM_UNDO, args).await?;
        let trace = TraceContext::parse(&batch.traceparent, "").unwrap_or_default();
        let mut questions = Vec::with_capacity(claimed.len());
        for row in &claimed {
            let (number, attempt, transition): (u32, u32, Option<Uuid>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let Some(transition) = transition else { continue };
            let question = ActOnTransition {
                request_id: Uuid::new_v5(&batch.id, format!("{number}/{attempt}/cancel").as_bytes()),
                partner_id: batch.partner,
                transition_id: TransitionId(transition),
                act: Act::Cancel,
                actor: batch.actor.clone(),
                reason: format!("the batch {} was cancelled", batch.reference),
            };
            questions.push((number, attempt, question));
        }
        let asked = stream::iter(questions).map(async |(number, attempt, question)| {
            let answer = self.asker.ask(&question, &trace, self.settings.answer).await;
            // one past the pivot goes to its end: whatever was answered, it is not asked again
            answer.map(|_| vec![number.into(), attempt.into()])
        });
        let answered: Vec<Result<_, AskError>> = asked.buffer_unordered(UNDONE_AT_ONCE as usize).collect().await;
        let answered: Vec<_> = answered.into_iter().flatten().collect();
        if !answered.is_empty() {
            self.database.execute(&UNDO_ASKED, Args::new().value(batch.id).rows(answered).value(NEVER)).await?;
        }
        Ok(claimed.len())
    }
}
