//! What operators and the gateway ask: answered from what is stored at that moment, without changing anything; and acts about steps.

use super::{
    input::{Asker, Input, Question},
    turn::Engine,
};
use crate::{
    saga::{rule, under_way, waits_for},
    store::{
        admission, audit, rows, steps,
        steps::StepAct,
        transitions::{self, Stored},
    },
};
use planshift_domain::{
    audit::{EXCHANGED, event},
    ids::TransitionId,
    message::{
        Body,
        operator::{
            ActOnStep, AwaitedPacket, EXPLAINED_HISTORY, EXPLAINED_PACKETS, Explanation, HeldAt, ReadSteps, STUCK_AT_MOST, StepActKind,
            StepActed, StepState, StepsRead, StuckListed, StuckTransition, TransitionExplained,
        },
        request::{FindImport, ImportFound, TakenImport},
    },
    said::story,
    step::Step,
    time::Timestamp,
    transition::State,
};
use planshift_messaging::{Destination, Outgoing};
use planshift_storage::{StorageError, Transaction};
use planshift_worker::codec;
use std::collections::HashMap;
use uuid::Uuid;

/// Transitions that are read at a time.
const PAGE: u32 = 500;

/// Everything of this turn that is asked. Acts first: a question in the same turn sees them.
pub(super) async fn answer(engine: &Engine, tx: &mut Transaction, inputs: &[Input], now: Timestamp) -> Result<Vec<Outgoing>, StorageError> {
    let mut out = Vec::new();
    for input in inputs {
        if let Input::ActOnStep(act, asker) = input {
            act_on_step(tx, act, now).await?;
            let body = StepsRead { request_id: act.request_id, ..read_steps(engine, tx).await? };
            out.extend(reply(asker, act.request_id, String::new(), now, &body));
        }
    }
    for input in inputs {
        match input {
            Input::Question(Question::Steps(ReadSteps { request_id }), asker) => {
                let body = StepsRead { request_id: *request_id, ..read_steps(engine, tx).await? };
                out.extend(reply(asker, *request_id, String::new(), now, &body));
            }
            Input::Question(Question::Explain(question), asker) => {
                let explanation = explain(engine, tx, question.transition_id).await?;
                let body = TransitionExplained { request_id: question.request_id, explanation };
                out.extend(reply(asker, question.request_id, question.transition_id.to_string(), now, &body));
            }
            Input::Question(Question::Stuck(question), asker) => {
                let limit = question.limit.clamp(1, STUCK_AT_MOST);
                let (stuck, total) = transitions::stuck(tx, question.unchanged_since, question.partner_id, limit, &engine.limits).await?;
                let body = StuckListed { request_id: question.request_id, transitions: stuck.iter().map(line).collect(), total };
                out.extend(reply(asker, question.request_id, String::new(), now, &body));
            }
            Input::Question(Question::Import(question), asker) => {
                let body = ImportFound { request_id: question.request_id, taken: find_import(tx, question).await? };
                out.extend(reply(asker, question.request_id, String::new(), now, &body));
            }
            _ => {}
        }
    }
    Ok(out)
}

/// The import that the customer's chain tells of. Of a change there is one entry: its customer came in one part.
async fn find_import(tx: &mut Transaction, question: &FindImport) -> Result<Option<TakenImport>, StorageError> {
    let of = (question.partner_id, question.customer_id);
    let entries = audit::by_requests(tx, question.import_ids.iter().map(|id| (of, id.0)).collect()).await?;
    let taken = entries.iter().find(|entry| entry.event == event::IMPORTED);
    Ok(taken.and_then(|entry| {
        let value: serde_json::Value = serde_json::from_str(entry.new_value.as_deref()?).ok()?;
        Some(TakenImport {
            import_id: entry.request_id?.into(),
            facts_version: u32::try_from(value["factsVersion"].as_u64()?).ok()?,
            resource: value["resource"].as_str().map(str::to_owned),
        })
    }))
}

fn reply<B: Body>(asker: &Asker, request_id: Uuid, correlation: String, now: Timestamp, body: &B) -> Option<Outgoing> {
    let to = Destination::Answer(asker.reply_to.clone()?);
    let trace = asker.trace.clone().unwrap_or_default();
    Some(codec::outgoing(to, format!("{request_id}/answer"), correlation, &trace, now, body))
}

/// Paused twice is paused once. The second request is kept all the same: its asker was told that the step is paused, and a copy of
/// it that comes after the step was resumed must not pause it again.
async fn act_on_step(tx: &mut Transaction, act: &ActOnStep, now: Timestamp) -> Result<(), StorageError> {
    let last = steps::last_locked(tx).await?;
    if steps::is_known(tx, act.request_id).await? {
        return Ok(());
    }
    let changes = steps::of(&last).since(act.step).is_some() != (act.act == StepActKind::Pause);
    tracing::warn!(step = %act.step, act = act.act.name(), actor = act.actor, reason = act.reason, changes, "an operator acts on a step");
    let ActOnStep { request_id, step, act, actor, reason } = act.clone();
    steps::add(tx, &StepAct { step, act, actor, reason, at: now, request_id }).await
}

fn acted(act: &StepAct) -> StepActed {
    StepActed { act: act.act, actor: act.actor.clone(), reason: act.reason.clone(), at: act.at }
}

async fn read_steps(engine: &Engine, tx: &mut Transaction) -> Result<StepsRead, StorageError> {
    let acts = steps::last(tx).await?;
    let paused = steps::of(&acts);
    let (mut in_flight, mut held): (HashMap<Step, u32>, HashMap<Step, u32>) = (HashMap::new(), HashMap::new());
    let mut after = TransitionId(Uuid::nil());
    loop {
        let page = transitions::open(tx, after, PAGE, &engine.limits).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for stored in &page {
            if let Some(step) = on_its_way(stored) {
                *in_flight.entry(step).or_default() += 1;
            }
            if let Some(hold) = stored.saga.held {
                *held.entry(hold.step).or_default() += 1;
            }
        }
    }
    let state = |step: Step| {
        let in_flight = in_flight.get(&step).copied().unwrap_or(0);
        let is_paused = paused.since(step).is_some();
        StepState {
            step,
            paused: is_paused,
            last: acts.iter().find(|act| act.step == step).map(acted),
            in_flight,
            held: held.get(&step).copied().unwrap_or(0),
            drained: is_paused && in_flight == 0,
        }
    };
    let steps = Step::ALL.into_iter().map(state).collect();
    Ok(StepsRead { request_id: Uuid::nil(), steps, waiting: admission::waiting(tx).await?, under_way_limit: engine.limit.under_way })
}

/// The step whose commands (or undos) were sent and are not all answered.
fn on_its_way(stored: &Stored) -> Option<Step> {
    let (step, action) = under_way(&stored.saga)?;
    let tally = stored.saga.tally(step, action);
    let was_sent = !stored.saga.held.is_some_and(|held| held.withheld);
    (tally.answered < tally.packets && was_sent).then_some(step)
}

fn line(stored: &Stored) -> StuckTransition {
    StuckTransition {
        transition_id: stored.id,
        partner_id: stored.partner,
        customer_id: stored.customer,
        state: stored.saga.state(),
        changed_at: stored.touched_at,
        waits_for: waits_for(&stored.saga).into(),
    }
}

async fn explain(engine: &Engine, tx: &mut Transaction, id: TransitionId) -> Result<Option<Explanation>, StorageError> {
    let Some(stored) = transitions::load(tx, &[id], &engine.limits).await?.pop() else { return Ok(None) };
    let saga = &stored.saga;
    let (packets, packets_total) = awaited(tx, &stored).await?;
    let before_it = match stored.waiting {
        true => Some(admission::before(tx, &stored).await?),
        false => None,
    };
    let held = match saga.held {
        None => None,
        Some(held) => {
            let paused = steps::last(tx).await?.iter().find(|act| act.step == held.step && act.act == StepActKind::Pause).map(acted);
            Some(HeldAt { step: held.step, since: held.since, paused })
        }
    };
    let mut history: Vec<_> = rows::load_history(tx, &[id]).await?.into_iter().map(|(_, entry)| entry).collect();
    // what was sent and got is for who checks; here it would hide what led to it
    history.retain(|entry| entry.event != EXCHANGED);
    history.drain(..history.len().saturating_sub(EXPLAINED_HISTORY));
    let has_deadlines = !saga.state().is_settled() && saga.held.is_none() && !stored.waiting;
    Ok(Some(Explanation {
        transition_id: id,
        partner_id: stored.partner,
        customer_id: stored.customer,
        state: saga.state(),
        version: stored.version,
        sent: engine.sent_of(&stored),
        changed_at: stored.touched_at,
        rule: rule(saga).into(),
        waits_for: match before_it {
            Some(before) if stored.priority.is_interactive() => {
                story::WAITS_FOR_ROOM_AMONG.with(&[&engine.limit.under_way, &before]).into()
            }
            Some(before) => {
                let limit = engine.limit.background.min(engine.limit.under_way);
                story::WAITS_FOR_ROOM_IN_THE_BACKGROUND.with(&[&limit, &before]).into()
            }
            None => waits_for(saga).into(),
        },
        before_it,
        held,
        packets,
        packets_total,
        resend_at: has_deadlines.then_some(saga.resend_at),
        give_up_at: has_deadlines.then_some(saga.give_up_at),
        failure: saga.failure.clone(),
        history,
    }))
}

/// The packets without a good answer: of the step under way, or of what an operator is asked about.
async fn awaited(tx: &mut Transaction, stored: &Stored) -> Result<(Vec<AwaitedPacket>, u32), StorageError> {
    let saga = &stored.saga;
    let asked_about = match (saga.state(), saga.left()) {
        (State::NeedsOperator, Some(left)) => crate::saga::left_at(saga, left),
        _ => under_way(saga),
    };
    let Some((step, action)) = asked_about else { return Ok((Vec::new(), 0)) };
    let tally = saga.tally(step, action);
    let keys: Vec<_> = (0..tally.packets).map(|packet| (stored.id, step, action, packet)).collect();
    let answered: HashMap<u32, u32> = rows::find_packets(tx, &keys).await?.into_iter().map(|(_, row)| (row.packet, row.refused)).collect();
    let open: Vec<u32> = (0..tally.packets).filter(|packet| answered.get(packet).is_none_or(|refused| *refused > 0)).collect();
    let total = u32::try_from(open.len()).unwrap_or(u32::MAX);
    let packet = |packet: u32| AwaitedPacket {
        step,
        action,
        packet,
        attempt: saga.attempt,
        message_id: format!("{}/{step}/{}/{packet}/{}", stored.id, action.name(), saga.attempt),
        refused: answered.contains_key(&packet),
    };
    Ok((open.into_iter().take(EXPLAINED_PACKETS as usize).map(packet).collect(), total))
}
