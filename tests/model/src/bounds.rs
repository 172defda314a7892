//! What a configuration explores: how large the transition is, and how much may go wrong.

use crate::goals::Goals;
use planshift_domain::{step::Step, transition::State};

/// How often each kind of fault may happen, and each thing that is not the system's to decide. In a state: how often still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Faults {
    /// A process ends between commit, publish and acknowledge, and what it had in memory is gone.
    pub crashes: u8,
    /// A message comes once more.
    pub duplicates: u8,
    /// A message that was confirmed is lost after all.
    pub losses: u8,
    /// A worker refuses an item of a command, for a reason of business.
    pub refusals: u8,
    /// A worker cannot undo an item.
    pub undo_refusals: u8,
    /// A worker has used up its attempts at a packet. It may be delivered once more later.
    pub given_up: u8,
    /// A person cancels.
    pub cancels: u8,
    /// The total time is used up.
    pub timeouts: u8,
    /// A deadline for silence comes, or the recovery does, while something is still under way.
    pub hurries: u8,
}

/// How the coordinator's replicas are modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// A turn commits, publishes and acknowledges in one step of the model, or ends at any point of it in a crash. What was
    /// confirmed is written at once. A replica remembers nothing then, so any number of them is as good as one.
    Whole,
    /// So many replicas with what each remembers of what was confirmed, and what was confirmed is written later.
    Remembering(u8),
    /// The same, and a turn is two steps, commit and publish: anything may happen in between, also a turn of the same replica's timers.
    Interleaved(u8),
}

impl Replicas {
    /// How many.
    pub const fn count(self) -> u8 {
        match self {
            Self::Whole => 1,
            Self::Remembering(n) | Self::Interleaved(n) => n,
        }
    }
}

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// A name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Azure subscriptions that move.
    pub lines: u8,
    /// Plans. Line `n` belongs to plan `n % plans`.
    pub plans: u8,
    /// Items in a packet.
    pub packet_items: u8,
    /// Where the exploration begins: as far as all goes well until the transition is in this state.
    pub from: State,
    /// Also with a customer who may not move.
    pub ineligible: bool,
    /// How many attempts there may be: a person resumes one time less.
    pub attempts: u8,
    /// The coordinator.
    pub replicas: Replicas,
    /// A turn may be about two messages at once.
    pub batches: bool,
    /// States that differ only in which line, plan and packet is which are one: half as many, and traces that are harder to read.
    pub renames: bool,
    /// What may go wrong.
    pub faults: Faults,
    /// What must have been met, or the exploration has not gone where it was to go.
    pub goals: Goals,
}

impl Bounds {
    /// One customer, two plans, two lines, two packets in each step; nothing goes wrong.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            lines: 2,
            plans: 2,
            packet_items: 1,
            from: State::Requested,
            ineligible: false,
            attempts: 1,
            replicas: Replicas::Whole,
            batches: false,
            renames: true,
            faults: Faults {
                crashes: 0,
                duplicates: 0,
                losses: 0,
                refusals: 0,
                undo_refusals: 0,
                given_up: 0,
                cancels: 0,
                timeouts: 0,
                hurries: 0,
            },
            goals: Goals::NONE,
        }
    }

    /// How many items the step has.
    pub const fn items(&self, step: Step) -> u8 {
        match step {
            Step::Eligibility => 1,
            Step::Purchasing => self.plans,
            Step::Mapping | Step::Suspension => self.lines,
        }
    }

    /// The items of a packet.
    pub fn items_of(&self, step: Step, packet: u8) -> std::ops::Range<usize> {
        let (size, items) = (usize::from(self.packet_items), usize::from(self.items(step)));
        let first = usize::from(packet) * size;
        first.min(items)..(first + size).min(items)
    }

    /// In how many packets eligibility answers.
    pub const fn checked_packets(&self, ineligible: bool) -> u8 {
        if ineligible { 1 } else { self.lines.div_ceil(self.packet_items) }
    }

    /// The same with this changed.
    #[must_use]
    pub const fn with(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }
}
