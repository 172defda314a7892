//! What a transition is about, as far as the document says. What is under a plan already, only the services know.

use super::facts::{CustomerFacts, LEGACY_AZURE_OFFER, SubscriptionFacts, SubscriptionStatus};
use crate::time::Timestamp;

/// Is it the one offer that is moved? Any case.
pub fn is_legacy_azure(offer_id: &str) -> bool {
    offer_id.eq_ignore_ascii_case(LEGACY_AZURE_OFFER)
}

impl SubscriptionFacts {
    /// Is it in scope by the document: of the legacy offer (all of these facts are) and not deleted?
    pub fn is_in_scope(&self) -> bool {
        self.status != SubscriptionStatus::Deleted
    }

    /// The `resourceId` of what is found about it: its Azure id, or its commerce id where it has none.
    pub fn resource_id(&self) -> String {
        self.azure_subscription_id.map_or_else(|| self.commerce_subscription_id.to_string(), |id| id.to_string())
    }
}

impl CustomerFacts {
    /// Has the customer agreed to the Microsoft Customer Agreement by then: confirmed by the partner, or signed by itself?
    pub fn has_agreed(&self, now: Timestamp) -> bool {
        let counts = |kind: &str, agreed: Timestamp| is_customer_agreement(kind) && agreed <= now;
        self.has_signed_directly || self.agreements.iter().any(|agreement| counts(&agreement.kind, agreement.date_agreed))
    }
}

/// Does an agreement of this type count for `CustomerAgreementMissing`? Any case.
pub fn is_customer_agreement(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("MicrosoftCustomerAgreement")
}

/// Does an order of this status count for `PendingOrder`? Any case.
pub fn is_pending_order(status: &str) -> bool {
    status.eq_ignore_ascii_case("pending")
}

/// Is a transfer of this status open, so that it counts for `TransferInProgress`? Any case.
pub fn is_open_transfer(status: &str) -> bool {
    ["Pending", "InProgress"].iter().any(|open| status.eq_ignore_ascii_case(open))
}

/// Is it the `state` or `programStatus` of someone who may transact? Any case.
pub fn is_active(state: &str) -> bool {
    state.eq_ignore_ascii_case("Active")
}

/// Does a role let its holder administer, so that partner earned credit is paid? Any case.
pub fn is_admin_role(role: &str) -> bool {
    ["Owner", "Contributor"].iter().any(|admin| role.eq_ignore_ascii_case(admin))
}

/// Is the `segment` the one that Azure plans are made for? Any case.
pub fn is_commercial(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("Commercial")
}
