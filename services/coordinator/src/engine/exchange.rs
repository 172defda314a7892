//! What a turn has got and sent of a transition, as an entry of its history: one at most, of bounded size.
//!
//! The decision knows nothing of it: it counts packets, and the shell knows their messages. Not told are messages that only go out
//! again under their first ids: those of a recovery, which changes nothing, and those of a deadline, which `Resent` tells. So the
//! history of a transition that nobody answers grows no faster for it.

use super::work::Work;
use crate::saga::{Note, Which};
use planshift_domain::{
    audit::{EXCHANGED, Got, exchanged},
    ids::TransitionId,
    time::Timestamp,
};
use std::collections::{BTreeMap, HashMap};

/// What was sent, by transition: `TYPE ID` of each message.
pub(super) type Sent = HashMap<TransitionId, Vec<String>>;

/// Adds the entries.
pub(super) fn note(works: &mut BTreeMap<TransitionId, Work>, mut sent: Sent, now: Timestamp) {
    for (id, work) in works.iter_mut().filter(|(_, work)| work.changed) {
        let sent = sent.remove(id).filter(|_| !only_again(work)).unwrap_or_default();
        let got: Vec<Got> = work.packets.iter().map(Got::from).collect();
        if let Some(text) = exchanged(&got, &sent) {
            let state = work.stored.saga.state();
            work.note(Note { event: EXCHANGED, text, actor: None, state }, now);
        }
    }
}

/// A deadline has come, and nothing else has happened.
fn only_again(work: &Work) -> bool {
    work.send.iter().all(|send| send.which == Which::Pending) && work.history.iter().all(|entry| entry.event == "Resent")
}
