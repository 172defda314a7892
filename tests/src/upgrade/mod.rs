//! What a released version left behind, and how it is had: `tests/upgrade/VERSION`.
//!
//! | module | holds |
//! |---|---|
//! | [`kept`] | what is kept of a version, read back into a database, a virtual host or a data folder |
//! | [`message`] | a message as a broker carries it, on a line of JSON; taken from queues, and published again |
//! | [`schema`] | does one version read what the other wrote? |
//! | [`keep`] | a version's programs, stopped with transitions in every state: what `tests/run keep` does at a release |

pub mod keep;
pub mod kept;
pub mod message;
pub mod schema;
