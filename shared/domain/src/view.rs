//! A transition as people and programs see it: the object that `run --json` and `GET /v1/productUpgrades/{id}` print.

use crate::{
    account::facts::{PlanStatus, SubscriptionStatus},
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, MpnId, PlanId, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{Evidence, Failure, Finding, ItemError, LineRow, State, TransitionRow},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A transition and everything beneath it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionView {
    /// Who moves.
    pub customer_id: CustomerId,
    /// The transition.
    pub transition_id: TransitionId,
    /// Where it stands.
    pub state: State,
    /// `run` found it already there.
    #[serde(default)]
    pub adopted: bool,
    /// What blocks.
    pub reasons: Vec<Finding>,
    /// What to know.
    pub warnings: Vec<Finding>,
    /// What failed first.
    pub failure: Option<Failure>,
    /// All plans bought or taken, in the order of `partner_id` as text, none last.
    pub plans: Vec<PlanView>,
    /// In the order of the Azure ids.
    pub lines: Vec<LineView>,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
}

/// A plan that the transition bought or took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The plan.
    pub plan_id: PlanId,
    /// The reseller's MPN id.
    pub partner_id: Option<MpnId>,
    /// It was there already.
    pub reused: bool,
    /// Its present status.
    pub status: PlanStatus,
}

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum LineState {
    /// Nothing was done to it, or nothing is left of it.
    NotStarted,
    /// Under way.
    InProgress,
    /// Mapped and suspended.
    Completed,
    /// Refused for good.
    Failed,
    /// Done and undone.
    Compensated,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// What is mapped.
    pub azure_subscription_id: AzureSubscriptionId,
    /// What is suspended.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// The plan that it is under now.
    pub plan_id: Option<PlanId>,
    /// How far it is.
    pub state: LineState,
    /// The commerce subscription's status now.
    pub commerce_status: SubscriptionStatus,
    /// From when its plan owns the usage, where it is under one now.
    pub effective_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<ItemError>,
}

/// What a line's row and its packets' answers say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineProgress {
    /// How far it is.
    pub state: LineState,
    /// It is under its plan now.
    pub mapped: bool,
    /// Its commerce subscription is suspended now.
    pub suspended: bool,
}

/// How far a line is. `answered` tells whether the line's packet has an answer for that step and action.
pub fn line_progress(transition: &TransitionRow, line: &LineRow, answered: impl Fn(Step, Action) -> bool) -> LineProgress {
    let failed_at = |step| line.error.as_ref().is_some_and(|(at, _)| *at == step);
    let undone = matches!(line.undo, Some(Evidence::Undone | Evidence::Fenced));
    let mapped = !undone
        && (answered(Step::Mapping, Action::Do) || line.undo == Some(Evidence::Refused))
        && !(failed_at(Step::Mapping) && line.undo.is_none());
    let suspended = answered(Step::Suspension, Action::Do) && !failed_at(Step::Suspension);
    let state = if line.error.is_some() {
        LineState::Failed
    } else {
        match (line.undo, mapped, suspended) {
            (Some(Evidence::Undone), ..) => LineState::Compensated,
            (Some(Evidence::Fenced), ..) => LineState::NotStarted,
            (_, true, true) => LineState::Completed,
            (_, true, false) => LineState::InProgress,
            (_, false, _) if transition.state == State::MappingSubscriptions => LineState::InProgress,
            _ => LineState::NotStarted,
        }
    };
    LineProgress { state, mapped, suspended }
}
