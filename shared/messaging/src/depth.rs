//! What is to be seen of a broker from outside: for those who watch it.

/// How much a queue holds, and how many consume it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be delivered now. What was delivered and is not settled is not among them: over AMQP that is not to be had.
    pub ready: u64,
    /// Consumers.
    pub consumers: u64,
}

/// A queue, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSeen {
    /// Its name on the broker.
    pub name: String,
    /// What is in it.
    pub looked: Looked,
}

/// What a look at a queue has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// So much.
    Holds(Depth),
    /// It is not there.
    Missing,
    /// This user may not look at it.
    Hidden,
}

/// A connection to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionState {
    /// What it is for: `publishing`, `consuming`.
    pub name: &'static str,
    /// Connected, and neither lost nor blocked.
    pub is_up: bool,
    /// How often it was made since the process was started.
    pub made: u64,
}
