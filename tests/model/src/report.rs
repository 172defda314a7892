//! Explorations, and what is said of them.

use crate::{
    action::Action, bounds::Bounds, configurations::for_twin, judge, model::TransitionModel, rules::RULES, snapshot::Snapshot, twin::Twin,
};
use stateright::{Checker, HasDiscoveries, Model, Path};
use std::time::{Duration, Instant};

/// What an exploration has come to.
#[derive(Debug)]
pub struct Explored {
    /// Of which configuration.
    pub name: &'static str,
    /// States that were reached, those reached on several ways counted each time.
    pub states: usize,
    /// States.
    pub unique: usize,
    /// The longest path.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// What went wrong; empty if nothing did.
    pub faults: Vec<String>,
}

/// Explores a configuration to its end.
pub fn explore(bounds: Bounds, threads: usize) -> Explored {
    let began = Instant::now();
    let checker = TransitionModel::new(bounds, None).checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut faults = Vec::new();
    for (name, path) in checker.discoveries() {
        faults.push(trace(&bounds, name, path));
    }
    if faults.is_empty() {
        let missing = bounds.goals.missing(checker.model().met.all());
        if !missing.is_empty() {
            faults.push(format!("never met: {}", missing.join(", ")));
        }
    }
    Explored {
        name: bounds.name,
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        faults,
    }
}

/// How a state came about in which a rule is broken.
fn trace(bounds: &Bounds, rule: &str, path: Path<Snapshot, Action>) -> String {
    let mut text = format!("{rule}, broken by:");
    let states = path.clone().into_states();
    for (n, (action, after)) in path.into_actions().into_iter().zip(states.iter().skip(1)).enumerate() {
        let state = after.stored.saga.as_ref().map_or("", |saga| saga.state().name());
        text.push_str(&format!("\n  {:>3}. {action}  [{state}]", n + 1));
    }
    if let Some(last) = states.last() {
        for words in judge::words(bounds, last) {
            text.push_str(&format!("\n  {words}"));
        }
        let under_way: Vec<String> = last.network.iter().map(ToString::to_string).collect();
        text.push_str(&format!("\n  still under way: {}", if under_way.is_empty() { "nothing".to_owned() } else { under_way.join("; ") }));
    }
    text
}

/// What became of a twin.
#[derive(Debug)]
pub struct Caught {
    /// Which.
    pub twin: Twin,
    /// The rule that was found broken first, after how many states, and in how many steps from the beginning.
    pub by: Option<(&'static str, u64, usize)>,
    /// How many states were looked at in all, where none was found broken.
    pub states: usize,
    /// How the rule came to be broken.
    pub story: String,
}

/// Explores a twin until a rule is found broken, breadth first: what is found first is found in the fewest steps.
pub fn catch(twin: Twin) -> Caught {
    let model = TransitionModel::new(for_twin(twin), Some(twin));
    let checker = model.checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut story = String::new();
    let by = checker.model().first_broken().map(|(rule, states)| {
        let path = checker.discovery(rule.name);
        let steps = path.clone().map_or(0, |path| path.into_actions().len());
        story = path.map_or_else(String::new, |path| trace(&checker.model().bounds, rule.name, path));
        (rule.name, states, steps)
    });
    Caught { twin, by, states: checker.state_count(), story }
}

/// How many rules are looked at in every state.
pub const fn rules() -> usize {
    RULES.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_without_a_defect_is_not_caught() {
        let caught = catch(Twin::Harmless);
        assert_eq!(caught.by, None);
        assert!(caught.states > 1_000, "only {} states were looked at", caught.states);
    }

    #[test]
    fn a_twin_that_is_caught_has_a_story() {
        let caught = catch(Twin::CompensatedByHand);
        assert!(caught.by.is_some_and(|(rule, ..)| rule.starts_with("S1")), "{:?}", caught.by);
        assert!(caught.story.contains("a cancel"), "{}", caught.story);
    }
}
