//! Broken twins: the same system with one deliberate defect, which the checks must find. A check that cannot fail proves nothing.
//!
//! The services stay as they are. A defect is made from outside: by a hand in the database (`hands`), between a service and
//! the broker (`twists`), or in its calls of an outside system (`calls`).

mod calls;
mod hands;
mod twists;

use crate::{fleet::Wrap, outside::Hands, store::Sabotage};
use planshift_coordinator::{Line, Weights};
use planshift_messaging::Service;
use std::sync::Arc;

/// A system with one defect.
pub struct Twin {
    /// Its name.
    pub name: &'static str,
    /// The defect, in words.
    pub defect: &'static str,
    /// Whose hand is in the database of a service, under a seed.
    pub sabotage: fn(Service, u64) -> Option<Arc<dyn Sabotage>>,
    /// What stands between a service and the broker.
    pub wrap: Option<Wrap>,
    /// Whose hands are in the systems outside.
    pub outside: Option<Hands>,
    /// What the coordinator's limits are in place of what they should be.
    pub line: Option<fn(&mut Line)>,
}

const fn in_the_store(name: &'static str, defect: &'static str, sabotage: fn(Service, u64) -> Option<Arc<dyn Sabotage>>) -> Twin {
    Twin { name, defect, sabotage, wrap: None, outside: None, line: None }
}

const fn before_the_broker(name: &'static str, defect: &'static str, wrap: Wrap) -> Twin {
    Twin { name, defect, sabotage: |_, _| None, wrap: Some(wrap), outside: None, line: None }
}

const fn in_the_calls(name: &'static str, defect: &'static str, hands: Hands) -> Twin {
    Twin { name, defect, sabotage: |_, _| None, wrap: None, outside: Some(hands), line: None }
}

const fn in_the_settings(name: &'static str, defect: &'static str, line: fn(&mut Line)) -> Twin {
    Twin { name, defect, sabotage: |_, _| None, wrap: None, outside: None, line: Some(line) }
}

/// All of them; first the one that takes longest, so that no thread has it alone in the end.
pub const TWINS: &[Twin] = &[
    before_the_broker("acknowledge-before-commit", "a message is acknowledged before it is handled", twists::acknowledge_first),
    in_the_store("no-fence", "an undo that comes before its command leaves nothing behind", hands::no_fence),
    in_the_store("no-ledger", "a command that comes again finds nothing in the ledger, and has its effect again", hands::no_ledger),
    in_the_store("publish-before-commit", "answers and events go out before the transaction is committed", hands::publish_before_commit),
    in_the_store("lost-commit", "a commit says that it happened, and did not", hands::lost_commit),
    in_the_store("half-transaction", "each statement of a transaction commits itself", hands::half_transaction),
    in_the_store("commit-on-drop", "a transaction that is cut off is committed", hands::commit_on_drop),
    in_the_store("no-customer-lock", "a customer may have two transitions at once", hands::no_customer_lock),
    in_the_store("stale-answers", "an answer that was counted is counted again", hands::stale_answers),
    in_the_store("no-recovery", "nobody looks for output that was never sent", hands::no_recovery),
    in_the_store("events-without-versions", "the read model takes every event, also an older one", hands::events_without_versions),
    in_the_store("plans-left-active", "the undo of a purchase says that it is done, and leaves the plan active", hands::plans_left_active),
    in_the_store("lines-not-released", "the undo of a check leaves its lines behind", hands::lines_not_released),
    in_the_store("ownership-kept", "the undo of a mapping does not give the ownership of usage back", hands::ownership_kept),
    in_the_store("intervals-overlap", "ownership of usage changes hands within an hour: both are billed for it", hands::intervals_overlap),
    in_the_store("no-history", "changes of state are not written down", hands::no_history),
    in_the_store("limit-ignored", "nobody counts how many are under way", hands::limit_ignored),
    in_the_store("line-forgotten", "nobody looks who waits in line", hands::line_forgotten),
    in_the_store("background-first", "those in the background begin before the interactive ones", hands::background_first),
    in_the_store("background-unlimited", "nobody counts how many are under way in the background", hands::background_unlimited),
    in_the_store("shares-uncounted", "nobody counts how much of each partner is under way", hands::shares_uncounted),
    in_the_settings("shares-by-number", "partners share by number, and not by weight", |line| line.weights = Weights::default()),
    in_the_store("held-forgotten", "nobody looks who was held at a step that goes on", hands::held_forgotten),
    before_the_broker("no-confirms", "nobody waits for the broker's confirms", twists::no_confirms),
    before_the_broker("undo-in-the-wrong-order", "plans are put away before the mappings are undone", twists::undo_in_the_wrong_order),
    before_the_broker("packet-answered-in-part", "a packet is answered when half of it is done", twists::answered_in_part),
    before_the_broker("ends-not-told", "nobody tells what became of a redriven message", twists::ends_not_told),
    before_the_broker("answer-before-effect", "mapping answers before it does anything", twists::answer_before_effect),
    in_the_store("no-intent", "nothing is written down before an outside system is called", hands::no_intent),
    in_the_calls("fence-not-told-outside", "a fence is written here, and the system outside is not told", calls::fence_not_told),
    in_the_calls("key-without-a-memory", "a call that is repeated has another key", calls::another_key),
    in_the_calls("silence-is-success", "an effect counts as had when it was asked for", calls::asked_is_had),
    in_the_calls("no-fence-outside", "the system outside forgets a key that is undone", calls::forgets_the_undone),
];
