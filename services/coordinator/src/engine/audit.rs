//! What a turn adds to customers' chains: collected while it decides, sealed and chained when everything else is known.
//!
//! | event | when |
//! |---|---|
//! | `Imported`, `ImportRefused` | a part of a customer's facts came |
//! | `Started`, `MovedUp`, `StartRefused` | a start was decided |
//! | `Cancelled`, `Resumed`, `Closed`, `ActRefused` | a person's act was decided |
//! | `Mapped` | the pivot was passed |
//! | `Suspended`, `Ended`, `OperatorNeeded` | nothing more happens by itself |
//! | `Found` | the chain begins, or a request comes, and the transition was there before it and is not told of |
//!
//! An entry about a transition carries the end of its history as this turn leaves it, so that the chain seals the histories.

use super::work::Work;
use crate::store::{
    audit::{self, End},
    customers::CustomerKey,
};
use planshift_domain::{
    audit::{CustomerEntry, Seal, event},
    ids::{PartnerId, TransitionId},
    message::event::AccountImported,
    said::chain,
    time::Timestamp,
    transition::State,
};
use planshift_messaging::{Destination, Outgoing};
use planshift_storage::{StorageError, Transaction, Write};
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many entries an event carries: a broker takes no message of any size.
const EVENT_ENTRIES: usize = 200;
/// How many entries of one chain are told at once to who asks for them again.
const TOLD_AGAIN: u32 = 2_000;

/// An entry that is not chained yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub of: CustomerKey,
    pub event: &'static str,
    pub text: String,
    pub actor: String,
    pub transition: Option<TransitionId>,
    pub request_id: Option<Uuid>,
    pub correlation_id: Option<Uuid>,
    pub old_value: Option<Value>,
    pub new_value: Option<Value>,
}

impl Draft {
    /// With what every entry has.
    pub(super) fn new(of: CustomerKey, event: &'static str, actor: &str, text: impl Into<String>) -> Self {
        Self {
            of,
            event,
            text: text.into(),
            actor: actor.to_owned(),
            transition: None,
            request_id: None,
            correlation_id: None,
            old_value: None,
            new_value: None,
        }
    }
}

/// The id of a trace, as the id of what belongs together.
pub(super) fn correlation(trace: Option<&TraceContext>) -> Option<Uuid> {
    trace.and_then(|trace| Uuid::try_parse(&trace.trace_id).ok()).filter(|id| !id.is_nil())
}

/// What a turn adds to chains, and tells again of them.
#[derive(Default)]
pub(super) struct Audit {
    drafts: Vec<Draft>,
    again: BTreeSet<(CustomerKey, Uuid)>,
}

impl Audit {
    /// One more entry.
    pub(super) fn add(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// A request came again: what was written for it may never have been told.
    pub(super) fn again(&mut self, of: CustomerKey, request: Uuid) {
        self.again.insert((of, request));
    }

    /// Chains the entries. Gives what is to be written, and what is to be told: also of the transitions that are told as a whole.
    pub(super) async fn finish(
        mut self,
        tx: &mut Transaction,
        works: &BTreeMap<TransitionId, Work>,
        now: Timestamp,
    ) -> Result<(Vec<Write>, Vec<CustomerEntry>), StorageError> {
        works.values().for_each(|work| self.drafts.extend(moves(work)));
        let mut told = self.drop_known(tx).await?;
        told.extend(audit::by_requests(tx, self.again.into_iter().collect()).await?);
        let whole = works.values().filter(|work| work.tell_all).map(|work| (key(work), work.stored.id)).collect();
        told.extend(audit::by_transitions(tx, whole).await?);
        let (writes, new) = chain(tx, self.drafts, works, now).await?;
        told.extend(new);
        told.sort_by_key(|entry| (entry.partner_id, entry.customer_id, entry.number));
        told.dedup_by_key(|entry| (entry.partner_id, entry.customer_id, entry.number));
        Ok((writes, told))
    }

    /// A start that was refused is not remembered anywhere else: the same request again is known by its entry.
    async fn drop_known(&mut self, tx: &mut Transaction) -> Result<Vec<CustomerEntry>, StorageError> {
        let refused = self.drafts.iter().filter(|draft| draft.event == event::START_REFUSED);
        let wanted: BTreeSet<_> = refused.filter_map(|draft| Some((draft.of, draft.request_id?))).collect();
        let mut known = audit::by_requests(tx, wanted.into_iter().collect()).await?;
        known.retain(|entry| entry.event == event::START_REFUSED);
        let mut seen: BTreeSet<_> = known.iter().map(|entry| ((entry.partner_id, entry.customer_id), entry.request_id)).collect();
        // two of one request in one turn are one, too
        self.drafts.retain(|draft| draft.event != event::START_REFUSED || seen.insert((draft.of, draft.request_id)));
        Ok(known)
    }
}

fn key(work: &Work) -> CustomerKey {
    (work.stored.partner, work.stored.customer)
}

/// Gives the drafts their numbers, seals and hashes, under the locks of their chains.
async fn chain(
    tx: &mut Transaction,
    drafts: Vec<Draft>,
    works: &BTreeMap<TransitionId, Work>,
    now: Timestamp,
) -> Result<(Vec<Write>, Vec<CustomerEntry>), StorageError> {
    if drafts.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let keys: BTreeSet<CustomerKey> = drafts.iter().map(|draft| draft.of).collect();
    let mut ends = audit::lock(tx, keys.into_iter().collect()).await?;
    // Also where a chain has begun: beside this one, a version before chains may have been at work.
    let looked_at: BTreeSet<CustomerKey> = drafts.iter().filter(|draft| is_beginning(draft.event)).map(|draft| draft.of).collect();
    let begun: BTreeSet<CustomerKey> = ends.iter().filter(|(_, end)| end.entries == 0).map(|(key, _)| *key).collect();
    let looked_at: Vec<CustomerKey> = looked_at.union(&begun).copied().collect();
    let told: BTreeSet<TransitionId> = drafts.iter().filter_map(|draft| draft.transition).collect();
    let mut entries = Vec::with_capacity(drafts.len());
    if !looked_at.is_empty() {
        for (of, seal) in audit::unnamed(tx, looked_at).await? {
            // one that this turn tells of for the first time is new, unless the chain is
            if told.contains(&seal.transition_id) && !begun.contains(&of) {
                continue;
            }
            let text = if begun.contains(&of) { chain::FOUND_AT_THE_BEGINNING } else { chain::FOUND_LATER };
            let draft = Draft { transition: Some(seal.transition_id), ..Draft::new(of, event::FOUND, "coordinator", text) };
            entries.extend(ends.get_mut(&of).map(|end| append(end, draft, Some(seal), now)));
        }
    }
    for draft in drafts {
        let seal = draft.transition.and_then(|id| works.get(&id)).map(|work| Seal {
            transition_id: work.stored.id,
            entries: work.stored.history,
            hash: work.stored.history_hash.clone(),
        });
        entries.extend(ends.get_mut(&draft.of).map(|end| append(end, draft, seal, now)));
    }
    Ok((audit::append(&entries, &ends), entries))
}

/// Does something begin with it that the chain of the customer must be complete for? They are rare: one look for each.
fn is_beginning(event: &str) -> bool {
    [event::IMPORTED, event::STARTED, event::START_REFUSED].contains(&event)
}

fn append(end: &mut End, draft: Draft, transition: Option<Seal>, now: Timestamp) -> CustomerEntry {
    let Draft { of: (partner_id, customer_id), event, text, actor, request_id, correlation_id, old_value, new_value, .. } = draft;
    let entry = CustomerEntry {
        partner_id,
        customer_id,
        number: end.entries + 1,
        at: now,
        event: event.to_owned(),
        text,
        actor,
        transition,
        request_id,
        correlation_id,
        old_value: old_value.map(|value| value.to_string()),
        new_value: new_value.map(|value| value.to_string()),
        hash: String::new(),
    }
    .sealed(&end.hash);
    *end = End { entries: entry.number, hash: entry.hash.clone() };
    entry
}

/// What the moves of a transition in this turn mean to its customer.
fn moves(work: &Work) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut before = work.before;
    for entry in &work.history {
        if entry.state == before {
            continue;
        }
        let mut add = |event, text: String| {
            drafts.push(Draft {
                transition: Some(work.stored.id),
                correlation_id: correlation(Some(&work.stored.trace)),
                old_value: Some(json!({ "state": before })),
                new_value: Some(standing(work, entry.state)),
                ..Draft::new(key(work), event, &entry.actor, text)
            });
        };
        match entry.state {
            State::SuspendingCommerce if before == State::MappingSubscriptions => add(event::MAPPED, entry.text.clone()),
            State::Completed => {
                add(event::SUSPENDED, entry.text.clone());
                add(event::ENDED, entry.text.clone());
            }
            State::Ineligible | State::Compensated => add(event::ENDED, entry.text.clone()),
            State::NeedsOperator => add(event::OPERATOR_NEEDED, entry.text.clone()),
            _ => {}
        }
        before = entry.state;
    }
    drafts
}

fn standing(work: &Work, state: State) -> Value {
    let saga = &work.stored.saga;
    let mut value =
        json!({ "state": state, "lines": saga.lines, "plans": saga.plans, "mapped": saga.mapped(), "suspended": saga.suspended() });
    if let Some(at) = saga.effective_at {
        value["effectiveAt"] = json!(at);
    }
    if let Some(failure) = &saga.failure {
        value["failure"] = json!(failure);
    }
    value
}

/// The events that tell of entries.
pub(super) fn events(entries: &[CustomerEntry], ports: &Ports, now: Timestamp) -> Vec<Outgoing> {
    if entries.is_empty() {
        return Vec::new();
    }
    let trace = TraceContext::unrecorded(ports.random.id());
    let some = entries.chunks(EVENT_ENTRIES).map(|entries| {
        let transition = entries.iter().find_map(|entry| entry.transition.as_ref()).map(|seal| seal.transition_id.to_string());
        let id = format!("audit/{}", entries.last().map_or("", |entry| entry.hash.as_str()));
        let partner_id = entries.first().map_or(PartnerId(Uuid::nil()), |entry| entry.partner_id);
        let (partner_name, begun_at, customers, resellers) = (String::new(), None, Vec::new(), Vec::new());
        let body = AccountImported { partner_id, partner_name, begun_at, customers, resellers, audit: entries.to_vec() };
        codec::outgoing(Destination::Event("customer.audited".into()), id, transition.unwrap_or_default(), &trace, now, &body)
    });
    some.collect()
}

/// A chain after an entry, for who has a gap there; where there is more, he asks for that next.
pub(super) async fn tell_again(tx: &mut Transaction, of: CustomerKey, after: u32) -> Result<Vec<CustomerEntry>, StorageError> {
    audit::after(tx, of, after, TOLD_AGAIN).await
}
