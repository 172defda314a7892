//! The customers of the demonstration, and what each of them is to come to.

use planshift_domain::{
    ids::CustomerId,
    step::Step,
    transition::State,
    view::{LineState, TransitionView},
};

/// The account document of the demonstration.
pub const DOCUMENT: &str = include_str!("../../../demo/accounts.json");

/// The Azure subscription whose mapping is refused: the third of five.
pub const FAILING_AZURE_SUBSCRIPTION: &str = "d3300000-0000-4000-8000-000000000303";

/// One customer's part.
pub struct Scene {
    /// Who.
    pub customer: &'static str,
    /// What is shown.
    pub about: &'static str,
    /// Did it end as it should?
    pub ends_well: fn(&TransitionView) -> bool,
}

/// In the order in which they are shown: that of the document.
pub const SCENES: [Scene; 4] = [
    Scene {
        customer: "d3300000-0000-4000-8000-000000000100",
        about: "two Azure subscriptions sold by two resellers, and Microsoft 365, which stays as it is",
        ends_well: |view| view.state == State::Completed && view.plans.len() == 2 && all_lines(view, LineState::Completed) == 2,
    },
    Scene {
        customer: "d3300000-0000-4000-8000-000000000200",
        about: "may not move yet, for four reasons at once",
        ends_well: |view| view.state == State::Ineligible && view.reasons.len() == 4 && view.plans.is_empty() && view.lines.is_empty(),
    },
    Scene {
        customer: "d3300000-0000-4000-8000-000000000300",
        about: "the third of five mappings is refused: what was done is undone",
        ends_well: |view| {
            view.state == State::Compensated
                && view
                    .failure
                    .as_ref()
                    .is_some_and(|failure| failure.step == Step::Mapping && failure.resource_id == FAILING_AZURE_SUBSCRIPTION)
                && view.lines.iter().all(|line| line.plan_id.is_none())
        },
    },
    Scene {
        customer: "d3300000-0000-4000-8000-000000000400",
        about: "120 Azure subscriptions of three resellers and of the partner itself, in packets of 50",
        ends_well: |view| view.state == State::Completed && view.plans.len() == 4 && all_lines(view, LineState::Completed) == 120,
    },
];

impl Scene {
    /// The customer's id. `None` where the constant above is none, which a test rules out.
    pub fn id(&self) -> Option<CustomerId> {
        self.customer.parse().ok()
    }
}

/// How many lines there are, where all of them are in that state.
fn all_lines(view: &TransitionView, state: LineState) -> usize {
    if view.lines.iter().all(|line| line.state == state) { view.lines.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::account::check;

    #[test]
    fn the_scenes_are_those_of_the_document_and_the_document_is_valid() {
        let checked = check(DOCUMENT.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(checked.customers, SCENES.iter().map(|scene| scene.id().unwrap()).collect::<Vec<_>>());
        assert!(DOCUMENT.contains(FAILING_AZURE_SUBSCRIPTION));
    }
}
