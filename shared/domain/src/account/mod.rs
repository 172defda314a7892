//! The account document: what a partner exports from Partner Center for the customers it wants to move.
//!
//! A document is read twice, each time as a stream: [`check`] looks at all of it and refuses it whole where it has a
//! fault, [`read`] then hands out its customers one at a time. Neither holds more than one customer. It may also be in lines
//! ([`Format::Lines`]), checked by [`check_as`].
//!
//! | module | holds |
//! |---|---|
//! | [`codes`] | the blocking rules and the warnings: codes, scopes, order |
//! | [`document`] | `check` and `read` |
//! | [`facts`] | what workers need to know, small enough for a message |
//! | [`fault`] | what is wrong with a document, where, and what was expected |
//! | [`sample`] | writes a valid document of any size |
//! | [`scope`] | what a transition is about, as far as the document says |

pub mod codes;
pub mod document;
pub mod facts;
pub mod fault;
pub mod sample;
pub mod scope;

mod customer;
mod fields;
mod input;
mod lines;
mod node;
mod objects;
mod parse;
mod parts;
mod seen;
mod shape;
mod walk;

pub use customer::KEPT_ITEMS as KEPT_AGREEMENTS;
pub use document::{Checked, Format, check, check_as, read};
pub use fault::{DocumentError, Fault, Faults};
pub use parts::parts_of;
