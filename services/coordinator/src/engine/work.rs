//! One transition within a turn: its saga, and the rows that change with it.

use super::{checks, sent::Told};
use crate::{
    saga::{Decision, Event, Known, Note, Rules, Send, decide},
    store::{rows::LineChange, transitions::Stored},
};
use planshift_domain::{
    history::HistoryEntry,
    message::request::ActOutcome,
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, State},
};
use planshift_invariants::Checked;
use planshift_worker::HandleError;

/// A transition, and what this turn does to it.
#[derive(Debug)]
pub struct Work {
    /// As it will be stored.
    pub stored: Stored,
    /// Where it stood before this turn.
    pub before: State,
    /// It is new: inserted, not updated.
    pub new: bool,
    /// It must be written.
    pub changed: bool,
    /// It was in line in the background, and was moved up.
    pub moved_up: bool,
    /// Everything is told again: the whole of it as events, and the commands without an answer.
    pub tell_all: bool,
    /// Commands to send.
    pub send: Vec<Send>,
    /// Lines to insert.
    pub new_lines: Vec<LineRow>,
    /// Lines to change.
    pub line_changes: Vec<LineChange>,
    /// Plans to write.
    pub plans: Vec<PlanRow>,
    /// Answers of packets to write.
    pub packets: Vec<PacketRow>,
    /// History to append.
    pub history: Vec<HistoryEntry>,
    /// What the checks say of all that has happened.
    pub checked: Vec<Checked>,
}

impl Work {
    /// A transition that nothing has happened to yet in this turn.
    pub const fn new(stored: Stored, new: bool) -> Self {
        Self {
            before: stored.saga.state(),
            stored,
            new,
            changed: new,
            moved_up: false,
            tell_all: false,
            send: Vec::new(),
            new_lines: Vec::new(),
            line_changes: Vec::new(),
            plans: Vec::new(),
            packets: Vec::new(),
            history: Vec::new(),
            checked: Vec::new(),
        }
    }

    /// What is told of it once the turn's messages are confirmed.
    pub fn told(&self) -> Told {
        let before = self.stored.version - u32::from(self.changed);
        Told {
            id: self.stored.id,
            from: if self.tell_all || self.new { 0 } else { before },
            to: self.stored.version,
            settled: self.stored.waiting || self.stored.saga.state().is_settled(),
        }
    }

    /// The version that this turn's rows will have.
    pub const fn next_version(&self) -> u32 {
        if self.changed { self.stored.version } else { self.stored.version + 1 }
    }

    /// Lets `event` happen. Says whether an answer was news, and what became of an act.
    ///
    /// # Errors
    /// `Violated` where the saga itself is at fault.
    pub fn happen(
        &mut self,
        event: &Event,
        known: Option<Known>,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<(bool, Option<ActOutcome>), HandleError> {
        let decision = decide(&self.stored.saga, event, known, now, rules)
            .map_err(|error| HandleError::Violated { invariant: "I14", why: error.to_string() })?;
        if decision.is_nothing(&self.stored.saga) {
            return Ok((false, decision.outcome));
        }
        let Decision { mut saga, record, send, notes, outcome } = decision;
        if let Some(failure) = &mut saga.failure
            && failure.resource_id.is_empty()
        {
            // a cancel or a deadline is about the whole step: the customer
            failure.resource_id = self.stored.customer.to_string();
        }
        tracing::debug!(transition = %self.stored.id, trace_id = self.stored.trace.trace_id, from = %self.stored.saga.state(), to = %saga.state(), "decided");
        if saga.state() != self.stored.saga.state() {
            log_move(&self.stored, saga.state());
        }
        checks::step(&self.stored, &saga, &notes, &mut self.checked);
        self.stored.version = self.next_version();
        self.changed = true;
        self.stored.saga = saga;
        // begun, or cancelled before that
        self.stored.waiting &= self.stored.saga.state() == State::Requested;
        self.send.extend(send);
        for note in notes {
            self.note(note, now);
        }
        Ok((record, outcome))
    }

    pub(super) fn note(&mut self, note: Note, now: Timestamp) {
        self.stored.history += 1;
        let entry = HistoryEntry {
            number: self.stored.history,
            at: now,
            state: note.state,
            event: note.event.to_owned(),
            text: note.text,
            actor: note.actor.unwrap_or_else(|| "coordinator".to_owned()),
            hash: String::new(),
        }
        .sealed(self.stored.id, &self.stored.history_hash);
        self.stored.history_hash.clone_from(&entry.hash);
        self.history.push(entry);
    }
}

fn log_move(stored: &Stored, to: State) {
    let (id, trace_id, customer) = (stored.id, stored.trace.trace_id.as_str(), stored.customer);
    if matches!(to, State::Compensating | State::NeedsOperator) {
        tracing::warn!(transition = %id, trace_id, %customer, state = %to, "transition turned");
    } else if to.is_end() {
        tracing::info!(transition = %id, trace_id, %customer, state = %to, "transition ended");
    } else {
        tracing::debug!(transition = %id, trace_id, %customer, state = %to, "transition moved");
    }
}
