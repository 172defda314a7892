//! The rows beneath a transition: lines, plans, packets, history.

use super::unknown_word;
use planshift_domain::{
    account::facts::PlanStatus,
    history::HistoryEntry,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, PlanId, Reseller, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{Evidence, ItemError, LineRow, PacketRow, PlanRow, State},
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value, Write};
use uuid::Uuid;

/// A row and its transition.
pub type Of<T> = (TransitionId, T);

static INSERT_LINES: Statement = Statement::new(
    "INSERT INTO lines (transition_id, packet, azure_subscription_id, commerce_subscription_id, reseller, version)
     SELECT r.transition_id, r.packet, r.azure, r.commerce, r.reseller, r.version
     FROM {1: transition_id uuid, packet bigint, azure uuid, commerce uuid, reseller text, version bigint} AS r WHERE true ON CONFLICT DO NOTHING",
);
macro_rules! line_columns {
    () => {
        "lines.transition_id, lines.packet, lines.azure_subscription_id, lines.commerce_subscription_id, lines.reseller, lines.error_step, lines.error_code, \
         lines.error_description, lines.undo, lines.version"
    };
}
static CHANGE_LINES: Statement = Statement::new(concat!(
    "UPDATE lines SET error_step = CASE WHEN r.keep THEN lines.error_step ELSE r.error_step END,
         error_code = CASE WHEN r.keep THEN lines.error_code ELSE r.error_code END,
         error_description = CASE WHEN r.keep THEN lines.error_description ELSE r.error_description END,
         undo = COALESCE(r.undo, lines.undo), version = r.version
     FROM {1: transition_id uuid, packet bigint, item uuid, keep boolean, error_step text, error_code text, error_description text, undo text,
         version bigint} AS r
     WHERE lines.transition_id = r.transition_id AND lines.packet = r.packet AND (lines.azure_subscription_id = r.item OR lines.commerce_subscription_id = r.item)
     RETURNING ",
    line_columns!()
));
static LOAD_LINES: Statement = Statement::new(concat!(
    "SELECT ",
    line_columns!(),
    " FROM lines WHERE lines.transition_id IN (SELECT r.id FROM {1: id uuid} AS r) ORDER BY lines.transition_id, lines.packet, lines.azure_subscription_id"
));
static LOAD_PACKET_LINES: Statement = Statement::new(concat!(
    "SELECT ",
    line_columns!(),
    " FROM {1: transition_id uuid, packet bigint} AS r JOIN lines ON lines.transition_id = r.transition_id AND lines.packet = r.packet"
));
static RESELLERS: Statement = Statement::new(
    "SELECT DISTINCT lines.transition_id, lines.reseller FROM lines WHERE lines.transition_id IN (SELECT r.id FROM {1: id uuid} AS r)",
);

/// What differs from its packet about a line, found by its Azure or its commerce id.
#[derive(Clone, Debug)]
pub struct LineChange {
    /// Its packet.
    pub packet: u32,
    /// The id in the answer.
    pub item: Uuid,
    /// The error, or that there is none now; absent: as it was.
    pub error: Option<Option<(Step, ItemError)>>,
    /// What the undo found; absent: as it was.
    pub undo: Option<Evidence>,
    /// The transition's version.
    pub version: u32,
}

fn ids(ids: &[TransitionId]) -> Args {
    Args::new().rows(ids.iter().map(|id| vec![id.0.into()]).collect())
}

/// Writes new lines; those that are there already stay.
pub fn insert_lines(lines: &[Of<LineRow>]) -> Option<Write> {
    if lines.is_empty() {
        return None;
    }
    let rows = lines
        .iter()
        .map(|(id, l)| {
            let (azure, commerce) = (l.azure_subscription_id.0, l.commerce_subscription_id.0);
            vec![id.0.into(), l.packet.into(), azure.into(), commerce.into(), l.reseller.key().into(), l.version.into()]
        })
        .collect();
    Some((&INSERT_LINES, Args::new().rows(rows)))
}

/// Writes what differs about lines, and gives these lines back whole.
pub async fn change_lines(tx: &mut Transaction, changes: &[Of<LineChange>]) -> Result<Vec<Of<LineRow>>, StorageError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = changes
        .iter()
        .map(|(id, c)| {
            let (step, error) = c.error.iter().flatten().next().map(|(step, error)| (step.name(), error)).unzip();
            let (code, text) = error.map(|e| (e.code.as_str(), e.description.as_str())).unzip();
            let undo = c.undo.map(Evidence::name);
            let key: [Value; 4] = [id.0.into(), c.packet.into(), c.item.into(), c.error.is_none().into()];
            key.into_iter().chain([step.into(), code.into(), text.into(), undo.into(), c.version.into()]).collect()
        })
        .collect();
    tx.query(&CHANGE_LINES, Args::new().rows(rows)).await?.iter().map(decode_line).collect()
}

/// All lines of transitions, by packet and id.
pub async fn load_lines(tx: &mut Transaction, of: &[TransitionId]) -> Result<Vec<Of<LineRow>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(&LOAD_LINES, ids(of)).await?.iter().map(decode_line).collect()
}

/// The lines of these packets.
pub async fn load_packet_lines(tx: &mut Transaction, of: &[(TransitionId, u32)]) -> Result<Vec<Of<LineRow>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let rows = of.iter().map(|(id, packet)| vec![id.0.into(), (*packet).into()]).collect();
    tx.query(&LOAD_PACKET_LINES, Args::new().rows(rows)).await?.iter().map(decode_line).collect()
}

/// The resellers of transitions' lines, each once.
pub async fn resellers(tx: &mut Transaction, of: &[TransitionId]) -> Result<Vec<Of<Reseller>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(&RESELLERS, ids(of)).await?.iter().map(|row| Ok((TransitionId(row.get(0)?), reseller(row, 1)?))).collect()
}

fn reseller(row: &Row, index: usize) -> Result<Reseller, StorageError> {
    let key: String = row.get(index)?;
    Reseller::from_key(&key).map_err(|_| unknown_word("reseller", &key))
}

fn error(row: &Row, index: usize) -> Result<Option<ItemError>, StorageError> {
    let code: Option<String> = row.get(index)?;
    code.map(|code| Ok(ItemError { code, description: row.get::<Option<String>>(index + 1)?.unwrap_or_default() })).transpose()
}

fn evidence(row: &Row, index: usize) -> Result<Option<Evidence>, StorageError> {
    row.get::<Option<String>>(index)?.map(|word| Evidence::from_name(&word).ok_or_else(|| unknown_word("evidence", &word))).transpose()
}

fn step(word: &str) -> Result<Step, StorageError> {
    word.parse().map_err(|_| unknown_word("step", word))
}

fn decode_line(row: &Row) -> Result<Of<LineRow>, StorageError> {
    let at = row.get::<Option<String>>(5)?.map(|word| step(&word)).transpose()?;
    let line = LineRow {
        packet: row.get(1)?,
        azure_subscription_id: AzureSubscriptionId(row.get(2)?),
        commerce_subscription_id: CommerceSubscriptionId(row.get(3)?),
        reseller: reseller(row, 4)?,
        error: at.zip(error(row, 6)?),
        undo: evidence(row, 8)?,
        version: row.get(9)?,
    };
    Ok((TransitionId(row.get(0)?), line))
}

macro_rules! plan_columns {
    () => {
        "plans.transition_id, plans.reseller, plans.plan_id, plans.reused, plans.status, plans.error_code, plans.error_description, plans.undo, plans.version"
    };
}
static UPSERT_PLANS: Statement = Statement::new(concat!(
    "INSERT INTO plans (transition_id, reseller, plan_id, reused, status, error_code, error_description, undo, version)
     SELECT r.transition_id, r.reseller, r.plan_id, r.reused, r.status, r.error_code, r.error_description, r.undo, r.version
     FROM {1: transition_id uuid, reseller text, plan_id uuid, reused boolean, status text, error_code text, error_description text, undo text, version bigint} AS r
     WHERE true
     ON CONFLICT (transition_id, reseller) DO UPDATE SET plan_id = COALESCE(excluded.plan_id, plans.plan_id),
         reused = CASE WHEN plans.plan_id IS NULL THEN excluded.reused ELSE plans.reused END, status = COALESCE(excluded.status, plans.status),
         error_code = CASE WHEN excluded.undo = 'fenced' THEN plans.error_code ELSE excluded.error_code END,
         error_description = CASE WHEN excluded.undo = 'fenced' THEN plans.error_description ELSE excluded.error_description END, undo = COALESCE(excluded.undo, plans.undo), version = excluded.version
     RETURNING ",
    plan_columns!()
));
static LOAD_PLANS: Statement = Statement::new(concat!(
    "SELECT ",
    plan_columns!(),
    " FROM plans WHERE plans.transition_id IN (SELECT r.id FROM {1: id uuid} AS r) ORDER BY plans.transition_id, plans.reseller"
));

/// Writes plans, and gives them back whole: what a later answer does not say stays.
pub async fn upsert_plans(tx: &mut Transaction, plans: &[Of<PlanRow>]) -> Result<Vec<Of<PlanRow>>, StorageError> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let rows = plans
        .iter()
        .map(|(id, p)| {
            let (code, text) = p.error.as_ref().map(|e| (e.code.as_str(), e.description.as_str())).unzip();
            let (status, undo) = (p.status.map(PlanStatus::text), p.undo.map(Evidence::name));
            let plan: Option<Uuid> = p.plan_id.map(Into::into);
            let key = p.reseller.key();
            vec![
                id.0.into(),
                key.into(),
                plan.into(),
                p.reused.into(),
                status.into(),
                code.into(),
                text.into(),
                undo.into(),
                p.version.into(),
            ]
        })
        .collect();
    tx.query(&UPSERT_PLANS, Args::new().rows(rows)).await?.iter().map(decode_plan).collect()
}

/// The plans of transitions.
pub async fn load_plans(tx: &mut Transaction, of: &[TransitionId]) -> Result<Vec<Of<PlanRow>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(&LOAD_PLANS, ids(of)).await?.iter().map(decode_plan).collect()
}

fn decode_plan(row: &Row) -> Result<Of<PlanRow>, StorageError> {
    let status: Option<String> = row.get(4)?;
    let plan = PlanRow {
        reseller: reseller(row, 1)?,
        plan_id: row.get::<Option<Uuid>>(2)?.map(PlanId),
        reused: row.get(3)?,
        status: status.map(|word| PlanStatus::from_text(&word).ok_or_else(|| unknown_word("plan status", &word))).transpose()?,
        error: error(row, 5)?,
        undo: evidence(row, 7)?,
        version: row.get(8)?,
    };
    Ok((TransitionId(row.get(0)?), plan))
}

macro_rules! packet_columns {
    () => {
        "packets.transition_id, packets.step, packets.action, packets.packet, packets.attempt, packets.good, packets.refused, packets.findings, packets.version"
    };
}
static UPSERT_PACKETS: Statement = Statement::new(
    "INSERT INTO packets (transition_id, step, action, packet, attempt, good, refused, findings, version)
     SELECT r.transition_id, r.step, r.action, r.packet, r.attempt, r.good, r.refused, r.findings, r.version
     FROM {1: transition_id uuid, step text, action text, packet bigint, attempt bigint, good bigint, refused bigint, findings text, version bigint} AS r
     WHERE true
     ON CONFLICT (transition_id, step, action, packet) DO UPDATE SET attempt = excluded.attempt, good = excluded.good, refused = excluded.refused,
         version = excluded.version",
);
static LOAD_PACKETS: Statement = Statement::new(concat!(
    "SELECT ",
    packet_columns!(),
    " FROM packets WHERE packets.transition_id IN (SELECT r.id FROM {1: id uuid} AS r) ORDER BY packets.transition_id, packets.step, packets.action, packets.packet"
));
static FIND_PACKETS: Statement = Statement::new(concat!(
    "SELECT ",
    packet_columns!(),
    " FROM {1: transition_id uuid, step text, action text, packet bigint} AS r JOIN packets ON packets.transition_id = r.transition_id
      AND packets.step = r.step AND packets.action = r.action AND packets.packet = r.packet"
));
static GOOD_PACKETS: Statement = Statement::new(
    "SELECT packets.transition_id, packets.step, packets.action, packets.packet
     FROM {1: transition_id uuid, step text, action text} AS r JOIN packets
     ON packets.transition_id = r.transition_id AND packets.step = r.step AND packets.action = r.action WHERE packets.refused = 0",
);

/// Names a packet's answer.
pub type PacketKey = (TransitionId, Step, Action, u32);

/// Writes answers of packets.
pub fn upsert_packets(packets: &[Of<PacketRow>]) -> Option<Write> {
    if packets.is_empty() {
        return None;
    }
    let rows = packets
        .iter()
        .map(|(id, p)| {
            let findings = (!p.findings.is_empty()).then(|| serde_json::to_string(&p.findings).unwrap_or_default());
            let key: [Value; 4] = [id.0.into(), p.step.name().into(), p.action.name().into(), p.packet.into()];
            key.into_iter().chain([p.attempt.into(), p.good.into(), p.refused.into(), findings.into(), p.version.into()]).collect()
        })
        .collect();
    Some((&UPSERT_PACKETS, Args::new().rows(rows)))
}

/// All packets of transitions that were answered.
pub async fn load_packets(tx: &mut Transaction, of: &[TransitionId]) -> Result<Vec<Of<PacketRow>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(&LOAD_PACKETS, ids(of)).await?.iter().map(decode_packet).collect()
}

/// What is recorded of these packets.
pub async fn find_packets(tx: &mut Transaction, keys: &[PacketKey]) -> Result<Vec<Of<PacketRow>>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys
        .iter()
        .map(|(id, step, action, packet)| vec![id.0.into(), step.name().into(), action.name().into(), (*packet).into()])
        .collect();
    tx.query(&FIND_PACKETS, Args::new().rows(rows)).await?.iter().map(decode_packet).collect()
}

/// The packets of these steps that were answered without a refusal.
pub async fn good_packets(tx: &mut Transaction, of: &[(TransitionId, Step, Action)]) -> Result<Vec<PacketKey>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let rows = of.iter().map(|(id, step, action)| vec![id.0.into(), step.name().into(), action.name().into()]).collect();
    let found = tx.query(&GOOD_PACKETS, Args::new().rows(rows)).await?;
    found.iter().map(|row| Ok((TransitionId(row.get(0)?), step(&row.get::<String>(1)?)?, action(row, 2)?, row.get(3)?))).collect()
}

fn action(row: &Row, index: usize) -> Result<Action, StorageError> {
    let word: String = row.get(index)?;
    [Action::Do, Action::Undo].into_iter().find(|action| action.name() == word).ok_or_else(|| unknown_word("action", &word))
}

fn decode_packet(row: &Row) -> Result<Of<PacketRow>, StorageError> {
    let findings: Option<String> = row.get(7)?;
    let packet = PacketRow {
        step: step(&row.get::<String>(1)?)?,
        action: action(row, 2)?,
        packet: row.get(3)?,
        attempt: row.get(4)?,
        good: row.get(5)?,
        refused: row.get(6)?,
        findings: findings
            .map(|text| serde_json::from_str(&text).map_err(|_| unknown_word("findings", &text)))
            .transpose()?
            .unwrap_or_default(),
        version: row.get(8)?,
    };
    Ok((TransitionId(row.get(0)?), packet))
}

static INSERT_HISTORY: Statement = Statement::new(
    "INSERT INTO history (transition_id, number, at, state, event, text, actor, hash)
     SELECT r.transition_id, r.number, r.at, r.state, r.event, r.text, r.actor, r.hash
     FROM {1: transition_id uuid, number bigint, at bigint, state text, event text, text text, actor text, hash text} AS r",
);
static LOAD_HISTORY: Statement = Statement::new(
    "SELECT transition_id, number, at, state, event, text, actor, hash FROM history
     WHERE transition_id IN (SELECT r.id FROM {1: id uuid} AS r) ORDER BY transition_id, number",
);

/// Appends history.
pub fn insert_history(entries: &[Of<HistoryEntry>]) -> Option<Write> {
    if entries.is_empty() {
        return None;
    }
    let rows = entries
        .iter()
        .map(|(id, e)| {
            let fixed: [Value; 4] = [id.0.into(), e.number.into(), e.at.as_micros().into(), e.state.name().into()];
            fixed.into_iter().chain([&e.event, &e.text, &e.actor, &e.hash].map(Value::from)).collect()
        })
        .collect();
    Some((&INSERT_HISTORY, Args::new().rows(rows)))
}

/// The history of transitions, in order.
pub async fn load_history(tx: &mut Transaction, of: &[TransitionId]) -> Result<Vec<Of<HistoryEntry>>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(&LOAD_HISTORY, ids(of)).await?.iter().map(decode_history).collect()
}

/// A row of transition, number, time, state, event, text, actor and hash.
pub(crate) fn decode_history(row: &Row) -> Result<Of<HistoryEntry>, StorageError> {
    let state: String = row.get(3)?;
    let entry = HistoryEntry {
        number: row.get(1)?,
        at: Timestamp::from_micros(row.get(2)?),
        state: State::from_name(&state).ok_or_else(|| unknown_word("state", &state))?,
        event: row.get(4)?,
        text: row.get(5)?,
        actor: row.get(6)?,
        hash: row.get(7)?,
    };
    Ok((TransitionId(row.get(0)?), entry))
}
