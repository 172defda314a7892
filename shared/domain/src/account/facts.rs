//! What the workers need to know of a customer, cut from an account document: small enough for a message.
//!
//! Facts are keyed by (partner, customer) and carry a version that the coordinator gives them. A customer with many
//! subscriptions is cut into parts of one version; each worker gets of every part what it owns.

use crate::{
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, MpnId, PartnerId, PlanId, Reseller},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The one offer that is moved, compared without regard to case.
pub const LEGACY_AZURE_OFFER: &str = "MS-AZR-0145P";

/// When a commerce subscription that was suspended then counts as deleted: 90 days later. Source: the domain's section 3.3.
pub const fn deleted_after_suspension(suspended_at: Timestamp) -> Timestamp {
    suspended_at.plus_seconds(90 * 24 * 3600)
}

/// How many subscriptions a part of a customer may have: with all their roles and transfers it stays a message of some 200 KB.
pub const PART_SUBSCRIPTIONS: usize = 500;

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant),* }
        impl $name {
            /// Every value, as it is printed.
            pub const TEXTS: &'static [&'static str] = &[$($text),*];
            /// As Partner Center writes it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            /// The value of that text, in any case.
            pub fn from_text(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$variant); })*
                None
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

closed_set! {
    /// `partner.type`.
    PartnerType {
        /// Pays Microsoft itself and has no resellers.
        DirectBill = "DirectBill",
        /// Sells through indirect resellers.
        IndirectProvider = "IndirectProvider",
        /// Sells for a provider; may not move anyone.
        IndirectReseller = "IndirectReseller",
    }
}
closed_set! {
    /// `relationshipToPartner`.
    Relationship {
        /// No relationship.
        None = "none",
        /// May transact for the customer.
        Reseller = "reseller",
        /// Advises.
        Advisor = "advisor",
        /// Syndicates.
        Syndication = "syndication",
        /// Microsoft's own support.
        MicrosoftSupport = "microsoft_support",
        /// Not known.
        Unknown = "unknown",
    }
}
closed_set! {
    /// `cloud`.
    Cloud {
        /// The worldwide cloud: the only one that has Azure plans.
        Public = "Public",
        /// US government.
        UsGov = "UsGov",
        /// 21Vianet.
        China = "China",
        /// Germany.
        Germany = "Germany",
    }
}
closed_set! {
    /// A commerce subscription's `status`.
    SubscriptionStatus {
        /// None.
        None = "none",
        /// In use and billed.
        Active = "active",
        /// Ordered.
        Pending = "pending",
        /// Neither used nor billed; deleted after 90 days.
        Suspended = "suspended",
        /// Past its term.
        Expired = "expired",
        /// Switched off.
        Disabled = "disabled",
        /// Gone.
        Deleted = "deleted",
    }
}
closed_set! {
    /// An Azure plan's `status`.
    PlanStatus {
        /// Azure subscriptions may hang under it.
        Active = "active",
        /// Empty and put away.
        Suspended = "suspended",
        /// Gone.
        Deleted = "deleted",
    }
}

/// The transacting partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerFacts {
    /// Its tenant.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// Its own MPN id.
    pub mpn_id: MpnId,
    /// Direct bill, provider or reseller.
    #[serde(rename = "type")]
    pub kind: PartnerType,
    /// The Microsoft Partner Agreement.
    pub is_agreement_signed: bool,
    /// `Active` where it may transact.
    pub program_status: String,
    /// ISO country codes in upper case where Azure plans are sold; absent: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_plan_markets: Option<Vec<String>>,
}

/// An indirect reseller of the partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResellerFacts {
    /// Its tenant; absent where an import before this field told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Its MPN id.
    pub mpn_id: MpnId,
    /// Its name.
    pub name: String,
    /// `Active` where it may be on record.
    pub state: String,
    /// Where it is, as the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The Microsoft Partner Agreement.
    pub is_agreement_signed: bool,
}

/// A confirmation of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgreementFacts {
    /// `MicrosoftCustomerAgreement` is the one that counts.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the customer agreed.
    pub date_agreed: Timestamp,
    /// Which text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Who agreed for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_contact: Option<Contact>,
}

/// A person at a customer, as an agreement names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// An order of the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderFacts {
    /// The order.
    pub id: String,
    /// `pending` is the one that counts.
    pub status: String,
}

/// A customer, without its subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerFacts {
    /// `companyProfile.companyName`.
    pub company_name: String,
    /// `companyProfile.domain`.
    pub domain: String,
    /// ISO code, upper case.
    pub country: String,
    /// Must be `reseller`.
    pub relationship_to_partner: Relationship,
    /// A tenant for Azure Partner Shared Services.
    pub is_shared_services: bool,
    /// Which Azure cloud.
    pub cloud: Cloud,
    /// `Commercial` or another.
    pub segment: String,
    /// Confirmations by the partner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<AgreementFacts>,
    /// The customer signed the Microsoft Customer Agreement itself.
    pub has_signed_directly: bool,
    /// A decimal as it stood in the document, in `currency_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// ISO 4217, upper case.
    pub currency_code: String,
    /// Has a support plan.
    pub has_support_plan: bool,
    /// Orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderFacts>,
}

/// Who administers an Azure subscription on behalf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleFacts {
    /// Whose assignment it is.
    pub mpn_id: MpnId,
    /// `Owner`, `Contributor`, `Reader` …
    pub role: String,
}

/// A subscription of the legacy Azure offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFacts {
    /// `id`.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// `entitlementId`; absent while it is not provisioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// What the customer calls it.
    pub friendly_name: String,
    /// Status of the commerce subscription.
    pub status: SubscriptionStatus,
    /// When it was bought.
    pub creation_date: Timestamp,
    /// The reseller on record.
    pub reseller: Reseller,
    /// The order that bought it, where the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The tenant of the Azure subscription, where the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<CustomerId>,
    /// Has reservations.
    pub has_reservations: bool,
    /// The status of every transfer that names its commerce id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<String>,
    /// Every role assignment on its Azure id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleFacts>,
}

/// An Azure plan that exists already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanFacts {
    /// The plan.
    pub id: PlanId,
    /// Whose it is.
    pub reseller: Reseller,
    /// Only an `active` one is reused.
    pub status: PlanStatus,
}

/// A part of a customer. All parts of one import have the same head; most customers have one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerPart {
    /// The customer.
    pub customer_id: CustomerId,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts.
    pub parts: u32,
    /// The customer without its subscriptions.
    pub customer: CustomerFacts,
    /// The resellers on record of this part's subscriptions, as far as the document knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<ResellerFacts>,
    /// This part's subscriptions of the legacy offer, deleted ones too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<SubscriptionFacts>,
    /// This part's Azure plans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanFacts>,
}
