//! What lasts: the chain of entries of a customer, the dossier that a third party can check, and the check.
//!
//! | file | holds |
//! |---|---|
//! | `canonical` | JSON in its one form, and its SHA-256 |
//! | `change` | a change through the API, as audit records name it |
//! | `entry` | an entry of a customer's chain, and how it is chained to the one before it |
//! | `exchange` | messages sent and answers got in a turn, as an entry of a transition's history tells them |
//! | `dossier` | everything about a customer, written piece by piece in its canonical form |
//! | `check` | the check of a dossier, without any database |
//! | `rows` | is what a history tells what the rows say? |

mod canonical;
mod change;
mod check;
mod dossier;
mod entry;
mod exchange;
mod rows;

pub use canonical::{canonical, sha256};
pub use change::{Change, Operation};
pub use check::{Checked, Fault, NoDossier, check};
pub use dossier::{ChainEnd, Customer, DossierWriter, Exported, FORMAT, HistoryEnd, TransitionPart, Whole};
pub use entry::{CustomerChain, CustomerEntry, Seal, event};
pub use exchange::{EXCHANGED, Exchange, Got, exchanged};
pub use rows::faults;
