//! A state of the model: everything that is stored, under way, or in a process's memory.

use crate::{
    bounds::{Bounds, Faults},
    message::Message,
    rules::{Broken, S7_SENT},
    sent::{Interval, Untold},
};
use planshift_coordinator::saga::{Known, Saga};
use planshift_domain::step::{Action, Step};
use planshift_storage::ledger::LedgerState;
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// The most items that a step may have.
pub const ITEMS: usize = 4;
/// The most packets that a step may have.
pub const PACKETS: usize = 2;

/// What is recorded of a packet's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recorded {
    /// The attempt; 0: none was recorded.
    pub attempt: u8,
    /// Items without an error.
    pub good: u8,
    /// Items that were refused.
    pub refused: u8,
}

impl Recorded {
    /// As the decision wants it.
    pub fn known(self) -> Option<Known> {
        (self.attempt > 0).then(|| Known { attempt: self.attempt.into(), good: self.good.into(), refused: self.refused.into() })
    }

    /// It was answered, and nothing was refused.
    pub const fn is_good(self) -> bool {
        self.attempt > 0 && self.refused == 0
    }
}

/// The coordinator's database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// The transition: the production type.
    pub saga: Option<Arc<Saga>>,
    /// The answers of packets, by step, action and packet.
    pub packets: [[[Recorded; PACKETS]; 2]; 4],
    /// The number of the last act that was accepted.
    pub acted: u8,
    /// How many versions the one that is stored as sent lies behind.
    pub behind: u8,
}

impl Stored {
    /// What is recorded of a packet.
    pub fn packet(&self, step: Step, action: Action, packet: u8) -> Recorded {
        self.packets[step as usize][action as usize].get(usize::from(packet)).copied().unwrap_or_default()
    }

    /// The place for it.
    pub fn packet_mut(&mut self, step: Step, action: Action, packet: u8) -> Option<&mut Recorded> {
        self.packets[step as usize][action as usize].get_mut(usize::from(packet))
    }
}

/// What really became of an item in its worker's database, whatever its ledger says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Effect {
    /// How often it took place.
    pub had: u8,
    /// How often it was undone.
    pub undone: u8,
}

impl Effect {
    /// It is there.
    pub const fn is_there(self) -> bool {
        self.had > self.undone
    }
}

/// A row of a ledger: what it says, and under which attempt.
pub type Row = Option<(LedgerState, u8)>;

/// A turn that is committed and not published yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pending {
    /// The messages that it was about and that came from the queue: not acknowledged yet.
    pub taken: Vec<Message>,
    /// What it is about to publish.
    pub output: Output,
    /// For a twin that commits late: what it will write.
    pub unwritten: Option<Box<Stored>>,
}

/// What a turn publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Output {
    /// Commands, in this order.
    pub commands: Vec<Message>,
    /// The event after them, and what it tells; none where nothing has changed.
    pub told: Option<Interval>,
}

impl Output {
    /// It is none.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.told.is_none()
    }
}

/// One of a replica's two loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loop {
    /// It handles what comes from the queue.
    Messages,
    /// It sees to deadlines and to the recovery.
    Timers,
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Messages => "messages",
            Self::Timers => "timers",
        })
    }
}

/// A replica of the coordinator: what it has in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Replica {
    /// What was confirmed and is not written yet.
    pub remembered: Option<Interval>,
    /// The turns under way, by loop.
    pub pending: [Option<Box<Pending>>; 2],
}

/// A state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The coordinator's database.
    pub stored: Stored,
    /// Versions whose messages were never sent. Nobody knows this: it is for the check.
    pub untold: Untold,
    /// The workers' ledgers, by step and item.
    pub ledger: [[Row; ITEMS]; 4],
    /// The workers' effects, by step and item.
    pub effects: [[Effect; ITEMS]; 4],
    /// The network: what was sent and not taken for good. In order, since it has none.
    pub network: Vec<Message>,
    /// The coordinator's replicas.
    pub replicas: Vec<Replica>,
    /// What may still go wrong.
    pub left: Faults,
    /// The customer may not move.
    pub ineligible: bool,
    /// Rules that were broken on the way here.
    pub broken: Broken,
}

impl Snapshot {
    /// A start was asked for, and nothing else has happened.
    pub fn first(bounds: &Bounds, ineligible: bool) -> Self {
        Self {
            stored: Stored { saga: None, packets: Default::default(), acted: 0, behind: 0 },
            untold: Untold::default(),
            ledger: Default::default(),
            effects: Default::default(),
            network: vec![Message::Start],
            replicas: vec![Replica::default(); usize::from(bounds.replicas.count())],
            left: bounds.faults,
            ineligible,
            broken: Broken::default(),
        }
    }

    /// Puts a message on its way.
    pub fn send(&mut self, message: Message) {
        let place = self.network.partition_point(|m| *m <= message);
        self.network.insert(place, message);
    }

    /// Takes it from there. False where it is not there: a person has it from nowhere.
    pub fn take(&mut self, message: Message) -> bool {
        self.network.binary_search(&message).map(|place| self.network.remove(place)).is_ok()
    }

    /// Nothing is under way: whatever happens now, happens by a deadline or a person.
    pub fn is_quiet(&self) -> bool {
        self.network.is_empty() && self.replicas.iter().all(|replica| replica.pending.iter().all(Option::is_none))
    }

    /// The version that is stored as sent moves on.
    pub fn move_sent(&mut self, by: u8) {
        if by == 0 {
            return;
        }
        self.stored.behind = self.stored.behind.saturating_sub(by);
        self.broken.expect(self.untold.moved(by), S7_SENT);
        for replica in &mut self.replicas {
            replica.remembered = replica.remembered.map(|interval| interval.after(by));
            for pending in replica.pending.iter_mut().flatten() {
                pending.output.told = pending.output.told.map(|interval| interval.after(by));
            }
        }
    }
}

/// A hash that is the same in every run.
pub fn fingerprint<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
