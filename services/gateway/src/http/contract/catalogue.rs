//! The two Azure offers. Source: the domain's sections 1.2 and 6.5.

use super::{
    api::Api,
    operation::Operation,
    shapes::{collection, count, flag, list, object, pattern, text},
};

pub(super) fn describe(api: &Api) {
    products(api);
    let availability = object()
        .has("id", text())
        .has("productId", text())
        .has("skuId", text())
        .has("catalogItemId", text())
        .has("country", text())
        .has("isPurchasable", flag())
        .has("isRenewable", flag())
        .links(&[])
        .of_type("Availability");
    let availability = api.named("Availability", availability);
    const PATH: &str = "/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities";
    const ONE: &str = "/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}";
    api.add(
        Operation::get(PATH, "listAvailabilities", "What of a SKU the customer may buy here and now.")
            .of_partner()
            .json(200, "All of them; none where it is not sold in the customer's country.", collection(availability.clone()))
            .fails(&[409]),
    );
    api.add(
        Operation::get(ONE, "getAvailability", "One availability.")
            .of_partner()
            .json(200, "Whether it may be bought.", availability)
            .fails(&[409]),
    );
}

fn products(api: &Api) {
    let product = object()
        .has("id", text())
        .has("title", text())
        .has("description", text())
        .has("productType", object().has("id", text()).has("displayName", text()))
        .has("isMicrosoftProduct", flag())
        .has("publisherName", text())
        .links(&["skus"])
        .of_type("Product");
    let product = api.named("Product", product);
    api.add(
        Operation::get("/v1/customers/{customer}/products", "listProducts", "The two Azure offers.")
            .needs("targetView", pattern("^[Mm]icrosoft[Aa]zure$"), "The one view of the catalogue that is served.")
            .of_partner()
            .json(200, "Both.", collection(product.clone())),
    );
    api.add(Operation::get("/v1/customers/{customer}/products/{product}", "getProduct", "One of the two Azure offers.").of_partner().json(
        200,
        "The offer.",
        product,
    ));
    let sku = object()
        .has("id", text())
        .has("productId", text())
        .has("title", text())
        .has("description", text())
        .has("minimumQuantity", count())
        .has("maximumQuantity", count())
        .has("isTrial", flag())
        .has("supportedBillingCycles", list(text()))
        .has("purchasePrerequisites", list(text()))
        .has("dynamicAttributes", object())
        .links(&["availabilities"])
        .of_type("Sku");
    let sku = api.named("Sku", sku);
    api.add(Operation::get("/v1/customers/{customer}/products/{product}/skus", "listSkus", "The SKU of an offer.").of_partner().json(
        200,
        "All that there are.",
        collection(sku.clone()),
    ));
    api.add(
        Operation::get("/v1/customers/{customer}/products/{product}/skus/{sku}", "getSku", "One SKU.")
            .of_partner()
            .json(200, "The SKU.", sku),
    );
}
