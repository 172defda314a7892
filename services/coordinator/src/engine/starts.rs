//! Starts: decided under the lock of the customer's row.

use super::{
    audit::{Audit, Draft, correlation},
    input::Asker,
    work::Work,
};
use crate::{
    saga::{Limits, Saga},
    store::{
        customers::{self, CustomerKey},
        transitions::{self, Stored},
    },
};
use planshift_domain::{
    audit::event,
    ids::TransitionId,
    message::request::{StartOutcome, StartTransition},
    said::{Said, chain},
    time::Timestamp,
};
use planshift_storage::{StorageError, Transaction};
use planshift_telemetry::TraceContext;
use planshift_worker::Ports;
use serde_json::json;
use std::collections::HashMap;

/// What became of a start.
#[derive(Debug)]
pub struct Started {
    /// For the asker.
    pub outcome: StartOutcome,
    /// The new transition.
    pub work: Option<Work>,
    /// The customer's transition that has not ended, where an interactive start may find it in line in the background: whoever has locked
    /// it says whether it is moved up.
    pub live: Option<TransitionId>,
}

impl Started {
    /// The transition that the same request has started before.
    pub fn again(&self) -> Option<TransitionId> {
        match self.outcome {
            StartOutcome::Accepted { transition_id } if self.work.is_none() => Some(transition_id),
            _ => None,
        }
    }
}

/// Decides starts in their order. Two for one customer in one batch: the first has it.
pub async fn decide(
    tx: &mut Transaction,
    starts: &[(&StartTransition, &Asker)],
    ports: &Ports,
    limits: &Limits,
    audit: &mut Audit,
    now: Timestamp,
) -> Result<Vec<Started>, StorageError> {
    if starts.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<CustomerKey> = starts.iter().map(|(s, _)| (s.partner_id, s.customer_id)).collect();
    let known = customers::lock(tx, &keys).await?;
    let requests = starts.iter().map(|(s, _)| (s.partner_id.0, s.request_id)).collect();
    let mut by_request: HashMap<_, _> = transitions::by_request(tx, requests).await?.into_iter().collect();
    let mut live: HashMap<_, _> = transitions::live(tx, keys.iter().map(|(p, c)| (p.0, c.0)).collect()).await?.into_iter().collect();
    let mut decided = Vec::with_capacity(starts.len());
    for (start, asker) in starts {
        let request = (start.partner_id.0, start.request_id);
        let customer = (start.partner_id.0, start.customer_id.0);
        let of = (start.partner_id, start.customer_id);
        let refuse = |outcome| Started { outcome, work: None, live: None };
        decided.push(if let Some(transition_id) = by_request.get(&request) {
            audit.again(of, start.request_id);
            refuse(StartOutcome::Accepted { transition_id: *transition_id })
        } else if let Some(transition_id) = live.get(&customer) {
            // what is to be written in the customer's chain is known once it is known whether it is moved up
            Started { outcome: StartOutcome::InProgress { transition_id: *transition_id }, work: None, live: Some(*transition_id) }
        } else {
            match known.get(&(start.partner_id, start.customer_id)) {
                None => refuse(StartOutcome::UnknownCustomer),
                Some(facts) if facts.facts_version == 0 => refuse(StartOutcome::UnknownCustomer),
                Some(facts) if facts.parts_seen < facts.parts => {
                    audit.add(refused(start, asker, "ImportInProgress", chain::START_REFUSED_IN_AN_IMPORT.into()));
                    refuse(StartOutcome::ImportUnderWay)
                }
                Some(facts) => {
                    let id = TransitionId(ports.random.id());
                    by_request.insert(request, id);
                    live.insert(customer, id);
                    let facts_version = facts.facts_version;
                    let stored = Stored {
                        id,
                        partner: start.partner_id,
                        customer: start.customer_id,
                        request_id: start.request_id,
                        facts_version: facts.facts_version,
                        version: 1,
                        sent: 0,
                        started_at: now,
                        started_by: start.actor.clone(),
                        plan_hash: start.plan_hash.clone(),
                        history: 0,
                        history_hash: String::new(),
                        acted: None,
                        waiting: false,
                        priority: start.priority,
                        batch: start.batch,
                        moved_up_by: None,
                        touched_at: now,
                        trace: asker.trace.clone().unwrap_or_else(|| TraceContext::unrecorded(ports.random.id())),
                        saga: Saga::requested(now, limits),
                    };
                    audit.add(Draft {
                        transition: Some(id),
                        request_id: Some(start.request_id),
                        correlation_id: correlation(Some(&stored.trace)),
                        new_value: Some(json!({ "transitionId": id, "state": stored.saga.state(), "factsVersion": facts_version })),
                        ..Draft::new(of, event::STARTED, &start.actor, chain::STARTED.with(&[&id]))
                    });
                    Started { outcome: StartOutcome::Accepted { transition_id: id }, work: Some(Work::new(stored, true)), live: None }
                }
            }
        });
    }
    Ok(decided)
}

/// A start that was refused since a transition is not at an end, in the customer's chain.
pub(super) fn in_progress(start: &StartTransition, asker: &Asker, id: TransitionId) -> Draft {
    refused(start, asker, "UpgradeInProgress", chain::START_REFUSED.with(&[&id]))
}

/// A start that has moved up the customer's transition, in its chain.
pub(super) fn moved_up(start: &StartTransition, asker: &Asker, stored: &Stored) -> Draft {
    Draft {
        transition: Some(stored.id),
        request_id: Some(start.request_id),
        correlation_id: correlation(asker.trace.as_ref().or(Some(&stored.trace))),
        new_value: Some(json!({ "transitionId": stored.id, "state": stored.saga.state(), "priority": stored.priority })),
        ..Draft::new((start.partner_id, start.customer_id), event::MOVED_UP, &start.actor, chain::MOVED_UP.with(&[&stored.id]))
    }
}

/// A start that was refused, in the customer's chain.
fn refused(start: &StartTransition, asker: &Asker, code: &str, said: Said) -> Draft {
    Draft {
        request_id: Some(start.request_id),
        correlation_id: correlation(asker.trace.as_ref()),
        new_value: Some(json!({ "refused": code })),
        ..Draft::new((start.partner_id, start.customer_id), event::START_REFUSED, &start.actor, said)
    }
}
