//! What a run takes over from before: a transition under way, and one that has completed and left nothing to do.
//!
//! So the same run again is harmless.

use crate::client::{Started, Summary};
use planshift_domain::{
    ids::TransitionId,
    time::Timestamp,
    transition::{Finding, State},
};

/// The import's refusal, and the eligibility code, of a customer whose transition is not at an end.
pub const UPGRADE_IN_PROGRESS: &str = "UpgradeInProgress";
/// The eligibility code of a customer of whom nothing is left, since a transition has completed.
const UPGRADE_ALREADY_COMPLETED: &str = "UpgradeAlreadyCompleted";

/// The transition that a start gave, and whether it was there before.
pub const fn of_start(started: Started) -> (TransitionId, bool) {
    (started.id(), matches!(started, Started::UnderWay(_)))
}

/// The transition that kept an import from taking its customer, among all of that customer: the newest, where it is still
/// under way or was when the import began. `None` where it does not show yet.
pub fn under_way(of_customer: &[Summary], import_began: Timestamp) -> Option<TransitionId> {
    let newest = newest(of_customer)?;
    let then_under_way = !newest.state.is_end() || newest.ended_at.is_some_and(|ended| ended >= import_began);
    then_under_way.then_some(newest.transition_id)
}

/// Is nothing left to do since a transition has completed? Then that one is what the customer came to.
pub fn is_completed_before(state: State, reasons: &[Finding]) -> bool {
    state == State::Ineligible && reasons.iter().any(|reason| reason.code == UPGRADE_ALREADY_COMPLETED)
}

/// The last of a customer's completed transitions.
pub fn last_completed(of_customer: &[Summary]) -> Option<TransitionId> {
    newest(of_customer.iter().filter(|summary| summary.state == State::Completed)).map(|summary| summary.transition_id)
}

fn newest<'a>(summaries: impl IntoIterator<Item = &'a Summary>) -> Option<&'a Summary> {
    // ids break the tie of two in the same microsecond: they are given in order
    summaries.into_iter().max_by_key(|summary| (summary.started_at, summary.transition_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const IMPORT: Timestamp = Timestamp::from_micros(100);

    fn id(number: u128) -> TransitionId {
        TransitionId(Uuid::from_u128(number))
    }
    fn summary(number: u128, state: State, started: i64, ended: Option<i64>) -> Summary {
        Summary {
            transition_id: id(number),
            customer_id: Uuid::from_u128(9).into(),
            company_name: None,
            state,
            started_at: Timestamp::from_micros(started),
            ended_at: ended.map(Timestamp::from_micros),
            lines: 0,
            mapped: 0,
            suspended: 0,
        }
    }
    fn reason(code: &str) -> Finding {
        Finding { code: code.into(), resource_id: "x".into(), description: "y".into() }
    }

    #[test]
    fn a_start_finds_its_own_or_another() {
        assert_eq!(of_start(Started::Accepted(id(1))), (id(1), false));
        assert_eq!(of_start(Started::Ineligible(id(1))), (id(1), false));
        assert_eq!(of_start(Started::UnderWay(id(1))), (id(1), true));
    }

    #[test]
    fn what_was_under_way_at_the_import_is_adopted() {
        let old = summary(1, State::Compensated, 10, Some(20));
        assert_eq!(under_way(&[], IMPORT), None);
        // one that ended before the import cannot be what refused it: the one that did does not show yet
        assert_eq!(under_way(std::slice::from_ref(&old), IMPORT), None);
        let busy = summary(2, State::MappingSubscriptions, 50, None);
        assert_eq!(under_way(&[busy.clone(), old.clone()], IMPORT), Some(id(2)));
        assert_eq!(under_way(&[old.clone(), busy], IMPORT), Some(id(2)));
        assert_eq!(under_way(&[summary(2, State::NeedsOperator, 50, None)], IMPORT), Some(id(2)));
        assert_eq!(under_way(&[summary(2, State::Compensated, 50, Some(101)), old], IMPORT), Some(id(2)));
    }

    #[test]
    fn nothing_left_after_a_completed_one_is_that_one() {
        let reasons = [reason("ResellerRelationshipMissing"), reason(UPGRADE_ALREADY_COMPLETED)];
        assert!(is_completed_before(State::Ineligible, &reasons));
        assert!(!is_completed_before(State::Ineligible, &reasons[..1]));
        assert!(!is_completed_before(State::Completed, &[]));
        let list = [
            summary(1, State::Completed, 10, Some(20)),
            summary(2, State::Completed, 30, Some(40)),
            summary(3, State::Ineligible, 50, Some(60)),
        ];
        assert_eq!(last_completed(&list), Some(id(2)));
        assert_eq!(last_completed(&list[2..]), None);
    }
}
