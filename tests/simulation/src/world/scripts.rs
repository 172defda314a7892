//! What is asked for about a customer, and when.

use super::{Import, seconds};
use crate::chance::Chance;
use planshift_domain::{
    account::facts::{CustomerPart, PartnerFacts},
    message::request::Priority,
};
use std::time::Duration;

/// What is asked for about one customer, in order.
#[derive(Clone, Debug)]
pub struct Script {
    /// Whose customer.
    pub partner: PartnerFacts,
    /// The customer, whole.
    pub part: CustomerPart,
    /// Who waits for it.
    pub priority: Priority,
    /// What is asked for.
    pub asks: Vec<Ask>,
}

/// Something that is asked for, after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Let the time pass.
    Wait(Duration),
    /// Start a transition.
    Start,
    /// Start one twice at the same time, as two people would.
    StartTwice,
    /// Cancel the transition that was started last.
    Cancel,
    /// Accept its failure as it is.
    Close,
    /// Import the customer again.
    Import,
}

/// `background` is the share of customers that nobody waits for, and `priorities` a stream of its own.
pub(super) fn draw(chance: &mut Chance, (background, priorities): (f64, &mut Chance), import: &Import) -> Vec<Script> {
    let script = |part: &CustomerPart| Script {
        partner: import.partner.clone(),
        part: part.clone(),
        priority: if priorities.happens(background) { Priority::Background } else { Priority::Interactive },
        asks: asks(chance),
    };
    import.parts.iter().map(script).collect()
}

fn asks(chance: &mut Chance) -> Vec<Ask> {
    let mut asks = vec![Ask::Wait(seconds(chance, 60))];
    // a second round moves a customer whose first transition was undone, or finds that nothing is left to be moved
    for _ in 0..*chance.pick(&[1, 1, 1, 2, 3]) {
        if chance.happens(0.1) {
            asks.extend([Ask::Import, Ask::Wait(seconds(chance, 3))]);
        }
        asks.push(if chance.happens(0.2) { Ask::StartTwice } else { Ask::Start });
        if chance.happens(0.35) {
            let wait = chance.time(Duration::from_millis(1), Duration::from_secs(60));
            asks.extend([Ask::Wait(wait), Ask::Cancel]);
        }
        asks.push(Ask::Wait(seconds(chance, 90)));
        if chance.happens(0.15) {
            asks.push(Ask::Close);
        }
        if chance.happens(0.1) {
            asks.push(Ask::Import);
        }
    }
    asks
}
