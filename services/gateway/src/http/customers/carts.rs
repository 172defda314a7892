//! Carts: what may be bought, and its purchase. Source: the domain's section 6.5.
//!
//! A checkout is a change of the customer's facts: a new subscription of the legacy offer, or a new Azure plan. The two exclude each other,
//! and while a customer is being moved it may buy neither: the coordinator decides that under the customer's lock.

use super::{
    Whose,
    buying::{buy, placed},
    catalogue::{LEGACY, Offer, PLAN},
    change::{Needs, change},
    orders,
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Fields,
        once::{hash, once},
        pages::link,
    },
    model::{Bought, Cart, Order, OrderLine},
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{StatusCode, header},
};
use planshift_domain::{
    account::facts::{PartnerType, ResellerFacts},
    ids::{MpnId, Reseller},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many lines a cart has at most: a customer has one plan for each reseller.
const LINES: usize = 50;
/// How long a cart may be checked out. Source: the domain's section 3.4.
const LIFE_SECONDS: i64 = 7 * 24 * 3600;

/// `POST /v1/customers/{id}/carts`.
pub(in crate::http) async fn create(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let target = format!("POST /v1/customers/{}/carts of {}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let kind = whose.head(&app, &context).await?.partner.kind;
        let id = Uuid::new_v5(&context.request_id, b"cart");
        let items = fields.objects("lineItems", LINES)?;
        if items.is_empty() {
            return Err(faulty(words!(
                "The property lineItems must have at least one item.",
                "La propriété lineItems doit avoir au moins un élément."
            )));
        }
        let lines = (0..).zip(&items).map(|(number, item)| line(id, number, item, kind)).collect::<Result<_, _>>()?;
        let (partner_id, customer_id, created_at) = (whose.partner, whose.customer, app.ports.clock.now());
        let cart = Cart { id, partner_id, customer_id, created_at, lines, order_id: None };
        app.model.put_cart(&cart).await?;
        let here = format!("/customers/{}/carts/{id}", whose.customer);
        Ok(Answer::json(&resource(&cart))?.status(StatusCode::CREATED).header(header::LOCATION.as_str(), here))
    })
    .await
}

/// `GET /v1/customers/{id}/carts/{id}`.
pub(in crate::http) async fn cart(State(app): State<App>, whose: Whose, Path((_, id)): Path<(String, String)>) -> Result<Answer, ApiError> {
    Answer::json(&resource(&find(&app, whose, &id).await?))
}

/// `POST /v1/customers/{id}/carts/{id}/checkout`: again it gives the same answer.
pub(in crate::http) async fn checkout(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, id)): Path<(String, String)>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let cart = find(&app, whose, &id).await?;
    let target = format!("POST /v1/customers/{}/carts/{}/checkout of {}", whose.customer, cart.id, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let now = app.ports.clock.now();
        let order_id = Uuid::new_v5(&cart.id, b"order");
        if cart.order_id.is_none() {
            if cart.created_at.plus_seconds(LIFE_SECONDS) < now {
                return Err(unknown(&id));
            }
            let legacy_azure = cart.lines.iter().any(|line| line.bought == Bought::LegacyAzure);
            let made = cart.lines.first().map(|line| line.subscription_id);
            let needs = Needs { legacy_azure, purchase: true, made, ..Needs::default() };
            let resellers = resellers_of(&app, whose, &cart).await?;
            let order = Order { id: order_id, created_at: now, lines: cart.lines.clone() };
            let made = change(&app, &context, whose, needs, |facts| {
                let is_new = buy(&cart, order_id, facts, &resellers, now)?;
                Ok(is_new.then(|| placed(whose, &order, &facts.customer.currency_code)))
            })
            .await?;
            // of an order that was placed when the request came first, it has the time
            let placed_at = made.and_then(|made| serde_json::from_str::<Value>(&made).ok()?["creationDate"].as_str()?.parse().ok());
            app.model.ordered(&cart, &Order { created_at: placed_at.unwrap_or(now), ..order }).await?;
        }
        let order = app.model.order(whose.partner, whose.customer, order_id).await?.ok_or_else(|| unknown(&id))?;
        let facts = whose.head(&app, &context).await?.customer;
        let answer = Answer::json(&json!({
            "orders": [orders::resource(whose, &order, &facts.currency_code)],
            "orderErrors": [],
            "attributes": { "objectType": "CartCheckoutResult" },
        }))?;
        Ok(answer.status(StatusCode::CREATED))
    })
    .await
}

/// The partner's resellers that a cart names, as far as imports have told of them.
async fn resellers_of(app: &App, whose: Whose, cart: &Cart) -> Result<BTreeMap<MpnId, ResellerFacts>, ApiError> {
    let mut resellers = BTreeMap::new();
    for mpn in cart.lines.iter().filter_map(|line| line.reseller.0.as_ref()) {
        if let Some(row) = app.model.resellers(Some(whose.partner), (Some(mpn), None), None, 1).await?.pop() {
            resellers.insert(mpn.clone(), row.facts);
        }
    }
    Ok(resellers)
}

/// The customer's cart of that id.
async fn find(app: &App, whose: Whose, id: &str) -> Result<Cart, ApiError> {
    let Ok(wanted) = Uuid::try_parse(id) else { return Err(unknown(id)) };
    let found = app.model.cart(wanted).await?;
    found.filter(|cart| (cart.partner_id, cart.customer_id) == (whose.partner, whose.customer)).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    let text = words!("The customer has no cart {id}, or it has expired.", "Le client n’a pas de panier {id}, ou il a expiré.");
    ApiError::new(StatusCode::NOT_FOUND, "800008", "CartNotFound", text)
}

fn faulty(text: Words) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "800009", "InvalidCartItems", text).definite()
}

/// A line of a body. Its faults have Microsoft's codes of cart lines.
fn line(cart: Uuid, number: u32, item: &Fields, kind: PartnerType) -> Result<OrderLine, ApiError> {
    let wrong = |code: u32, text: Words| {
        faulty(words!("lineItems[{number}]: {text}", "lineItems[{number}] : {text}"; text)).with("cartErrorCode", code)
    };
    let named = item.text("catalogItemId")?.unwrap_or_default();
    let is = |offer: &Offer| [offer.catalog_item_id().as_str(), offer.offer_id].iter().any(|id| id.eq_ignore_ascii_case(named));
    let (bought, offer) = match () {
        () if is(&LEGACY) => (Bought::LegacyAzure, &LEGACY),
        () if is(&PLAN) => (Bought::AzurePlan, &PLAN),
        () => {
            return Err(wrong(
                10001,
                words!("catalogItemId {named:?} is none that is sold here.", "catalogItemId {named:?} n’est pas vendu ici."),
            ));
        }
    };
    if item.number("quantity", 0, u32::MAX)?.unwrap_or(1) != 1 {
        return Err(wrong(10010, words!("quantity must be 1.", "quantity doit être 1.")));
    }
    let cycle = item.text("billingCycle")?.unwrap_or(offer.billing_cycle);
    if !cycle.eq_ignore_ascii_case(offer.billing_cycle) {
        return Err(wrong(
            10013,
            words!("billingCycle must be {}, and not {cycle:?}.", "billingCycle doit être {}, et non {cycle:?}.", offer.billing_cycle),
        ));
    }
    let mut reseller = Reseller::NONE;
    for participant in item.objects("participants", LINES)? {
        let (key, value) = (participant.text("key")?.unwrap_or_default(), participant.text("value")?.unwrap_or_default());
        if !key.eq_ignore_ascii_case("transaction_reseller") {
            return Err(wrong(
                10010,
                words!(
                    "a participant is a transaction_reseller, and not {key:?}.",
                    "un participant est un transaction_reseller, et non {key:?}."
                ),
            ));
        }
        if kind == PartnerType::DirectBill {
            return Err(wrong(
                10004,
                words!(
                    "a direct-bill partner sells without resellers: there are no participants.",
                    "un partenaire à facturation directe vend sans revendeurs : il n’y a pas de participants."
                ),
            ));
        }
        if reseller != Reseller::NONE {
            return Err(wrong(10010, words!("a line has one transaction_reseller.", "une ligne a un seul transaction_reseller.")));
        }
        reseller = Reseller(Some(
            MpnId::try_new(value).map_err(|_| wrong(10010, words!("{value:?} is no MPN id.", "{value:?} n’est pas un ID MPN.")))?,
        ));
    }
    let subscription_id = Uuid::new_v5(&cart, number.to_string().as_bytes());
    Ok(OrderLine { number, bought, reseller, subscription_id })
}

fn resource(cart: &Cart) -> Value {
    let lines = cart.lines.iter().map(|line| {
        let offer = offer(line.bought);
        let participants: Vec<Value> = line.reseller.0.iter().map(|mpn| json!({ "key": "transaction_reseller", "value": mpn })).collect();
        json!({
            "id": line.number, "catalogItemId": offer.catalog_item_id(), "quantity": 1, "billingCycle": offer.billing_cycle,
            "participants": participants, "orderGroup": "0",
        })
    });
    json!({
        "id": cart.id,
        "creationTimestamp": cart.created_at,
        "lastModifiedTimestamp": cart.created_at,
        "expirationTimestamp": cart.created_at.plus_seconds(LIFE_SECONDS),
        "status": if cart.order_id.is_some() { "Ordered" } else { "Active" },
        "lineItems": lines.collect::<Vec<_>>(),
        "links": { "self": link(format!("/customers/{}/carts/{}", cart.customer_id, cart.id)) },
        "attributes": { "objectType": "Cart" },
    })
}

/// What a line is of.
pub(super) const fn offer(bought: Bought) -> &'static Offer {
    match bought {
        Bought::LegacyAzure => &LEGACY,
        Bought::AzurePlan => &PLAN,
    }
}
