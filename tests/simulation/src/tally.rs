//! How often each thing went wrong, and where the transitions came to their ends: over thousands of seeds, none may be missing.
//!
//! A fault that never strikes and an end that no transition comes to are not tested, however many seeds pass.

use planshift_domain::transition::State;
use std::collections::BTreeMap;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// Every fault that there is.
        pub const FAULTS: &[&str] = &[$($name),*];
    };
}

faults! {
    /// A publication is lost on its way.
    LOST = "publication lost";
    /// Its confirms are lost.
    UNCONFIRMED = "confirms lost";
    /// The first messages of a publication are stored, then the connection is lost.
    HALF_PUBLISHED = "publication stored in part";
    /// The broker does not take a message, and says so.
    RETURNED = "message returned";
    /// A message is there twice.
    DOUBLED = "message doubled";
    /// A message comes late.
    LATE = "message late";
    /// A message overtakes others.
    OVERTAKES = "message overtakes others";
    /// The channel is lost as acknowledgements are on their way.
    CHANNEL_LOST = "channel lost, messages redelivered";
    /// The broker gives up a message that was delivered too often.
    GIVEN_UP = "message given up by the broker";
    /// The database is not reached.
    UNREACHED = "database not reached, once";
    /// A transaction loses against another one.
    CONFLICT = "transaction lost against another";
    /// It commits, and nobody hears.
    COMMIT_UNHEARD = "commit done, answer lost";
    /// It does not commit, and nobody hears.
    COMMIT_LOST = "commit not done, answer lost";
    /// A process is gone, wherever it stood.
    CRASH = "process crashed";
    /// A process is asked to stop.
    TERMINATED = "process asked to stop";
    /// A process stands still.
    STOPPED = "process stood still";
    /// A process is slow.
    SLOWED = "process slowed down";
    /// A process does not reach the broker for a while.
    CUT_OFF = "process cut off from the broker";
    /// Nobody reaches a database for a while.
    STORE_AWAY = "database away";
    /// An operator pauses a step.
    PAUSED = "step paused for everyone";
    /// An outside system does what it is told, and nobody hears.
    CALL_UNHEARD = "outside: done, answer lost";
    /// A call does not arrive outside.
    CALL_LOST = "outside: call lost";
    /// An outside system has no time for a partner.
    CALL_THROTTLED = "outside: partner throttled";
    /// An outside system has no time.
    CALL_BUSY = "outside: no time";
    /// An outside system does it later.
    CALL_PENDING = "outside: done later";
    /// A message that was given up is published again.
    REDRIVEN = "dead letter redriven";
}

/// Counts of faults. Cheap to add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Faults that struck.
    pub faults: BTreeMap<&'static str, u64>,
    /// Transitions by the state they were left in.
    pub ends: BTreeMap<&'static str, u64>,
}

/// The states in which a run may leave its transitions.
pub const ENDS: [State; 4] = [State::Completed, State::Ineligible, State::Compensated, State::NeedsOperator];

impl Tally {
    /// One more.
    pub fn add(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// One more transition that was left in this state.
    pub fn ended(&mut self, state: State) {
        *self.ends.entry(state.name()).or_default() += 1;
    }

    /// Adds another one's counts.
    pub fn add_all(&mut self, other: &Self) {
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (state, count) in &other.ends {
            *self.ends.entry(state).or_default() += count;
        }
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        let faults = FAULTS.iter().copied().filter(|fault| !self.faults.contains_key(fault));
        faults.chain(ENDS.iter().map(|end| end.name()).filter(|end| !self.ends.contains_key(end))).collect()
    }

    /// Two tables, each line with the count and the name.
    pub fn table(&self) -> String {
        let lines = |rows: Vec<(&str, u64)>| rows.iter().map(|(name, count)| format!("{count:>10}  {name}\n")).collect::<String>();
        let faults = FAULTS.iter().map(|fault| (*fault, self.faults.get(fault).copied().unwrap_or_default())).collect();
        let ends = self.ends.iter().map(|(state, count)| (*state, *count)).collect();
        format!("faults that struck:\n{}transitions that came to:\n{}", lines(faults), lines(ends))
    }
}
