//! Rows are started: claimed under the lock of the batch's row, so that no two replicas start more than may be under way; then asked for, a
//! window at a time. What became of a start is told by the events of its transition. A row whose answer or whose asker is lost is asked
//! for again when it is due, with the same request, which the coordinator answers the same.

use super::{
    BatchState, Batches,
    runner::Then,
    store::{Batch, lock},
};
use crate::ask::AskError;
use futures::{StreamExt as _, stream};
use planshift_domain::{
    ids::{CustomerId, TransitionId},
    message::request::{Priority, StartAnswered, StartOutcome, StartTransition, TellAgain},
    transition::BatchRow,
};
use planshift_messaging::{Destination, Service};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use planshift_telemetry::TraceContext;
use planshift_worker::codec;
use uuid::Uuid;

/// How many starts are asked for together: one window of confirms.
const WINDOW: u32 = 500;
/// After how long a start that was not heard of is asked for again: longer than a question waits for its answer.
const DUE: i64 = 30;
/// After how long one is asked for again whose customer was just being imported.
const IMPORT_DUE: i64 = 2;

static UNDER_WAY: Statement = Statement::new("SELECT count(*) FROM batch_rows WHERE batch_id = $1 AND state IN ('Starting', 'Running')");
static CLAIM: Statement = Statement::new(
    "UPDATE batch_rows SET state = 'Starting', due_at = $3, began_at = $4
     WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' AND number <= $5 ORDER BY number LIMIT $2)
     RETURNING number, customer_id, attempt, given_hash, plan_hash",
);
static CLAIM_AGAIN: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3
     WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Starting' AND due_at <= $4 ORDER BY number LIMIT $2)
     RETURNING number, customer_id, attempt, given_hash, plan_hash",
);
static REFUSED: Statement = Statement::new(
    "UPDATE batch_rows SET state = 'Refused', code = r.code, description = r.description, ended_at = $3
     FROM {2: number bigint, attempt bigint, code text, description text} AS r
     WHERE batch_rows.batch_id = $1 AND batch_rows.number = r.number AND batch_rows.attempt = r.attempt AND batch_rows.state = 'Starting'",
);
static LATER: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3 FROM {2: number bigint, attempt bigint} AS r
     WHERE batch_rows.batch_id = $1 AND batch_rows.number = r.number AND batch_rows.attempt = r.attempt AND batch_rows.state = 'Starting'",
);

/// A row that is to be started.
struct Claimed {
    number: u32,
    customer: CustomerId,
    attempt: u32,
    plan_hash: Option<String>,
    /// Somebody has asked for it before.
    again: bool,
}

impl Batches {
    /// Starts as many rows as may be started now, and asks again for those that are due.
    pub(super) async fn start_some(&self, batch: &Batch) -> Result<Then, StorageError> {
        let (claimed, more, is_idle) = self.claim(batch).await?;
        if claimed.is_empty() {
            return Ok(if is_idle { Then::Drained } else { Then::Look });
        }
        let trace = TraceContext::parse(&batch.traceparent, "").unwrap_or_default();
        let asked: Vec<(Claimed, Result<StartAnswered, AskError>)> = stream::iter(claimed)
            .map(|row| async {
                let question = question(batch, &row);
                let answer = self.asker.ask(&question, &trace, self.settings.answer).await;
                (row, answer)
            })
            .buffer_unordered(WINDOW as usize)
            .collect()
            .await;
        self.answered(batch, asked).await?;
        Ok(if more { Then::AtOnce } else { Then::Look })
    }

    /// Rows for this replica to start; whether there may be more for it; whether none waits or is under way.
    async fn claim(&self, batch: &Batch) -> Result<(Vec<Claimed>, bool, bool), StorageError> {
        let now = self.ports.clock.now();
        let due = now.plus_seconds(DUE).as_micros();
        let mut transaction = self.database.begin().await?;
        let Some(now_is) = lock(&mut transaction, batch.id).await? else {
            transaction.rollback().await?;
            return Ok((Vec::new(), false, false));
        };
        let under_way: i64 = transaction.query(&UNDER_WAY, Args::new().value(batch.id)).await?.first().map_or(Ok(0), |row| row.get(0))?;
        let args = |limit: i64, last: i64| Args::new().value(batch.id).value(limit).value(due).value(last);
        let again = if under_way > 0 { transaction.query(&CLAIM_AGAIN, args(WINDOW.into(), now.as_micros())).await? } else { Vec::new() };
        let room = (i64::from(now_is.options.at_once) - under_way).clamp(0, WINDOW.into());
        let may_begin = now_is.state == BatchState::Running && !now_is.gate.is_shut(self.ports.clock.now());
        let new = if may_begin && room > 0 {
            transaction.query(&CLAIM, args(room, now.as_micros()).value(now_is.gate.last(now_is.rows))).await?
        } else {
            Vec::new()
        };
        transaction.commit().await?;
        let is_idle = under_way == 0 && new.is_empty();
        let more = new.len() as i64 == room && room > 0;
        let mut claimed = Vec::with_capacity(new.len() + again.len());
        for (rows, again) in [(&again, true), (&new, false)] {
            for row in rows {
                claimed.push(claimed_row(row, now_is.keep_to_plan, again)?);
            }
        }
        claimed.sort_by_key(|row| row.number);
        Ok((claimed, more, is_idle))
    }

    async fn answered(&self, batch: &Batch, asked: Vec<(Claimed, Result<StartAnswered, AskError>)>) -> Result<(), StorageError> {
        let (mut refused, mut later, mut untold) = (Vec::new(), Vec::new(), Vec::new());
        let mut refuse = |row: &Claimed, code: &str, text: String| {
            refused.push(vec![row.number.into(), row.attempt.into(), Value::from(code), text.into()]);
        };
        for (row, answer) in asked {
            match answer.map(|answer| answer.outcome) {
                Ok(StartOutcome::Accepted { transition_id }) if row.again => untold.push(transition_id),
                // the transition's events say how it goes
                Ok(StartOutcome::Accepted { .. }) => {}
                Ok(StartOutcome::InProgress { transition_id }) => {
                    refuse(&row, "UpgradeInProgress", format!("The upgrade {transition_id} of the customer is in progress."));
                }
                Ok(StartOutcome::UnknownCustomer) => {
                    refuse(&row, "UnknownCustomer", "The customer is not known any more: import it again.".to_owned());
                }
                Ok(StartOutcome::ImportUnderWay) => later.push(vec![row.number.into(), row.attempt.into()]),
                // whether it was heard is not known: it is asked for again when it is due
                Err(_) => {}
            }
        }
        let now = self.ports.clock.now();
        if !refused.is_empty() {
            self.database.execute(&REFUSED, Args::new().value(batch.id).rows(refused).value(now.as_micros())).await?;
        }
        if !later.is_empty() {
            let due = now.plus_seconds(IMPORT_DUE).as_micros();
            self.database.execute(&LATER, Args::new().value(batch.id).rows(later).value(due)).await?;
        }
        if !untold.is_empty() {
            self.have_told(&untold).await;
        }
        Ok(())
    }

    /// Transitions that nothing has been heard of: their events may be lost. Asked once more when the rows are due again.
    async fn have_told(&self, untold: &[TransitionId]) {
        let now = self.ports.clock.now();
        let ask = |transition_id: &TransitionId| {
            let (id, trace) = (self.ports.random.id(), TraceContext::unrecorded(self.ports.random.id()));
            let again = TellAgain { transition_id: *transition_id, chain: None };
            codec::outgoing(Destination::Command(Service::Coordinator), id.to_string(), transition_id.to_string(), &trace, now, &again)
        };
        if let Err(error) = self.broker.publish(untold.iter().map(ask).collect()).await {
            tracing::warn!(%error, "the coordinator could not be asked to tell of transitions again");
        }
    }
}

/// What the coordinator is asked: the same for the same attempt, whoever asks.
fn question(batch: &Batch, row: &Claimed) -> StartTransition {
    StartTransition {
        request_id: request_id(batch.id, row.number, row.attempt),
        partner_id: batch.partner,
        customer_id: row.customer,
        actor: batch.actor.clone(),
        plan_hash: row.plan_hash.clone(),
        priority: Priority::Background,
        batch: Some(BatchRow { batch_id: batch.id.into(), row: row.number, attempt: row.attempt }),
    }
}

/// The id of the request that starts a row's attempt.
fn request_id(batch: Uuid, number: u32, attempt: u32) -> Uuid {
    Uuid::new_v5(&batch, format!("{number}/{attempt}").as_bytes())
}

fn claimed_row(row: &Row, keep_to_plan: bool, again: bool) -> Result<Claimed, StorageError> {
    let (given, planned): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let plan_hash = given.or(planned.filter(|_| keep_to_plan));
    Ok(Claimed { number: row.get(0)?, customer: CustomerId(row.get(1)?), attempt: row.get(2)?, plan_hash, again })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_one_request_and_each_its_own() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(request_id(one, 1, 11), request_id(one, 1, 11));
        let ids = [request_id(one, 1, 11), request_id(one, 11, 1), request_id(one, 1, 1), request_id(two, 1, 11)];
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    }
}
