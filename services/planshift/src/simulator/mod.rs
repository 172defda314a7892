//! An outside system for tests and trials: it keeps its contract (`docs/provisioner.md`) and has the troubles that are asked for.
//!
//! | file | holds |
//! |---|---|
//! | `trouble` | what becomes of a call: latency, 429, 5xx after the effect, silence |
//! | `http` | the routes, and the account of everything that was asked |

mod http;
mod trouble;

pub use http::{Simulator, router};
pub use trouble::Troubles;
