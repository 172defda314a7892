//! The lines of a stretch of transitions, each with what mapping, suspension and eligibility have of it.

use super::{PAGE, Stores, convert};
use futures::try_join;
use planshift_coordinator::inspect::{self, Head, Stretch};
use planshift_domain::ids::TransitionId;
use planshift_invariants::data::Line;
use planshift_storage::StorageError;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many lines are held at once, unless one transition alone has more. What a transition says of itself decides how long a
/// stretch is; but by the time its lines are read it may have got them, and what is stored need not be what it says.
const LINES: usize = 40_000;

/// The lines of a stretch.
#[derive(Default)]
pub(super) struct Lines {
    /// By transition.
    pub of: HashMap<TransitionId, Vec<Line>>,
    /// Transitions that lines name and that were not told of.
    pub others: BTreeSet<TransitionId>,
    /// The last transition, where there were too many to come to the end of the stretch.
    pub cut: Option<TransitionId>,
}

/// Reads them. While the workers are asked about a page, the next one comes.
pub(super) async fn read(stores: &Stores, heads: &BTreeMap<TransitionId, Head>, stretch: Stretch) -> Result<Lines, StorageError> {
    let mut lines = Lines::default();
    let mut count = 0;
    let mut page = inspect::lines(&stores.coordinator, stretch, None, PAGE).await?;
    loop {
        let next = async {
            match page.last() {
                Some(last) if page.len() == PAGE as usize => inspect::lines(&stores.coordinator, stretch, Some(last), PAGE).await,
                _ => Ok(Vec::new()),
            }
        };
        let (known, next) = try_join!(with_workers(stores, heads, &page), next)?;
        for (transition, line) in known {
            lines.of.entry(transition).or_default().push(line);
        }
        lines.others.extend(page.iter().map(|line| line.transition).filter(|transition| !heads.contains_key(transition)));
        count += page.len();
        let Some(next_one) = next.first().map(|line| line.transition) else { return Ok(lines) };
        if count >= LINES && cut_before(next_one, &page, &mut lines) {
            return Ok(lines);
        }
        page = next;
    }
}

/// Ends the stretch with the last transition that is whole, unless there is none.
fn cut_before(next: TransitionId, page: &[inspect::Line], lines: &mut Lines) -> bool {
    let is_whole = page.last().is_none_or(|last| last.transition != next);
    let whole = lines.of.keys().chain(&lines.others).filter(|id| is_whole || **id != next).max().copied();
    if whole.is_some() && !is_whole {
        lines.of.remove(&next);
        lines.others.remove(&next);
    }
    lines.cut = whole;
    whole.is_some()
}

async fn with_workers(
    stores: &Stores,
    heads: &BTreeMap<TransitionId, Head>,
    page: &[inspect::Line],
) -> Result<Vec<(TransitionId, Line)>, StorageError> {
    let keyed = || page.iter().filter_map(|line| heads.get(&line.transition).map(|head| (head, line)));
    let azure: Vec<_> = keyed().map(|(head, line)| (head.partner_id, line.azure)).collect();
    let marks: Vec<_> = keyed().map(|(head, line)| (head.partner_id, head.customer_id, line.azure)).collect();
    let commerce: Vec<_> = keyed().map(|(head, line)| (head.partner_id, head.customer_id, line.commerce)).collect();
    let (attachments, legacy, marked) = try_join!(
        planshift_mapping::inspect::under_plans(&stores.mapping, &azure),
        planshift_suspension::inspect::commerce_subscriptions_of(&stores.suspension, &commerce),
        planshift_eligibility::inspect::lines_of(&stores.eligibility, &marks),
    )?;
    let attachments: HashMap<_, _> = attachments.iter().map(|row| (row.key, convert::attachment(row))).collect();
    let legacy: HashMap<_, _> =
        legacy.iter().map(|row| ((row.partner_id, row.customer_id, row.commerce_subscription_id), convert::legacy(row))).collect();
    let marked: HashMap<_, _> = marked.iter().map(|row| (row.key, convert::mark(row))).collect();
    let lines = keyed().zip(&azure).zip(marks.iter().zip(&commerce)).map(|(((head, line), azure), (mark, commerce))| {
        let line = Line {
            azure: convert::id(line.azure),
            commerce: convert::id(line.commerce),
            reseller: line.reseller.clone(),
            attachment: attachments.get(azure).copied(),
            legacy: legacy.get(commerce).copied(),
            mark: marked.get(mark).cloned(),
        };
        (head.id, line)
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::ids::{AzureSubscriptionId, CommerceSubscriptionId};
    use uuid::Uuid;

    fn id(n: u128) -> TransitionId {
        TransitionId(Uuid::from_u128(n))
    }

    fn read_so_far(of: &[u128]) -> (Vec<inspect::Line>, Lines) {
        let line = |transition: u128| inspect::Line {
            transition: id(transition),
            packet: 0,
            azure: AzureSubscriptionId(Uuid::nil()),
            commerce: CommerceSubscriptionId(Uuid::nil()),
            reseller: "none".to_owned(),
        };
        let of_each = of.iter().map(|transition| (id(*transition), Vec::new())).collect();
        (of.iter().copied().map(line).collect(), Lines { of: of_each, ..Lines::default() })
    }

    #[test]
    fn a_stretch_is_cut_where_a_transition_ends() {
        // the next line is of the transition that the page ended in: that one comes again
        let (page, mut lines) = read_so_far(&[1, 2, 3]);
        assert!(cut_before(id(3), &page, &mut lines));
        assert_eq!((lines.cut, lines.of.len()), (Some(id(2)), 2));
        let (page, mut lines) = read_so_far(&[1, 2, 3]);
        assert!(cut_before(id(4), &page, &mut lines));
        assert_eq!((lines.cut, lines.of.len()), (Some(id(3)), 3));
        // one transition alone is never cut
        let (page, mut lines) = read_so_far(&[3]);
        assert!(!cut_before(id(3), &page, &mut lines));
        assert_eq!((lines.cut, lines.of.len()), (None, 1));
    }
}
