//! The dry run: the plan of each row, asked of eligibility, many at once. Nothing is bought, marked or started. A crash leaves the rows
//! that have no plan yet, and they are asked for again. How many things stand in the way of each customer is kept with it, as whoever looks
//! at it would keep it: the list of customers is sorted by it.

use super::{
    Batches,
    runner::Then,
    store::{Batch, lock},
};
use crate::{
    ask::AskError,
    http::Said,
    model::{Blocked, HadPlan, LookedAt, TakenFrom, taken_from},
};
use futures::{StreamExt as _, stream};
use planshift_domain::{
    ids::{CustomerId, TransitionId},
    message::plan::{PlanOutcome, PlanTransition, PlannedTransition, TransitionPlanned},
    transition::{Finding, Findings},
};
use planshift_storage::{Args, Statement, StorageError, Value};
use planshift_telemetry::TraceContext;
use std::collections::HashMap;
use uuid::Uuid;

/// How many plans are asked for together.
const WINDOW: u32 = 200;
/// After how long a plan that nobody has answered is asked for again.
const DUE: i64 = 30;
/// After how long one whose customer was just being imported.
const IMPORT_DUE: i64 = 2;
/// How many reasons of a row are kept.
const REASONS_KEPT: usize = 20;

static CLAIM: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3
     WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND plan_state = 'Wanted' AND due_at <= $4 ORDER BY number LIMIT $2)
     RETURNING number, customer_id, attempt",
);
static WANTED: Statement = Statement::new("SELECT number FROM batch_rows WHERE batch_id = $1 AND plan_state = 'Wanted' LIMIT 1");
static PLANNED: Statement = Statement::new(
    "UPDATE batch_rows SET plan_state = r.plan_state, plan_hash = r.plan_hash, plan_subscriptions = r.subscriptions, plan_buy = r.buy,
            plan_reuse = r.reuse, plan_reactivate = r.reactivate, due_at = 0,
            state = CASE WHEN r.plan_state = 'Refused' THEN 'Ineligible' ELSE batch_rows.state END
     FROM {2: number bigint, attempt bigint, plan_state text, plan_hash text, subscriptions bigint, buy bigint, reuse bigint,
              reactivate bigint} AS r
     WHERE batch_rows.batch_id = $1 AND batch_rows.number = r.number AND batch_rows.attempt = r.attempt
       AND batch_rows.plan_state = 'Wanted' AND batch_rows.state = 'Waiting'",
);
static REASONS: Statement = Statement::new(
    "INSERT INTO batch_reasons (batch_id, number, place, code, resource_id, description)
     SELECT $1::uuid, r.number, r.place, r.code, r.resource_id, r.description
     FROM {2: number bigint, place bigint, code text, resource_id text, description text} AS r
     WHERE true
     ON CONFLICT (batch_id, number, place) DO UPDATE SET code = excluded.code, resource_id = excluded.resource_id,
         description = excluded.description",
);
static LATER: Statement = Statement::new(
    "UPDATE batch_rows SET due_at = $3 FROM {2: number bigint} AS r
     WHERE batch_rows.batch_id = $1 AND batch_rows.number = r.number AND batch_rows.plan_state = 'Wanted'",
);

/// A row that a plan is asked for.
struct Claimed {
    number: u32,
    customer: CustomerId,
    attempt: u32,
}

/// What a plan comes to.
#[derive(Clone, Debug, Default)]
struct Sums {
    hash: Option<String>,
    subscriptions: u32,
    buy: u32,
    reuse: u32,
    reactivate: u32,
    reasons: Vec<Finding>,
    /// How many things stand in the way.
    blockers: u32,
}

/// Rows with what was answered, and their customers as they were before anybody was asked.
struct Answered {
    rows: Vec<(Claimed, Result<TransitionPlanned, AskError>)>,
    before: HashMap<CustomerId, (Option<TransitionId>, Option<TransitionId>)>,
    had: HashMap<CustomerId, Vec<HadPlan>>,
    looked_at: HashMap<CustomerId, LookedAt>,
}

impl Batches {
    /// Plans some rows.
    pub(super) async fn plan_some(&self, batch: &Batch) -> Result<Then, StorageError> {
        let now = self.ports.clock.now();
        let mut transaction = self.database.begin().await?;
        lock(&mut transaction, batch.id).await?;
        let args = Args::new().value(batch.id).value(WINDOW).value(now.plus_seconds(DUE).as_micros()).value(now.as_micros());
        let claimed = transaction.query(&CLAIM, args).await?;
        transaction.commit().await?;
        if claimed.is_empty() {
            let wanted = self.database.query(&WANTED, Args::new().value(batch.id)).await?;
            return Ok(if wanted.is_empty() { Then::Drained } else { Then::Look });
        }
        let mut rows = Vec::with_capacity(claimed.len());
        for row in &claimed {
            rows.push(Claimed { number: row.get(0)?, customer: CustomerId(row.get(1)?), attempt: row.get(2)? });
        }
        rows.sort_by_key(|row| row.number);
        let customers: Vec<CustomerId> = rows.iter().map(|row| row.customer).collect();
        let before = self.model.transitions_before(batch.partner, &customers).await?;
        let had = self.model.had_plans_of(batch.partner, &customers).await?;
        let keys: Vec<_> = customers.iter().map(|customer| (batch.partner, *customer)).collect();
        let looked_at = self.model.before_looking(&keys).await?.into_iter().map(|one| (one.customer, one)).collect();
        let trace = TraceContext::parse(&batch.traceparent, "").unwrap_or_default();
        let rows: Vec<(Claimed, Result<TransitionPlanned, AskError>)> = stream::iter(rows)
            .map(|row| async {
                let (request_id, partner_id) = (self.ports.random.id(), batch.partner);
                let question = PlanTransition { request_id, partner_id, customer_id: row.customer };
                let answer = self.asker.ask(&question, &trace, self.settings.answer).await;
                (row, answer)
            })
            .buffer_unordered(WINDOW as usize)
            .collect()
            .await;
        self.planned(batch.id, Answered { rows, before, had, looked_at }).await?;
        Ok(Then::AtOnce)
    }

    async fn planned(&self, batch: Uuid, answered: Answered) -> Result<(), StorageError> {
        let Answered { rows, before, had, looked_at } = answered;
        let (mut planned, mut reasons, mut later, mut found) = (Vec::new(), Vec::new(), Vec::new(), Vec::<Blocked>::new());
        for (row, answer) in rows {
            let sums = match answer.map(|answer| answer.outcome) {
                Ok(PlanOutcome::Planned(plan)) => {
                    let (open, completed) = before.get(&row.customer).copied().unwrap_or_default();
                    let sums = sums(row.customer, *plan, (open, completed), had.get(&row.customer).map_or(&[], Vec::as_slice));
                    found.extend(looked_at.get(&row.customer).map(|one| (*one, sums.blockers)));
                    sums
                }
                Ok(PlanOutcome::UnknownCustomer) => {
                    let (code, description) =
                        ("UnknownCustomer".to_owned(), "The customer is not known any more: import it again.".to_owned());
                    Sums { reasons: vec![Finding { code, resource_id: row.customer.to_string(), description }], ..Sums::default() }
                }
                Ok(PlanOutcome::ImportUnderWay) => {
                    later.push(vec![Value::from(row.number)]);
                    continue;
                }
                // it is asked for again when it is due
                Err(_) => continue,
            };
            let state = if sums.reasons.is_empty() { "Eligible" } else { "Refused" };
            for (place, reason) in (0_u32..).zip(sums.reasons.into_iter().take(REASONS_KEPT)) {
                reasons.push(vec![
                    row.number.into(),
                    place.into(),
                    reason.code.into(),
                    reason.resource_id.into(),
                    reason.description.into(),
                ]);
            }
            planned.push(vec![
                row.number.into(),
                row.attempt.into(),
                state.into(),
                sums.hash.into(),
                sums.subscriptions.into(),
                sums.buy.into(),
                sums.reuse.into(),
                sums.reactivate.into(),
            ]);
        }
        // first: a row that has its plan is not asked about again
        self.model.keep_blockers(&found).await?;
        let writes = [(&PLANNED, planned), (&REASONS, reasons)].into_iter().filter(|(_, rows)| !rows.is_empty());
        let mut transaction = self.database.begin().await?;
        transaction.execute_all(writes.map(|(statement, rows)| (statement, Args::new().value(batch).rows(rows)))).await?;
        transaction.commit().await?;
        if !later.is_empty() {
            let due = self.ports.clock.now().plus_seconds(IMPORT_DUE).as_micros();
            self.database.execute(&LATER, Args::new().value(batch).rows(later).value(due)).await?;
        }
        Ok(())
    }
}

fn sums(
    customer: CustomerId,
    plan: PlannedTransition,
    (open, completed): (Option<TransitionId>, Option<TransitionId>),
    had: &[HadPlan],
) -> Sums {
    let PlannedTransition { plan_hash, nothing_in_scope, findings, reasons_total, warnings_total, .. } = plan;
    let mut sums = Sums { hash: Some(plan_hash), subscriptions: plan.subscriptions_total, ..Sums::default() };
    for group in &plan.groups {
        match taken_from(group, had) {
            TakenFrom::Document(_) | TakenFrom::Earlier(_) => sums.reuse += 1,
            TakenFrom::Undone(_) => sums.reactivate += 1,
            TakenFrom::Nowhere => sums.buy += 1,
        }
    }
    // of those beyond what an answer lists, most are bought: at most so many
    sums.buy += plan.groups_total.saturating_sub(u32::try_from(plan.groups.len()).unwrap_or(u32::MAX));
    let mut said = Said { findings, nothing_in_scope, reasons_total, warnings_total };
    said.add_transitions(customer, open, completed);
    let blockers = said.blockers();
    let Findings { reasons, .. } = said.findings;
    Sums { reasons, blockers, ..sums }
}
