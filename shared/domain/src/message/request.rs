//! What the gateway asks the coordinator, and eligibility, and what it is answered.

use super::body;
use crate::{
    account::facts::{CustomerPart, PartnerFacts},
    ids::{CustomerId, ImportId, PartnerId, TransitionId},
    time::Timestamp,
    transition::{Findings, State},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A chunk of an account document: some customers, or parts of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportCustomers {
    /// The import that the chunk is of.
    pub import_id: ImportId,
    /// Which chunk, from 0.
    pub chunk: u32,
    /// When the import began: of two imports of a customer the later one holds.
    pub begun_at: Timestamp,
    /// Who has it imported, and from what.
    #[serde(default, skip_serializing_if = "ImportedBy::is_unknown")]
    pub by: ImportedBy,
    /// The partner.
    pub partner: PartnerFacts,
    /// Customers, or parts of them.
    pub customers: Vec<CustomerPart>,
}

/// Who has something imported, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedBy {
    /// Who; empty: a version before this one did not say.
    #[serde(default)]
    pub actor: String,
    /// SHA-256 of the document as it came, hexadecimal; empty where there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
}

impl ImportedBy {
    /// Nothing was said.
    pub const fn is_unknown(&self) -> bool {
        self.actor.is_empty() && self.document.is_empty()
    }
}

/// All four workers have the chunk; or some of its customers were refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomersImported {
    /// The import.
    pub import_id: ImportId,
    /// The chunk.
    pub chunk: u32,
    /// Customers whose facts were taken.
    pub imported: Vec<CustomerId>,
    /// Customers whose facts were not.
    pub refused: Vec<RefusedCustomer>,
}

/// A customer that an import did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedCustomer {
    /// The customer.
    pub customer_id: CustomerId,
    /// `UpgradeInProgress`, `ImportSuperseded`.
    pub code: String,
    /// In words.
    pub description: String,
}

/// Move this customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartTransition {
    /// The idempotency key: the same again gives the same transition.
    pub request_id: Uuid,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Who asks.
    pub actor: String,
}

/// The answer to a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartAnswered {
    /// The request.
    pub request_id: Uuid,
    /// What the coordinator decided.
    pub outcome: StartOutcome,
}

/// What the coordinator decided about a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum StartOutcome {
    /// Accepted under this id.
    #[serde(rename_all = "camelCase")]
    Accepted {
        /// The transition.
        transition_id: TransitionId,
    },
    /// This one is not at an end.
    #[serde(rename_all = "camelCase")]
    InProgress {
        /// The transition that has the lock.
        transition_id: TransitionId,
    },
    /// No import of this partner has told of the customer.
    UnknownCustomer,
    /// An import of the customer is under way, and not all of it has come.
    ImportUnderWay,
}

/// Act on a transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActOnTransition {
    /// The request.
    pub request_id: Uuid,
    /// Whose transition.
    pub partner_id: PartnerId,
    /// The transition.
    pub transition_id: TransitionId,
    /// What to do.
    pub act: Act,
    /// Who asks.
    pub actor: String,
    /// Why, in the asker's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a person may do to a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    /// Before the pivot: undo it.
    Cancel,
    /// At `NeedsOperator`: go on, with a new attempt for what was refused.
    Resume,
    /// Accept a compensated failure as it is.
    Close,
}

/// The answer to an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActAnswered {
    /// The request.
    pub request_id: Uuid,
    /// What the coordinator decided.
    pub outcome: ActOutcome,
}

/// What the coordinator decided about an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "outcome", content = "state")]
pub enum ActOutcome {
    /// It is being done.
    Accepted,
    /// A cancel after the pivot, in this state.
    PastThePivot(State),
    /// Not in this state.
    NotAllowedInState(State),
    /// The partner has no such transition.
    NotFound,
}

/// How many reasons, and how many warnings, an assessment carries at most: enough for a person, small enough for a message.
pub const ASSESSED_FINDINGS: usize = 1_000;

/// May this customer move? Asked of eligibility, without a transition and without any effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessCustomer {
    /// The request.
    pub request_id: Uuid,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who would move.
    pub customer_id: CustomerId,
}

/// Eligibility's answer to an assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerAssessed {
    /// The request.
    pub request_id: Uuid,
    /// What was found.
    pub outcome: AssessOutcome,
}

/// What eligibility found about a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum AssessOutcome {
    /// The rules were asked.
    #[serde(rename_all = "camelCase")]
    Assessed {
        /// The version of the facts that they were asked about: the newest that is whole.
        facts_version: u32,
        /// The instant that they were asked at.
        checked_at: Timestamp,
        /// Nothing is in scope. The reason is `NoAzureSubscriptions`; the asker, who knows whether a transition has completed,
        /// puts `UpgradeAlreadyCompleted` in its place where one has.
        nothing_in_scope: bool,
        /// The first [`ASSESSED_FINDINGS`] reasons and as many warnings, in their order.
        findings: Findings,
        /// How many reasons there are in all.
        reasons_total: u32,
        /// How many warnings there are in all.
        warnings_total: u32,
    },
    /// No import of this partner has told of the customer.
    UnknownCustomer,
    /// An import of the customer is under way, and not all of it has come.
    ImportUnderWay,
}

/// Tell everything of a transition again, as events: a listener found a gap that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TellAgain {
    /// The transition; all zeros where only a chain is asked for.
    pub transition_id: TransitionId,
    /// The chain of a customer. (A coordinator of a version before them knows no transition of that id, and goes on.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainAsked>,
}

/// What is wanted of a customer's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChainAsked {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Which.
    pub customer_id: CustomerId,
    /// What comes after the entry of this number.
    pub after: u32,
}

body! {
    ImportCustomers => "ImportCustomers.v1",
    CustomersImported => "CustomersImported.v1",
    StartTransition => "StartTransition.v1",
    StartAnswered => "StartAnswered.v1",
    ActOnTransition => "ActOnTransition.v1",
    ActAnswered => "ActAnswered.v1",
    AssessCustomer => "AssessCustomer.v1",
    CustomerAssessed => "CustomerAssessed.v1",
    TellAgain => "TellAgain.v1",
}
