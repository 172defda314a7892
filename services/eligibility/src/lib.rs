//! The eligibility worker: may this customer move?
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | the rules, pure: facts in, findings out |

pub mod rules;
