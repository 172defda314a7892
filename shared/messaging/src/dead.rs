//! Dead letters: what is known about a message that was given up.

/// Why and where a message was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The code: the settling service's own (`UnknownType`, …), or the broker's (`delivery_limit`, `rejected`, `expired`, `maxlen`)
    /// where the broker itself gave it up.
    pub reason: String,
    /// The name of the queue that it died in.
    pub queue: String,
    /// How often it was tried, the last time included (and every retry of the dead letter itself).
    pub attempts: u32,
    /// In words; empty where the broker itself gave it up.
    pub description: String,
}
