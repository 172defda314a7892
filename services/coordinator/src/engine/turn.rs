//! The transaction that joins them.

use super::{
    acts::{self, Acts},
    admission::{self, Room},
    answers,
    audit::{self, Audit},
    checks, exchange, imports,
    input::Input,
    output::{self, Changed},
    questions,
    sent::{Sent, Told},
    shares::Turns,
    starts::{self, Started},
    work::Work,
};
use crate::{
    line::Line,
    saga::{Event, Known, Limits, Paused, Rules, pending},
    store::{
        self, customers,
        rows::{self, PacketKey},
        steps,
        transitions::{self, Stored},
    },
};
use planshift_domain::{
    ids::TransitionId,
    message::{
        reply::{EligibilityChecked, PacketAnswer},
        request::{ActOutcome, StartAnswered, StartOutcome},
    },
    step::{Action, Step},
    time::Timestamp,
    transition::PlanRow,
};
use planshift_messaging::{Destination, Outgoing};
use planshift_storage::{Database, StorageError, Transaction, Write};
use planshift_worker::{
    HandleError, Ports, codec,
    metrics::{Metrics, TRANSITIONS_MOVED},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// Does turns.
pub struct Engine {
    /// The coordinator's own database.
    pub db: Database,
    /// The world.
    pub ports: Ports,
    /// Settings of the decision.
    pub limits: Limits,
    /// How many transitions may be under way at a time; further ones wait in line.
    pub limit: Line,
    /// Somebody who was under way is not any more, while others wait.
    pub room: Notify,
    /// Where it counts.
    pub metrics: Metrics,
    /// The steps that are paused, as they were at the last look.
    paused: Mutex<Option<Paused>>,
    /// There may be a line.
    line: AtomicBool,
    /// Whose turn it is among equals: of the interactive ones, and of those in the background.
    turns: Mutex<[Turns; 2]>,
    sent: Sent,
}

/// What came out of a turn.
#[derive(Debug)]
pub struct Turn {
    /// To publish, in this order.
    pub publish: Vec<Outgoing>,
    /// What is told once that is confirmed.
    pub told: Vec<Told>,
    /// How many have begun that had waited in line.
    pub admitted: usize,
    /// The places of the inputs that are a worker's word about a transition that is not here.
    pub unknown: Vec<usize>,
    /// Somebody who was under way is not any more.
    freed: bool,
}

impl Engine {
    /// An engine on this database.
    pub fn new(db: Database, ports: Ports, limits: Limits, limit: Line) -> Self {
        let (room, paused, line, sent) = (Notify::new(), Mutex::default(), AtomicBool::new(true), Sent::default());
        Self { db, ports, limits, limit, room, metrics: Metrics::default(), paused, line, turns: Mutex::default(), sent }
    }

    /// The same, counting what it checks in `metrics`.
    #[must_use]
    pub fn watched_by(self, metrics: Metrics) -> Self {
        metrics.watch(&checks::WATCHED);
        Self { metrics, ..self }
    }

    /// Looks which steps are paused.
    ///
    /// # Errors
    /// The database's; what was known before stays.
    pub async fn look_at_steps(&self) -> Result<Paused, HandleError> {
        let paused = steps::paused(&self.db).await?;
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = Some(paused);
        Ok(paused)
    }

    async fn rules(&self) -> Result<Rules, HandleError> {
        let known = *self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        // nothing is decided before it was looked once
        let paused = if let Some(paused) = known { paused } else { self.look_at_steps().await? };
        Ok(Rules { limits: self.limits, paused })
    }

    /// Is there a line? Remembers it: whoever ends then makes room.
    ///
    /// # Errors
    /// The database's.
    pub async fn look_at_line(&self) -> Result<bool, HandleError> {
        let anyone = store::admission::anyone(&self.db).await?;
        self.line.store(anyone, Ordering::Relaxed);
        Ok(anyone)
    }

    /// The last version of a transition whose messages were confirmed, as far as it is known here.
    pub(super) fn sent_of(&self, stored: &Stored) -> u32 {
        self.sent.of(stored.id, stored.sent)
    }

    /// Everything of a turn was published and confirmed.
    pub fn confirmed(&self, told: &[Told]) {
        self.sent.confirm(told);
    }

    /// Writes what was confirmed and is not written yet.
    ///
    /// # Errors
    /// The database's; what was not written is kept for the next time.
    pub async fn flush_sent(&self) -> Result<(), HandleError> {
        let unwritten = self.sent.unwritten(true);
        if !unwritten.is_empty() {
            let mut tx = self.db.begin().await?;
            let written = transitions::mark_sent(&mut tx, &unwritten).await?;
            tx.commit().await?;
            written.iter().for_each(|(id, sent)| self.sent.written(*id, *sent));
            self.sent.offered(&unwritten);
        }
        Ok(())
    }

    /// One transaction about all of `inputs`.
    ///
    /// # Errors
    /// The database's, or `Violated` where the saga is at fault; nothing was done then.
    pub async fn turn(&self, inputs: &[Input]) -> Result<Turn, HandleError> {
        let ends = self.sent.unwritten(false);
        let rules = self.rules().await?;
        let (turn, written) = self.transact(inputs, &ends, &rules).await?;
        written.iter().for_each(|(id, version)| self.sent.written(*id, *version));
        if inputs.iter().any(|input| matches!(input, Input::ActOnStep(..))) {
            self.look_at_steps().await?;
        }
        if turn.freed && self.line.load(Ordering::Relaxed) {
            self.room.notify_one();
        }
        Ok(turn)
    }

    async fn transact(&self, inputs: &[Input], ends: &[Told], rules: &Rules) -> Result<(Turn, Vec<(TransitionId, u32)>), HandleError> {
        let now = self.ports.clock.now();
        let mut tx = self.db.begin().await?;
        lock_customers(&mut tx, inputs).await?;
        let mut audit = Audit::default();
        let mut publish = self.requests(&mut tx, inputs, &mut audit, now).await?;
        let (mut works, started) = self.load(&mut tx, inputs, &mut audit, now, rules).await?;
        publish.extend(started);
        let admitted = self.admit(&mut tx, &mut works, inputs, now, rules).await?;
        let unknown = unknown(inputs, &works);
        publish.extend(self.decide(&mut tx, &mut works, inputs, &mut audit, now, rules).await?);
        self.check(&works);
        let changed = write_beneath(&mut tx, &works).await?;
        let (commands, sent) = output::commands(&mut tx, &works, now).await?;
        publish.extend(commands);
        exchange::note(&mut works, sent, now);
        let (chains, mut told_of_customers) = audit.finish(&mut tx, &works, now).await?;
        let mut written = write(&mut tx, &works, chains, now).await?;
        for input in inputs {
            if let Input::TellChainAgain(asked) = input {
                told_of_customers.extend(audit::tell_again(&mut tx, (asked.partner_id, asked.customer_id), asked.after).await?);
            }
        }
        publish.extend(output::everything(&mut tx, &works, now).await?);
        written.extend(transitions::mark_sent(&mut tx, ends).await?);
        publish.extend(questions::answer(self, &mut tx, inputs, now).await?);
        tx.commit().await?;
        self.count_moves(&works);
        let freed = works.values().any(|work| work.changed && work.stored.saga.state().is_settled());
        let told = works.values().filter(|work| work.changed || work.tell_all).map(Work::told).collect();
        publish.extend(output::events(&mut works, changed, now));
        publish.extend(audit::events(&told_of_customers, &self.ports, now));
        Ok((Turn { publish, told, admitted, unknown, freed }, written))
    }

    fn count_moves(&self, works: &BTreeMap<TransitionId, Work>) {
        for work in works.values() {
            let (before, now) = (work.before, work.stored.saga.state());
            let states = work.new.then_some(before).into_iter().chain((now != before).then_some(now));
            states.for_each(|state| self.metrics.add(TRANSITIONS_MOVED, &[("state", state.name())], 1));
        }
    }

    /// Counts what the checks say, before anything of it is written.
    fn check(&self, works: &BTreeMap<TransitionId, Work>) {
        for work in works.values() {
            if work.new {
                self.metrics.check(&checks::begins(&work.stored));
            }
            work.checked.iter().for_each(|checked| self.metrics.check(checked));
        }
    }

    /// Imports: they touch no transition.
    async fn requests(
        &self,
        tx: &mut Transaction,
        inputs: &[Input],
        audit: &mut Audit,
        now: Timestamp,
    ) -> Result<Vec<Outgoing>, HandleError> {
        let (mut chunks, mut taken) = (Vec::new(), Vec::new());
        for input in inputs {
            match input {
                Input::Import(chunk, asker) => chunks.push((&**chunk, asker)),
                Input::Taken(facts, worker) => taken.push((facts, *worker)),
                _ => {}
            }
        }
        let mut out = imports::take_in(tx, &chunks, &self.ports, audit, now).await?;
        out.extend(imports::taken(tx, &taken, &self.ports, now).await?);
        Ok(out)
    }

    /// Starts, and every transition that the inputs are about, locked.
    async fn load(
        &self,
        tx: &mut Transaction,
        inputs: &[Input],
        audit: &mut Audit,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<(BTreeMap<TransitionId, Work>, Vec<Outgoing>), HandleError> {
        let starts: Vec<_> =
            inputs.iter().filter_map(|i| if let Input::Start(start, asker) = i { Some((start, asker)) } else { None }).collect();
        let started = starts::decide(tx, &starts, &self.ports, &self.limits, audit, now).await?;
        let may_begin = |started: &Started| started.work.is_some() || started.live.is_some();
        let mut room = if started.iter().any(may_begin) { Room::now(tx, &self.limit).await? } else { Room::NONE };
        let mut works = BTreeMap::new();
        let mut ids: Vec<TransitionId> = inputs.iter().filter_map(Input::transition).collect();
        // asked again: its first messages may never have been sent
        let again: Vec<TransitionId> = starts.iter().zip(&started).filter_map(|(_, started)| started.again()).collect();
        ids.extend(again.iter().copied().chain(started.iter().filter_map(|started| started.live)));
        let new: Vec<TransitionId> = started.iter().filter_map(|started| started.work.as_ref().map(|work| work.stored.id)).collect();
        ids.retain(|id| !new.contains(id));
        ids.sort_unstable();
        ids.dedup();
        for mut stored in transitions::load(tx, &ids, &self.limits).await? {
            stored.sent = self.sent.of(stored.id, stored.sent);
            works.insert(stored.id, Work::new(stored, false));
        }
        let mut out = Vec::new();
        for ((start, asker), mut started) in starts.iter().zip(started) {
            let begins = match (started.work.take(), started.live) {
                (Some(work), _) => {
                    let id = work.stored.id;
                    works.insert(id, work);
                    Some(id)
                }
                (None, Some(live)) => {
                    let moved = start.priority.is_interactive() && works.get_mut(&live).is_some_and(|work| work.move_up(start, now));
                    audit.add(match works.get(&live).filter(|_| moved) {
                        Some(work) => starts::moved_up(start, asker, &work.stored),
                        None => starts::in_progress(start, asker, live),
                    });
                    if moved {
                        started.outcome = StartOutcome::Accepted { transition_id: live };
                    }
                    moved.then_some(live)
                }
                (None, None) => None,
            };
            if let Some(work) = begins.and_then(|id| works.get_mut(&id)) {
                if room.take(work.stored.priority) {
                    work.happen(&Event::Started, None, now, rules)?;
                } else {
                    self.line.store(true, Ordering::Relaxed);
                    if work.new && !work.moved_up {
                        work.wait_in_line(&self.limit, now);
                    }
                }
            }
            if let Some(reply_to) = &asker.reply_to {
                let body = StartAnswered { request_id: start.request_id, outcome: started.outcome };
                let trace = asker.trace.clone().unwrap_or_default();
                let correlation = match &body.outcome {
                    StartOutcome::Accepted { transition_id } | StartOutcome::InProgress { transition_id } => transition_id.to_string(),
                    StartOutcome::UnknownCustomer | StartOutcome::ImportUnderWay => String::new(),
                };
                let id = format!("{}/answer", start.request_id);
                out.push(codec::outgoing(Destination::Answer(reply_to.clone()), id, correlation, &trace, now, &body));
            }
        }
        for id in again {
            if let Some(work) = works.get_mut(&id) {
                recover(work, false, rules);
            }
        }
        Ok((works, out))
    }

    /// Lets those begin whose turn it is.
    async fn admit(
        &self,
        tx: &mut Transaction,
        works: &mut BTreeMap<TransitionId, Work>,
        inputs: &[Input],
        now: Timestamp,
        rules: &Rules,
    ) -> Result<usize, HandleError> {
        if !inputs.iter().any(|input| matches!(input, Input::Admit)) {
            return Ok(0);
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let admitted = admission::admit(tx, &self.limit, &mut turns, &self.limits).await?;
        *self.turns.lock().unwrap_or_else(PoisonError::into_inner) = turns;
        let count = admitted.len();
        for mut work in admitted {
            work.stored.sent = self.sent.of(work.stored.id, work.stored.sent);
            work.happen(&Event::Started, None, now, rules)?;
            works.insert(work.stored.id, work);
        }
        Ok(count)
    }

    /// Lets everything happen, in the order of the inputs.
    async fn decide(
        &self,
        tx: &mut Transaction,
        works: &mut BTreeMap<TransitionId, Work>,
        inputs: &[Input],
        audit: &mut Audit,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Vec<Outgoing>, HandleError> {
        let mut known = self.known(tx, inputs).await?;
        let completed = self.completed(tx, works, inputs).await?;
        let mut acts = Acts::known(tx, inputs).await?;
        let mut out = Vec::new();
        for input in inputs {
            let Some(id) = input.transition() else { continue };
            let Some(work) = works.get_mut(&id) else {
                if let Input::Act(act, asker) = input {
                    out.extend(acts::answer(act, asker, ActOutcome::NotFound, now));
                } else {
                    tracing::warn!(transition = %id, "a message about a transition that is not known here");
                }
                continue;
            };
            match input {
                Input::Act(act, asker) => out.extend(acts.act(work, act, asker, audit, now, rules)?),
                Input::Checked(checked) => {
                    let key = (id, Step::Eligibility, Action::Do, checked.packet);
                    let news =
                        self.let_happen(work, &answers::checked_event(checked), key, &mut known, checked.attempt, (1, 0), now, rules)?;
                    if news {
                        let mut checked: EligibilityChecked = (**checked).clone();
                        if checked.nothing_in_scope {
                            answers::merge_completed(&mut checked, completed.get(&id).copied());
                        }
                        answers::record_checked(work, checked);
                    }
                }
                Input::Answered(step, answer) => self.answered(work, *step, answer, &mut known, now, rules)?,
                Input::GivenUp(step, given_up) => {
                    let items = match step {
                        Step::Mapping | Step::Suspension => rows::load_packet_lines(tx, &[(id, given_up.packet)])
                            .await?
                            .iter()
                            .map(|(_, line)| match step {
                                Step::Mapping => line.azure_subscription_id.to_string(),
                                _ => line.commerce_subscription_id.to_string(),
                            })
                            .collect(),
                        Step::Purchasing => plans_of(tx, work, given_up.packet).await?,
                        Step::Eligibility => Vec::new(),
                    };
                    let answer = answers::given_up(work, *step, given_up, items);
                    self.answered(work, *step, &answer, &mut known, now, rules)?;
                }
                Input::Clock(_) => {
                    work.happen(&Event::Clock, None, now, rules)?;
                }
                Input::TellAgain(_) => {
                    // all of it counts as sent afterwards, the commands too
                    recover(work, true, rules);
                    work.tell_all = true;
                }
                Input::Recover(_) => recover(work, true, rules),
                Input::Import(..)
                | Input::Taken(..)
                | Input::Start(..)
                | Input::ActOnStep(..)
                | Input::Question(..)
                | Input::TellChainAgain(_)
                | Input::Admit => {}
            }
        }
        acts.keep(tx, now).await?;
        Ok(out)
    }

    fn answered(
        &self,
        work: &mut Work,
        step: Step,
        answer: &PacketAnswer,
        known: &mut HashMap<PacketKey, Known>,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<(), HandleError> {
        let event = answers::answered_event(step, answer);
        let Event::Answered(summary) = &event else { return Ok(()) };
        checks::answer(&work.stored, step, answer.action, &answer.items, &mut work.checked);
        let counts = (summary.good, summary.refused);
        let key = (work.stored.id, step, answer.action, answer.packet);
        if self.let_happen(work, &event, key, known, answer.attempt, counts, now, rules)? {
            answers::record_answered(work, step, answer);
        }
        Ok(())
    }

    /// Lets an answer happen; true where it was news. One that was not may be a redelivery after a crash: what the state says is
    /// pending is sent again then.
    #[allow(clippy::too_many_arguments, reason = "an answer is what it is about, what is known of it, and when")]
    fn let_happen(
        &self,
        work: &mut Work,
        event: &Event,
        key: PacketKey,
        known: &mut HashMap<PacketKey, Known>,
        attempt: u32,
        (good, refused): (u32, u32),
        now: Timestamp,
        rules: &Rules,
    ) -> Result<bool, HandleError> {
        let (news, _) = work.happen(event, known.get(&key).copied(), now, rules)?;
        if news {
            known.insert(key, Known { attempt, good, refused });
        } else {
            tracing::debug!(transition = %work.stored.id, step = %key.1, packet = key.3, attempt, "a stale or repeated answer");
            recover(work, false, rules);
        }
        Ok(news)
    }

    async fn known(&self, tx: &mut Transaction, inputs: &[Input]) -> Result<HashMap<PacketKey, Known>, HandleError> {
        let keys: Vec<PacketKey> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Checked(c) => Some((c.transition_id, Step::Eligibility, Action::Do, c.packet)),
                Input::Answered(step, a) => Some((a.transition_id, *step, a.action, a.packet)),
                Input::GivenUp(step, g) => Some((g.transition_id, *step, g.action, g.packet)),
                _ => None,
            })
            .collect();
        let found = rows::find_packets(tx, &keys).await?;
        Ok(found
            .into_iter()
            .map(|(id, p)| ((id, p.step, p.action, p.packet), Known { attempt: p.attempt, good: p.good, refused: p.refused }))
            .collect())
    }

    /// The completed transitions of customers of whom eligibility says that nothing is in scope.
    async fn completed(
        &self,
        tx: &mut Transaction,
        works: &BTreeMap<TransitionId, Work>,
        inputs: &[Input],
    ) -> Result<HashMap<TransitionId, TransitionId>, HandleError> {
        let asked: HashMap<TransitionId, _> = inputs
            .iter()
            .filter_map(|input| if let Input::Checked(c) = input { c.nothing_in_scope.then_some(c.transition_id) } else { None })
            .filter_map(|id| works.get(&id).map(|work| (id, (work.stored.partner.0, work.stored.customer.0))))
            .collect();
        let found: HashMap<_, _> = transitions::completed(tx, asked.values().copied().collect()).await?.into_iter().collect();
        Ok(asked.into_iter().filter_map(|(id, customer)| found.get(&customer).map(|completed| (id, *completed))).collect())
    }
}

macro_rules! all {
    ($works:expr, $field:ident) => {
        $works.iter().flat_map(|(id, work)| work.$field.iter().map(|row| (*id, row.clone()))).collect::<Vec<_>>()
    };
}

/// Writes what is beneath the transitions: what their commands are made of.
async fn write_beneath(tx: &mut Transaction, works: &BTreeMap<TransitionId, Work>) -> Result<Changed, StorageError> {
    // a set-based write may meet each key once: of two rows for it in one turn, the later one holds
    let packets: BTreeMap<_, _> = all!(works, packets).into_iter().map(|(id, p)| ((id, p.step, p.action, p.packet), (id, p))).collect();
    let writes = [rows::insert_lines(&all!(works, new_lines)), rows::upsert_packets(&packets.into_values().collect::<Vec<_>>())];
    tx.execute_all(writes.into_iter().flatten()).await?;
    let plans = rows::upsert_plans(tx, &merged(all!(works, plans))).await?;
    let mut changes: BTreeMap<_, rows::Of<rows::LineChange>> = BTreeMap::new();
    for (id, change) in all!(works, line_changes) {
        match changes.entry((id, change.item)) {
            Entry::Vacant(entry) => drop(entry.insert((id, change))),
            Entry::Occupied(mut entry) => {
                let before = &mut entry.get_mut().1;
                *before = rows::LineChange { error: change.error.or(before.error.take()), undo: change.undo.or(before.undo), ..change };
            }
        }
    }
    let lines = rows::change_lines(tx, &changes.into_values().collect::<Vec<_>>()).await?;
    Ok(Changed { lines, plans })
}

/// Writes the transitions themselves, their histories, and the chains of their customers. Gives what was noted as sent.
async fn write(
    tx: &mut Transaction,
    works: &BTreeMap<TransitionId, Work>,
    chains: Vec<Write>,
    now: Timestamp,
) -> Result<Vec<(TransitionId, u32)>, StorageError> {
    let new: Vec<_> = works.values().filter(|work| work.new).map(|work| &work.stored).collect();
    let changed: Vec<_> = works.values().filter(|work| work.changed && !work.new).map(|work| &work.stored).collect();
    let writes = [transitions::insert(&new, now), transitions::update(&changed, now), rows::insert_history(&all!(works, history))];
    tx.execute_all(writes.into_iter().flatten().chain(chains)).await?;
    // the rows are there by now
    let moved: Vec<_> = works.values().filter(|work| work.moved_up).map(|work| &work.stored).collect();
    transitions::move_up(tx, &moved).await?;
    Ok(changed.iter().map(|stored| (stored.id, stored.sent)).collect())
}

/// The items of a packet of purchasing: resellers in their order, so many in each packet, as the commands are made.
async fn plans_of(tx: &mut Transaction, work: &Work, packet: u32) -> Result<Vec<String>, StorageError> {
    let size = work.stored.saga.packet_items as usize;
    let resellers: BTreeSet<_> = rows::resellers(tx, &[work.stored.id]).await?.into_iter().map(|(_, reseller)| reseller).collect();
    Ok(resellers.iter().skip(packet as usize * size).take(size).map(|reseller| reseller.key().to_owned()).collect())
}

/// Imports and starts each lock their customers in the order of the keys; a turn with both locks them all at once, so that two
/// replicas cannot wait for each other.
async fn lock_customers(tx: &mut Transaction, inputs: &[Input]) -> Result<(), HandleError> {
    let (mut imported, mut started) = (Vec::new(), Vec::new());
    for input in inputs {
        match input {
            Input::Import(chunk, _) => imported.extend(chunk.customers.iter().map(|part| (chunk.partner.id, part.customer_id))),
            Input::Start(start, _) => started.push((start.partner_id, start.customer_id)),
            _ => {}
        }
    }
    if !imported.is_empty() && !started.is_empty() {
        imported.extend(started);
        customers::lock(tx, &imported).await?;
    }
    Ok(())
}

/// Of two rows for a plan in one turn the later one says more, but not everything.
fn merged(plans: Vec<rows::Of<PlanRow>>) -> Vec<rows::Of<PlanRow>> {
    let mut by_key = BTreeMap::new();
    for (id, plan) in plans {
        let key = (id, plan.reseller.clone());
        let merged = match by_key.remove(&key) {
            None => plan,
            Some(before) => merge(&before, plan),
        };
        by_key.insert(key, merged);
    }
    by_key.into_iter().map(|((id, _), plan)| (id, plan)).collect()
}

fn merge(before: &PlanRow, after: PlanRow) -> PlanRow {
    PlanRow {
        plan_id: after.plan_id.or(before.plan_id),
        reused: if before.plan_id.is_some() { before.reused } else { after.reused },
        status: after.status.or(before.status),
        undo: after.undo.or(before.undo),
        ..after
    }
}

/// A worker is commanded only after the transition was committed: its word about one that is not here was never asked for.
fn unknown(inputs: &[Input], works: &BTreeMap<TransitionId, Work>) -> Vec<usize> {
    let is_unknown = |input: &Input| match input {
        Input::Checked(checked) => !works.contains_key(&checked.transition_id),
        Input::Answered(_, answer) => !works.contains_key(&answer.transition_id),
        Input::GivenUp(_, given_up) => !works.contains_key(&given_up.transition_id),
        _ => false,
    };
    inputs.iter().enumerate().filter(|(_, input)| is_unknown(input)).map(|(place, _)| place).collect()
}

/// Tells everything again where the messages of the stored version are not known to have been sent.
pub(super) fn recover(work: &mut Work, whatever_this_turn_does: bool, rules: &Rules) {
    let unsent = work.stored.sent < work.stored.version;
    if unsent && (whatever_this_turn_does || !work.changed) && !work.tell_all {
        work.tell_all = true;
        let pending = pending(&work.stored.saga);
        // what a paused step does not get now, it gets when it is resumed
        work.send.extend(pending.into_iter().filter(|send| rules.paused.since(send.step).is_none()));
    }
}
