//! The shell around the decision: loads, decides, commits; what is to be published comes back to the caller.
//!
//! A *turn* is one batch: one transaction with a handful of set-based statements, however many messages and transitions it is
//! about. Every decision locks its transition's row first, so that two replicas with the last two packets cannot both miss the
//! other.
//!
//! | file | holds |
//! |---|---|
//! | `input` | messages read: what the turn is about |
//! | `work` | one transition within a turn: its saga, and the rows that change with it |
//! | `answers` | a worker's answer, as events for the saga and as changes of rows |
//! | `starts`, `imports` | the requests that come before there is a transition |
//! | `acts` | what people do to transitions, each request once |
//! | `admission` | who begins, of those who wait in line |
//! | `shares` | how partners share what may be under way |
//! | `audit` | what is added to customers' chains |
//! | `exchange` | what was sent and got, as an entry of a history |
//! | `questions` | what operators ask, and acts about steps |
//! | `output` | commands, events and answers built from what was written |
//! | `sent` | which versions' messages were confirmed |
//! | `checks` | the invariants that the coordinator sees, asked at every step |
//! | `turn` | the transaction that joins them |

mod acts;
mod admission;
mod answers;
mod audit;
mod checks;
mod exchange;
mod imports;
mod input;
mod measure;
mod output;
mod questions;
mod sent;
mod shares;
mod starts;
mod turn;
mod work;

pub use input::{Asker, Input, Question};
pub use sent::Told;
pub use turn::{Engine, Turn};
