//! What must hold: while it runs, when it has come to rest, and in what is stored then.
//!
//! | file | holds |
//! |---|---|
//! | `watch` | what is published: versions, moves, counts, the order of the steps |
//! | `order` | who begins: interactive before background, within the limits, partners by weight |
//! | `rest` | is everything at rest, and nothing forgotten? |
//! | `stored` | every invariant that shows in what is stored, by the check that `planshift verify` makes |
//! | `effects` | each effect once, by the ledgers and by the tables |
//! | `outside` | what is there outside is what the ledgers say |

mod effects;
mod order;
mod outside;
mod rest;
mod stored;
mod watch;

pub use effects::effects;
pub use order::Order;
pub use outside::outside;
pub use rest::{Unrest, dead_letters, needs_operator, unrest};
pub use stored::stored;
pub use watch::Watch;

use planshift_storage::{Args, Row, Statement, StorageError};
use std::{collections::BTreeSet, fmt};
use uuid::Uuid;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The check that found it: an invariant's id, or a name of the simulation's own.
    pub check: String,
    /// In words.
    pub text: String,
    /// What it is about: transitions, customers, subscriptions, as far as they are known.
    pub about: BTreeSet<Uuid>,
}

impl Finding {
    /// A finding about these.
    pub fn new(check: &str, text: impl Into<String>, about: impl IntoIterator<Item = Uuid>) -> Self {
        Self { check: check.to_owned(), text: text.into(), about: about.into_iter().collect() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.text)
    }
}

/// The rows of a reading statement without arguments.
fn rows(store: &crate::store::MemoryStore, statement: &Statement) -> Result<Vec<Row>, StorageError> {
    store.look(statement, Args::new())
}
