//! One turn of a round whose effects are first had from a system outside: what the ledger and the answers from outside allow is
//! done, and what is to be asked outside next is said. Between two turns the transaction is committed and the calls are made.
//!
//! | the row says | and outside | then |
//! |---|---|---|
//! | nothing (or an older refusal) | not asked yet | `intent`; have it |
//! | `intent` | not asked by this process | look it up, and have it where it is not there |
//! | `intent` | it is there | the effect here, and `done`; or, where that is refused, `intent` with the refusal, and withdraw it |
//! | `intent` | refused | `intent` with the refusal, and withdraw it: a call that is late must not have it after all |
//! | `intent` | gone | `refused`: somebody has withdrawn it |
//! | `intent` with a refusal | not asked yet | withdraw it |
//! | `intent` with a refusal | gone | `refused` |
//! | an end | it is there | withdraw it, unless the end is `done`: an undo has overtaken the call |
//!
//! An undo withdraws outside before it says anything: from `done` to `undone`, from `intent` to `undone` or `fenced` by what had
//! been there. Withdrawing is one call that undoes, fences and tells, so that no call in flight comes between a look and an undo.

use super::{
    Applied, StepWorker, Undoing, Undone, Work,
    engine::{Answers, Engine, Kept, Piece, Records, claim, one_for_each, pieces, put},
    item_error,
    read::Todo,
};
use crate::{
    HandleError,
    provisioner::{Effect, Job, Outcome, Wait, Want},
};
use planshift_domain::{
    ids::TransitionId,
    step::Action,
    transition::{Evidence, ItemError},
};
use planshift_storage::{
    Transaction,
    ledger::{self, LedgerRow, LedgerState, Verdict},
};
use serde::Serialize;
use std::collections::HashMap;

/// What a piece of a round is known by.
pub(super) type Key = (TransitionId, String);
pub(super) type Jobs = Vec<Job<Key>>;

/// A round between its turns.
#[derive(Default)]
pub(super) struct Course {
    /// What is final.
    pub answers: Answers,
    /// What has to wait for another time.
    pub waits: HashMap<Key, Wait>,
    /// What was heard from outside since the last turn.
    outcomes: HashMap<Key, Outcome>,
    /// Commands are refused for this reason, whatever is had.
    forced: Option<ItemError>,
}

impl Course {
    /// Before the first turn.
    pub(super) fn new(forced: Option<ItemError>) -> Self {
        Self { forced, ..Self::default() }
    }

    /// Takes what was heard, and says whether there is something for another turn in it.
    pub(super) fn hear(&mut self, heard: Vec<(Key, Outcome)>) -> bool {
        for (key, outcome) in heard {
            match outcome {
                Outcome::Wait(wait) => self.wait(key, wait),
                other => drop(self.outcomes.insert(key, other)),
            }
        }
        !self.outcomes.is_empty()
    }

    pub(super) fn wait(&mut self, key: Key, wait: Wait) {
        let both = match self.waits.remove(&key) {
            Some(before) => before.and(wait),
            None => wait,
        };
        self.waits.insert(key, both);
    }

    fn is_open(&self, key: &Key) -> bool {
        !self.answers.contains_key(key) && !self.waits.contains_key(key)
    }
}

/// The body of a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wanted<'a, I> {
    step: &'static str,
    transition_id: TransitionId,
    partner_id: planshift_domain::ids::PartnerId,
    customer_id: planshift_domain::ids::CustomerId,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<planshift_domain::time::Timestamp>,
    item: &'a I,
}

impl<W: StepWorker> Engine<'_, W> {
    /// A turn: undos first, as in a round without anybody outside.
    pub(super) async fn turn(
        &mut self,
        tx: &mut Transaction,
        round: &[Todo<'_, W::Item>],
        course: &mut Course,
    ) -> Result<Jobs, HandleError> {
        let mut jobs = Jobs::new();
        self.undos_in_turn(tx, round, course, &mut jobs).await?;
        self.commands_in_turn(tx, round, course, &mut jobs).await?;
        Ok(jobs)
    }

    async fn commands_in_turn(
        &mut self,
        tx: &mut Transaction,
        round: &[Todo<'_, W::Item>],
        course: &mut Course,
        jobs: &mut Jobs,
    ) -> Result<(), HandleError> {
        let mut open = pieces(round, Action::Do);
        open.retain(|piece| course.is_open(&piece.name()));
        let verdicts = claim::<W>(tx, Action::Do, &open, self.now).await?;
        let (mut apply, mut records) = (Vec::new(), Records::new());
        for (piece, (verdict, row)) in open.into_iter().zip(verdicts) {
            if matches!(verdict, Verdict::Apply | Verdict::LookUp) {
                self.check_had_once(&piece, row.as_ref(), false);
            }
            let name = piece.name();
            match (verdict, row) {
                (Verdict::Apply, _) => {
                    // whatever was heard is of an attempt that is over
                    course.outcomes.remove(&name);
                    match course.forced.clone().or_else(|| self.fault(&piece)) {
                        Some(error) => self.refuse(&piece, error, &mut records, &mut course.answers),
                        None => {
                            records.push(piece.ledger_row(LedgerState::Intent, &Kept::default(), self.now));
                            jobs.push(job::<W>(&piece, piece.packet.attempt, Want::Have)?);
                        }
                    }
                }
                (Verdict::LookUp, Some(row)) => {
                    let (kept, outcome) = (Kept::of(&row)?, course.outcomes.remove(&name));
                    match (kept.error, outcome) {
                        (Some(_), Some(Outcome::Refused(error))) => {
                            let why = format!("it cannot be withdrawn outside: {}: {}", error.code, error.description);
                            course.wait(name, Wait::fault(why));
                        }
                        (Some(error), Some(Outcome::Gone { .. })) => self.refuse(&piece, error, &mut records, &mut course.answers),
                        (Some(_), _) => jobs.push(job::<W>(&piece, row.attempt, Want::Withdraw)?),
                        (None, Some(Outcome::Gone { .. })) => {
                            let error = item_error("ProvisionerFenced", "the outside system says that this was withdrawn");
                            self.refuse(&piece, error, &mut records, &mut course.answers);
                        }
                        (None, heard) => match (course.forced.clone(), heard) {
                            (Some(error), _) | (None, Some(Outcome::Refused(error))) => {
                                refusing::<W>(&piece, row.attempt, error, self.now, &mut records, jobs)?;
                            }
                            (None, Some(Outcome::Had)) => apply.push((piece, row)),
                            (None, _) => jobs.push(job::<W>(&piece, row.attempt, Want::Make)?),
                        },
                    }
                }
                (_, row) => {
                    let is_over = row.as_ref().is_some_and(|row| row.state != LedgerState::Done);
                    match (course.outcomes.remove(&name), row) {
                        // an undo, or another process, has overtaken the call
                        (Some(Outcome::Had), Some(row)) if is_over => jobs.push(job::<W>(&piece, row.attempt, Want::Withdraw)?),
                        (_, row) => self.say_again(Action::Do, &piece, row, &mut course.answers)?,
                    }
                }
            }
        }
        self.apply_in_turn(tx, apply, &mut records, course, jobs).await?;
        Ok(ledger::record(tx, W::STEP.name(), &records).await?)
    }

    /// The effect here, of what is there outside.
    async fn apply_in_turn(
        &mut self,
        tx: &mut Transaction,
        had: Vec<(Piece<'_, W::Item>, LedgerRow)>,
        records: &mut Records,
        course: &mut Course,
        jobs: &mut Jobs,
    ) -> Result<(), HandleError> {
        if had.is_empty() {
            return Ok(());
        }
        let work: Vec<_> = had.iter().map(|(piece, _)| Work { packet: piece.packet, item: piece.item }).collect();
        let applied = self.worker.apply(tx, &work, self.now).await?;
        one_for_each(work.len(), applied.len())?;
        for ((piece, row), applied) in had.into_iter().zip(applied) {
            match applied {
                Applied::Done(plan) => {
                    let kept = Kept { error: None, plan };
                    // under the attempt that its key outside is made of
                    records.push(LedgerRow { attempt: row.attempt, ..piece.ledger_row(LedgerState::Done, &kept, self.now) });
                    self.counts.effect(Action::Do, Evidence::Done);
                    put(&mut course.answers, &piece, piece.answer(Evidence::Done, kept));
                }
                Applied::Refused(error) => refusing::<W>(&piece, row.attempt, error, self.now, records, jobs)?,
            }
        }
        Ok(())
    }

    async fn undos_in_turn(
        &mut self,
        tx: &mut Transaction,
        round: &[Todo<'_, W::Item>],
        course: &mut Course,
        jobs: &mut Jobs,
    ) -> Result<(), HandleError> {
        let mut open = pieces(round, Action::Undo);
        open.retain(|piece| course.is_open(&piece.name()));
        let verdicts = claim::<W>(tx, Action::Undo, &open, self.now).await?;
        let (mut undo, mut records) = (Vec::new(), Records::new());
        for (piece, (verdict, row)) in open.into_iter().zip(verdicts) {
            match (verdict, row) {
                (Verdict::Apply | Verdict::LookUp, Some(row)) => match (course.outcomes.remove(&piece.name()), row.state) {
                    (Some(Outcome::Gone { .. }), LedgerState::Done) => {
                        self.check_had_once(&piece, Some(&row), true);
                        undo.push((piece, row));
                    }
                    (Some(Outcome::Gone { had }), _) => {
                        let (state, evidence) =
                            if had { (LedgerState::Undone, Evidence::Undone) } else { (LedgerState::Fenced, Evidence::Fenced) };
                        let kept = Kept::default();
                        records.push(LedgerRow { attempt: row.attempt, ..piece.ledger_row(state, &kept, self.now) });
                        self.counts.effect(Action::Undo, evidence);
                        put(&mut course.answers, &piece, piece.answer(evidence, kept));
                    }
                    (Some(Outcome::Refused(error)), _) => self.undone(&piece, Undone::Refused(error), &mut records, &mut course.answers),
                    _ => jobs.push(job::<W>(&piece, row.attempt, Want::Withdraw)?),
                },
                (Verdict::Fence, _) => {
                    course.outcomes.remove(&piece.name());
                    self.counts.effect(Action::Undo, Evidence::Fenced);
                    put(&mut course.answers, &piece, piece.answer(Evidence::Fenced, Kept::default()));
                }
                (_, row) => {
                    course.outcomes.remove(&piece.name());
                    self.say_again(Action::Undo, &piece, row, &mut course.answers)?;
                }
            }
        }
        self.undo_in_turn(tx, undo, &mut records, &mut course.answers).await?;
        Ok(ledger::record(tx, W::STEP.name(), &records).await?)
    }

    /// The undo here, of what is gone outside.
    async fn undo_in_turn(
        &mut self,
        tx: &mut Transaction,
        gone: Vec<(Piece<'_, W::Item>, LedgerRow)>,
        records: &mut Records,
        answers: &mut Answers,
    ) -> Result<(), HandleError> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut work = Vec::with_capacity(gone.len());
        for (piece, row) in &gone {
            work.push(Undoing { packet: piece.packet, item: piece.item, plan: Kept::of(row)?.plan });
        }
        let outcomes = self.worker.undo(tx, &work, self.now).await?;
        one_for_each(work.len(), outcomes.len())?;
        for ((piece, row), outcome) in gone.into_iter().zip(outcomes) {
            let before = records.len();
            self.undone(&piece, outcome, records, answers);
            records.iter_mut().skip(before).for_each(|record| record.attempt = row.attempt);
        }
        Ok(())
    }

    pub(super) fn undone(&mut self, piece: &Piece<'_, W::Item>, outcome: Undone, records: &mut Records, answers: &mut Answers) {
        let answer = match outcome {
            Undone::Undone(plan) => {
                let kept = Kept { error: None, plan };
                records.push(piece.ledger_row(LedgerState::Undone, &kept, self.now));
                piece.answer(Evidence::Undone, kept)
            }
            // the row stays `done`, which is the truth: the undo may be asked for again
            Undone::Refused(error) => {
                tracing::warn!(transition = %piece.packet.transition_id, step = W::STEP.name(), item = piece.key, code = error.code, "not undone: {}", error.description);
                piece.answer(Evidence::Refused, Kept { error: Some(error), plan: None })
            }
        };
        self.counts.effect(Action::Undo, answer.evidence);
        put(answers, piece, answer);
    }
}

/// Writes down why it is refused, and has it withdrawn outside before the refusal is said.
fn refusing<W: StepWorker>(
    piece: &Piece<'_, W::Item>,
    attempt: u32,
    error: ItemError,
    now: planshift_domain::time::Timestamp,
    records: &mut Records,
    jobs: &mut Jobs,
) -> Result<(), HandleError> {
    let kept = Kept { error: Some(error), plan: None };
    records.push(LedgerRow { attempt, ..piece.ledger_row(LedgerState::Intent, &kept, now) });
    jobs.push(job::<W>(piece, attempt, Want::Withdraw)?);
    Ok(())
}

/// `attempt`: the one that the row was written under. A key that was refused is never had again, so that the next attempt has one of its own.
fn job<W: StepWorker>(piece: &Piece<'_, W::Item>, attempt: u32, want: Want) -> Result<Job<Key>, HandleError> {
    let packet = piece.packet;
    let wanted = Wanted {
        step: W::STEP.name(),
        transition_id: packet.transition_id,
        partner_id: packet.partner_id,
        customer_id: packet.customer_id,
        attempt,
        effective_at: packet.effective_at,
        item: piece.item,
    };
    let body = serde_json::to_string(&wanted).map_err(|error| HandleError::Faulty(format!("{} as JSON: {error}", piece.key)))?;
    let key = format!("{}.{}.{}.{attempt}", packet.transition_id, W::STEP.name(), piece.key);
    Ok(Job { key: piece.name(), want, effect: Effect { key, partner: packet.partner_id, body } })
}
