//! Transitions, in the order of their ids, as many at a time as keep memory small.

use super::{
    Report, Stores, convert,
    gather::{Gathered, Range, gather},
};
use planshift_coordinator::{
    inspect::{self, Head},
    saga::is_legal,
};
use planshift_domain::{
    history::first_break,
    ids::{CustomerId, PartnerId, TransitionId},
    transition::State,
};
use planshift_invariants::{
    checks,
    data::{Id, Stand},
};
use planshift_storage::StorageError;
use std::collections::BTreeMap;

/// How many transitions are read at once at most.
const TRANSITIONS: u32 = 1_000;
/// How many lines they may have together, unless one alone has more.
const LINES: u32 = 20_000;

type Live = BTreeMap<(PartnerId, CustomerId), Vec<TransitionId>>;

/// Checks all transitions.
pub(super) async fn check(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    let mut after: Option<TransitionId> = None;
    let mut live = Live::new();
    loop {
        let page = inspect::heads(&stores.coordinator, after, TRANSITIONS).await?;
        let heads = few_lines(&page);
        let is_last = heads.len() == page.len() && page.len() < TRANSITIONS as usize;
        let upto = if is_last { None } else { heads.last().map(|head| head.id) };
        let (gathered, unknown) = gather(stores, Range { heads, after, upto }).await?;
        for id in unknown {
            report.add(checks::is_known(id, "an effect ledger", false));
        }
        for one in &gathered {
            judge(one, report);
            note_live(one, &mut live, report);
        }
        if is_last {
            break;
        }
        after = upto;
    }
    one_live_each(stores, live, report).await
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

fn judge(one: &Gathered, report: &mut Report) {
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
    let states: Vec<State> = one.history.iter().map(|entry| entry.state).collect();
    let history =
        checks::HistoryOf { transition: transition.id, states: &states, state: one.stored.state, has_ended: one.stored.ended_at.is_some() };
    report.add(checks::moves_are_legal(&history, is_legal, State::is_end, State::NeedsOperator));
    let same_end = one.history.last().map_or("", |entry| entry.hash.as_str()) == one.stored.history_hash;
    let broken_at = first_break(one.stored.head.id, &one.history);
    report.add(checks::history_is_whole(transition.id, one.stored.history as usize, one.history.len(), broken_at, same_end));
    if transition.stand == Stand::UnderWay {
        return;
    }
    report.add(checks::completed_wholly(transition));
    report.add(checks::plans_in_use_are_active(transition));
    report.add(checks::as_it_was(transition));
    report.add(checks::undone_wholly(transition));
}

fn note_live(one: &Gathered, live: &mut Live, report: &mut Report) {
    let head = &one.stored.head;
    if one.transition.stand.is_end() {
        report.add(checks::one_live_transition(convert::id(head.customer_id), &[]));
    } else {
        live.entry((head.partner_id, head.customer_id)).or_default().push(head.id);
    }
}

/// Customers with transitions that are not at an end. Of two that were seen one after the other the first may have ended
/// meanwhile, so they are looked at together.
async fn one_live_each(stores: &Stores, live: Live, report: &mut Report) -> Result<(), StorageError> {
    for ((_, customer), ids) in live {
        let ids = if ids.len() > 1 {
            let again = inspect::transitions(&stores.coordinator, &ids).await?;
            again.iter().filter(|transition| !transition.state.is_end()).map(|transition| transition.head.id).collect()
        } else {
            ids
        };
        let ids: Vec<Id> = ids.into_iter().map(convert::id).collect();
        report.add(checks::one_live_transition(convert::id(customer), &ids));
    }
    Ok(())
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
