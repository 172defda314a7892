//! Moving customers through the API: import, start or adopt, wait, and what it came to.

mod adopt;
mod fleet;
mod settle;

pub use fleet::{Fleet, Saw, move_all};
pub use settle::{settle, settled_view};
