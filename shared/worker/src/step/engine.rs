//! One round: claim the items, have or undo their effects, record what differs from the claim, and say what the ledger says.

use super::{Applied, Faults, StepWorker, Undoing, Work, item_error, read::Todo};
use crate::{
    HandleError,
    metrics::{EFFECTS, FENCE_HITS, Metrics, REPEATED},
};
use planshift_domain::{
    ids::TransitionId,
    message::{
        command::{Item, Packet},
        reply::{ItemAnswer, PlanAnswer},
    },
    said::failures,
    step::Action,
    time::Timestamp,
    transition::{Evidence, ItemError},
};
use planshift_invariants::{checks::had_once, data::Effect};
use planshift_storage::{
    StorageError, Transaction,
    ledger::{self, Claim, LedgerRow, LedgerState, Verdict},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a ledger row keeps besides its state: JSON in `answer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Why it was refused; with an `intent`, why it is going to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanAnswer>,
}

impl Kept {
    pub(super) fn of(row: &LedgerRow) -> Result<Self, HandleError> {
        let Some(text) = &row.answer else { return Ok(Self::default()) };
        serde_json::from_str(text).map_err(|error| HandleError::Faulty(format!("the ledger's answer for {}: {error}", row.item)))
    }

    fn text(&self) -> Option<String> {
        if *self == Self::default() { None } else { serde_json::to_string(self).ok() }
    }
}

/// What is known of the items of a round after it.
pub(super) type Answers = HashMap<(TransitionId, String), ItemAnswer>;
/// What is to be written into the ledger in the end.
pub(super) type Records = Vec<LedgerRow>;

/// What to count once the transaction is committed.
#[derive(Default)]
pub(super) struct Counts {
    effects: HashMap<(Action, Evidence), usize>,
    fence_hits: usize,
    repeated: HashMap<Action, usize>,
}

impl Counts {
    pub(super) fn add_to(&self, metrics: &Metrics, step: &str) {
        for ((action, evidence), count) in &self.effects {
            metrics.add(EFFECTS, &[("step", step), ("action", action.name()), ("evidence", evidence.name())], *count);
        }
        for (action, count) in &self.repeated {
            metrics.add(REPEATED, &[("step", step), ("action", action.name())], *count);
        }
        if self.fence_hits > 0 {
            metrics.add(FENCE_HITS, &[("step", step)], self.fence_hits);
        }
    }

    pub(super) fn effect(&mut self, action: Action, evidence: Evidence) {
        *self.effects.entry((action, evidence)).or_default() += 1;
    }

    fn answered_before(&mut self, action: Action, state: LedgerState) {
        if action == Action::Do && state.is_undone_or_fenced() {
            self.fence_hits += 1;
        } else {
            *self.repeated.entry(action).or_default() += 1;
        }
    }
}

/// One item of a round.
pub(super) struct Piece<'a, I> {
    pub packet: &'a Packet<I>,
    pub item: &'a I,
    pub key: String,
}

impl<I> Piece<'_, I> {
    /// What it is known by within a round.
    pub(super) fn name(&self) -> (TransitionId, String) {
        (self.packet.transition_id, self.key.clone())
    }

    pub(super) fn ledger_row(&self, state: LedgerState, kept: &Kept, now: Timestamp) -> LedgerRow {
        LedgerRow {
            transition: self.packet.transition_id.0,
            item: self.key.clone(),
            state,
            attempt: self.packet.attempt,
            answer: kept.text(),
            at: now.as_micros(),
        }
    }

    pub(super) fn answer(&self, evidence: Evidence, kept: Kept) -> ItemAnswer {
        ItemAnswer { item: self.key.clone(), evidence, error: kept.error, plan: kept.plan }
    }
}

/// One transaction's engine.
pub(super) struct Engine<'a, W> {
    pub worker: &'a W,
    pub faults: &'a Faults,
    pub metrics: &'a Metrics,
    pub now: Timestamp,
    pub counts: Counts,
}

impl<W: StepWorker> Engine<'_, W> {
    /// Does a round: undos first, for what they free may be wanted by a command of the next transition.
    pub(super) async fn round(&mut self, tx: &mut Transaction, round: &[Todo<'_, W::Item>]) -> Result<Answers, HandleError> {
        let mut answers = Answers::new();
        self.undos(tx, pieces(round, Action::Undo), &mut answers).await?;
        self.commands(tx, pieces(round, Action::Do), &mut answers).await?;
        Ok(answers)
    }

    async fn commands(&mut self, tx: &mut Transaction, pieces: Vec<Piece<'_, W::Item>>, answers: &mut Answers) -> Result<(), HandleError> {
        let verdicts = claim::<W>(tx, Action::Do, &pieces, self.now).await?;
        let mut apply = Vec::new();
        let mut records = Vec::new();
        for (piece, (verdict, row)) in pieces.into_iter().zip(verdicts) {
            if verdict == Verdict::Apply {
                self.check_had_once(&piece, row.as_ref(), false);
            }
            match (verdict, row) {
                (Verdict::Apply, _) => match self.fault(&piece) {
                    Some(error) => self.refuse(&piece, error, &mut records, answers),
                    None => apply.push(piece),
                },
                (_, row) => self.say_again(Action::Do, &piece, row, answers)?,
            }
        }
        if !apply.is_empty() {
            let work: Vec<_> = apply.iter().map(|piece| Work { packet: piece.packet, item: piece.item }).collect();
            let applied = self.worker.apply(tx, &work, self.now).await?;
            one_for_each(work.len(), applied.len())?;
            for (piece, applied) in apply.into_iter().zip(applied) {
                match applied {
                    Applied::Refused(error) => self.refuse(&piece, error, &mut records, answers),
                    Applied::Done(plan) => {
                        let kept = Kept { error: None, plan };
                        if kept.plan.is_some() {
                            records.push(piece.ledger_row(LedgerState::Done, &kept, self.now));
                        }
                        self.counts.effect(Action::Do, Evidence::Done);
                        put(answers, &piece, piece.answer(Evidence::Done, kept));
                    }
                }
            }
        }
        Ok(ledger::record(tx, W::STEP.name(), &records).await?)
    }

    /// I11, where an effect is about to be had, or undone.
    pub(super) fn check_had_once(&self, piece: &Piece<'_, W::Item>, row: Option<&LedgerRow>, is_undo: bool) {
        self.metrics.check(&had_once(&piece.key, row.map(effect), is_undo));
    }

    /// The fault that an option asks for.
    pub(super) fn fault(&self, piece: &Piece<'_, W::Item>) -> Option<ItemError> {
        self.faults.hits(&piece.key).then(|| item_error("FaultInjected", failures::FAULT_INJECTED))
    }

    pub(super) fn refuse(&mut self, piece: &Piece<'_, W::Item>, error: ItemError, records: &mut Records, answers: &mut Answers) {
        // one line for each would flood the log where a whole customer is refused; the transition's report names them all
        tracing::debug!(
            transition = %piece.packet.transition_id,
            step = W::STEP.name(),
            item = piece.key,
            code = error.code,
            "refused: {}",
            error.description
        );
        let kept = Kept { error: Some(error), plan: None };
        records.push(piece.ledger_row(LedgerState::Refused, &kept, self.now));
        self.counts.effect(Action::Do, Evidence::Refused);
        put(answers, piece, piece.answer(Evidence::Refused, kept));
    }

    async fn undos(&mut self, tx: &mut Transaction, pieces: Vec<Piece<'_, W::Item>>, answers: &mut Answers) -> Result<(), HandleError> {
        let verdicts = claim::<W>(tx, Action::Undo, &pieces, self.now).await?;
        let mut undo = Vec::new();
        for (piece, (verdict, row)) in pieces.into_iter().zip(verdicts) {
            if verdict == Verdict::Apply {
                self.check_had_once(&piece, row.as_ref(), true);
            }
            match (verdict, row) {
                (Verdict::Apply, Some(row)) => undo.push((piece, Kept::of(&row)?)),
                (Verdict::Fence, _) => {
                    self.counts.effect(Action::Undo, Evidence::Fenced);
                    put(answers, &piece, piece.answer(Evidence::Fenced, Kept::default()));
                }
                (_, row) => self.say_again(Action::Undo, &piece, row, answers)?,
            }
        }
        if undo.is_empty() {
            return Ok(());
        }
        let work: Vec<_> =
            undo.iter().map(|(piece, kept)| Undoing { packet: piece.packet, item: piece.item, plan: kept.plan.clone() }).collect();
        let outcomes = self.worker.undo(tx, &work, self.now).await?;
        one_for_each(work.len(), outcomes.len())?;
        let mut records = Vec::new();
        for ((piece, _), outcome) in undo.into_iter().zip(outcomes) {
            self.undone(&piece, outcome, &mut records, answers);
        }
        Ok(ledger::record(tx, W::STEP.name(), &records).await?)
    }

    /// Says again what the ledger says.
    pub(super) fn say_again(
        &mut self,
        action: Action,
        piece: &Piece<'_, W::Item>,
        row: Option<LedgerRow>,
        answers: &mut Answers,
    ) -> Result<(), HandleError> {
        // no row: the item stands in the packet twice, and its double is answered
        let Some(row) = row else { return Ok(()) };
        let evidence = match row.state {
            LedgerState::Done => Evidence::Done,
            LedgerState::Refused => Evidence::Refused,
            LedgerState::Undone => Evidence::Undone,
            LedgerState::Fenced => Evidence::Fenced,
            // only the system outside knows, and this process was not told where it is
            LedgerState::Intent => {
                let step = W::STEP.name().to_uppercase();
                let why = format!("{} is an intent: PLANSHIFT_{step}_PROVISIONER_URL must say again where it was asked for", piece.key);
                return Err(HandleError::NotYet(why));
            }
        };
        self.counts.answered_before(action, row.state);
        put(answers, piece, piece.answer(evidence, Kept::of(&row)?));
        Ok(())
    }

    /// Refuses the one item of a packet that cannot be done: nothing else in this transaction has touched it.
    pub(super) async fn refuse_alone(
        &mut self,
        tx: &mut Transaction,
        packet: &Packet<W::Item>,
        why: &HandleError,
    ) -> Result<Answers, HandleError> {
        let mut answers = Answers::new();
        let mut records = Vec::new();
        let pieces = pieces(&[Todo { index: 0, action: Action::Do, packet }], Action::Do);
        let verdicts = claim::<W>(tx, Action::Do, &pieces, self.now).await?;
        for (piece, (verdict, row)) in pieces.into_iter().zip(verdicts) {
            if verdict == Verdict::Apply {
                self.refuse(&piece, internal_error(why), &mut records, &mut answers);
            } else {
                self.say_again(Action::Do, &piece, row, &mut answers)?;
            }
        }
        ledger::record(tx, W::STEP.name(), &records).await?;
        Ok(answers)
    }
}

/// The error of an item that the program could not handle.
pub(super) fn internal_error(why: &HandleError) -> ItemError {
    item_error("InternalError", failures::NOT_HANDLED.with(&[&why]))
}

/// The state of a row, as the checks know it.
const fn effect(row: &LedgerRow) -> Effect {
    match row.state {
        LedgerState::Intent => Effect::Intent,
        LedgerState::Done => Effect::Done,
        LedgerState::Refused => Effect::Refused,
        LedgerState::Undone => Effect::Undone,
        LedgerState::Fenced => Effect::Fenced,
    }
}

pub(super) fn pieces<'a, I: Item>(round: &[Todo<'a, I>], action: Action) -> Vec<Piece<'a, I>> {
    let packets = round.iter().filter(|todo| todo.action == action).map(|todo| todo.packet);
    packets.flat_map(|packet| packet.items.iter().map(move |item| Piece { packet, item, key: item.key() })).collect()
}

pub(super) async fn claim<W: StepWorker>(
    tx: &mut Transaction,
    action: Action,
    pieces: &[Piece<'_, W::Item>],
    now: Timestamp,
) -> Result<Vec<(Verdict, Option<LedgerRow>)>, StorageError> {
    let claims: Vec<_> = pieces
        .iter()
        .map(|piece| Claim { transition: piece.packet.transition_id.0, item: piece.key.clone(), attempt: piece.packet.attempt })
        .collect();
    let action = match action {
        Action::Do => ledger::Action::Do,
        Action::Undo => ledger::Action::Undo,
    };
    ledger::claim(tx, W::STEP.name(), action, &claims, now.as_micros()).await
}

pub(super) fn put<I>(answers: &mut Answers, piece: &Piece<'_, I>, answer: ItemAnswer) {
    answers.insert((piece.packet.transition_id, piece.key.clone()), answer);
}

pub(super) fn one_for_each(asked: usize, answered: usize) -> Result<(), HandleError> {
    if asked == answered { Ok(()) } else { Err(HandleError::Faulty(format!("{answered} outcomes for {asked} items"))) }
}
