//! Transitions that were started, and those that have ended.

use super::super::{
    document,
    driver::{Heard, Wire},
};
use planshift_domain::message::request::Priority;
use std::{
    collections::HashMap,
    ops::Range,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How long it may take until something is heard.
const HEARD_WITHIN: Duration = Duration::from_secs(120);

/// What was started through the queue, and has not ended.
pub struct Ends {
    wire: Wire,
    open: HashMap<Uuid, Uuid>,
    unanswered: usize,
}

impl Ends {
    /// Nothing started.
    pub fn of(wire: Wire) -> Self {
        Self { wire, open: HashMap::new(), unanswered: 0 }
    }

    /// How many of a partner have not ended.
    pub fn open(&self, partner: Uuid) -> usize {
        self.open.values().filter(|of| **of == partner).count()
    }

    /// Starts customers of a partner, all at once.
    pub fn start(&mut self, partner: Uuid, customers: Range<usize>, priority: Priority) -> Result<(), String> {
        customers.into_iter().try_for_each(|number| {
            let customer = document::customer(number);
            self.open.insert(customer, partner);
            self.unanswered += 1;
            self.wire.start(partner, customer, priority)
        })
    }

    /// The customer whose transition has ended, or nothing where something else was heard.
    async fn heard(&mut self) -> Result<Option<Uuid>, String> {
        let heard = tokio::time::timeout(HEARD_WITHIN, self.wire.heard()).await;
        match heard.map_err(|_| format!("nothing was heard for {} s", HEARD_WITHIN.as_secs()))?? {
            Heard::Accepted => self.unanswered = self.unanswered.saturating_sub(1),
            Heard::End(customer, state) => {
                // one that was told of twice
                if self.open.remove(&customer).is_none() {
                    return Ok(None);
                }
                if state != "Completed" {
                    return Err(format!("{customer}: its transition is {state}"));
                }
                return Ok(Some(customer));
            }
            Heard::Fault(fault) => return Err(fault),
        }
        Ok(None)
    }

    /// Until every start was accepted.
    pub async fn accepted(&mut self) -> Result<(), String> {
        while self.unanswered > 0 {
            self.heard().await?;
        }
        Ok(())
    }

    /// Until everything has ended.
    pub async fn all(&mut self) -> Result<(), String> {
        while !self.open.is_empty() {
            self.heard().await?;
        }
        Ok(())
    }

    /// Until so many more have ended.
    pub async fn some(&mut self, mut many: usize) -> Result<(), String> {
        while many > 0 {
            many -= usize::from(self.heard().await?.is_some());
        }
        Ok(())
    }

    /// For so long; how long it was.
    pub async fn for_a_while(&mut self, time: Duration) -> Result<f64, String> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.heard().await?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// Each customer, when the one before is at its end; how long each took.
    pub async fn one_by_one(&mut self, partner: Uuid, customers: Range<usize>) -> Result<Vec<Duration>, String> {
        let mut took = Vec::new();
        for number in customers {
            let begun = Instant::now();
            self.start(partner, number..number + 1, Priority::Interactive)?;
            while self.heard().await? != Some(document::customer(number)) {}
            took.push(begun.elapsed());
        }
        Ok(took)
    }
}
