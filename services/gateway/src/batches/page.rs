//! Rows of a batch, page by page, with what is to be said of each.

use super::{Batches, RowState};
use crate::model::from_json;
use planshift_domain::{
    ids::{CustomerId, TransitionId},
    time::Timestamp,
    transition::{Finding, PacketRow},
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// A row as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct ShownRow {
    pub(crate) number: u32,
    pub(crate) customer: CustomerId,
    pub(crate) company_name: Option<String>,
    pub(crate) reference: String,
    pub(crate) state: RowState,
    pub(crate) attempt: u32,
    pub(crate) transition: Option<TransitionId>,
    pub(crate) subscriptions: u32,
    pub(crate) code: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) began_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) given_hash: Option<String>,
    pub(crate) plan: Option<ShownPlan>,
    /// Why it may not move: as its transition was told, or its dry run; the first of them.
    pub(crate) reasons: Vec<Finding>,
}

/// What the dry run has found of a row.
#[derive(Clone, Debug)]
pub(crate) struct ShownPlan {
    /// `Wanted`, `Eligible`, `Refused`.
    pub(crate) state: String,
    pub(crate) hash: Option<String>,
    pub(crate) subscriptions: u32,
    pub(crate) buy: u32,
    pub(crate) reuse: u32,
    pub(crate) reactivate: u32,
}

/// Which rows are wanted: those that meet all that is given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowFilter {
    pub(crate) state: Option<RowState>,
    pub(crate) customer: Option<CustomerId>,
}

macro_rules! rows {
    ($state:literal) => {
        Statement::new(concat!(
            "SELECT b.number, b.customer_id, c.company_name, b.reference, b.state, b.attempt, b.transition_id, b.subscriptions, b.code,
                    b.description, b.began_at, b.ended_at, b.given_hash, b.plan_state, b.plan_hash, b.plan_subscriptions, b.plan_buy,
                    b.plan_reuse, b.plan_reactivate
             FROM batch_rows AS b LEFT JOIN customers AS c ON c.partner_id = $2 AND c.customer_id = b.customer_id
             WHERE b.batch_id = $1 AND ($3::uuid IS NULL OR b.customer_id = $3) AND ",
            $state,
            " AND b.number > $5 ORDER BY b.number LIMIT $6"
        ))
    };
}
static ALL: Statement = rows!("$4::text IS NULL");
static IN_STATE: Statement = rows!("b.state = $4::text");
static TOLD_REASONS: Statement = Statement::new(
    "SELECT p.transition_id, p.body FROM {1: id uuid} AS r CROSS JOIN packets AS p
     WHERE p.transition_id = r.id AND p.step = 'eligibility' AND p.action = 'do' AND p.packet = 0",
);
static PLANNED_REASONS: Statement = Statement::new(
    "SELECT p.number, p.code, p.resource_id, p.description FROM {2: number bigint} AS r CROSS JOIN batch_reasons AS p
     WHERE p.batch_id = $1 AND p.number = r.number ORDER BY p.number, p.place",
);

impl Batches {
    /// The page of at most `size` rows after number `after`, in the order of their numbers.
    pub(crate) async fn rows(
        &self,
        (id, partner): (Uuid, Uuid),
        filter: RowFilter,
        after: u32,
        size: u32,
    ) -> Result<Vec<ShownRow>, StorageError> {
        let statement = if filter.state.is_some() { &IN_STATE } else { &ALL };
        let args = Args::new().value(id).value(partner).value(filter.customer.map(|id| id.0)).value(filter.state.map(RowState::name));
        let found = self.database.query(statement, args.value(after).value(size)).await?;
        let mut rows: Vec<ShownRow> = found.iter().map(shown).collect::<Result<_, _>>()?;
        self.add_reasons(id, &mut rows).await?;
        Ok(rows)
    }

    async fn add_reasons(&self, id: Uuid, rows: &mut [ShownRow]) -> Result<(), StorageError> {
        let ineligible = || rows.iter().filter(|row| row.state == RowState::Ineligible);
        let told: Vec<Vec<Value>> = ineligible().filter_map(|row| Some(vec![row.transition?.0.into()])).collect();
        let planned: Vec<Vec<Value>> = ineligible().filter(|row| row.transition.is_none()).map(|row| vec![row.number.into()]).collect();
        let mut of_transitions: HashMap<TransitionId, Vec<Finding>> = HashMap::new();
        if !told.is_empty() {
            for row in self.database.query(&TOLD_REASONS, Args::new().rows(told)).await? {
                let packet: PacketRow = from_json("a packet", &row.get::<String>(1)?)?;
                of_transitions.insert(TransitionId(row.get(0)?), packet.findings.reasons);
            }
        }
        let mut of_plans: HashMap<u32, Vec<Finding>> = HashMap::new();
        if !planned.is_empty() {
            for row in self.database.query(&PLANNED_REASONS, Args::new().value(id).rows(planned)).await? {
                let finding = Finding { code: row.get(1)?, resource_id: row.get(2)?, description: row.get(3)? };
                of_plans.entry(row.get(0)?).or_default().push(finding);
            }
        }
        for row in rows.iter_mut().filter(|row| row.state == RowState::Ineligible) {
            row.reasons = match row.transition {
                Some(transition) => of_transitions.remove(&transition),
                None => of_plans.remove(&row.number),
            }
            .unwrap_or_default();
            if let Some(first) = row.reasons.first().filter(|_| row.code.is_none()) {
                (row.code, row.description) = (Some(first.code.clone()), Some(first.description.clone()));
            }
        }
        Ok(())
    }
}

fn shown(row: &Row) -> Result<ShownRow, StorageError> {
    let state: String = row.get(4)?;
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    let plan = match row.get::<Option<String>>(13)? {
        None => None,
        Some(state) => Some(ShownPlan {
            state,
            hash: row.get(14)?,
            subscriptions: row.get(15)?,
            buy: row.get(16)?,
            reuse: row.get(17)?,
            reactivate: row.get(18)?,
        }),
    };
    Ok(ShownRow {
        number: row.get(0)?,
        customer: CustomerId(row.get(1)?),
        company_name: row.get(2)?,
        reference: row.get(3)?,
        state: RowState::from_name(&state).ok_or_else(|| StorageError::Statement(format!("a row of a batch has the state {state:?}")))?,
        attempt: row.get(5)?,
        transition: row.get::<Option<Uuid>>(6)?.map(TransitionId),
        subscriptions: row.get(7)?,
        code: row.get(8)?,
        description: row.get(9)?,
        began_at: time(10)?,
        ended_at: time(11)?,
        given_hash: row.get(12)?,
        plan,
        reasons: Vec::new(),
    })
}
