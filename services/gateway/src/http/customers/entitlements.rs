//! Azure subscriptions under a plan. Source: the domain's section 6.4. Their list is never cut short silently: the bug that partners
//! met elsewhere (section 11).

use super::{
    Whose,
    subscriptions::{Merged, unknown},
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Parameters,
        pages::{Asked, LARGEST_PAGE, Page, again, link},
    },
    model::Standing,
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use planshift_domain::{
    ids::{CommerceSubscriptionId, PlanId},
    message::request::Wanted,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// `GET /v1/customers/{id}/subscriptions/{plan}/azureEntitlements`.
pub(in crate::http) async fn entitlements(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, plan)): Path<(String, String)>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let plan = existing_plan(&app, &context, whose, &plan).await?;
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(|token| Uuid::try_parse(token).ok())?.unwrap_or(Uuid::nil());
    let (mut under, total) = app.model.under_plan((whose.partner, whose.customer), plan, after, asked.size + 1, asked.counted).await?;
    let next = asked.cut(&mut under, |last| Asked::counted(total, last.azure_subscription_id.0.as_simple()));
    let names = names(&app, &context, whose, &under).await?;
    let items = under.iter().map(|standing| resource(whose, plan, standing, &names)).collect();
    let path = format!("/customers/{}/subscriptions/{plan}/azureEntitlements", whose.customer);
    let page = Page { items, total: Some(total), next, ..Page::default() };
    asked.answer(&path, &again(&parameters, &["partnerId"]), page)
}

/// `GET …/azureEntitlements/{id}`.
pub(in crate::http) async fn entitlement(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, plan, id)): Path<(String, String, String)>,
) -> Result<Answer, ApiError> {
    let plan = existing_plan(&app, &context, whose, &plan).await?;
    let none = || {
        let text = words!(
            "The Azure subscription {id} is not under the plan {plan}.",
            "L’abonnement Azure {id} n’est pas rattaché au plan {plan}."
        );
        ApiError::new(StatusCode::NOT_FOUND, "800111", "AzureEntitlementNotFound", text)
    };
    let azure = id.parse().map_err(|_| none())?;
    let standing = app.model.standings(whose.partner, whose.customer, [azure]).await?.remove(&azure);
    let standing = standing.filter(|standing| standing.plan_id == Some(plan)).ok_or_else(none)?;
    let names = names(&app, &context, whose, std::slice::from_ref(&standing)).await?;
    Answer::json(&resource(whose, plan, &standing, &names))
}

/// The plan of that id: one that the facts tell of, or that a transition bought.
async fn existing_plan(app: &App, context: &Context, whose: Whose, id: &str) -> Result<PlanId, ApiError> {
    let plan: PlanId = id.parse().map_err(|_| unknown(id))?;
    let page = whose.read(app, context, Wanted { ids: Some(vec![plan.0]), ..Wanted::default() }, None, 1).await?;
    let own = app.model.own_plans(whose.partner, whose.customer).await?.into_iter().filter(|own| own.id == plan).collect();
    let merged = Merged::new(app, whose, page, own).await?;
    merged.plan_status(plan).map(|_| plan).ok_or_else(|| unknown(id))
}

/// What customers call them.
async fn names(
    app: &App,
    context: &Context,
    whose: Whose,
    under: &[Standing],
) -> Result<HashMap<CommerceSubscriptionId, String>, ApiError> {
    if under.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = under.iter().map(|standing| standing.commerce_subscription_id.0).collect();
    let page = whose.read(app, context, Wanted { ids: Some(ids), ..Wanted::default() }, None, 1).await?;
    Ok(page.subscriptions.into_iter().map(|facts| (facts.commerce_subscription_id, facts.friendly_name)).collect())
}

fn resource(whose: Whose, plan: PlanId, standing: &Standing, names: &HashMap<CommerceSubscriptionId, String>) -> Value {
    let id = standing.azure_subscription_id;
    json!({
        "id": id,
        "friendlyName": names.get(&standing.commerce_subscription_id),
        "status": "active",
        "subscriptionId": plan,
        "sourceCommerceSubscriptionId": standing.commerce_subscription_id,
        "effectiveAt": standing.effective_at,
        "upgradeId": standing.transition_id,
        "links": { "self": link(format!("/customers/{}/subscriptions/{plan}/azureEntitlements/{id}", whose.customer)) },
        "attributes": { "objectType": "AzureEntitlement" },
    })
}
