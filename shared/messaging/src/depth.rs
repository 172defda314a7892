//! What is to be seen of a broker from outside: for those who watch it.

/// How much a queue holds, and how many consume it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be delivered now. What was delivered and is not settled is not among them: over AMQP that is not to be had.
    pub ready: u64,
    /// Consumers.
    pub consumers: u64,
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
