//! What the gateway asks the coordinator, and eligibility, and what it is answered.

use super::body;
use crate::{
    account::facts::{CustomerFacts, CustomerPart, PartnerFacts, PlanFacts, ResellerFacts, SubscriptionFacts},
    audit::Change,
    ids::{CustomerId, ImportId, PartnerId, Reseller, TransitionId},
    time::Timestamp,
    transition::{BatchRow, Findings, State},
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
    /// Resellers of the document, on record of a subscription or not. All of its chunks together tell of all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<ResellerFacts>,
    /// For a change that somebody made of what was there: taken only if this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<OnlyIf>,
}

/// What must hold of a customer when a change of its facts is taken, decided under the customer's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnlyIf {
    /// Its facts have this version: the one that the change was made of.
    pub facts_version: u32,
    /// It may buy the legacy Azure offer: no transition of it has completed, and none has failed that nobody has accepted.
    pub may_buy_legacy_azure: bool,
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
    /// For a change of what was there: which, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub change: String,
    /// The same as the customer's audit records name it; none in messages of versions before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Change>,
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
    /// `UpgradeInProgress`, `ImportSuperseded`; of a change also `FactsChanged`, `UpgradeAlreadyCompleted`, `UpgradeFailed`.
    pub code: String,
    /// In words.
    pub description: String,
    /// The transition that stands in the way, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition_id: Option<TransitionId>,
}

/// Was one of these imports of a customer taken? Asked by who has lost the answer. It is known for ever: the customer's chain tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindImport {
    /// The request.
    pub request_id: Uuid,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Which.
    pub customer_id: CustomerId,
    /// At most one of them was taken.
    pub import_ids: Vec<ImportId>,
}

/// The answer to whoever looks for an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportFound {
    /// The request.
    pub request_id: Uuid,
    /// The one that was taken.
    pub taken: Option<TakenImport>,
}

/// An import of a customer that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakenImport {
    /// Which.
    pub import_id: ImportId,
    /// The version that it gave to the facts.
    pub facts_version: u32,
    /// Of a change: the resource as the change has made it, JSON as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// Who waits for a transition, and so which of those in line begins first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Priority {
    /// Somebody waits for it: it begins before every background one.
    #[default]
    Interactive,
    /// One of many, or one that was planned long ago: it begins where no interactive one waits, and only so many of them are under way at
    /// a time.
    Background,
}

impl Priority {
    /// Both, the first one first.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Background];

    /// As messages and metrics write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
        }
    }

    /// Somebody waits for it. (Where nothing else is said, so that messages need not say it.)
    pub const fn is_interactive(&self) -> bool {
        matches!(self, Self::Interactive)
    }
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
    /// Do exactly what this plan says ([`PlanTransition`](super::plan::PlanTransition)), or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_hash: Option<String>,
    /// Who waits for it; `interactive` in messages that do not say it.
    #[serde(default, skip_serializing_if = "Priority::is_interactive")]
    pub priority: Priority,
    /// The row of a batch that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchRow>,
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
    /// Accepted under this id: a new transition, or the customer's own one that waited in line in the background and was moved up by an
    /// interactive start.
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

/// How many subscriptions, and how many plans, one answer about a customer has at most: as many as a part of an import, and one by which it
/// is known that there are more.
pub const READ_AT_MOST: u32 = crate::account::facts::PART_SUBSCRIPTIONS as u32 + 1;

/// What do the facts say of a customer? Asked of eligibility, their owner. Subscriptions and plans come in pages, each in the order of
/// their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadCustomer {
    /// The request.
    pub request_id: Uuid,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Which.
    pub customer_id: CustomerId,
    /// Only subscriptions and plans.
    #[serde(default, skip_serializing_if = "Wanted::is_all")]
    pub wanted: Wanted,
    /// Only those with ids (of commerce subscriptions, of plans) above this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
    /// At most so many subscriptions and so many plans, up to [`READ_AT_MOST`].
    pub limit: u32,
}

/// Which subscriptions and plans of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Those with these ids: of commerce subscriptions, of plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<Uuid>>,
    /// Those of this reseller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller: Option<Reseller>,
    /// Those that this order bought; no plan has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
}

impl Wanted {
    /// All of them?
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Eligibility's answer about a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerRead {
    /// The request.
    pub request_id: Uuid,
    /// What the facts say.
    pub outcome: ReadOutcome,
}

/// What the facts say of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum ReadOutcome {
    /// This.
    Read(Box<CustomerPage>),
    /// No import of this partner has told of the customer.
    UnknownCustomer,
    /// An import of the customer is under way, and not all of it has come.
    ImportUnderWay,
}

/// A customer, and a page of its subscriptions and plans. They are as the newest import says, without what transitions did since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerPage {
    /// The version of the facts.
    pub facts_version: u32,
    /// The partner.
    pub partner: PartnerFacts,
    /// The customer without its subscriptions.
    pub customer: CustomerFacts,
    /// All resellers on record of its subscriptions, as far as the document knew them.
    pub resellers: Vec<ResellerFacts>,
    /// Subscriptions of the legacy offer that are wanted, deleted ones too.
    pub subscriptions: Vec<SubscriptionFacts>,
    /// How many are wanted in all, on this and all other pages.
    pub subscriptions_total: u32,
    /// Azure plans that are wanted.
    pub plans: Vec<PlanFacts>,
    /// How many are wanted in all.
    pub plans_total: u32,
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
    FindImport => "FindImport.v1",
    ImportFound => "ImportFound.v1",
    StartTransition => "StartTransition.v1",
    StartAnswered => "StartAnswered.v1",
    ActOnTransition => "ActOnTransition.v1",
    ActAnswered => "ActAnswered.v1",
    AssessCustomer => "AssessCustomer.v1",
    CustomerAssessed => "CustomerAssessed.v1",
    ReadCustomer => "ReadCustomer.v1",
    CustomerRead => "CustomerRead.v1",
    TellAgain => "TellAgain.v1",
}
