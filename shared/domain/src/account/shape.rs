//! Which properties of an account document are known. Every other is skipped.

/// The known properties of an object, in the order of the table that defines them.
#[derive(Debug)]
pub(super) struct Shape(pub(super) &'static [Property]);

/// A known property.
#[derive(Debug)]
pub(super) struct Property {
    /// As it is printed.
    pub(super) name: &'static str,
    /// Of its value, or of each item where the value is a list.
    pub(super) shape: &'static Shape,
    /// A number whose digits all count.
    pub(super) exact: bool,
}

/// A value in which nothing is looked for.
pub(super) const LEAF: Shape = Shape(&[]);

const fn leaf(name: &'static str) -> Property {
    Property { name, shape: &LEAF, exact: false }
}
const fn exact(name: &'static str) -> Property {
    Property { name, shape: &LEAF, exact: true }
}
const fn inner(name: &'static str, shape: &'static Shape) -> Property {
    Property { name, shape, exact: false }
}

/// The document.
pub(super) const DOCUMENT: Shape = Shape(&[inner("partner", &PARTNER), inner("resellers", &RESELLER), inner("customers", &CUSTOMER)]);

/// `partner`.
pub(super) const PARTNER: Shape = Shape(&[
    leaf("id"),
    leaf("name"),
    leaf("mpnId"),
    leaf("type"),
    leaf("isAgreementSigned"),
    leaf("programStatus"),
    leaf("azurePlanMarkets"),
]);

/// `resellers[]`.
pub(super) const RESELLER: Shape =
    Shape(&[leaf("id"), leaf("name"), leaf("mpnId"), leaf("relationshipType"), leaf("state"), leaf("location"), leaf("isAgreementSigned")]);

/// `customers[]`.
pub(super) const CUSTOMER: Shape = Shape(&[
    leaf("id"),
    inner("companyProfile", &COMPANY_PROFILE),
    inner("billingProfile", &BILLING_PROFILE),
    leaf("relationshipToPartner"),
    leaf("isSharedServices"),
    leaf("cloud"),
    leaf("segment"),
    inner("agreements", &AGREEMENT),
    inner("directSignedMicrosoftCustomerAgreement", &DIRECT_SIGNATURE),
    inner("usageBudget", &USAGE_BUDGET),
    leaf("currencyCode"),
    leaf("hasSupportPlan"),
    inner("orders", &ORDER),
    inner("transfers", &TRANSFER),
    inner("azurePlans", &AZURE_PLAN),
    inner("subscriptions", &SUBSCRIPTION),
    inner("roleAssignments", &ROLE_ASSIGNMENT),
]);

const COMPANY_PROFILE: Shape = Shape(&[leaf("tenantId"), leaf("domain"), leaf("companyName")]);
const BILLING_PROFILE: Shape = Shape(&[inner("defaultAddress", &DEFAULT_ADDRESS)]);
const DEFAULT_ADDRESS: Shape = Shape(&[leaf("country")]);
const DIRECT_SIGNATURE: Shape = Shape(&[leaf("isSigned")]);
const USAGE_BUDGET: Shape = Shape(&[exact("amount")]);

/// `customers[].agreements[]`.
pub(super) const AGREEMENT: Shape =
    Shape(&[leaf("type"), leaf("dateAgreed"), leaf("templateId"), inner("primaryContact", &PRIMARY_CONTACT)]);
const PRIMARY_CONTACT: Shape = Shape(&[leaf("firstName"), leaf("lastName"), leaf("email"), leaf("phoneNumber")]);
/// `customers[].orders[]`.
pub(super) const ORDER: Shape = Shape(&[leaf("id"), leaf("status")]);
/// `customers[].transfers[]`.
pub(super) const TRANSFER: Shape = Shape(&[leaf("subscriptionId"), leaf("status")]);
/// `customers[].azurePlans[]`.
pub(super) const AZURE_PLAN: Shape = Shape(&[leaf("id"), leaf("partnerId"), leaf("status")]);
/// `customers[].subscriptions[]`.
pub(super) const SUBSCRIPTION: Shape = Shape(&[
    leaf("id"),
    leaf("entitlementId"),
    leaf("offerId"),
    leaf("offerName"),
    leaf("friendlyName"),
    leaf("status"),
    leaf("creationDate"),
    leaf("partnerId"),
    leaf("orderId"),
    leaf("tenantId"),
    leaf("hasReservations"),
]);
/// `customers[].roleAssignments[]`.
pub(super) const ROLE_ASSIGNMENT: Shape = Shape(&[leaf("entitlementId"), leaf("mpnId"), leaf("role")]);
