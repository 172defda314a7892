//! The batch around the engine, as the loop of [`crate::run`] sees it.

use super::{
    Command, Faults, StepWorker,
    copies::Copies,
    engine::{Answers, Counts, Engine, internal_error},
    item_error,
    read::{Input, Todo, read, rounds},
};
use crate::{
    End, HandleError, Handled, Handler, Ports,
    answer::{Answer, PacketName, Reply, child_trace, reply},
    codec::Unreadable,
    facts::{self, Taken},
    metrics::{BATCH_LINES, FACTS, Metrics},
    provisioner::{Outside, Target},
};
use async_trait::async_trait;
use planshift_domain::{
    message::{
        command::{Item, Packet, TakeFacts},
        reply::{ItemAnswer, PacketAnswer, PacketGivenUp},
    },
    step::Action,
    transition::{Evidence, ItemError},
};
use planshift_messaging::{Delivery, Message, Outgoing, Service};
use planshift_storage::{Database, StorageError, Transaction};
use std::{collections::HashMap, time::Duration};

/// The invariants that the worker of any step sees.
const WATCHED: [&str; 1] = ["I11"];

/// How the worker of a step is run.
#[derive(Clone, Debug, Default)]
pub struct StepOptions {
    /// Items that are refused for good.
    pub faults: Faults,
    /// Where effects are first had, if anywhere.
    pub provisioner: Option<Target>,
    /// Where it counts.
    pub metrics: Metrics,
}

/// The worker of a step, ready for [`crate::run::run`].
pub struct StepHandler<W> {
    worker: W,
    pub(super) database: Database,
    ports: Ports,
    options: StepOptions,
    outside: Option<Outside>,
    copies: Copies,
}

/// What became of a packet whose effects are first had outside.
pub(super) enum Packed {
    Answered(Vec<ItemAnswer>),
    /// An attempt has failed, or cannot be made yet.
    NotYet(String),
    /// It is not the time for one.
    Later {
        after: Duration,
        why: String,
    },
}

/// What became of one message within a transaction.
enum Outcome {
    Facts,
    Packet(Vec<ItemAnswer>, Vec<Reply>),
    Answered(Result<Answer, Unreadable>),
    NotYet(String),
    Later { after: Duration, why: String },
    Dead,
}

impl From<Packed> for Outcome {
    fn from(packed: Packed) -> Self {
        match packed {
            Packed::Answered(items) => Self::Packet(items, Vec::new()),
            Packed::NotYet(why) => Self::NotYet(why),
            Packed::Later { after, why } => Self::Later { after, why },
        }
    }
}

impl<W: StepWorker> StepHandler<W> {
    /// The worker on its database.
    pub fn new(worker: W, database: Database, ports: Ports, options: StepOptions) -> Self {
        options.metrics.watch(&WATCHED);
        let outside =
            options.provisioner.clone().map(|target| Outside::new(target, W::STEP.name(), ports.clone(), options.metrics.clone()));
        Self { worker, database, ports, options, outside, copies: Copies::default() }
    }

    /// The database that it works on.
    pub fn database(&self) -> &Database {
        &self.database
    }

    fn packet_name(action: Action, packet: &Packet<W::Item>) -> PacketName {
        PacketName { transition: packet.transition_id, step: W::STEP, action, packet: packet.packet, attempt: packet.attempt }
    }

    /// The whole batch. Where effects are had outside, facts are taken and questions answered first.
    async fn together(&self, inputs: &[Input<W>]) -> Result<Vec<Outcome>, HandleError> {
        let Some(outside) = &self.outside else { return self.in_one_transaction(inputs, true).await };
        let mut outcomes = self.in_one_transaction(inputs, false).await?;
        for (place, packed) in self.in_turns(outside, inputs, None).await? {
            if let Some(outcome) = outcomes.get_mut(place) {
                *outcome = packed.into();
            }
        }
        Ok(outcomes)
    }

    /// Everything in one transaction, or all but the packets. Facts come first: a command of the same batch may be about them.
    /// Questions come last.
    async fn in_one_transaction(&self, inputs: &[Input<W>], with_packets: bool) -> Result<Vec<Outcome>, HandleError> {
        let messages: Vec<&TakeFacts<W::Facts>> =
            inputs.iter().filter_map(|input| if let Input::Facts(m) = input { Some(m) } else { None }).collect();
        let packets = inputs.iter().enumerate().filter(|_| with_packets);
        let packets: Vec<Todo<'_, W::Item>> = packets.filter_map(|(index, input)| input.todo(index)).collect();
        let questions: Vec<(usize, &Message)> = inputs
            .iter()
            .enumerate()
            .filter_map(|(index, input)| if let Input::Question(message) = input { Some((index, message)) } else { None })
            .collect();
        if messages.is_empty() && packets.is_empty() && questions.is_empty() {
            return Ok(inputs.iter().map(|_| Outcome::Dead).collect());
        }
        let mut tx = self.database.begin().await?;
        let taken = facts::take(&self.worker, &mut tx, &messages).await?;
        let commands = packets.iter().filter(|todo| todo.action == Action::Do);
        let complete = facts::complete_versions(&mut tx, commands.map(|todo| (todo.packet.partner_id, todo.packet.customer_id))).await?;
        let (ready, not_yet): (Vec<_>, Vec<_>) = packets.into_iter().partition(|todo| todo.is_ready(&complete));
        let mut outcomes: HashMap<usize, Outcome> =
            not_yet.iter().map(|todo| (todo.index, Outcome::NotYet(missing_facts(todo.packet)))).collect();
        let lines: usize = ready.iter().map(|todo| todo.packet.items.len()).sum();
        let mut engine = self.engine();
        for round in rounds(ready) {
            let answers = engine.round(&mut tx, &round).await?;
            let items: Vec<Vec<ItemAnswer>> = round.iter().map(|todo| items_of(todo.packet, &answers)).collect::<Result<_, _>>()?;
            let mut replies = self.replies(&mut tx, &round, &items).await?;
            for (todo, items) in round.iter().zip(items) {
                outcomes.insert(todo.index, Outcome::Packet(items, replies.remove(&todo.index).unwrap_or_default()));
            }
        }
        for (index, question) in questions {
            outcomes.insert(index, Outcome::Answered(self.worker.answer_question(&mut tx, question, engine.now).await?));
        }
        tx.commit().await?;
        self.count(&engine.counts, taken);
        if lines > 0 {
            self.options.metrics.observe(BATCH_LINES, &[("step", W::STEP.name())], lines as f64);
        }
        let outcome = |(index, input): (usize, &Input<W>)| match input {
            Input::Facts(_) => Outcome::Facts,
            Input::Dead(_) => Outcome::Dead,
            Input::Packet(..) | Input::Question(_) => {
                outcomes.remove(&index).unwrap_or_else(|| Outcome::NotYet("it was left out of its batch".to_owned()))
            }
        };
        Ok(inputs.iter().enumerate().map(outcome).collect())
    }

    /// The replies that the worker makes itself, by the place of their command in the batch.
    async fn replies(
        &self,
        tx: &mut Transaction,
        round: &[Todo<'_, W::Item>],
        items: &[Vec<ItemAnswer>],
    ) -> Result<HashMap<usize, Vec<Reply>>, HandleError> {
        if !W::OWN_REPLIES {
            return Ok(HashMap::new());
        }
        let commands = round.iter().zip(items).filter(|(todo, _)| todo.action == Action::Do);
        let (places, commands): (Vec<usize>, Vec<Command<'_, W::Item>>) =
            commands.map(|(todo, items)| (todo.index, Command { packet: todo.packet, items })).unzip();
        if commands.is_empty() {
            return Ok(HashMap::new());
        }
        let replies = self.worker.replies(tx, &commands).await?;
        Ok(places.into_iter().zip(replies).collect())
    }

    /// One packet whose handling fails: its items in halves, each in a transaction of its own, until the one at fault stands
    /// alone. The others have their effect; that one is refused.
    async fn apart(&self, action: Action, packet: Packet<W::Item>, why: &HandleError) -> Result<Outcome, HandleError> {
        tracing::warn!(transition = %packet.transition_id, step = W::STEP.name(), packet = packet.packet, %why, "taken apart");
        let mut answers: HashMap<String, ItemAnswer> = HashMap::new();
        let mut replies = Vec::new();
        let mut waiting = halves(packet.items.clone());
        while let Some(items) = waiting.pop() {
            let part = [Input::Packet(action, Packet { items, ..packet.clone() })];
            let found = match (self.together(&part).await, part) {
                (Err(error), [Input::Packet(_, part)]) if is_own_fault(&error) && part.items.len() > 1 => {
                    waiting.extend(halves(part.items));
                    continue;
                }
                (Err(error), [Input::Packet(_, part)]) if is_own_fault(&error) => Some(self.refuse(action, part, &error).await?),
                (outcomes, _) => outcomes?.pop(),
            };
            let found = match found {
                Some(Outcome::Packet(found, own)) => {
                    replies.extend(own);
                    found
                }
                Some(Outcome::NotYet(why)) => return Err(HandleError::NotYet(why)),
                // what was done of it stays done, and is not done again
                Some(Outcome::Later { after, why }) => return Ok(Outcome::Later { after, why }),
                _ => return Err(HandleError::Faulty("a packet was taken for something else".to_owned())),
            };
            answers.extend(found.into_iter().map(|answer| (answer.item.clone(), answer)));
        }
        let items = packet.items.iter().map(|item| answer_of(&item.key(), answers.get(&item.key()))).collect::<Result<_, _>>()?;
        Ok(Outcome::Packet(items, replies))
    }

    /// The item that cannot be handled. A command is refused for good; an undo is answered as refused and may come again.
    async fn refuse(&self, action: Action, part: Packet<W::Item>, why: &HandleError) -> Result<Outcome, HandleError> {
        tracing::error!(transition = %part.transition_id, step = W::STEP.name(), packet = part.packet, %why, "an item cannot be handled");
        if action == Action::Undo {
            let answer = |key: String| ItemAnswer { item: key, evidence: Evidence::Refused, error: Some(internal_error(why)), plan: None };
            return Ok(Outcome::Packet(part.items.iter().map(|item| answer(item.key())).collect(), Vec::new()));
        }
        if let Some(outside) = &self.outside {
            let packed = self.in_turns(outside, &[Input::Packet(action, part)], Some(&internal_error(why))).await?;
            let packed = packed.into_values().next();
            return packed.map(Outcome::from).ok_or_else(|| HandleError::Faulty("a packet was lost".to_owned()));
        }
        let mut tx = self.database.begin().await?;
        let mut engine = self.engine();
        let answers = engine.refuse_alone(&mut tx, &part, why).await?;
        tx.commit().await?;
        self.count(&engine.counts, Taken::default());
        Ok(Outcome::Packet(items_of(&part, &answers)?, Vec::new()))
    }

    pub(super) fn engine(&self) -> Engine<'_, W> {
        let (faults, metrics) = (&self.options.faults, &self.options.metrics);
        Engine { worker: &self.worker, faults, metrics, now: self.ports.clock.now(), counts: Counts::default() }
    }

    pub(super) fn count(&self, counts: &Counts, taken: Taken) {
        counts.add_to(&self.options.metrics, W::STEP.name());
        for (outcome, count) in [("taken", taken.taken), ("stale", taken.stale)] {
            if count > 0 {
                self.options.metrics.add(FACTS, &[("service", W::SERVICE.name()), ("outcome", outcome)], count);
            }
        }
    }

    /// What to send for a packet.
    fn answers(
        &self,
        delivery: &Delivery,
        action: Action,
        packet: &Packet<W::Item>,
        items: Vec<ItemAnswer>,
        replies: Vec<Reply>,
    ) -> Vec<Outgoing> {
        let name = Self::packet_name(action, packet);
        let (trace, now) = (child_trace(&delivery.message, &self.ports), self.ports.clock.now());
        tracing::debug!(
            transition = %name.transition,
            trace_id = trace.trace_id,
            step = name.step.name(),
            action = action.name(),
            packet = name.packet,
            attempt = name.attempt,
            items = items.len(),
            refused = items.iter().filter(|item| item.error.is_some()).count(),
            "answered"
        );
        if W::OWN_REPLIES && action == Action::Do {
            return match items.into_iter().find_map(|item| item.error) {
                Some(error) if replies.is_empty() => vec![self.give_up(delivery, action, packet, error)],
                _ => replies.into_iter().map(|reply| reply.into_outgoing(name, &trace, now)).collect(),
            };
        }
        let body = PacketAnswer { transition_id: packet.transition_id, action, packet: packet.packet, attempt: packet.attempt, items };
        let body: W::Answer = body.into();
        vec![reply(name.message_id("answer"), name.transition.to_string(), &trace, now, &body)]
    }

    fn give_up(&self, delivery: &Delivery, action: Action, packet: &Packet<W::Item>, error: ItemError) -> Outgoing {
        let name = Self::packet_name(action, packet);
        let body = PacketGivenUp { transition_id: packet.transition_id, action, packet: packet.packet, attempt: packet.attempt, error };
        let trace = child_trace(&delivery.message, &self.ports);
        reply(name.message_id("given-up"), name.transition.to_string(), &trace, self.ports.clock.now(), &body)
    }
}

#[async_trait]
impl<W: StepWorker> Handler for StepHandler<W> {
    type Receipt = ();

    fn service(&self) -> Service {
        W::SERVICE
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<()>, HandleError> {
        if self.outside.is_none() {
            return self.handle_all(batch).await;
        }
        let now = || self.ports.clock.now().as_micros();
        let begun: Vec<bool> = batch.iter().map(|delivery| self.copies.begin(delivery, now())).collect();
        let mine = batch.iter().zip(&begun).filter(|(_, begun)| **begun).map(|(delivery, _)| delivery);
        let mine: Vec<Delivery> = mine.cloned().collect();
        let handled = self.handle_all(&mine).await;
        let put_off = |place: usize| match handled.as_ref().ok().and_then(|handled| handled.ends.get(place)) {
            Some(End::Later { after, .. }) => Some(*after),
            _ => None,
        };
        mine.iter().enumerate().for_each(|(place, delivery)| self.copies.end(delivery, put_off(place), now()));
        let Handled { publish, ends, receipt } = handled?;
        let mut ends = ends.into_iter();
        let ends = begun.into_iter().filter_map(|begun| if begun { ends.next() } else { Some(End::Done) }).collect();
        Ok(Handled { publish, ends, receipt })
    }

    fn stopping(&self) {
        if let Some(outside) = &self.outside {
            outside.stop();
        }
    }

    fn given_up(&self, delivery: &Delivery, why: &str) -> Vec<Outgoing> {
        let Input::Packet(action, packet) = read::<W>(delivery) else { return Vec::new() };
        vec![self.give_up(delivery, action, &packet, item_error("AttemptsUsedUp", why))]
    }
}

impl<W: StepWorker> StepHandler<W> {
    async fn handle_all(&self, batch: &[Delivery]) -> Result<Handled<()>, HandleError> {
        let inputs: Vec<Input<W>> = batch.iter().map(read).collect();
        let outcomes = match (self.together(&inputs).await, inputs.as_slice()) {
            // alone, and at fault: somewhere in it is the line that takes the others down
            (Err(error), [Input::Packet(action, packet)]) if is_own_fault(&error) => {
                vec![self.apart(*action, packet.clone(), &error).await?]
            }
            (outcomes, _) => outcomes?,
        };
        let mut publish = Vec::with_capacity(batch.len());
        let mut ends = Vec::with_capacity(batch.len());
        for ((delivery, input), outcome) in batch.iter().zip(inputs).zip(outcomes) {
            ends.push(match (input, outcome) {
                (Input::Facts(message), Outcome::Facts) => {
                    publish.push(facts::taken(W::SERVICE, delivery, &message, &self.ports, self.ports.clock.now()));
                    End::Done
                }
                (Input::Packet(action, packet), Outcome::Packet(items, replies)) => {
                    publish.extend(self.answers(delivery, action, &packet, items, replies));
                    End::Done
                }
                (Input::Question(question), Outcome::Answered(Ok(answer))) => {
                    publish.extend(answer.into_outgoing(&question, &self.ports, self.ports.clock.now()));
                    End::Done
                }
                (Input::Question(_), Outcome::Answered(Err(why))) => End::Dead(why),
                (_, Outcome::NotYet(why)) => End::NotYet(why),
                (_, Outcome::Later { after, why }) => End::Later { after, why },
                (Input::Dead(why), _) => End::Dead(why),
                (Input::Facts(_) | Input::Packet(..) | Input::Question(_), _) => End::NotYet("it was taken for something else".to_owned()),
            });
        }
        Ok(Handled { publish, ends, receipt: () })
    }
}

/// An error that comes again however often the same is tried. The others pass, or are the database's.
fn is_own_fault(error: &HandleError) -> bool {
    matches!(
        error,
        HandleError::Faulty(_)
            | HandleError::Violated { .. }
            | HandleError::Storage(StorageError::Statement(_) | StorageError::Constraint { .. } | StorageError::Decode { .. })
    )
}

pub(super) fn missing_facts<I>(packet: &Packet<I>) -> String {
    format!("version {} of the facts of customer {} is not here yet", packet.facts_version, packet.customer_id)
}

/// The answers to a packet's items, in their order.
pub(super) fn items_of<I: Item>(packet: &Packet<I>, answers: &Answers) -> Result<Vec<ItemAnswer>, HandleError> {
    packet.items.iter().map(|item| answer_of(&item.key(), answers.get(&(packet.transition_id, item.key())))).collect()
}

fn answer_of(key: &str, answer: Option<&ItemAnswer>) -> Result<ItemAnswer, HandleError> {
    answer.cloned().ok_or_else(|| HandleError::Faulty(format!("nothing became of {key}")))
}

/// Both halves, the first one last; one item is not halved.
fn halves<I>(mut items: Vec<I>) -> Vec<Vec<I>> {
    if items.len() <= 1 {
        return vec![items];
    }
    let second = items.split_off(items.len() / 2);
    vec![second, items]
}
