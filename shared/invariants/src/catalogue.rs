//! All invariants: those of the domain (I), and the saga's own (S).

use Place::{Counters, Model, Simulation, Tests, Verify};

/// An invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// `I1` to `I23`, `S1` to `S7`.
    pub id: &'static str,
    /// What must hold, in one line.
    pub statement: &'static str,
    /// Where it can be checked.
    pub places: &'static [Place],
}

impl Invariant {
    /// Can it be checked there?
    pub fn is_checked_in(&self, place: Place) -> bool {
        self.places.contains(&place)
    }
}

/// Where an invariant can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the model of the saga, in every state that can be reached.
    Model,
    /// In the simulation of the whole system, after every step or at its end.
    Simulation,
    /// In a test of the code that upholds it, or of the whole system.
    Tests,
    /// On what is stored, by `planshift verify`.
    Verify,
    /// By a counter that must stay at 0 while the services run.
    Counters,
}

const fn invariant(id: &'static str, statement: &'static str, places: &'static [Place]) -> Invariant {
    Invariant { id, statement, places }
}

/// Every invariant, in the order of the ids.
pub const CATALOGUE: &[Invariant] = &[
    invariant("I1", "the right to use Azure is never interrupted", &[Simulation, Tests]),
    invariant(
        "I2",
        "at each instant one owner is billed for an Azure subscription: its plan, or legacy",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant(
        "I3",
        "a commerce subscription is suspended only after its plan is active and its line is mapped",
        &[Model, Simulation, Verify, Counters],
    ),
    invariant(
        "I4",
        "after Completed each line is under its plan and its commerce subscription suspended",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant("I5", "buying the legacy offer is refused while, and after, a customer moves", &[Tests]),
    invariant("I6", "buying a plan elsewhere is refused while a legacy subscription is active", &[Tests]),
    invariant("I7", "one plan for each reseller of the lines, and never two active ones", &[Model, Simulation, Tests, Verify, Counters]),
    invariant("I8", "a line's reseller on record is the reseller of its plan", &[Simulation, Tests, Verify]),
    invariant("I9", "Azure ids and role assignments are the same before and after", &[Simulation, Tests, Verify]),
    invariant("I10", "a customer has at most one transition that is not at an end", &[Model, Simulation, Tests, Verify, Counters]),
    invariant("I11", "the same request or message again has no second effect and the same answer", &[Model, Simulation, Tests, Counters]),
    invariant("I12", "each subscription in scope is exactly one line, and each line ends", &[Simulation, Tests, Verify, Counters]),
    invariant("I13", "a plan with something attached is not suspended", &[Model, Simulation, Tests, Verify]),
    invariant(
        "I14",
        "only legal moves: ends are final, and NeedsOperator goes back where it was left",
        &[Model, Simulation, Tests, Verify, Counters],
    ),
    invariant("I15", "suspending a commerce subscription leaves the Azure subscription as it is", &[Simulation, Tests]),
    invariant("I16", "after Compensated everything is as it was", &[Model, Simulation, Tests, Verify, Counters]),
    invariant("I17", "a budget is never lost", &[Tests]),
    invariant("I18", "an Azure subscription's tenant is its customer", &[Tests]),
    invariant(
        "I19",
        "the history has one entry for each change of state, and nobody has changed it",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant("I20", "usage before effectiveAt is legacy's and usage from then on the plan's, however late it is told", &[Tests, Verify]),
    invariant("I21", "progress never goes back but in Compensating", &[Model, Simulation, Tests, Counters]),
    invariant("I22", "each of a line's ids leads to its transition", &[Tests]),
    invariant(
        "I23",
        "a plan that a compensation has put away is used again before another is bought",
        &[Simulation, Tests, Verify, Counters],
    ),
    invariant("S1", "no Compensated without each undo confirmed by the ledger", &[Model, Simulation, Verify, Counters]),
    invariant("S2", "past the pivot nothing is undone", &[Model, Simulation, Tests, Verify, Counters]),
    invariant("S3", "the saga's counts of good answers only grow", &[Model, Simulation, Counters]),
    invariant("S4", "what has come to an end stays as it is", &[Model, Simulation, Counters]),
    invariant("S5", "two starts for one customer make one transition", &[Model, Simulation, Tests]),
    invariant("S6", "no effect without the command of a transition", &[Model, Simulation, Verify, Counters]),
    invariant("S7", "no output is lost, wherever a crash comes", &[Model, Simulation, Tests]),
];

/// The invariant of that id.
pub fn find(id: &str) -> Option<&'static Invariant> {
    CATALOGUE.iter().find(|invariant| invariant.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_stands_once_and_in_order() {
        let ids: Vec<String> = CATALOGUE.iter().map(|i| i.id.to_owned()).collect();
        let expected: Vec<String> = (1..=23).map(|n| format!("I{n}")).chain((1..=7).map(|n| format!("S{n}"))).collect();
        assert_eq!(ids, expected);
        assert_eq!(find("I7").map(|i| i.id), Some("I7"));
        assert_eq!(find("I24"), None);
    }

    #[test]
    fn each_is_one_line_and_checked_somewhere() {
        for invariant in CATALOGUE {
            assert!(!invariant.places.is_empty(), "{}", invariant.id);
            assert!(invariant.statement.len() <= 100 && !invariant.statement.contains('\n'), "{}", invariant.id);
        }
    }
}
