//! Every invariant of Planshift: its id, one line of what must hold, where it can be checked, and the check. Standard library only.
//!
//! | module | holds |
//! |---|---|
//! | [`catalogue`] | all of them, whether they are checked here or elsewhere |
//! | [`data`] | what a check looks at: plain values, whoever has read them |
//! | [`checks`] | a small function for each invariant that shows in what is stored |
//! | [`checked`] | what a check says |
//!
//! A check looks at one transition, one customer or one Azure subscription at a time, so that a reader may stream. It judges
//! what it is given: whether something is still in motion is the reader's to know. Each has a broken twin in its tests, since a
//! check that cannot fail is a defect.

pub mod catalogue;
pub mod checked;
pub mod checks;
pub mod data;
#[cfg(test)]
mod samples;

pub use catalogue::{CATALOGUE, Invariant, Place, find};
pub use checked::{Checked, Violation};
