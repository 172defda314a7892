//! A check for each invariant that shows in what is stored, or to a service while it runs.
//!
//! | file | invariants |
//! |---|---|
//! | `ownership` | I2 |
//! | `order` | I3 |
//! | `ends` | I4, I13, I16, S1 |
//! | `plans` | I7, I8, I23 |
//! | `unchanged` | I9 |
//! | `customers` | I10 |
//! | `completeness` | I12 |
//! | `history` | I14, I19 |
//! | `saga` | S2, S6 |
//! | `usage` | I20, and I2 of a copy |
//!
//! By a service, of what it has in memory anyway:
//!
//! | file | invariants |
//! |---|---|
//! | `progress` | the saga's counts: I3, I4, I7, I12, I16, I21, S1 to S4, S6 |
//! | `effects` | effects in the moment that they are had: I2, I11, I19, I23 |

mod completeness;
mod customers;
mod effects;
mod ends;
mod history;
mod order;
mod ownership;
mod plans;
mod progress;
mod saga;
mod unchanged;
mod usage;

pub use completeness::{Count, lines_are_counted, lines_are_whole, nothing_is_left};
pub use customers::one_live_transition;
pub use effects::{bought_at_most_once, change_is_told, changes_on_the_hour, every_change_is_stored, had_once};
pub use ends::{as_it_was, completed_wholly, plans_in_use_are_active, undone_wholly};
pub use history::{ChainOf, HistoryOf, chain_is_whole, history_is_whole, moves_are_legal, seal_holds};
pub use order::{CLOCK_TOLERANCE, suspended_last};
pub use ownership::{Attached, owner_follows_attachment, points_are_sound};
pub use plans::{one_active_plan, one_bought_plan, one_plan_each, reseller_is_kept};
pub use progress::{
    completes_by_evidence, gives_everything_back, goes_on, maps_under_every_plan, never_turns_past_the_pivot, no_line_is_skipped,
    suspends_last, undo_is_proven, was_commanded,
};
pub use saga::{effects_were_commanded, is_known, nothing_undone_past_the_pivot};
pub use unchanged::{azure_ids_are_kept, roles_are_kept};
pub use usage::{UsageOwned, copied_points_are_mappings, usage_follows_ownership};
