//! The objects of the document as facts. Each reads all its properties before it gives up on one.

use super::{
    facts::{
        AgreementFacts, Cloud, Contact, CustomerFacts, OrderFacts, PartnerFacts, PartnerType, PlanFacts, PlanStatus, Relationship,
        ResellerFacts, RoleFacts, SubscriptionFacts, SubscriptionStatus,
    },
    fields::Fields,
    parse,
    scope::is_legacy_azure,
};
use crate::ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, MpnId, PartnerId, PlanId, Reseller};
use uuid::Uuid;

/// The value of the status or programme of whoever may transact.
const ACTIVE: &str = "Active";
const COMMERCIAL: &str = "Commercial";

/// `partner`.
pub(super) fn partner(fields: &mut Fields<'_>) -> Option<PartnerFacts> {
    let id = fields.required("id", parse::guid);
    let name = fields.required("name", parse::text);
    let mpn_id = fields.required("mpnId", parse::mpn_id);
    let kind = fields.required("type", parse::one_of(PartnerType::from_text, PartnerType::TEXTS));
    let is_agreement_signed = fields.optional("isAgreementSigned", parse::boolean).unwrap_or(true);
    let program_status = fields.optional("programStatus", parse::text).unwrap_or_else(|| ACTIVE.to_owned());
    let azure_plan_markets = fields.optional_list("azurePlanMarkets", parse::country);
    Some(PartnerFacts {
        id: PartnerId(id?),
        name: name?,
        mpn_id: mpn_id?,
        kind: kind?,
        is_agreement_signed,
        program_status,
        azure_plan_markets,
    })
}

/// `resellers[]`: its MPN id, and its facts where it is without fault.
pub(super) fn reseller(fields: &mut Fields<'_>) -> (Option<MpnId>, Option<ResellerFacts>) {
    let id = fields.required("id", parse::guid);
    let name = fields.required("name", parse::text);
    let mpn_id = fields.required("mpnId", parse::mpn_id);
    fields.optional("relationshipType", parse::text);
    let state = fields.required("state", parse::text);
    let location = fields.optional("location", parse::text);
    let is_agreement_signed = fields.optional("isAgreementSigned", parse::boolean).unwrap_or(true);
    let facts = |mpn_id: MpnId| Some(ResellerFacts { id: Some(id?), mpn_id, name: name?, state: state?, location, is_agreement_signed });
    (mpn_id.clone(), mpn_id.and_then(facts))
}

/// `customers[]` without its lists: its id, and its facts where it is without fault.
pub(super) fn customer(
    fields: &mut Fields<'_>,
    agreements: Vec<AgreementFacts>,
    orders: Vec<OrderFacts>,
) -> (Option<CustomerId>, Option<CustomerFacts>) {
    let id = fields.required("id", parse::guid);
    let profile = fields.inside("companyProfile", |profile| {
        let tenant = profile.required("tenantId", parse::guid);
        let domain = profile.required("domain", parse::text);
        let company_name = profile.required("companyName", parse::text);
        if let (Some(id), Some(tenant)) = (id, tenant)
            && id != tenant
        {
            profile.faults.add(&profile.path.property("tenantId"), format!("\"{tenant}\""), format!("the customer's id, \"{id}\""));
        }
        Some((domain?, company_name?))
    });
    let country =
        fields.inside("billingProfile", |billing| billing.inside("defaultAddress", |address| address.required("country", parse::country)));
    let relationship = fields.required("relationshipToPartner", parse::one_of(Relationship::from_text, Relationship::TEXTS));
    let is_shared_services = fields.optional("isSharedServices", parse::boolean).unwrap_or(false);
    let cloud = fields.optional("cloud", parse::one_of(Cloud::from_text, Cloud::TEXTS)).unwrap_or(Cloud::Public);
    let segment = fields.optional("segment", parse::text).unwrap_or_else(|| COMMERCIAL.to_owned());
    let signed = fields.maybe_inside("directSignedMicrosoftCustomerAgreement", |direct| direct.required("isSigned", parse::boolean));
    let budget = fields.maybe_inside("usageBudget", |budget| budget.optional("amount", parse::amount));
    let currency_code = fields.required("currencyCode", parse::currency);
    let has_support_plan = fields.optional("hasSupportPlan", parse::boolean).unwrap_or(false);
    let facts = || {
        let (domain, company_name) = profile?;
        Some(CustomerFacts {
            company_name,
            domain,
            country: country?,
            relationship_to_partner: relationship?,
            is_shared_services,
            cloud,
            segment,
            agreements,
            has_signed_directly: signed.unwrap_or(false),
            budget,
            currency_code: currency_code?,
            has_support_plan,
            orders,
        })
    };
    (id.map(CustomerId), facts())
}

/// `customers[].agreements[]`.
pub(super) fn agreement(fields: &mut Fields<'_>) -> Option<AgreementFacts> {
    let kind = fields.required("type", parse::text);
    let date_agreed = fields.required("dateAgreed", parse::time);
    let template_id = fields.optional("templateId", parse::text);
    let primary_contact = fields.maybe_inside("primaryContact", contact);
    Some(AgreementFacts { kind: kind?, date_agreed: date_agreed?, template_id, primary_contact })
}

/// `primaryContact` of an agreement. Nothing depends on it: what is missing in it is empty, and no fault.
fn contact(fields: &mut Fields<'_>) -> Option<Contact> {
    let mut text = |name| fields.optional(name, parse::text);
    Some(Contact {
        first_name: text("firstName").unwrap_or_default(),
        last_name: text("lastName").unwrap_or_default(),
        email: text("email").unwrap_or_default(),
        phone_number: text("phoneNumber"),
    })
}

/// `customers[].orders[]`.
pub(super) fn order(fields: &mut Fields<'_>) -> Option<OrderFacts> {
    let id = fields.required("id", parse::text);
    let status = fields.required("status", parse::text);
    Some(OrderFacts { id: id?, status: status? })
}

/// `customers[].transfers[]`: the commerce id that it names, and its status.
pub(super) fn transfer(fields: &mut Fields<'_>) -> Option<(Uuid, String)> {
    let subscription = fields.required("subscriptionId", parse::guid);
    let status = fields.required("status", parse::text);
    Some((subscription?, status?))
}

/// `customers[].roleAssignments[]`: the Azure id that it is on, and what it gives to whom.
pub(super) fn role_assignment(fields: &mut Fields<'_>) -> Option<(Uuid, RoleFacts)> {
    let azure = fields.required("entitlementId", parse::guid);
    let mpn_id = fields.required("mpnId", parse::mpn_id);
    let role = fields.required("role", parse::text);
    Some((azure?, RoleFacts { mpn_id: mpn_id?, role: role? }))
}

/// `customers[].azurePlans[]`: its id, and its facts where it is without fault.
pub(super) fn azure_plan(fields: &mut Fields<'_>) -> (Option<PlanId>, Option<PlanFacts>) {
    let id = fields.required("id", parse::guid);
    let reseller = fields.optional_id("partnerId", parse::mpn_id);
    let status = fields.required("status", parse::one_of(PlanStatus::from_text, PlanStatus::TEXTS));
    let id = id.map(PlanId);
    let facts = || Some(PlanFacts { id: id?, reseller: Reseller(reseller), status: status? });
    (id, facts())
}

/// A subscription. Its ids count even where something else of it is at fault, so that all faults are found at once.
pub(super) struct SubscriptionRead {
    /// Its commerce id.
    pub(super) commerce: Option<Uuid>,
    /// Its Azure id, where it is of the legacy offer: another offer's is nothing that must be unique.
    pub(super) azure: Option<Uuid>,
    /// Its facts, where it is of the legacy offer and without fault.
    pub(super) facts: Option<SubscriptionFacts>,
}

/// `customers[].subscriptions[]`.
pub(super) fn subscription(fields: &mut Fields<'_>) -> SubscriptionRead {
    let commerce = fields.required("id", parse::guid);
    let azure = fields.optional_id("entitlementId", parse::guid);
    let offer = fields.required("offerId", parse::text);
    fields.required("offerName", parse::text);
    let friendly_name = fields.required("friendlyName", parse::text);
    let status = fields.required("status", parse::one_of(SubscriptionStatus::from_text, SubscriptionStatus::TEXTS));
    let creation_date = fields.required("creationDate", parse::time);
    let reseller = fields.optional_id("partnerId", parse::mpn_id);
    let order_id = fields.optional("orderId", parse::text);
    let tenant = fields.optional_id("tenantId", parse::guid);
    let has_reservations = fields.optional("hasReservations", parse::boolean).unwrap_or(false);

    let is_legacy = offer.as_deref().is_some_and(is_legacy_azure);
    let facts = || {
        Some(SubscriptionFacts {
            commerce_subscription_id: CommerceSubscriptionId(commerce?),
            azure_subscription_id: azure.map(AzureSubscriptionId),
            friendly_name: friendly_name?,
            status: status?,
            creation_date: creation_date?,
            reseller: Reseller(reseller),
            order_id,
            tenant_id: tenant.map(CustomerId),
            has_reservations,
            transfers: Vec::new(),
            roles: Vec::new(),
        })
    };
    SubscriptionRead { commerce, azure: azure.filter(|_| is_legacy), facts: if is_legacy { facts() } else { None } }
}
