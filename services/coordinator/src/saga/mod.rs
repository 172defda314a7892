//! The saga: one pure function, `(state, what happened, now) -> (state', what to send)`.
//!
//! Production, the model checker and the simulator call this same function. It knows no database and no message: it counts
//! packets, and says which commands are to go out. The shell around it loads, commits, publishes, acknowledges.
//!
//! | file | holds |
//! |---|---|
//! | `moves` | the table of legal moves; any other move is an error |
//! | `state` | what the saga remembers: of fixed size, however many lines a transition has |
//! | `event` | what can happen, and what follows |
//! | `decide` | the function |
//! | `explain` | in words: the rule that it is at, and what it waits for |
//! | `paused` | steps that are paused for everyone |
//! | `forward`, `compensation` | the way on and the way back |

mod compensation;
mod decide;
mod event;
mod explain;
mod forward;
mod moves;
mod paused;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{decide, left_at, pending, under_way};
pub use event::{ActKind, Answer, Checked, Decision, Event, Known, Note, Send, Which};
pub use explain::{rule, waits_for};
pub use moves::{IllegalMove, MOVES, is_legal};
pub use paused::{Hold, Paused};
pub use state::{Limits, Rules, Saga, Tally};
