//! One name for states that differ only in names: which replica is which, and where line, plan and packet of the same number belong
//! together, which number is which.
//!
//! Nothing depends on these numbers: messages have no order, and what is published when a process ends is any part of its output.

use crate::{
    message::{Answer, Message, Packet},
    model::TransitionModel,
    snapshot::{Snapshot, fingerprint},
};
use planshift_domain::step::{Action, Step};

/// Gives the state the name that stands for all of its names.
pub fn rename(model: &TransitionModel, state: &mut Snapshot) {
    if state.replicas.len() > 1 {
        state.replicas.sort_by_cached_key(fingerprint);
    }
    let bounds = &model.bounds;
    if bounds.renames && !state.ineligible && (bounds.lines, bounds.plans, bounds.packet_items) == (2, 2, 1) && is_second_greater(state) {
        swap_numbers(state);
    }
}

/// Whether the two numbers are to be swapped, by the first thing that differs between them.
fn is_second_greater(state: &Snapshot) -> bool {
    let row = |step: Step, n: usize| state.ledger[step as usize][n].map(|(says, attempt)| (says as u8, attempt));
    let effect = |step: Step, n: usize| (state.effects[step as usize][n].had, state.effects[step as usize][n].undone);
    for step in [Step::Purchasing, Step::Mapping, Step::Suspension] {
        let of = |n| (row(step, n), effect(step, n));
        if of(0) != of(1) {
            return of(1) > of(0);
        }
    }
    for step in Step::ALL {
        for action in [Action::Do, Action::Undo] {
            let of = |n: usize| {
                let recorded = state.stored.packets[step as usize][action as usize][n];
                (recorded.attempt, recorded.good, recorded.refused)
            };
            if has_two(step, action) && of(0) != of(1) {
                return of(1) > of(0);
            }
        }
    }
    let renamed = |list: &[Message]| {
        let mut list: Vec<Message> = list.iter().map(|message| other(*message)).collect();
        list.sort_unstable();
        list
    };
    let network = renamed(&state.network);
    if network != state.network {
        return network > state.network;
    }
    false
}

/// The check is one command, its release too; their answers have as many packets as the others.
const fn has_two(step: Step, action: Action) -> bool {
    !matches!((step, action), (Step::Eligibility, Action::Undo))
}

/// The same message about the other number.
fn other(message: Message) -> Message {
    let packet = |of: Packet| if of.step == Step::Eligibility { of } else { Packet { packet: 1 - of.packet, ..of } };
    match message {
        Message::Command(of) => Message::Command(packet(of)),
        Message::Answer(answer) => Message::Answer(Answer { of: packet(answer.of), ..answer }),
        Message::Checked { attempt, packet } => Message::Checked { attempt, packet: 1 - packet },
        Message::Start | Message::Act(_) => message,
    }
}

fn swap_numbers(state: &mut Snapshot) {
    for step in [Step::Purchasing, Step::Mapping, Step::Suspension] {
        state.ledger[step as usize].swap(0, 1);
        state.effects[step as usize].swap(0, 1);
    }
    for step in Step::ALL {
        for action in [Action::Do, Action::Undo] {
            if has_two(step, action) {
                state.stored.packets[step as usize][action as usize].swap(0, 1);
            }
        }
    }
    let rename_all = |list: &mut Vec<Message>| list.iter_mut().for_each(|message| *message = other(*message));
    rename_all(&mut state.network);
    state.network.sort_unstable();
    for pending in state.replicas.iter_mut().flat_map(|replica| replica.pending.iter_mut().flatten()) {
        rename_all(&mut pending.taken);
        rename_all(&mut pending.output.commands);
        pending.output.commands.sort_unstable();
    }
    if state.replicas.len() > 1 {
        state.replicas.sort_by_cached_key(fingerprint);
    }
}
