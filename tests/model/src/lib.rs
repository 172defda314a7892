//! The saga, model-checked: every order of messages, crashes and faults within bounds.
//!
//! The decision (`planshift_coordinator::saga::decide`) and the rules of the effect ledger (`planshift_storage::ledger::decide`) are
//! production's own. What is modelled is the shell around them: turns with commit, publish and acknowledge; workers; a network that
//! loses, doubles and reorders; two replicas and what each remembers; time. `docs/testing/model.md` says what is left out.
//!
//! | file | holds |
//! |---|---|
//! | `bounds`, `configurations` | how large, how many faults; what is explored in the end |
//! | `model`, `action`, `step` | the model: what may happen, and what it comes to |
//! | `snapshot`, `message`, `sent` | a state of it |
//! | `turn`, `decision`, `worker` | the coordinator's turn, the decision within it, a worker's transaction |
//! | `rules`, `judge`, `way` | what is checked: the catalogue's invariants, and that an end can be reached |
//! | `goals` | what an exploration must have met |
//! | `symmetry` | states that differ only in names are one |
//! | `starts` | a second model: two starts for one customer |
//! | `twin` | deliberate defects that must be caught |
//! | `report` | explores, and tells |

pub mod action;
pub mod bounds;
pub mod configurations;
pub mod decision;
pub mod goals;
pub mod judge;
pub mod message;
pub mod model;
pub mod report;
pub mod rules;
pub mod sent;
pub mod snapshot;
pub mod starts;
pub mod step;
pub mod symmetry;
pub mod turn;
pub mod twin;
pub mod way;
pub mod worker;
