//! Commerce subscriptions, Azure plans, and what is under them. Source: the domain's section 6.4.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, collection, flag, guid, link, list, mpn_id, object, optional, or_null, plain, text, time},
};
use planshift_domain::account::facts::{PlanStatus, SubscriptionStatus};
use serde_json::json;

const TOKEN: &str = "Where the next page begins, where there is one.";

pub(super) fn describe(api: &Api) {
    let subscription = api.named("Subscription", json!({ "anyOf": [Schema::from(legacy()), Schema::from(plan())] }));
    api.add(
        Operation::get(
            "/v1/customers/{customer}/subscriptions",
            "listSubscriptions",
            "Legacy subscriptions and Azure plans of a customer.",
        )
        .query("order_id", plain(), "Only those of this order.")
        .query("mpn_id", mpn_id(), "Only those of this reseller.")
        .of_partner()
        .pages()
        .json(200, "A page of them, in the order of their ids.", collection(subscription.clone()))
        .may_give(200, "MS-ContinuationToken", TOKEN)
        .leads_to(200, "getSubscription", &[("customer", "$request.path.customer"), ("subscription", "$response.body#/items/0/id")])
        .fails(&[409]),
    );
    const PATH: &str = "/v1/customers/{customer}/subscriptions/{subscription}";
    api.add(
        Operation::get(PATH, "getSubscription", "A legacy subscription, or an Azure plan.")
            .of_partner()
            .json(200, "As imports and transitions have left it.", subscription.clone())
            .fails(&[409]),
    );
    api.add(
        Operation::patch(PATH, "updateSubscription", "Another status or name: the whole resource comes back.")
            .says("The ETag that it was read with is checked where it is given, as `If-Match` or in `attributes`.")
            .header("If-Match", text(), "The ETag, in double quotes; `*` is any.")
            .of_partner()
            .body(change())
            .json(200, "As it is now.", subscription)
            .fails(&[409]),
    );
    entitlements(api);
}

/// What both are.
fn common() -> Object {
    object()
        .has("id", guid())
        .has("offerId", text())
        .has("offerName", text())
        .has("friendlyName", or_null(text()))
        .has("quantity", json!({ "const": 1 }))
        .has("unitType", text())
        .has("hasPurchasableAddons", flag())
        .has("autoRenewEnabled", flag())
        .has("isTrial", flag())
        .has("isMicrosoftProduct", flag())
        .has("publisherName", text())
        .has("billingType", text())
        .has("billingCycle", text())
        .has("contractType", text())
        .has("partnerId", or_null(mpn_id()))
        .has("suspensionReasons", list(text()))
        .has("actions", list(text()))
        .has("refundOptions", list(text()))
        .of_versioned_type("Subscription")
}

fn legacy() -> Object {
    common()
        .has("entitlementId", or_null(guid()))
        // null where a transition has suspended it and no import tells of it any more; so is its name
        .has("creationDate", or_null(time()))
        .has("effectiveStartDate", or_null(time()))
        .has("commitmentEndDate", time())
        .has("status", super::shapes::one_of(SubscriptionStatus::TEXTS))
        .has("orderId", or_null(text()))
        .has("azurePlanId", or_null(guid()))
        .has("azurePlanEffectiveAt", or_null(time()))
        .has("upgradeId", or_null(guid()))
        .links(&["product", "sku"])
}

fn plan() -> Object {
    common()
        .has("productType", object().has("id", text()).has("displayName", text()))
        .has("creationDate", or_null(time()))
        .has("effectiveStartDate", or_null(time()))
        .has("status", super::shapes::one_of(PlanStatus::TEXTS))
        .links(&["product", "sku", "azureEntitlements"])
}

/// What may be changed; the rest of the resource is passed over.
fn change() -> Object {
    // in any case; a name has no control characters
    let status = json!({ "enum": SubscriptionStatus::TEXTS });
    let name = json!({ "type": "string", "maxLength": 256, "pattern": r"^[^\u0000-\u001F\u007F-\u009F]*$" });
    object()
        .may_have("id", optional(guid()))
        .may_have("status", optional(status))
        .may_have("friendlyName", or_null(name))
        .may_have("attributes", or_null(object().may_have("etag", or_null(plain()))))
}

fn entitlements(api: &Api) {
    let entitlement = object()
        .has("id", guid())
        .has("friendlyName", or_null(text()))
        .has("status", text())
        .has("subscriptionId", guid())
        .has("sourceCommerceSubscriptionId", guid())
        .has("effectiveAt", or_null(time()))
        .has("upgradeId", guid())
        .has("links", object().has("self", link()))
        .of_type("AzureEntitlement");
    let entitlement = api.named("AzureEntitlement", entitlement);
    const PATH: &str = "/v1/customers/{customer}/subscriptions/{subscription}/azureEntitlements";
    const ONE: &str = "/v1/customers/{customer}/subscriptions/{subscription}/azureEntitlements/{entitlement}";
    api.add(
        Operation::get(PATH, "listEntitlements", "Azure subscriptions under a plan.")
            .of_partner()
            .pages()
            .json(200, "A page of them.", collection(entitlement.clone()))
            .may_give(200, "MS-ContinuationToken", TOKEN)
            .fails(&[409]),
    );
    api.add(
        Operation::get(ONE, "getEntitlement", "An Azure subscription under a plan.")
            .of_partner()
            .json(200, "Where it came from, and since when it is there.", entitlement)
            .fails(&[409]),
    );
}
