//! What every worker is: take a batch, do it in one transaction, reply, acknowledge.
//!
//! | module | holds |
//! |---|---|
//! | [`ports`] | clock, ids, spawning, and the rest that a simulator replaces |
//! | [`run`] | the loop: take, handle, publish with confirms, settle; what fails, and what then |
//! | [`codec`] | messages read and written; who may send what |
//! | [`alive`] | that a service lives here, told to the gateways |
//! | [`answer`] | replies: their ids, their trace |
//! | [`step`] | the worker of a step: packets, the effect ledger, answers |
//! | [`provisioner`] | effects that are first had from a system outside |
//! | [`facts`] | the versions of customers' facts that a worker has |
//! | [`metrics`] | what is counted and measured |
//! | [`traced`] | spans: of messages, of statements |
//! | [`unpacked`] | whose messages travel alone |
//! | [`watched`] | the invariants that services see, counted |
//! | [`health`] | `/healthz`, `/readyz`, `/metrics` |
//! | [`host`] | a process with one service in it: settings, signals, drain |

pub mod alive;
pub mod answer;
pub mod codec;
pub mod facts;
pub mod health;
pub mod host;
pub mod metrics;
mod notices;
pub mod ports;
pub mod provisioner;
pub mod run;
mod running;
pub mod step;
pub mod traced;
pub mod unpacked;
pub mod watched;

pub use planshift_messaging::Service;
pub use ports::Ports;
pub use run::{End, HandleError, Handled, Handler};
pub use running::Running;
pub use tokio_util::sync::CancellationToken;
