//! The kit of the whole-system tests: it drives the real programs from outside, as a user does.
//!
//! | module | what it gives |
//! |---|---|
//! | [`program`] | the built programs, started with a clean environment, their output kept, killed when dropped |
//! | [`wait`] | waiting for a condition with a deadline, never for a fixed time |
//! | [`http`] | requests to the API and to administration addresses |
//! | [`place`] | where things are kept: a data folder, or a database and a virtual host of a test's own |
//! | [`cluster`] | every service as a process of its own, to be killed, stopped and started again |
//! | [`accounts`] | account documents: the samples with their expected outcomes, and generated ones |
//! | [`outcome`] | what `run --json` printed: its shape, and the evidence in it |
//! | [`own`] | a broker user and a database role for each service, with the rights that are shipped |
//! | [`receiver`] | a receiver of webhooks |
//! | [`otlp`], [`picture`] | an OTLP receiver, and a trace that it got as a picture |
//! | [`monitoring`] | the metrics that there are, rules and dashboards that ask for them, a real Prometheus |
//! | [`stored`] | what is stored, read past the services: that every effect happened exactly once |
//! | [`upgrade`] | what released versions left behind, and how it is kept |
//! | [`chaos`] | not for tests: the chaos of `tests/run chaos`, with a TCP proxy that misbehaves |
//! | [`mod@bench`] | not for tests: the benchmark of `tests/run bench` |
//!
//! The tests are in `tests/system_*.rs`. A test that needs servers reads their addresses from the environment; see
//! [`servers`]. The programs are those of `PLANSHIFT_BIN_DIR`, by default those next to the test's own program.

pub mod accounts;
pub mod bench;
pub mod chaos;
pub mod cluster;
pub mod http;
pub mod letters;
pub mod monitoring;
pub mod otlp;
pub mod outcome;
pub mod outside;
pub mod own;
pub mod picture;
pub mod place;
pub mod program;
pub mod receiver;
pub mod servers;
pub mod stored;
pub mod upgrade;
pub mod wait;

use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// The tests are plain functions; what is asynchronous in the kit runs here.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime for the tests"));

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}
