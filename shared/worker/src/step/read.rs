//! Deliveries read, and packets put into rounds.

use super::StepWorker;
use crate::codec::{self, Unreadable};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    message::command::{Item, Packet, TakeFacts},
    said::letters,
    step::Action,
};
use planshift_messaging::{Delivery, Message};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// What a delivery is.
pub(super) enum Input<W: StepWorker> {
    Facts(TakeFacts<W::Facts>),
    Packet(Action, Packet<W::Item>),
    Question(Message),
    Dead(Unreadable),
}

impl<W: StepWorker> Input<W> {
    /// A packet as something to be done, at its place in the batch.
    pub(super) fn todo(&self, index: usize) -> Option<Todo<'_, W::Item>> {
        if let Self::Packet(action, packet) = self { Some(Todo { index, action: *action, packet }) } else { None }
    }
}

/// Reads a delivery. What cannot be read is dead, not an error: it takes nothing else down.
pub(super) fn read<W: StepWorker>(delivery: &Delivery) -> Input<W> {
    let input = codec::sender(delivery).and_then(|_| {
        let message = &delivery.message;
        if message.kind == W::DO {
            packet::<W>(message).map(|packet| Input::Packet(Action::Do, packet))
        } else if Some(message.kind.as_str()) == W::UNDO {
            packet::<W>(message).map(|packet| Input::Packet(Action::Undo, packet))
        } else if message.kind == W::FACTS {
            json(message).map(Input::Facts)
        } else if W::QUESTIONS.contains(&message.kind.as_str()) {
            Ok(Input::Question(message.clone()))
        } else {
            Err(Unreadable::new("UnknownType", letters::NOT_READ.with(&[&W::SERVICE.name(), &message.kind])))
        }
    });
    input.unwrap_or_else(Input::Dead)
}

fn packet<W: StepWorker>(message: &Message) -> Result<Packet<W::Item>, Unreadable> {
    let packet = json(message)?;
    W::check(&packet)?;
    Ok(packet)
}

fn json<T: DeserializeOwned>(message: &Message) -> Result<T, Unreadable> {
    serde_json::from_slice(&message.body).map_err(|error| Unreadable::new("UnreadableBody", format!("{}: {error}", message.kind)))
}

/// A packet of the batch: its place among the deliveries, and what it wants.
pub(super) struct Todo<'a, I> {
    pub index: usize,
    pub action: Action,
    pub packet: &'a Packet<I>,
}

impl<I> Todo<'_, I> {
    /// Are the facts here that it is about? An undo needs none: what was never done is fenced all the same.
    pub(super) fn is_ready(&self, complete: &HashMap<(PartnerId, CustomerId), i64>) -> bool {
        let customer = (self.packet.partner_id, self.packet.customer_id);
        self.action == Action::Undo || complete.get(&customer).is_some_and(|version| *version >= i64::from(self.packet.facts_version))
    }
}

/// Puts packets into rounds so that no item stands in two packets of one round, and of two packets with the same item the
/// earlier one is in the earlier round. A batch without a command next to its undo or its double is one round.
pub(super) fn rounds<I: Item>(todos: Vec<Todo<'_, I>>) -> Vec<Vec<Todo<'_, I>>> {
    let mut rounds: Vec<Vec<Todo<'_, I>>> = Vec::new();
    let mut next_round: HashMap<(TransitionId, String), usize> = HashMap::new();
    for todo in todos {
        let keys: Vec<_> = todo.packet.items.iter().map(|item| (todo.packet.transition_id, item.key())).collect();
        let round = keys.iter().filter_map(|key| next_round.get(key)).max().copied().unwrap_or_default();
        next_round.extend(keys.into_iter().map(|key| (key, round + 1)));
        if rounds.len() <= round {
            rounds.resize_with(round + 1, Vec::new);
        }
        rounds[round].push(todo);
    }
    rounds
}
