//! Carts and orders. Source: the domain's section 6.5.

use super::{
    api::Api,
    operation::Operation,
    shapes::{Object, Schema, always, collection, count, guid, list, mpn_id, object, one_of, optional, or_null, pattern, text, time},
};
use crate::http::customers::catalogue::{LEGACY, Offer, PLAN};
use serde_json::json;

const CARTS: &str = "/v1/customers/{customer}/carts";
const ORDERS: &str = "/v1/customers/{customer}/orders";

pub(super) fn describe(api: &Api) {
    let order = api.named("Order", json!({ "anyOf": [Schema::from(made_here()), Schema::from(told())] }));
    carts(api, order.clone());
    api.add(
        Operation::get(ORDERS, "listOrders", "Orders made here, and the pending ones that an import tells of.")
            .of_partner()
            .pages()
            .json(200, "A page of them, the newest first.", collection(order.clone()))
            .may_give(200, "MS-ContinuationToken", "Where the next page begins, where there is one.")
            .fails(&[409]),
    );
    api.add(
        Operation::get("/v1/customers/{customer}/orders/{order}", "getOrder", "One order.")
            .of_partner()
            .json(200, "The order.", order)
            .fails(&[409]),
    );
    let provisioned = object().has("quantity", count()).has("status", text());
    let item = object().has("lineItemNumber", count()).has("status", text()).has("quantityProvisioningInformation", list(provisioned));
    api.add(
        Operation::get("/v1/customers/{customer}/orders/{order}/provisioningstatus", "getProvisioning", "Is what was ordered there?")
            .of_partner()
            .json(200, "Of each line.", collection(item)),
    );
}

fn carts(api: &Api, order: Schema) {
    let line = object()
        .has("id", count())
        .has("catalogItemId", text())
        .has("quantity", count())
        .has("billingCycle", text())
        .has("participants", list(object().has("key", text()).has("value", mpn_id())))
        .has("orderGroup", text());
    let cart = object()
        .has("id", guid())
        .has("creationTimestamp", time())
        .has("lastModifiedTimestamp", time())
        .has("expirationTimestamp", time())
        .has("status", one_of(&["Active", "Ordered"]))
        .has("lineItems", list(line))
        .links(&[])
        .of_type("Cart");
    let cart = api.named("Cart", cart);
    let ids = [("customer", "$request.path.customer"), ("cart", "$response.body#/id")];
    api.add(
        Operation::post(CARTS, "createCart", "A cart: what is to be bought.")
            .of_partner()
            .body(wanted())
            .json(201, "The cart; it lives for seven days.", cart.clone())
            .gives(201, "Location", "Where it is, relative to the version of the API.")
            .leads_to(201, "getCart", &ids)
            .leads_to(201, "checkoutCart", &ids)
            .fails(&[409]),
    );
    api.add(Operation::get("/v1/customers/{customer}/carts/{cart}", "getCart", "A cart.").of_partner().json(200, "The cart.", cart));
    let fault = object().has("orderGroupId", text()).has("code", count()).has("description", text());
    let result = object().has("orders", list(order)).has("orderErrors", list(fault)).of_type("CartCheckoutResult");
    let order_ids = [("customer", "$request.path.customer"), ("order", "$response.body#/orders/0/id")];
    api.add(
        Operation::post(
            "/v1/customers/{customer}/carts/{cart}/checkout",
            "checkoutCart",
            "Buys what the cart holds; again it says the same.",
        )
        .of_partner()
        .may_have_body(object())
        .json(201, "The order.", result)
        .leads_to(201, "getOrder", &order_ids)
        .leads_to(201, "getProvisioning", &order_ids)
        .fails(&[409]),
    );
}

/// The body of a new cart.
fn wanted() -> Object {
    let participant = object().has("key", pattern("^transaction_reseller$")).has("value", mpn_id());
    let participants = json!({ "type": "array", "maxItems": 1, "items": Schema::from(participant) });
    // in any case; they are the catalogue's own
    let line = |offer: &Offer| {
        Schema::from(
            object()
                .has("catalogItemId", one_of(&[offer.catalog_item_id().as_str(), offer.offer_id]))
                .may_have("id", json!({}))
                .may_have("quantity", or_null(json!({ "const": 1 })))
                .may_have("billingCycle", optional(always(offer.billing_cycle)))
                .may_have("participants", or_null(participants.clone())),
        )
    };
    let line = json!({ "anyOf": [line(&LEGACY), line(&PLAN)] });
    object().has("lineItems", json!({ "type": "array", "minItems": 1, "maxItems": 50, "items": line }))
}

/// An order that was made here.
fn made_here() -> Object {
    let line = object()
        .has("lineItemNumber", count())
        .has("offerId", text())
        .has("subscriptionId", guid())
        .has("friendlyName", text())
        .has("quantity", count())
        .has("partnerIdOnRecord", or_null(mpn_id()))
        .has("links", object().has("subscription", super::shapes::link()).has("provisioningStatus", super::shapes::link()));
    object()
        .has("id", guid())
        .has("referenceCustomerId", guid())
        .has("billingCycle", or_null(text()))
        .has("currencyCode", text())
        .has("creationDate", time())
        .has("status", text())
        .has("lineItems", list(line))
        .links(&[])
        .of_type("Order")
}

/// An order that an import tells of.
fn told() -> Object {
    object().has("id", text()).has("referenceCustomerId", guid()).has("status", text()).has("lineItems", list(json!({}))).of_type("Order")
}
