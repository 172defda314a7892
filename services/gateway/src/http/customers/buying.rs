//! A purchase: what a cart holds becomes part of the customer's facts, or why it may not. The legacy offer and the plan exclude each other.
//! Source: the domain's sections 6.5 and 6.7.

use super::{
    Whose,
    carts::offer,
    catalogue::LEGACY,
    change::{Edited, subscription_data},
    facts::Facts,
    orders,
};
use crate::{
    http::errors::ApiError,
    model::{Bought, Cart, Order, OrderLine},
    words::{Words, words},
};
use axum::http::StatusCode;
use planshift_domain::{
    account::{
        facts::{PlanFacts, PlanStatus, Relationship, ResellerFacts, SubscriptionFacts, SubscriptionStatus},
        scope::is_active,
    },
    audit::{Change, Operation},
    ids::{AzureSubscriptionId, CommerceSubscriptionId, MpnId, PlanId},
    said::chain,
    time::Timestamp,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Adds what the cart holds to the facts, or says why it may not be bought. What is there already was bought by this cart before.
pub(super) fn buy(
    cart: &Cart,
    order_id: Uuid,
    facts: &mut Facts,
    resellers: &BTreeMap<MpnId, ResellerFacts>,
    now: Timestamp,
) -> Result<bool, ApiError> {
    let refused = |status, code, name: &str, text: Words| Err(ApiError::new(status, code, name, text).definite());
    if facts.customer.relationship_to_partner != Relationship::Reseller {
        let text = words!(
            "The partner has no reseller relationship with the customer.",
            "Le partenaire n’a pas de relation de revendeur avec le client."
        );
        return refused(StatusCode::FORBIDDEN, "20002", "ResellerRelationshipMissing", text);
    }
    if !facts.customer.has_agreed(now) {
        let text = words!(
            "The customer has not accepted the Microsoft Customer Agreement.",
            "Le client n’a pas accepté le contrat client Microsoft."
        );
        return refused(StatusCode::FORBIDDEN, "13605", "CustomerAgreementMissing", text);
    }
    let is_new = |facts: &Facts, line: &OrderLine| {
        let has = facts.subscriptions.iter().any(|facts| facts.commerce_subscription_id.0 == line.subscription_id);
        !has && !facts.plans.iter().any(|plan| plan.id.0 == line.subscription_id)
    };
    let mut changed = false;
    for line in &cart.lines {
        if !is_new(facts, line) {
            continue;
        }
        if let Some(mpn) = &line.reseller.0 {
            let Some(reseller) = resellers.get(mpn).filter(|reseller| is_active(&reseller.state)) else {
                let text = words!(
                    "The partner has no active reseller with the MPN id {}.",
                    "Le partenaire n’a pas de revendeur actif avec l’ID MPN {}.",
                    mpn.as_str()
                );
                return refused(StatusCode::BAD_REQUEST, "2071", "PartnerIdOnRecordInvalid", text);
            };
            // on record from now on
            facts.resellers.entry(mpn.clone()).or_insert_with(|| reseller.clone());
        }
        match line.bought {
            Bought::LegacyAzure => {
                if !facts.active_plans.is_empty() {
                    let text = words!(
                        "Legacy Azure cannot be bought any more: the customer has an Azure plan.",
                        "L’offre Azure héritée ne peut plus être achetée : le client a un plan Azure."
                    );
                    return refused(StatusCode::FORBIDDEN, "500600", "LegacyOfferNotEligibleForPurchase", text);
                }
                facts.legacy_in_use.push(CommerceSubscriptionId(line.subscription_id));
                facts.subscriptions.push(SubscriptionFacts {
                    commerce_subscription_id: CommerceSubscriptionId(line.subscription_id),
                    azure_subscription_id: Some(AzureSubscriptionId(line.subscription_id)),
                    friendly_name: LEGACY.title.to_owned(),
                    status: SubscriptionStatus::Active,
                    creation_date: now,
                    reseller: line.reseller.clone(),
                    order_id: Some(order_id.to_string()),
                    tenant_id: Some(cart.customer_id),
                    has_reservations: false,
                    transfers: Vec::new(),
                    roles: Vec::new(),
                });
            }
            Bought::AzurePlan => {
                let country = &facts.customer.country;
                if facts.partner.azure_plan_markets.as_ref().is_some_and(|markets| !markets.contains(country)) {
                    let text = words!("The Azure plan is not sold in {country}.", "Le plan Azure n’est pas vendu dans le pays {country}.");
                    return refused(StatusCode::NOT_FOUND, "400019", "AvailabilityNotFound", text);
                }
                if let Some(active) = facts.legacy_in_use.first() {
                    let text = words!(
                        "The legacy Azure subscription {active} is in use: move the customer with an upgrade, which buys the plan.",
                        "L’abonnement Azure hérité {active} est utilisé : passez par une mise à niveau du client, qui achète le plan."
                    );
                    return refused(StatusCode::FORBIDDEN, "800020", "AzurePlanBlockedByLegacyAzure", text);
                }
                if facts.active_plans.contains(&line.reseller) {
                    let text = words!(
                        "The customer has an active Azure plan of that reseller: there is never a second one.",
                        "Le client a un plan Azure actif de ce revendeur : il n’y en a jamais un second."
                    );
                    return refused(StatusCode::CONFLICT, "409", "AzurePlanAlreadyExists", text);
                }
                facts.active_plans.push(line.reseller.clone());
                facts.plans.push(PlanFacts {
                    id: PlanId(line.subscription_id),
                    reseller: line.reseller.clone(),
                    status: PlanStatus::Active,
                });
            }
        }
        changed = true;
    }
    Ok(changed)
}

/// An order, as it is recorded. Source of the names in `data`: the domain's section 6.7.
pub(super) fn placed(whose: Whose, order: &Order, currency_code: &str) -> Edited {
    let mut data = BTreeMap::from([("OrderId".to_owned(), order.id.to_string())]);
    for line in &order.lines {
        let offer = offer(line.bought);
        data.insert("BillingCycle".to_owned(), offer.billing_cycle.to_owned());
        data.extend(subscription_data(
            line.number,
            offer.offer_id,
            &line.subscription_id.to_string(),
            offer.title,
            line.reseller.0.as_ref(),
        ));
    }
    let new_value = Some(orders::resource(whose, order, currency_code).to_string());
    let words = chain::ORDERED.with(&[&order.id, &order.lines.len()]).into();
    Edited { words, record: Change { operation: Operation::CreateOrder, old_value: None, new_value, data } }
}
