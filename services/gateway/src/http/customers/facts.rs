//! All facts of a customer, and what must be known besides to change them: what transitions have made of them.

use super::{Whose, change::too_large, subscriptions::Merged};
use crate::{
    app::App,
    http::{context::Context, errors::ApiError},
};
use planshift_domain::{
    account::facts::{
        CustomerFacts, PART_SUBSCRIPTIONS, PartnerFacts, PlanFacts, PlanStatus, ResellerFacts, SubscriptionFacts, SubscriptionStatus,
    },
    ids::{CommerceSubscriptionId, MpnId, PlanId, Reseller},
    message::request::{READ_AT_MOST, Wanted},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// All facts of a customer.
pub(super) struct Facts {
    pub(super) version: u32,
    pub(super) partner: PartnerFacts,
    pub(super) customer: CustomerFacts,
    pub(super) resellers: BTreeMap<MpnId, ResellerFacts>,
    pub(super) subscriptions: Vec<SubscriptionFacts>,
    pub(super) plans: Vec<PlanFacts>,
    /// For a purchase: commerce subscriptions of the legacy offer that are active and under no plan.
    pub(super) legacy_in_use: Vec<CommerceSubscriptionId>,
    /// For a purchase: whose active plans there are.
    pub(super) active_plans: Vec<Reseller>,
    /// How the subscription or plan that is to be changed stands.
    pub(super) one: Option<One>,
}

/// How a subscription or plan stands after all transitions.
pub(super) struct One {
    pub(super) merged: Merged,
    /// How many Azure subscriptions are under it, where it is a plan.
    pub(super) under: u64,
}

impl One {
    pub(super) async fn look(app: &App, whose: Whose, facts: &Facts, id: Uuid) -> Result<Self, ApiError> {
        let merged = Merged::of_one(app, whose, facts, id).await?;
        let (_, under) = app.model.under_plan((whose.partner, whose.customer), PlanId(id), Uuid::nil(), 1, None).await?;
        Ok(Self { merged, under })
    }
}

impl Facts {
    pub(super) async fn read(app: &App, context: &Context, whose: Whose) -> Result<Self, ApiError> {
        let first = whose.read(app, context, Wanted::default(), None, READ_AT_MOST).await?;
        if first.subscriptions_total as usize > PART_SUBSCRIPTIONS || first.plans_total as usize > PART_SUBSCRIPTIONS {
            return Err(too_large());
        }
        Ok(Self {
            version: first.facts_version,
            partner: first.partner,
            customer: first.customer,
            resellers: first.resellers.into_iter().map(|reseller| (reseller.mpn_id.clone(), reseller)).collect(),
            subscriptions: first.subscriptions,
            plans: first.plans,
            legacy_in_use: Vec::new(),
            active_plans: Vec::new(),
            one: None,
        })
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.subscriptions.iter().any(|facts| facts.commerce_subscription_id.0 == id) || self.plans.iter().any(|plan| plan.id.0 == id)
    }

    /// What a purchase must know besides: what transitions have made of it.
    pub(super) async fn look_around(&mut self, app: &App, whose: Whose) -> Result<(), ApiError> {
        let azure = self.subscriptions.iter().filter_map(|facts| facts.azure_subscription_id);
        let standings = app.model.standings(whose.partner, whose.customer, azure).await?;
        let in_use = self.subscriptions.iter().filter(|facts| {
            let moved = facts.azure_subscription_id.and_then(|id| standings.get(&id)).is_some_and(|standing| standing.plan_id.is_some());
            facts.status == SubscriptionStatus::Active && !moved
        });
        self.legacy_in_use = in_use.map(|facts| facts.commerce_subscription_id).collect();
        let mut own = app.model.own_plans(whose.partner, whose.customer).await?;
        own.retain(|own| own.is_ours() || !self.plans.iter().any(|plan| plan.id == own.id));
        let told = self.plans.iter().filter(|plan| !own.iter().any(|own| own.id == plan.id));
        let active = told.map(|plan| (plan.status, &plan.reseller)).chain(own.iter().map(|plan| (plan.status, &plan.reseller)));
        self.active_plans = active.filter(|(status, _)| *status == PlanStatus::Active).map(|(_, reseller)| reseller.clone()).collect();
        Ok(())
    }
}
