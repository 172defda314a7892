//! The vocabulary of Planshift: what a partner, a plan, a transition and a message are. No I/O, no async.
//!
//! | module | holds |
//! |---|---|
//! | [`ids`] | the identifiers that people confuse, each a type of its own |
//! | [`time`] | instants in UTC, whole hours |
//! | [`account`] | the account document: its shape, its faults, and the facts cut from it |
//! | [`transition`] | states, lines, plans, reasons, warnings, failures |
//! | [`step`] | the four steps and their kinds |
//! | [`ownership`] | who is billed for an Azure subscription from when |
//! | [`history`] | what happened to a transition, hash-chained |
//! | [`audit`] | what happened to a customer, hash-chained; the dossier that a third party can check |
//! | [`message`] | commands, replies, requests, answers, events |
//! | [`report`] | what failed, what was undone, who must do what next |
//! | [`said`] | what is kept in English of all this, as sentences that can be read back and said in French |
//! | [`view`] | a transition as people and programs see it |

pub mod account;
pub mod audit;
pub mod history;
pub mod ids;
pub mod message;
pub mod ownership;
pub mod report;
pub mod said;
pub mod step;
pub mod time;
pub mod transition;
pub mod view;
