//! What people do to transitions: each request is decided once, and answered the same however late it comes again.

use super::{
    audit::{Audit, Draft, correlation},
    input::Asker,
    input::Input,
    turn::recover,
    work::Work,
};
use crate::{
    saga::{Event, Rules},
    store::acts::{self, Key},
};
use planshift_domain::{
    audit::event,
    message::request::{Act, ActAnswered, ActOnTransition, ActOutcome},
    said::{because, chain},
    time::Timestamp,
};
use planshift_messaging::{Destination, Outgoing};
use planshift_storage::{StorageError, Transaction};
use planshift_worker::{HandleError, codec};
use serde_json::json;
use std::collections::HashMap;

/// The acts of a turn.
pub(super) struct Acts {
    known: HashMap<Key, ActOutcome>,
    decided: Vec<(Key, ActOutcome)>,
}

impl Acts {
    /// With what was decided before about any of the turn's. Their transitions are locked: nobody else decides meanwhile.
    pub(super) async fn known(tx: &mut Transaction, inputs: &[Input]) -> Result<Self, StorageError> {
        let request = |input: &Input| if let Input::Act(act, _) = input { Some((act.transition_id, act.request_id)) } else { None };
        let known = acts::decided(tx, &inputs.iter().filter_map(request).collect::<Vec<_>>()).await?;
        Ok(Self { known, decided: Vec::new() })
    }

    /// Decides, or finds decided; the answer.
    pub(super) fn act(
        &mut self,
        work: &mut Work,
        act: &ActOnTransition,
        asker: &Asker,
        audit: &mut Audit,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Option<Outgoing>, HandleError> {
        if work.stored.partner != act.partner_id {
            return Ok(answer(act, asker, ActOutcome::NotFound, now));
        }
        let key = (act.transition_id, act.request_id);
        // the column is all that a version before this one has written
        let before = (work.stored.acted == Some(act.request_id)).then_some(ActOutcome::Accepted);
        if let Some(outcome) = self.known.get(&key).copied().or(before) {
            // its messages may have been lost in a crash
            recover(work, false, rules);
            audit.again((work.stored.partner, work.stored.customer), act.request_id);
            return Ok(answer(act, asker, outcome, now));
        }
        let event = Event::Act { act: act.act.into(), actor: act.actor.clone(), reason: act.reason.clone() };
        let (_, outcome) = work.happen(&event, None, now, rules)?;
        if outcome == Some(ActOutcome::Accepted) && work.changed {
            work.stored.acted = Some(act.request_id);
        }
        if let Some(outcome) = outcome {
            self.known.insert(key, outcome);
            self.decided.push((key, outcome));
            audit.add(told(work, act, asker, outcome));
        }
        Ok(outcome.and_then(|outcome| answer(act, asker, outcome, now)))
    }

    /// Keeps what was decided.
    pub(super) async fn keep(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), StorageError> {
        acts::keep(tx, &self.decided, now).await
    }
}

/// The act in the customer's chain.
fn told(work: &Work, act: &ActOnTransition, asker: &Asker, outcome: ActOutcome) -> Draft {
    let (name, done) = match act.act {
        Act::Cancel => ("cancel", event::CANCELLED),
        Act::Resume => ("resume", event::RESUMED),
        Act::Close => ("close", event::CLOSED),
    };
    let because = because(&act.reason);
    let (event, text) = match outcome {
        ActOutcome::Accepted => (done, chain::ACCEPTED.with(&[&name, &because])),
        ActOutcome::PastThePivot(state) => (event::ACT_REFUSED, chain::REFUSED_PAST_THE_PIVOT.with(&[&name, &state, &because])),
        ActOutcome::NotAllowedInState(state) => (event::ACT_REFUSED, chain::REFUSED_IN.with(&[&name, &state, &because])),
        ActOutcome::NotFound => (event::ACT_REFUSED, chain::REFUSED_UNKNOWN.with(&[&name, &because])),
    };
    Draft {
        transition: Some(work.stored.id),
        request_id: Some(act.request_id),
        correlation_id: correlation(asker.trace.as_ref().or(Some(&work.stored.trace))),
        new_value: Some(json!({ "act": act.act, "state": work.stored.saga.state() })),
        ..Draft::new((work.stored.partner, work.stored.customer), event, &act.actor, text)
    }
}

/// Tells the one who asked.
pub(super) fn answer(act: &ActOnTransition, asker: &Asker, outcome: ActOutcome, now: Timestamp) -> Option<Outgoing> {
    let reply_to = asker.reply_to.clone()?;
    let body = ActAnswered { request_id: act.request_id, outcome };
    let trace = asker.trace.clone().unwrap_or_default();
    let id = format!("{}/answer", act.request_id);
    Some(codec::outgoing(Destination::Answer(reply_to), id, act.transition_id.to_string(), &trace, now, &body))
}
