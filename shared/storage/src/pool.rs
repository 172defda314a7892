//! What is to be seen of a store's connections: for those who watch it.

use std::time::Duration;

/// The connections of a store at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// Open, and in nobody's hands.
    pub idle: u32,
    /// Open, and in somebody's hands (or on its way into them).
    pub used: u32,
    /// As many as there may be.
    pub most: u32,
}

/// Is told how long somebody has waited for a connection, whether it came or not. It must not wait itself.
pub type AcquireObserver = Box<dyn Fn(Duration) + Send + Sync>;
