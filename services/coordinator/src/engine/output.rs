//! Commands, events and answers, built from what was written in the turn.

use super::{exchange::Sent, work::Work};
use crate::{
    saga::{Send, Which},
    store::rows::{self, Of, PacketKey},
};
use planshift_domain::{
    ids::{PlanId, Reseller, TransitionId},
    message::{
        Body,
        command::{
            CheckEligibility, CustomerItem, MapItem, MapSubscriptions, Packet, PlanItem, PurchasePlans, ReleaseEligibility, SuspendItem,
            SuspendSubscriptions, UndoMapSubscriptions, UndoPurchasePlans,
        },
        event::TransitionChanged,
    },
    step::{Action, Step},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow},
};
use planshift_messaging::{Destination, Outgoing, Service};
use planshift_storage::{StorageError, Transaction};
use planshift_worker::codec;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    iter::Peekable,
};

/// How many lines an event carries, and as many plans, history entries, and packets with their findings: more go into further events of the same
/// version. A broker takes no message of any size.
const EVENT_LINES: usize = 500;

/// What commands are made of.
#[derive(Default)]
struct Material {
    lines: HashMap<TransitionId, Vec<LineRow>>,
    plans: HashMap<TransitionId, HashMap<Reseller, PlanId>>,
    resellers: HashMap<TransitionId, BTreeSet<Reseller>>,
    good: HashSet<PacketKey>,
}

impl Material {
    /// Loads what the commands of this turn need and the turn does not hold anyway.
    async fn load(tx: &mut Transaction, works: &BTreeMap<TransitionId, Work>) -> Result<Self, StorageError> {
        let mut material = Self::default();
        let (mut lines, mut plans, mut resellers, mut pending) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, work) in works {
            for send in &work.send {
                match send.step {
                    Step::Eligibility => {}
                    Step::Purchasing if work.holds_all_lines() => {
                        material.resellers.insert(*id, work.new_lines.iter().map(|line| line.reseller.clone()).collect());
                    }
                    Step::Purchasing => resellers.push(*id),
                    Step::Mapping => {
                        lines.push(*id);
                        plans.push(*id);
                    }
                    Step::Suspension => lines.push(*id),
                }
                if send.which == Which::Pending {
                    pending.push((*id, send.step, send.action));
                }
            }
        }
        lines.dedup();
        for (id, line) in rows::load_lines(tx, &lines).await? {
            material.lines.entry(id).or_default().push(line);
        }
        for (id, plan) in rows::load_plans(tx, &plans).await? {
            if let Some(plan_id) = plan.plan_id {
                material.plans.entry(id).or_default().insert(plan.reseller, plan_id);
            }
        }
        for (id, reseller) in rows::resellers(tx, &resellers).await? {
            material.resellers.entry(id).or_default().insert(reseller);
        }
        material.good.extend(rows::good_packets(tx, &pending).await?);
        Ok(material)
    }
}

impl Work {
    /// The turn has all lines of the transition in hand: eligibility answered in one packet.
    fn holds_all_lines(&self) -> bool {
        u32::try_from(self.new_lines.len()).is_ok_and(|n| n == self.stored.saga.lines) && !self.new_lines.is_empty()
    }
}

/// The commands that the turn's decisions send, and which of them are of which transition.
pub(super) async fn commands(
    tx: &mut Transaction,
    works: &BTreeMap<TransitionId, Work>,
    now: Timestamp,
) -> Result<(Vec<Outgoing>, Sent), StorageError> {
    let (mut out, mut sent) = (Vec::new(), Sent::new());
    if works.values().all(|work| work.send.is_empty()) {
        return Ok((out, sent));
    }
    let material = Material::load(tx, works).await?;
    for (id, work) in works {
        let first = out.len();
        for send in &work.send {
            build(work, *send, &material, now, &mut out);
        }
        let of_it = out.iter().skip(first).map(|command: &Outgoing| format!("{} {}", command.message.kind, command.message.message_id));
        let of_it: Vec<String> = of_it.collect();
        if !of_it.is_empty() {
            sent.insert(*id, of_it);
        }
    }
    Ok((out, sent))
}

fn build(work: &Work, send: Send, material: &Material, now: Timestamp, out: &mut Vec<Outgoing>) {
    let id = work.stored.id;
    let size = work.stored.saga.packet_items;
    let lines = || material.lines.get(&id).into_iter().flatten();
    match send.step {
        Step::Eligibility => {
            let items = BTreeMap::from([(0, vec![CustomerItem { packet_items: size, plan_hash: work.stored.plan_hash.clone() }])]);
            packets::<_, CheckEligibility, ReleaseEligibility>(work, send, Service::Eligibility, items, material, now, out);
        }
        Step::Purchasing => {
            let mut items: BTreeMap<u32, Vec<PlanItem>> = BTreeMap::new();
            for (position, reseller) in (0..).zip(material.resellers.get(&id).into_iter().flatten()) {
                items.entry(position / size).or_default().push(PlanItem { reseller: reseller.clone() });
            }
            packets::<_, PurchasePlans, UndoPurchasePlans>(work, send, Service::Purchasing, items, material, now, out);
        }
        Step::Mapping => {
            let plans = material.plans.get(&id);
            let mut items: BTreeMap<u32, Vec<MapItem>> = BTreeMap::new();
            for line in lines() {
                if let Some(plan_id) = plans.and_then(|plans| plans.get(&line.reseller)) {
                    items
                        .entry(line.packet)
                        .or_default()
                        .push(MapItem { azure_subscription_id: line.azure_subscription_id, plan_id: *plan_id });
                }
            }
            packets::<_, MapSubscriptions, UndoMapSubscriptions>(work, send, Service::Mapping, items, material, now, out);
        }
        Step::Suspension => {
            let mut items: BTreeMap<u32, Vec<SuspendItem>> = BTreeMap::new();
            for line in lines() {
                items.entry(line.packet).or_default().push(SuspendItem { commerce_subscription_id: line.commerce_subscription_id });
            }
            // suspension has no undo: the saga's definition does not allow one to be sent
            packets::<_, SuspendSubscriptions, SuspendSubscriptions>(work, send, Service::Suspension, items, material, now, out);
        }
    }
}

fn packets<I, D, U>(
    work: &Work,
    send: Send,
    service: Service,
    items: BTreeMap<u32, Vec<I>>,
    material: &Material,
    now: Timestamp,
    out: &mut Vec<Outgoing>,
) where
    D: Body + From<Packet<I>>,
    U: Body + From<Packet<I>>,
{
    let stored = &work.stored;
    for (packet, items) in items {
        if send.which == Which::Pending && material.good.contains(&(stored.id, send.step, send.action, packet)) {
            continue;
        }
        let body = Packet {
            transition_id: stored.id,
            partner_id: stored.partner,
            customer_id: stored.customer,
            facts_version: stored.facts_version,
            packet,
            attempt: stored.saga.attempt,
            effective_at: if send.step == Step::Mapping { stored.saga.effective_at } else { None },
            items,
        };
        let message_id = format!("{}/{}/{}/{packet}/{}", stored.id, send.step, send.action.name(), stored.saga.attempt);
        let (to, correlation) = (Destination::Command(service), stored.id.to_string());
        out.push(match send.action {
            Action::Do => codec::outgoing(to, message_id, correlation, &stored.trace, now, &D::from(body)),
            Action::Undo => codec::outgoing(to, message_id, correlation, &stored.trace, now, &U::from(body)),
        });
    }
}

/// Rows beneath transitions that the turn has changed, whole.
#[derive(Default)]
pub struct Changed {
    /// Lines.
    pub lines: Vec<Of<LineRow>>,
    /// Plans.
    pub plans: Vec<Of<PlanRow>>,
}

/// The events of what the turn has changed.
pub fn events(works: &mut BTreeMap<TransitionId, Work>, changed: Changed, now: Timestamp) -> Vec<Outgoing> {
    let mut lines: HashMap<TransitionId, Vec<LineRow>> = HashMap::new();
    let mut plans: HashMap<TransitionId, Vec<PlanRow>> = HashMap::new();
    for (id, line) in changed.lines {
        lines.entry(id).or_default().push(line);
    }
    for (id, plan) in changed.plans {
        plans.entry(id).or_default().push(plan);
    }
    let mut out = Vec::new();
    for (id, work) in works.iter_mut().filter(|(_, work)| work.changed && !work.tell_all) {
        let mut told = std::mem::take(&mut work.new_lines);
        told.extend(lines.remove(id).unwrap_or_default());
        let event = TransitionChanged {
            transition: work.stored.row(),
            plans: plans.remove(id).unwrap_or_default(),
            lines: told,
            packets: std::mem::take(&mut work.packets),
            history: std::mem::take(&mut work.history),
        };
        tell(work, event, "", now, &mut out);
    }
    out
}

/// Everything about these transitions, again.
pub async fn everything(tx: &mut Transaction, works: &BTreeMap<TransitionId, Work>, now: Timestamp) -> Result<Vec<Outgoing>, StorageError> {
    let ids: Vec<TransitionId> = works.iter().filter(|(_, work)| work.tell_all).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut events: BTreeMap<TransitionId, TransitionChanged> = ids
        .iter()
        .filter_map(|id| works.get(id))
        .map(|work| {
            (
                work.stored.id,
                TransitionChanged { transition: work.stored.row(), plans: vec![], lines: vec![], packets: vec![], history: vec![] },
            )
        })
        .collect();
    macro_rules! gather {
        ($rows:expr, $field:ident) => {
            for (id, row) in $rows {
                if let Some(event) = events.get_mut(&id) {
                    event.$field.push(row);
                }
            }
        };
    }
    gather!(rows::load_lines(tx, &ids).await?, lines);
    gather!(rows::load_plans(tx, &ids).await?, plans);
    gather!(rows::load_packets(tx, &ids).await?, packets);
    gather!(rows::load_history(tx, &ids).await?, history);
    let mut out = Vec::new();
    for (id, event) in events {
        if let Some(work) = works.get(&id) {
            tell(work, event, "/again", now, &mut out);
        }
    }
    Ok(out)
}

fn tell(work: &Work, event: TransitionChanged, suffix: &str, now: Timestamp, out: &mut Vec<Outgoing>) {
    let stored = &work.stored;
    let TransitionChanged { transition, plans, lines, packets, history } = event;
    let (mut plans, mut lines, mut packets) = (plans.into_iter(), lines.into_iter(), packets.into_iter().peekable());
    let mut history = history.into_iter();
    for part in 0.. {
        let event = TransitionChanged {
            transition: transition.clone(),
            plans: plans.by_ref().take(EVENT_LINES).collect(),
            lines: lines.by_ref().take(EVENT_LINES).collect(),
            packets: some_packets(&mut packets),
            history: history.by_ref().take(EVENT_LINES).collect(),
        };
        let to = Destination::Event(format!("transition.{}", stored.saga.state()));
        let message_id = format!("{}/v{}/{part}{suffix}", stored.id, stored.version);
        out.push(codec::outgoing(to, message_id, stored.id.to_string(), &stored.trace, now, &event));
        if plans.len() == 0 && lines.len() == 0 && history.len() == 0 && packets.peek().is_none() {
            return;
        }
    }
}

/// The next packets that have room in an event: eligibility's have as many findings as lines, or more.
fn some_packets(packets: &mut Peekable<impl Iterator<Item = PacketRow>>) -> Vec<PacketRow> {
    let mut some = Vec::new();
    let mut room = EVENT_LINES;
    while let Some(packet) = packets.next_if(|packet| some.is_empty() || weight(packet) <= room) {
        room = room.saturating_sub(weight(&packet));
        some.push(packet);
    }
    some
}

fn weight(packet: &PacketRow) -> usize {
    1 + packet.findings.reasons.len() + packet.findings.warnings.len()
}
