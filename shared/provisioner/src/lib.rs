//! The provisioner port over HTTP: an outside system has the effect of a step first, and this program follows.
//!
//! | file | holds |
//! |---|---|
//! | `client` | calls, and what their answers mean |
//! | `retry_after` | when to come again |
//! | `settings` | `PLANSHIFT_MAPPING_PROVISIONER_URL` and the rest |
//! | `effects` | the outside system itself, as simple as it can be: in memory, for the simulator and for tests |
//!
//! What is asked for when, and what a crash leaves behind, is the worker's: `planshift_worker::provisioner` and its `step`. The
//! contract for those who implement an outside system is `docs/provisioner.md`.

mod client;
pub mod effects;
mod retry_after;
mod settings;

pub use client::{HttpProvisioner, InvalidClient};
pub use settings::{InvalidSetting, Settings, Variables, from_process, from_variables};
