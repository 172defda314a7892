//! Commerce subscriptions of the legacy Azure offer, and Azure plans, as one list. Source: the domain's sections 3.3 and 6.4.
//!
//! A legacy subscription that a transition has suspended stays in the list with its ids: `suspended`, and from 90 days on `deleted`. It stays
//! when an import tells nothing of it any more.

use super::{
    Whose,
    catalogue::{LEGACY, PLAN},
    etag::etag,
    facts::Facts,
    left::{Left, left},
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_NUMBER, Parameters},
        pages::{Asked, LARGEST_PAGE, Page, again, link},
    },
    model::{OwnPlan, Standing, Suspended},
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use planshift_domain::{
    account::facts::{PlanFacts, PlanStatus, SubscriptionFacts, SubscriptionStatus, deleted_after_suspension},
    ids::{CommerceSubscriptionId, MpnId, PlanId, Reseller},
    message::request::{CustomerPage, Wanted},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What every plan is called. Source: the domain's section 1.2.
pub(super) const PLAN_NAME: &str = "Azure plan";

/// `GET /v1/customers/{id}/subscriptions?order_id=&mpn_id=&size=`.
pub(in crate::http) async fn subscriptions(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(|token| Uuid::try_parse(token).ok())?;
    let reseller = parameters.parse("mpn_id", A_NUMBER, |text| MpnId::try_new(text).ok())?.map(|mpn| Reseller(Some(mpn)));
    let order_id = parameters.get("order_id").map(str::to_owned);
    let wanted = Wanted { ids: None, reseller: reseller.clone(), order_id: order_id.clone() };

    // one more than a page of each, for the page is made of both and its end must be known
    let page = whose.read(&app, &context, wanted, after, asked.size + 1).await?;
    let own: Vec<OwnPlan> = if order_id.is_some() { Vec::new() } else { app.model.own_plans(whose.partner, whose.customer).await? };
    let own: Vec<OwnPlan> = own.into_iter().filter(|plan| reseller.as_ref().is_none_or(|reseller| *reseller == plan.reseller)).collect();
    let told_of = known_plans(&app, &context, whose, &own).await?;
    let told = u64::from(page.subscriptions_total) + u64::from(page.plans_total) + (own.len() - told_of) as u64;
    // no order is known of what is left
    let left = match order_id {
        Some(_) => Left { total: Some(0), ..Left::default() },
        None => left(&app, &context, whose, &page, reseller.as_ref(), (after, asked.size + 1)).await?,
    };
    let total = left.total.map(|left| told + left);

    let items = Merged::new(&app, whose, page, own).await?.with(left.page).items(after);
    let more = items.len() > asked.size as usize;
    let items: Vec<(Uuid, Value)> = items.into_iter().take(asked.size as usize).collect();
    let next = items.last().filter(|_| more).map(|(id, _)| id.as_simple().to_string());
    let path = format!("/customers/{}/subscriptions", whose.customer);
    let items = items.into_iter().map(|(_, item)| item).collect();
    let page = Page { items, total, next, ..Page::default() };
    asked.answer(&path, &again(&parameters, &["order_id", "mpn_id", "partnerId"]), page)
}

/// `GET /v1/customers/{id}/subscriptions/{id}`: a commerce subscription, or a plan.
pub(in crate::http) async fn subscription(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let Ok(id) = Uuid::try_parse(&id) else { return Err(unknown(&id)) };
    Answer::json(&read_one(&app, &context, whose, id).await?)
}

/// The subscription, or the plan, of that id.
pub(super) async fn read_one(app: &App, context: &Context, whose: Whose, id: Uuid) -> Result<Value, ApiError> {
    let page = whose.read(app, context, Wanted { ids: Some(vec![id]), ..Wanted::default() }, None, 1).await?;
    let own = app.model.own_plans(whose.partner, whose.customer).await?.into_iter().filter(|plan| plan.id.0 == id).collect();
    let left = app.model.suspended_one((whose.partner, whose.customer), id).await?;
    let merged = Merged::new(app, whose, page, own).await?.with(left);
    let found = merged.items(None).into_iter().next();
    Ok(found.ok_or_else(|| unknown(&id.to_string()))?.1)
}

/// How many of the transitions' own plans an import has told of: those are in the facts too.
async fn known_plans(app: &App, context: &Context, whose: Whose, own: &[OwnPlan]) -> Result<usize, ApiError> {
    if own.is_empty() {
        return Ok(0);
    }
    let ids = own.iter().map(|plan| plan.id.0).collect();
    let page = whose.read(app, context, Wanted { ids: Some(ids), ..Wanted::default() }, None, LARGEST_PAGE).await?;
    Ok(page.plans.len())
}

/// No such subscription of that customer.
pub(super) fn unknown(id: &str) -> ApiError {
    let text = words!("The customer has no subscription {id}.", "Le client n’a pas d’abonnement {id}.");
    ApiError::new(StatusCode::NOT_FOUND, "20003", "SubscriptionNotFound", text)
}

/// What the facts say, and what transitions have made of it.
pub(super) struct Merged {
    whose: Whose,
    page: CustomerPage,
    plans: BTreeMap<PlanId, OwnPlan>,
    left: BTreeMap<Uuid, Suspended>,
    standings: std::collections::HashMap<planshift_domain::ids::AzureSubscriptionId, Standing>,
    version: u64,
    now: Timestamp,
}

impl Merged {
    pub(super) async fn new(app: &App, whose: Whose, page: CustomerPage, own: Vec<OwnPlan>) -> Result<Self, ApiError> {
        let azure = page.subscriptions.iter().filter_map(|subscription| subscription.azure_subscription_id);
        let standings = app.model.standings(whose.partner, whose.customer, azure).await?;
        let version = u64::from(page.facts_version) + app.model.versions_of(whose.partner, whose.customer).await?;
        let told = |id: PlanId| page.plans.iter().any(|plan| plan.id == id);
        let plans = own.into_iter().filter(|plan| plan.is_ours() || !told(plan.id)).map(|plan| (plan.id, plan)).collect();
        Ok(Self { whose, page, plans, left: BTreeMap::new(), standings, version, now: app.ports.clock.now() })
    }

    /// With these, as far as the facts do not tell of them.
    pub(super) fn with(mut self, left: impl IntoIterator<Item = Suspended>) -> Self {
        self.left.extend(left.into_iter().map(|one| (one.commerce_subscription_id.0, one)));
        self
    }

    /// Has a transition suspended it, and does no import tell of it any more?
    pub(super) fn is_left(&self, id: Uuid) -> bool {
        self.left.contains_key(&id)
    }

    /// The same of one subscription or plan of facts that are all here.
    pub(super) async fn of_one(app: &App, whose: Whose, facts: &Facts, id: Uuid) -> Result<Self, ApiError> {
        let subscriptions: Vec<_> = facts.subscriptions.iter().filter(|facts| facts.commerce_subscription_id.0 == id).cloned().collect();
        let plans: Vec<_> = facts.plans.iter().filter(|facts| facts.id.0 == id).cloned().collect();
        let own = app.model.own_plans(whose.partner, whose.customer).await?.into_iter().filter(|plan| plan.id.0 == id).collect();
        let page = CustomerPage {
            facts_version: facts.version,
            partner: facts.partner.clone(),
            customer: facts.customer.clone(),
            resellers: Vec::new(),
            subscriptions_total: 0,
            subscriptions,
            plans_total: 0,
            plans,
        };
        let left = app.model.suspended_one((whose.partner, whose.customer), id).await?;
        Ok(Self::new(app, whose, page, own).await?.with(left))
    }

    /// The ETag of one of them.
    pub(super) fn etag(&self, id: Uuid) -> String {
        etag(id, self.version)
    }

    /// Is it a plan that a transition bought?
    pub(super) fn is_own(&self, id: PlanId) -> bool {
        self.plans.get(&id).is_some_and(OwnPlan::is_ours)
    }

    /// All of it after this id, in the order of the ids.
    fn items(&self, after: Option<Uuid>) -> Vec<(Uuid, Value)> {
        let mut items: BTreeMap<Uuid, Value> = BTreeMap::new();
        items.extend(self.left.iter().map(|(id, left)| (*id, self.suspended(left))));
        for subscription in &self.page.subscriptions {
            items.insert(subscription.commerce_subscription_id.0, self.legacy(subscription));
        }
        for plan in &self.page.plans {
            items.insert(plan.id.0, self.plan(plan, None));
        }
        for own in self.plans.values() {
            // its status as transitions left it counts: an import never overwrites that
            let facts = PlanFacts { id: own.id, reseller: own.reseller.clone(), status: own.status };
            items.insert(own.id.0, self.plan(&facts, own.bought_at));
        }
        items.into_iter().filter(|(id, _)| after.is_none_or(|after| *id > after)).collect()
    }

    /// How the commerce subscription stands now.
    pub(super) fn status(&self, facts: &SubscriptionFacts) -> (SubscriptionStatus, bool) {
        let standing = facts.azure_subscription_id.and_then(|id| self.standings.get(&id));
        let suspended = standing.filter(|s| s.commerce_subscription_id == facts.commerce_subscription_id).and_then(|s| s.suspended);
        suspended.map_or((facts.status, false), |since| (self.status_since(since), true))
    }

    /// The status of what a transition has suspended that ended then, or has not ended.
    fn status_since(&self, ended_at: Option<Timestamp>) -> SubscriptionStatus {
        let is_deleted = ended_at.is_some_and(|since| deleted_after_suspension(since) <= self.now);
        if is_deleted { SubscriptionStatus::Deleted } else { SubscriptionStatus::Suspended }
    }

    /// What only its transition knows: its ids, its reseller, and where it went.
    fn suspended(&self, left: &Suspended) -> Value {
        let mut row = self.row(left.commerce_subscription_id, self.status_since(left.ended_at), true);
        row["entitlementId"] = json!(left.azure_subscription_id);
        row["partnerId"] = json!(left.reseller);
        row["azurePlanId"] = json!(left.plan_id);
        row["azurePlanEffectiveAt"] = json!(left.effective_at);
        row["upgradeId"] = json!(left.transition_id);
        row
    }

    /// One more version of the facts: what is printed from now on is as it will be after a change.
    pub(super) const fn count_up(&mut self) {
        self.version += 1;
    }

    pub(super) fn legacy(&self, facts: &SubscriptionFacts) -> Value {
        let (status, by_transition) = self.status(facts);
        let standing = facts.azure_subscription_id.and_then(|id| self.standings.get(&id));
        let mut row = self.row(facts.commerce_subscription_id, status, by_transition);
        row["entitlementId"] = json!(facts.azure_subscription_id);
        row["friendlyName"] = json!(facts.friendly_name);
        row["creationDate"] = json!(facts.creation_date);
        row["effectiveStartDate"] = json!(facts.creation_date);
        row["partnerId"] = json!(facts.reseller);
        row["orderId"] = json!(facts.order_id);
        row["azurePlanId"] = json!(standing.and_then(|standing| standing.plan_id));
        row["azurePlanEffectiveAt"] = json!(standing.and_then(|standing| standing.effective_at));
        row["upgradeId"] = json!(standing.map(|standing| standing.transition_id));
        row
    }

    /// A legacy subscription; what is null is not known of every one.
    fn row(&self, id: CommerceSubscriptionId, status: SubscriptionStatus, by_transition: bool) -> Value {
        let reasons: &[&str] = if by_transition { &["TransitionedToAzurePlan"] } else { &[] };
        json!({
            "id": id,
            "entitlementId": null,
            "offerId": LEGACY.offer_id,
            "offerName": LEGACY.title,
            "friendlyName": null,
            "quantity": 1,
            "unitType": "Usage-based",
            "hasPurchasableAddons": false,
            "creationDate": null,
            "effectiveStartDate": null,
            "commitmentEndDate": "9999-12-10T00:00:00Z",
            "status": status,
            "autoRenewEnabled": false,
            "isTrial": false,
            "isMicrosoftProduct": true,
            "publisherName": "Microsoft",
            "billingType": "usage",
            "billingCycle": "monthly",
            "contractType": "subscription",
            "partnerId": null,
            "orderId": null,
            "suspensionReasons": reasons,
            "actions": [],
            "refundOptions": [],
            "azurePlanId": null,
            "azurePlanEffectiveAt": null,
            "upgradeId": null,
            "links": self.links(id, LEGACY.product_id, LEGACY.sku_id),
            "attributes": { "etag": etag(id, self.version), "objectType": "Subscription" },
        })
    }

    pub(super) fn plan(&self, facts: &PlanFacts, bought_at: Option<Timestamp>) -> Value {
        let id = facts.id;
        let mut links = self.links(id, PLAN.product_id, PLAN.sku_id);
        links["azureEntitlements"] = link(format!("/customers/{}/subscriptions/{id}/azureEntitlements", self.whose.customer));
        json!({
            "id": id,
            "offerId": PLAN.offer_id,
            "offerName": PLAN.title,
            "friendlyName": PLAN_NAME,
            "productType": { "id": "Azure", "displayName": "Azure" },
            "quantity": 1,
            "unitType": "Usage-based",
            "hasPurchasableAddons": false,
            "creationDate": bought_at,
            "effectiveStartDate": bought_at,
            "status": facts.status,
            "autoRenewEnabled": false,
            "isTrial": false,
            "isMicrosoftProduct": true,
            "publisherName": "Microsoft",
            "billingType": "usage",
            "billingCycle": "one_time",
            "contractType": "subscription",
            "partnerId": facts.reseller,
            "suspensionReasons": [],
            "actions": [],
            "refundOptions": [],
            "links": links,
            "attributes": { "etag": etag(id, self.version), "objectType": "Subscription" },
        })
    }

    fn links(&self, id: impl std::fmt::Display, product: &str, sku: &str) -> Value {
        let customer = self.whose.customer;
        json!({
            "self": link(format!("/customers/{customer}/subscriptions/{id}")),
            "product": link(format!("/customers/{customer}/products/{product}")),
            "sku": link(format!("/customers/{customer}/products/{product}/skus/{sku}")),
        })
    }

    /// The plan of that id: its status, and whether there is one.
    pub(super) fn plan_status(&self, id: PlanId) -> Option<PlanStatus> {
        let own = self.plans.get(&id).map(|plan| plan.status);
        own.or_else(|| self.page.plans.iter().find(|plan| plan.id == id).map(|plan| plan.status))
    }
}
