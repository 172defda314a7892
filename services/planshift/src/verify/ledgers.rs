//! What the four effect ledgers say of a stretch of transitions.

use super::{PAGE, Report, Stores, convert, gather::unknown};
use planshift_coordinator::inspect::Stretch;
use planshift_domain::ids::TransitionId;
use planshift_invariants::data::{Ledger, Step};
use planshift_storage::{
    StorageError,
    ledger::{LedgerKey, marks},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The ledgers of a stretch, by transition. Of transitions that are not ours it is only looked whether the coordinator knows them.
type Ledgers = HashMap<TransitionId, Ledger>;

/// Reads them from the last step to the first: what is seen of an effect, that which it needed is seen too.
pub(super) async fn read(
    stores: &Stores,
    stretch: Stretch,
    is_ours: impl Fn(TransitionId) -> bool,
    report: &Report,
) -> Result<Ledgers, StorageError> {
    let mut ledgers = Ledgers::default();
    for (step, database) in [
        (Step::Suspension, &stores.suspension),
        (Step::Mapping, &stores.mapping),
        (Step::Purchasing, &stores.purchasing),
        (Step::Eligibility, &stores.eligibility),
    ] {
        // behind every step of the transition before
        let mut after = stretch.after.map(|last| LedgerKey { transition: last.0, step: "~".to_owned(), item: String::new() });
        loop {
            let rows = marks(database, after.as_ref(), stretch.upto.map_or(Uuid::max(), |id| id.0), PAGE).await?;
            let mut others = BTreeSet::new();
            for row in &rows {
                let transition = TransitionId(row.key.transition);
                if is_ours(transition) {
                    convert::enter(ledgers.entry(transition).or_default(), step, row);
                } else {
                    others.insert(transition);
                }
            }
            unknown(stores, "an effect ledger", others, report).await?;
            if rows.len() < PAGE as usize {
                break;
            }
            after = rows.into_iter().next_back().map(|row| row.key);
        }
    }
    Ok(ledgers)
}
