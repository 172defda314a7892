//! The command line of Planshift, and the host of all its services in one process.
//!
//! Everything that acts on transitions is a client of the HTTP API. `run`, `serve` and `demo` host all services in this
//! process; without `--api`, a run is a client of what it hosts itself. So there is one path, embedded and distributed.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | what may be typed |
//! | [`settings`] | what options and environment mean together |
//! | [`tokens`] | the tokens that a hosted API takes, and the one that a client sends |
//! | [`commands`] | a file for each command |
//! | [`document`] | the account document of a run: checked, and cut down to the chosen customers |
//! | [`client`] | the client of the API |
//! | [`doctor`] | what is wrong with a set-up, and how to mend it |
//! | [`moving`] | import, start or adopt, wait |
//! | [`host`] | all services in this process |
//! | [`output`] | tables, progress, JSON |
//! | [`verify`] | the invariants, checked on what is stored |
//! | [`simulator`] | an outside system for tests and trials |
//! | [`exit`] | exit codes and failures |

pub mod cli;
pub mod client;
pub mod commands;
pub mod doctor;
pub mod document;
pub mod exit;
pub mod host;
pub mod logs;
pub mod moving;
pub mod output;
pub mod settings;
pub mod simulator;
pub mod tokens;
pub mod verify;
