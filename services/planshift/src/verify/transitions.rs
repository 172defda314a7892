//! Transitions, in the order of their ids, as many at a time as keep memory small.

use super::{
    Report, Stores,
    gather::{Gathered, gather},
};
use planshift_coordinator::{
    inspect::{self, Head, Stretch},
    saga::is_legal,
};
use planshift_domain::transition::State;
use planshift_invariants::{checks, data::Stand};
use planshift_storage::StorageError;

/// How many transitions are read at once at most.
const TRANSITIONS: u32 = 1_000;
/// How many lines they may have together, unless one alone has more.
const LINES: u32 = 20_000;

/// Checks all transitions.
pub(super) async fn check(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let page = inspect::heads(&stores.coordinator, after, TRANSITIONS).await?;
        let heads = few_lines(&page);
        let is_last = heads.len() == page.len() && page.len() < TRANSITIONS as usize;
        let upto = if is_last { None } else { heads.last().map(|head| head.id) };
        let (gathered, stretch) = gather(stores, heads, Stretch { after, upto }, report).await?;
        gathered.iter().for_each(|one| judge(one, report));
        if stretch.upto.is_none() {
            return Ok(());
        }
        after = stretch.upto;
    }
}

/// As many as have few lines together, and at least one.
fn few_lines(page: &[Head]) -> &[Head] {
    let mut lines = 0_u32;
    let fit = page.iter().take_while(|head| {
        let first = lines == 0;
        lines = lines.saturating_add(head.lines.max(1));
        first || lines <= LINES
    });
    let fit = fit.count();
    &page[..fit]
}

fn judge(one: &Gathered, report: &Report) {
    let transition = &one.transition;
    report.add(checks::suspended_last(transition));
    report.add(checks::effects_were_commanded(transition));
    report.add(checks::nothing_undone_past_the_pivot(transition));
    report.add(checks::reseller_is_kept(transition));
    report.add(checks::azure_ids_are_kept(transition));
    if !one.at_rest {
        return;
    }
    report.add(checks::one_plan_each(transition));
    report.add(checks::lines_are_whole(transition));
    let (stored, told) = (&one.stored, &one.told);
    let history =
        checks::HistoryOf { transition: transition.id, states: &told.states, state: stored.state, has_ended: stored.ended_at.is_some() };
    report.add(checks::moves_are_legal(&history, is_legal, State::is_end, State::NeedsOperator));
    let same_end = told.chain.hash == stored.history_hash;
    let (says, there) = (stored.history as usize, told.chain.entries as usize);
    report.add(checks::history_is_whole(transition.id, says, there, told.chain.broken_at, same_end));
    if transition.stand == Stand::UnderWay {
        return;
    }
    report.add(checks::completed_wholly(transition));
    report.add(checks::plans_in_use_are_active(transition));
    report.add(checks::as_it_was(transition));
    report.add(checks::undone_wholly(transition));
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn heads(lines: &[u32]) -> Vec<Head> {
        let id = Uuid::from_u128;
        (1..)
            .zip(lines)
            .map(|(n, lines)| Head { id: id(n).into(), version: 1, partner_id: id(0).into(), customer_id: id(n).into(), lines: *lines })
            .collect()
    }

    #[test]
    fn a_page_has_few_lines_or_one_transition() {
        assert_eq!(few_lines(&heads(&[])).len(), 0);
        assert_eq!(few_lines(&heads(&[0, 8, 0])).len(), 3);
        assert_eq!(few_lines(&heads(&[LINES - 1, 1, 1])).len(), 2);
        assert_eq!(few_lines(&heads(&[LINES * 5, 1])).len(), 1);
    }
}
