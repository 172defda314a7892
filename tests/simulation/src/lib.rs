//! The real services, their libraries unchanged, on a simulated broker, store and clock, from one seed.
//!
//! One thread, one source of chance: the same seed gives the same run, byte for byte. Messages are doubled, late, overtaken and
//! redelivered; confirms are lost and messages returned; transactions fail, and commits are not heard; processes crash at any
//! await point, stand still, become slow, and are cut off for minutes. Then the trouble is over, and everything must come to rest
//! with nothing forgotten, nothing done twice, and every invariant kept.
//!
//! | module | holds |
//! |---|---|
//! | [`chance`] | numbers by chance |
//! | [`sim`] | the machine: tasks, clock, processes, the services' ports |
//! | [`broker`], [`store`] | the two other ports, in memory, each under its conformance suite |
//! | [`weather`] | what goes wrong on the way to them |
//! | [`outside`] | the systems that have effects first |
//! | [`world`] | what a seed is about |
//! | [`fleet`], [`client`] | the services, and whoever asks them |
//! | [`run`] | a seed, from its beginning to its end |
//! | [`checks`] | what must hold |
//! | [`tally`] | how often each thing went wrong |
//! | [`trace`] | what happened |
//! | [`twins`] | deliberate defects, which must be found |
//! | [`many`] | seeds by the thousand, twins |

pub mod broker;
pub mod chance;
pub mod checks;
pub mod client;
pub mod fleet;
pub mod many;
pub mod outside;
pub mod run;
pub mod sim;
pub mod store;
pub mod tally;
pub mod trace;
pub mod twins;
pub mod weather;
pub mod world;
