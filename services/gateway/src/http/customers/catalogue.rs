//! The two Azure offers: the legacy one, and the plan. Source: the domain's sections 1.2 and 6.5.
//!
//! Which of them a customer may buy here and now depends on its transitions: the two exclude each other.

use super::Whose;
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Parameters,
        pages::{link, whole},
    },
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::message::request::Wanted;
use serde_json::{Value, json};

/// The one view of the catalogue that holds Azure.
const AZURE_VIEW: &str = "MicrosoftAzure";

/// An offer.
pub(in crate::http) struct Offer {
    pub(super) product_id: &'static str,
    pub(super) sku_id: &'static str,
    /// Availability ids change at Microsoft; here it is what tells one state of the catalogue from the next.
    pub(super) availability_id: &'static str,
    pub(in crate::http) offer_id: &'static str,
    pub(super) title: &'static str,
    description: &'static str,
    pub(in crate::http) billing_cycle: &'static str,
    prerequisite: &'static str,
}

/// "Microsoft Azure", pay as you go.
pub(in crate::http) const LEGACY: Offer = Offer {
    product_id: "9DEA7946-EC2C-441E-9FFD-E3B275F7E838",
    sku_id: "MS-AZR-0145P",
    availability_id: "MS-AZR-0145P",
    offer_id: "MS-AZR-0145P",
    title: "Microsoft Azure",
    description: "Microsoft Azure",
    billing_cycle: "monthly",
    prerequisite: "MicrosoftCloudAgreement",
};
/// The Azure plan.
pub(in crate::http) const PLAN: Offer = Offer {
    product_id: "DZH318Z0BPS6",
    sku_id: "0001",
    availability_id: "DZH318Z0BML6",
    offer_id: "DZH318Z0BPS6:0001:DZH318Z0BML6",
    title: "Microsoft Azure plan",
    description: "Microsoft Azure plan (MS-AZR-0017G)",
    billing_cycle: "one_time",
    prerequisite: "MicrosoftCustomerAgreement",
};

impl Offer {
    /// What a cart names it by.
    pub(in crate::http) fn catalog_item_id(&self) -> String {
        format!("{}:{}:{}", self.product_id, self.sku_id, self.availability_id)
    }

    fn product(&self, whose: Whose) -> Value {
        let here = format!("/customers/{}/products/{}", whose.customer, self.product_id);
        json!({
            "id": self.product_id,
            "title": self.title,
            "description": self.description,
            "productType": { "id": "Azure", "displayName": "Azure" },
            "isMicrosoftProduct": true,
            "publisherName": "Microsoft Corporation",
            "links": { "self": link(here.clone()), "skus": link(format!("{here}/skus")) },
            "attributes": { "objectType": "Product" },
        })
    }

    fn sku(&self, whose: Whose) -> Value {
        let here = format!("/customers/{}/products/{}/skus/{}", whose.customer, self.product_id, self.sku_id);
        json!({
            "id": self.sku_id,
            "productId": self.product_id,
            "title": self.title,
            "description": self.description,
            "minimumQuantity": 1,
            "maximumQuantity": 1,
            "isTrial": false,
            "supportedBillingCycles": [self.billing_cycle],
            "purchasePrerequisites": [self.prerequisite],
            "dynamicAttributes": {},
            "links": { "self": link(here.clone()), "availabilities": link(format!("{here}/availabilities")) },
            "attributes": { "objectType": "Sku" },
        })
    }

    fn availability(&self, whose: Whose, is_purchasable: bool, country: &str) -> Value {
        let here = format!("/customers/{}/products/{}/skus/{}/availabilities", whose.customer, self.product_id, self.sku_id);
        json!({
            "id": self.availability_id,
            "productId": self.product_id,
            "skuId": self.sku_id,
            "catalogItemId": self.catalog_item_id(),
            "country": country,
            "isPurchasable": is_purchasable,
            "isRenewable": false,
            "links": { "self": link(format!("{here}/{}", self.availability_id)) },
            "attributes": { "objectType": "Availability" },
        })
    }
}

/// `GET /v1/customers/{id}/products?targetView=MicrosoftAzure`.
pub(in crate::http) async fn products(whose: Whose, parameters: Parameters) -> Result<Answer, ApiError> {
    let view = parameters.get("targetView").unwrap_or_default();
    if !view.eq_ignore_ascii_case(AZURE_VIEW) {
        let text = words!(
            "The view {view:?} is not served here: {AZURE_VIEW} is the one that is.",
            "La vue {view:?} n’est pas servie ici : seule {AZURE_VIEW} l’est."
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "400036", "TargetViewNotAllowed", text));
    }
    let path = format!("/customers/{}/products?targetView={AZURE_VIEW}", whose.customer);
    whole(&path, [LEGACY, PLAN].iter().map(|offer| offer.product(whose)).collect())
}

/// `GET …/products/{id}`.
pub(in crate::http) async fn product(whose: Whose, Path((_, product)): Path<(String, String)>) -> Result<Answer, ApiError> {
    Answer::json(&of_product(&product)?.product(whose))
}

/// `GET …/products/{id}/skus`.
pub(in crate::http) async fn skus(whose: Whose, Path((_, product)): Path<(String, String)>) -> Result<Answer, ApiError> {
    let offer = of_product(&product)?;
    whole(&format!("/customers/{}/products/{}/skus", whose.customer, offer.product_id), vec![offer.sku(whose)])
}

/// `GET …/skus/{id}`.
pub(in crate::http) async fn sku(whose: Whose, Path((_, product, sku)): Path<(String, String, String)>) -> Result<Answer, ApiError> {
    Answer::json(&of_sku(&product, &sku)?.sku(whose))
}

/// `GET …/skus/{id}/availabilities`.
pub(in crate::http) async fn availabilities(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, product, sku)): Path<(String, String, String)>,
) -> Result<Answer, ApiError> {
    let offer = of_sku(&product, &sku)?;
    let item = available(&app, &context, whose, offer).await?;
    let path = format!("/customers/{}/products/{}/skus/{}/availabilities", whose.customer, offer.product_id, offer.sku_id);
    whole(&path, item.into_iter().collect())
}

/// `GET …/availabilities/{id}`.
pub(in crate::http) async fn availability(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, product, sku, id)): Path<(String, String, String, String)>,
) -> Result<Answer, ApiError> {
    let offer = of_sku(&product, &sku)?;
    let item = if offer.availability_id.eq_ignore_ascii_case(&id) { available(&app, &context, whose, offer).await? } else { None };
    let none = || {
        let text = words!("There is no availability {id} of it.", "Il n’en existe pas de disponibilité {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "400019", "AvailabilityNotFound", text)
    };
    Answer::json(&item.ok_or_else(none)?)
}

/// The offer's availability for the customer; none where the plan is not sold in its country.
async fn available(app: &App, context: &Context, whose: Whose, offer: &Offer) -> Result<Option<Value>, ApiError> {
    let page = whose.read(app, context, Wanted::default(), None, 0).await?;
    let country = &page.customer.country;
    let is_plan = offer.product_id == PLAN.product_id;
    if is_plan && page.partner.azure_plan_markets.as_ref().is_some_and(|markets| !markets.contains(country)) {
        return Ok(None);
    }
    // legacy Azure is gone for ever once a transition has completed, and barred while one is not at an end
    let barred = app.model.open_of(whose.partner, whose.customer).await?.is_some()
        || (!is_plan && app.model.completed_of(whose.partner, whose.customer).await?.is_some());
    let is_purchasable = !barred;
    Ok(Some(offer.availability(whose, is_purchasable, country)))
}

fn of_product(id: &str) -> Result<&'static Offer, ApiError> {
    static OFFERS: [Offer; 2] = [LEGACY, PLAN];
    let found = OFFERS.iter().find(|offer| offer.product_id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| {
        let text = words!("There is no product {id} here.", "Il n’y a pas de produit {id} ici.");
        ApiError::new(StatusCode::NOT_FOUND, "400013", "ProductNotFound", text)
    })
}

fn of_sku(product: &str, id: &str) -> Result<&'static Offer, ApiError> {
    let offer = of_product(product)?;
    if offer.sku_id.eq_ignore_ascii_case(id) {
        return Ok(offer);
    }
    let text = words!("There is no SKU {id} of the product {product}.", "Il n’existe pas de SKU {id} du produit {product}.");
    Err(ApiError::new(StatusCode::NOT_FOUND, "400018", "SkuNotFound", text))
}
