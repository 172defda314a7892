//! How a customer stands: what its last transition came to, and whether an earlier one has moved it.
//!
//! A customer that has moved may be tried again. Where the check found nothing left to move, it has moved, and no more is to be said. Where
//! it was refused for another reason, or undone, there was something left: it has moved, and the rest has not.

use planshift_domain::transition::State;

/// As lists are filtered by it, and sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// An earlier transition has moved what there was, and the last one has ended otherwise.
    pub(crate) has_moved: bool,
    /// The last transition's, unless it found nothing left to move; none without one.
    pub(crate) state: Option<State>,
}

/// What stands between the two where there are two.
const AND: &str = "Completed+";

impl Stand {
    /// Nothing is left to do for it, as far as is known.
    pub(crate) fn is_over(self) -> bool {
        self.state == Some(State::Completed)
    }

    /// As it is stored.
    pub(super) fn text(self) -> String {
        let state = self.state.map_or("", State::name);
        if self.has_moved { format!("{AND}{state}") } else { state.to_owned() }
    }

    /// From what is stored.
    pub(super) fn parse(text: &str) -> Self {
        let (has_moved, state) = text.strip_prefix(AND).map_or((false, text), |state| (true, state));
        Self { has_moved, state: State::ALL.into_iter().find(|known| known.name() == state) }
    }
}

/// How a customer stands whose last transition is `t`. What a check has found is told with its first packet: of nothing, there is one.
macro_rules! stands {
    () => {
        r#" CASE WHEN t.state NOT IN ('Ineligible', 'Compensated') OR NOT EXISTS (
                 SELECT 1 FROM transitions AS m
                 WHERE m.customer_id = t.customer_id AND m.partner_id = t.partner_id AND m.state = 'Completed') THEN t.state
             WHEN t.state = 'Ineligible' AND EXISTS (
                 SELECT 1 FROM packets AS k WHERE k.transition_id = t.id AND k.step = 'eligibility' AND k.action = 'do' AND k.packet = 0
                   AND (k.body LIKE '%"code":"UpgradeAlreadyCompleted"%' OR k.body LIKE '%"code":"NoAzureSubscriptions"%')) THEN 'Completed'
             ELSE 'Completed+' || t.state END "#
    };
}
pub(super) use stands;

/// Those that may be asked to move: nothing is under way, and something may be left.
macro_rules! could_move {
    () => {
        " standing IN ('', 'Ineligible', 'Compensated', 'Completed+Ineligible', 'Completed+Compensated') "
    };
}
pub(super) use could_move;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        for state in State::ALL.into_iter().map(Some).chain([None]) {
            for has_moved in [false, true] {
                let stand = Stand { has_moved, state };
                assert_eq!(Stand::parse(&stand.text()), stand);
            }
        }
        assert_eq!(Stand::parse(""), Stand::default());
    }
}
