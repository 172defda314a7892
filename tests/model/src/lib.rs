//! The saga, model-checked.
//!
//! (module documentation follows)

pub mod action;
pub mod bounds;
pub mod configurations;
pub mod decision;
pub mod goals;
pub mod judge;
pub mod message;
pub mod model;
pub mod report;
pub mod rules;
pub mod sent;
pub mod snapshot;
pub mod starts;
pub mod step;
pub mod symmetry;
pub mod turn;
pub mod twin;
pub mod way;
pub mod worker;
