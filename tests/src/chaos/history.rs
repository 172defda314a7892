//! What clients asked for, and what they were told.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// A start.
#[derive(Clone, Debug)]
pub struct Start {
    /// `MS-RequestId`: the same in every try.
    pub request: Uuid,
    /// Whom it is to move.
    pub customer: Uuid,
    /// How often it was sent.
    pub tries: u32,
    /// The outcome of some try was not known.
    pub was_unknown: bool,
    /// What was told at last.
    pub told: Option<Told>,
}

/// What a client was told of its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is accepted, as this transition (which may have ended `Ineligible` already).
    Accepted(Uuid),
    /// It is not: HTTP status and body.
    Refused(u16, String),
}

/// A transition, as the API shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Its id.
    pub transition_id: Uuid,
    /// Who moves.
    pub customer_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// What failed first.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// What was bought or taken.
    pub plans: Vec<PlanView>,
    /// Its subscriptions.
    pub lines: Vec<LineView>,
}

/// What failed.
#[derive(Clone, Debug, Deserialize)]
pub struct Failure {
    /// At which step.
    pub step: String,
    /// The code.
    pub code: String,
}

/// A plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Its id.
    pub plan_id: Uuid,
    /// The reseller's MPN id.
    pub partner_id: Option<String>,
}

/// A subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// The Azure subscription.
    pub azure_subscription_id: Uuid,
    /// The commerce subscription.
    pub commerce_subscription_id: Uuid,
    /// The plan that it is under.
    pub plan_id: Option<Uuid>,
    /// How far it is.
    pub state: String,
    /// Of the commerce subscription.
    pub commerce_status: String,
}

impl PlanView {
    /// The reseller as ledgers and tables have it.
    pub fn reseller(&self) -> String {
        self.partner_id.clone().unwrap_or_else(|| "none".to_owned())
    }
}

/// Everything that clients did.
#[derive(Debug, Default)]
pub struct History(Mutex<Recorded>);

/// See [`History`].
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The starts, by their request ids.
    pub starts: BTreeMap<Uuid, Start>,
    /// Transitions that have come to an end, as they were seen then.
    pub ended: Vec<View>,
    /// What no client should ever be told.
    pub faults: Vec<String>,
    /// How many clients are through with their customer.
    pub through: usize,
}

impl History {
    /// What is recorded so far.
    pub fn now(&self) -> MutexGuard<'_, Recorded> {
        // a client that panicked has recorded whole entries
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many transitions were asked for and have not been seen to end.
    pub fn under_way(&self) -> usize {
        let now = self.now();
        now.starts.len().saturating_sub(now.ended.len())
    }
}
