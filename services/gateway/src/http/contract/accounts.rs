//! The import. Source: `docs/api/import.md`; what a document must be in full is told by the faults of one that is not.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, count, flag, guid, list, mpn_id, object, one_of, or_null, text, time},
};
use planshift_domain::{
    account::facts::{PartnerType, Relationship, SubscriptionStatus},
    message::request::RefusedCustomer,
};

pub(super) fn describe(api: &Api) {
    let document = api.named("AccountDocument", document());
    let outcome = object().has("imported", count()).has("refused", list(api.of::<RefusedCustomer>()));
    api.add(
        Operation::post("/v1/accounts", "importAccount", "Imports an account document: whole, or not at all.")
            .says("As one JSON object; or in lines (NDJSON), first the document without its customers, then a customer a line.")
            .bodies(&[("application/json", document), ("application/x-ndjson", text())], true)
            .json(200, "How many customers were taken, and which were not.", outcome)
            .fails(&[409]),
    );
}

fn document() -> Object {
    let partner = object()
        .has("id", guid())
        .has("name", text())
        .has("mpnId", mpn_id())
        .has("type", one_of(PartnerType::TEXTS))
        .has("isAgreementSigned", flag())
        .may_have("programStatus", text())
        .may_have("azurePlanMarkets", or_null(list(text())));
    let reseller = object().has("id", guid()).has("mpnId", mpn_id()).has("name", text()).may_have("state", text());
    object().has("partner", partner).may_have("resellers", list(reseller)).may_have("customers", list(customer()))
}

fn customer() -> Object {
    let subscription = object()
        .has("id", guid())
        .has("offerId", text())
        .has("friendlyName", text())
        .has("status", one_of(SubscriptionStatus::TEXTS))
        .has("creationDate", time())
        .may_have("entitlementId", or_null(guid()))
        .may_have("partnerId", or_null(mpn_id()));
    object()
        .has("id", guid())
        .has("companyProfile", object().has("companyName", text()).has("domain", text()))
        .has("billingProfile", object().has("defaultAddress", object().has("country", text())))
        .has("relationshipToPartner", one_of(Relationship::TEXTS))
        .has("currencyCode", text())
        .may_have("agreements", list(object().has("type", text()).has("dateAgreed", time())))
        .may_have("subscriptions", list(subscription))
}
