//! What goes wrong for a while: sustained, and not the toss of a coin for each message.

use crate::{chance::Chance, tally};
use planshift_domain::step::Step;
use planshift_messaging::Service;
use std::time::Duration;

/// A process of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instance {
    /// The gateway's read model.
    Gateway,
    /// A coordinator.
    Coordinator1,
    /// Another one.
    Coordinator2,
    /// The eligibility worker.
    Eligibility,
    /// The purchasing worker.
    Purchasing,
    /// A mapping worker.
    Mapping1,
    /// Another one.
    Mapping2,
    /// The suspension worker.
    Suspension,
}

impl Instance {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Gateway,
        Self::Coordinator1,
        Self::Coordinator2,
        Self::Eligibility,
        Self::Purchasing,
        Self::Mapping1,
        Self::Mapping2,
        Self::Suspension,
    ];

    /// Its name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Coordinator1 => "coordinator-1",
            Self::Coordinator2 => "coordinator-2",
            Self::Eligibility => "eligibility",
            Self::Purchasing => "purchasing",
            Self::Mapping1 => "mapping-1",
            Self::Mapping2 => "mapping-2",
            Self::Suspension => "suspension",
        }
    }

    /// Which service it is one of.
    pub const fn service(self) -> Service {
        match self {
            Self::Gateway => Service::Gateway,
            Self::Coordinator1 | Self::Coordinator2 => Service::Coordinator,
            Self::Eligibility => Service::Eligibility,
            Self::Purchasing => Service::Purchasing,
            Self::Mapping1 | Self::Mapping2 => Service::Mapping,
            Self::Suspension => Service::Suspension,
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// After so many more steps of its own it is gone, wherever it stands; for so long.
    Crash(Instance, u64, Duration),
    /// It is asked to stop, finishes what it has, and comes back after so long.
    Terminate(Instance, Duration),
    /// It stands still for so long. The broker gives its messages to others where it does so for long.
    Stop(Instance, Duration),
    /// Everything takes so many times as long.
    Slow(Instance, u32, Duration),
    /// It does not reach the broker.
    CutOff(Instance, Duration),
    /// Nobody reaches the database of a service.
    StoreAway(Service, Duration),
    /// The asker loses its connection to the broker, and its queue with it.
    ClientCutOff(Duration),
    /// An operator pauses a step for everyone, for so long.
    Pause(Step, Duration),
    /// An operator has every message tried again that was given up after many attempts.
    Redrive,
}

/// Everything that goes wrong for a while.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// What, and when after the beginning.
    pub all: Vec<(Duration, Trouble)>,
    /// When it is over, and the weather is fine from then on.
    pub over_after: Duration,
}

impl Trouble {
    /// The kind of fault, as it is counted. A crash is counted when it comes: its process may have gone before; and a
    /// redrive for each message: there may be none.
    pub fn fault(self) -> Option<&'static str> {
        match self {
            Self::Crash(..) | Self::Redrive => None,
            Self::Terminate(..) => Some(tally::TERMINATED),
            Self::Stop(..) => Some(tally::STOPPED),
            Self::Slow(..) => Some(tally::SLOWED),
            Self::CutOff(..) | Self::ClientCutOff(_) => Some(tally::CUT_OFF),
            Self::StoreAway(..) => Some(tally::STORE_AWAY),
            Self::Pause(..) => Some(tally::PAUSED),
        }
    }
}

impl Troubles {
    pub(super) fn draw(seed: u64, chance: &mut Chance) -> Self {
        let over_after = Duration::from_secs(chance.between(30, 180));
        let count = *chance.pick(&[0, 2, 5, 8, 12]);
        let mut all: Vec<_> = (0..count)
            .map(|_| {
                let at = Duration::from_micros(chance.below(over_after.as_micros() as u64));
                (at, draw_one(chance))
            })
            .collect();
        // a stream of its own: the others stay what they were
        let mut operator = Chance::new(seed, "operator");
        for _ in 0..*operator.pick(&[0, 0, 1, 3]) {
            let at = Duration::from_micros(operator.below(over_after.as_micros() as u64));
            let long = operator.time(Duration::from_millis(10), Duration::from_secs(150));
            all.push((at, Trouble::Pause(*operator.pick(&Step::ALL), long)));
        }
        let mut redrives = Chance::new(seed, "redrives");
        for _ in 0..redrives.below(4) {
            all.push((Duration::from_micros(redrives.below(over_after.as_micros() as u64)), Trouble::Redrive));
        }
        Self { all, over_after }
    }
}

fn draw_one(chance: &mut Chance) -> Trouble {
    let instance = *chance.pick(&Instance::ALL);
    let long = chance.time(Duration::from_secs(1), Duration::from_secs(150));
    match chance.below(16) {
        0..=6 => {
            let steps = chance.time(Duration::from_micros(1), Duration::from_micros(1_000)).as_micros() as u64;
            Trouble::Crash(instance, steps, chance.time(Duration::from_millis(10), Duration::from_secs(60)))
        }
        7 => Trouble::Terminate(instance, chance.time(Duration::from_millis(10), Duration::from_secs(30))),
        8..=9 => Trouble::Stop(instance, long),
        10..=11 => Trouble::Slow(instance, chance.between(10, 300) as u32, long),
        12..=13 => Trouble::CutOff(instance, long),
        14 => Trouble::StoreAway(instance.service(), long),
        _ => Trouble::ClientCutOff(long),
    }
}
