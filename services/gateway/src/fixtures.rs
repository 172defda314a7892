//! Events made by hand, for tests.

use planshift_domain::{
    account::facts::PlanStatus,
    history::HistoryEntry,
    ids::{MpnId, Reseller},
    message::event::TransitionChanged,
    step::{Action, Step},
    time::Timestamp,
    transition::{Findings, LineRow, PacketRow, PlanRow, State, TransitionRow},
};
use uuid::Uuid;

pub(crate) fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(crate) fn reseller(key: &str) -> Reseller {
    Reseller(MpnId::try_new(key).ok())
}

pub(crate) fn transition(n: u128, version: u32, state: State) -> TransitionRow {
    TransitionRow {
        id: id(n),
        version,
        partner_id: id(1_000),
        customer_id: id(2_000 + n),
        state,
        left_state: None,
        facts_version: 1,
        failure: None,
        lines: 0,
        plans: 0,
        mapped: 0,
        suspended: 0,
        effective_at: None,
        started_at: at(i64::try_from(n).unwrap()),
        ended_at: None,
        started_by: "maria".into(),
        closed_at: None,
        history: 0,
        traceparent: String::new(),
        batch: None,
    }
}

pub(crate) fn changed(transition: TransitionRow) -> TransitionChanged {
    TransitionChanged { transition, plans: Vec::new(), lines: Vec::new(), packets: Vec::new(), history: Vec::new() }
}

pub(crate) fn line(azure: u128, packet: u32, version: u32) -> LineRow {
    LineRow {
        azure_subscription_id: id(azure),
        commerce_subscription_id: id(azure + 500_000),
        reseller: reseller("10"),
        packet,
        error: None,
        undo: None,
        version,
    }
}

pub(crate) fn plan(key: &str, plan: u128, version: u32) -> PlanRow {
    PlanRow {
        reseller: reseller(key),
        plan_id: Some(id(plan)),
        reused: false,
        status: Some(PlanStatus::Active),
        error: None,
        undo: None,
        version,
    }
}

pub(crate) fn packet(step: Step, packet: u32, version: u32) -> PacketRow {
    PacketRow { step, action: Action::Do, packet, attempt: 1, good: 1, refused: 0, findings: Findings::default(), version }
}

pub(crate) fn entry(number: u32) -> HistoryEntry {
    HistoryEntry {
        number,
        at: at(0),
        state: State::Requested,
        event: "Moved".into(),
        text: String::new(),
        actor: "coordinator".into(),
        hash: String::new(),
    }
}
