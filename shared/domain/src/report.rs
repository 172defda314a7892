//! The failure report: what failed and in whose words, what was undone with its evidence, what is as it was, what is under a
//! plan now, and who must do what next.
//!
//! A pure function of a transition's view and history, so that the command line, the API and the portal say the same. As JSON
//! it is whole; as text it is at most 100 columns wide, and its long lists are shortened. It is made in English; [`Report::in_french`] says the
//! same in French.

mod build;
mod french;
#[cfg(test)]
mod tests;
mod text;

use crate::{account::facts::SubscriptionStatus, history::HistoryEntry, view::TransitionView};
use crate::{
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PlanId, TransitionId},
    step::Step,
    time::Timestamp,
    transition::State,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a transition, and what to do about it. Its `Display` is the report as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The transition.
    pub transition_id: TransitionId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub state: State,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
    /// The outcome in a sentence.
    pub summary: String,
    /// What failed, the first failure first; for an ineligible customer what blocks.
    pub failed: Vec<Failed>,
    /// What was undone, each with its evidence.
    pub undone: Vec<Undone>,
    /// What is as it was before, in sentences.
    pub as_it_was: Vec<String>,
    /// What is under a plan now, though the transition did not complete.
    pub under_plan: Vec<UnderPlan>,
    /// The history entries that prove the outcome.
    pub evidence: Vec<EvidenceEntry>,
    /// Who must do what, in order.
    pub next: Vec<NextStep>,
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// In which step.
    pub step: Step,
    /// A partner, customer, Azure or commerce id, or an MPN id.
    pub resource_id: String,
    /// A stable code.
    pub code: String,
    /// In words.
    pub description: String,
    /// Whose words those are.
    pub said_by: String,
}

/// Something that was done and is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undone {
    /// What it is: an Azure subscription, or an Azure plan.
    pub kind: UndoneKind,
    /// Its id.
    pub resource_id: String,
    /// What says so.
    pub evidence: String,
}

/// What can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UndoneKind {
    /// It was mapped to a plan, and is where it was.
    AzureSubscription,
    /// It was bought or made active, and is suspended.
    AzurePlan,
}

/// An Azure subscription that is under a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnderPlan {
    /// The Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// The plan.
    pub plan_id: PlanId,
    /// The commerce subscription that it came with.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// That one's status now.
    pub commerce_status: SubscriptionStatus,
}

/// An entry of the history, named by its number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceEntry {
    /// From 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What happened, and why.
    pub text: String,
    /// The entry's hash in the chain.
    pub hash: String,
}

/// What somebody must do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// Who: the partner, the operator, nobody.
    pub who: String,
    /// What.
    pub what: String,
    /// The command that does it.
    pub command: Option<String>,
}

/// A report in French: as JSON, the same object; its `Display` is the report as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InFrench(Report);

impl Report {
    /// The report about a transition. `history` is in order.
    pub fn new(view: &TransitionView, history: &[HistoryEntry]) -> Self {
        build::report(view, history)
    }

    /// The same in French, but for the words of others and for names that programs read.
    pub fn in_french(self) -> InFrench {
        InFrench(french::report(self))
    }
}
