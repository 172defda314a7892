//! `POST /v1/productUpgrades/plan`: what would a transition do? Asked of eligibility, without any effect.
//!
//! Eligibility makes the plan from its own rows, and the hash over it. What is added here are the rules about other transitions, and
//! the ids of plans that earlier transitions have had.

use super::{UpgradeRequest, eligibility::Said, partner_of};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        findings, reasons,
    },
    model::{HadPlan, TakenFrom, taken_from},
    words::{Locale, Words, words},
};
use axum::{Extension, extract::State};
use planshift_domain::{
    ids::{PlanId, Reseller},
    message::plan::{PlanOutcome, PlanTransition, PlannedGroup, PlannedTransition},
    time::Timestamp,
};
use serde_json::{Value, json};

/// How many hexadecimal digits a plan's hash has.
const HASH_CHARS: usize = 64;

pub(in crate::http) async fn plan(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let UpgradeRequest { customer_id, product_family } = UpgradeRequest::read(&fields)?;
    let partner_id = partner_of(&app, &context, customer_id, &fields, &parameters).await?;
    let open = app.model.open_of(partner_id, customer_id).await?.map(|known| known.row.id);
    let completed = app.model.completed_of(partner_id, customer_id).await?.map(|known| known.row.id);
    let question = PlanTransition { request_id: context.request_id, partner_id, customer_id };
    let planned = match app.ask(&question, &context.trace).await?.outcome {
        PlanOutcome::Planned(planned) => *planned,
        PlanOutcome::UnknownCustomer => return Err(ApiError::not_imported(customer_id)),
        PlanOutcome::ImportUnderWay => return Err(ApiError::import_under_way()),
    };
    let had = app.model.had_plans(partner_id, customer_id).await?;
    let PlannedTransition { facts_version, checked_at, plan_hash, nothing_in_scope, findings, reasons_total, warnings_total, .. } =
        planned.clone();
    let mut said = Said { findings, nothing_in_scope, reasons_total, warnings_total };
    said.add_transitions(customer_id, open, completed);
    let mut answer = json!({
        "customerId": customer_id,
        "partnerId": partner_id,
        "productFamily": product_family,
        "isEligible": said.findings.reasons.is_empty(),
        "planHash": plan_hash,
        "facts": { "version": facts_version, "checkedAt": checked_at },
        "groups": planned.groups.iter().map(|group| group_of(group, &had, context.locale)).collect::<Vec<_>>(),
        "groupsTotal": planned.groups_total,
        "subscriptionsTotal": planned.subscriptions_total,
        "reasons": reasons::all(&said.findings.reasons, context.locale),
        "reasonsTotal": said.reasons_total,
        "warnings": findings::translated(said.findings.warnings.clone(), context.locale),
        "warningsTotal": said.warnings_total,
        "budget": planned.budget.as_ref().map(|amount| json!({
            "amount": amount,
            "currencyCode": planned.currency_code,
            "carriesOver": false,
        })),
        "invoices": invoices(app.ports.clock.now(), context.locale),
        "attributes": { "objectType": "ProductUpgradePlan" },
    });
    if let Some(upgrade) = open.or(completed.filter(|_| nothing_in_scope)) {
        answer["upgradeId"] = json!(upgrade);
    }
    Answer::json(&answer)
}

/// The plan that a create is to keep to.
pub(super) fn hash_of(fields: &Fields) -> Result<Option<String>, ApiError> {
    let Some(hash) = fields.text("planHash")? else { return Ok(None) };
    if hash.len() == HASH_CHARS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(hash.to_ascii_lowercase()));
    }
    let text = words!(
        "The property planHash must be the hash of a plan: 64 hexadecimal digits.",
        "La propriété planHash doit être l’empreinte d’un plan : 64 chiffres hexadécimaux."
    );
    Err(ApiError::bad_input("InvalidPlanHash", text))
}

fn group_of(group: &PlannedGroup, had: &[HadPlan], locale: Locale) -> Value {
    let subscriptions = group.subscriptions.iter().map(|subscription| {
        json!({
            "azureSubscriptionId": subscription.azure_subscription_id,
            "commerceSubscriptionId": subscription.commerce_subscription_id,
            "friendlyName": subscription.friendly_name,
        })
    });
    json!({
        "partnerId": group.reseller,
        "resellerName": group.reseller_name,
        "subscriptionsTotal": group.subscriptions_total,
        "subscriptions": subscriptions.collect::<Vec<_>>(),
        "plan": plan_of(group, had, locale),
    })
}

/// Where the group's plan comes from, and why: as purchasing decides it.
fn plan_of(group: &PlannedGroup, had: &[HadPlan], locale: Locale) -> Value {
    let say = |action: &str, plan_id: Option<PlanId>, why: &Words| json!({ "action": action, "planId": plan_id, "why": why.text(locale) });
    match taken_from(group, had) {
        TakenFrom::Document(plan_id) => {
            let why = words!(
                "The customer has an active plan of this reseller already: the one of the smallest id is used.",
                "Le client a déjà un plan actif de ce revendeur : celui du plus petit ID est utilisé."
            );
            say("reuse", Some(plan_id), &why)
        }
        TakenFrom::Earlier(plan_id) => {
            let why = words!(
                "An earlier transition has put subscriptions of this reseller under a plan, and that one is used.",
                "Une mise à niveau précédente a rattaché des abonnements de ce revendeur à un plan, et c’est celui-là qui est utilisé."
            );
            say("reuse", plan_id, &why)
        }
        TakenFrom::Undone(plan_id) => {
            let why = words!(
                "An earlier transition that was undone has left this plan suspended: it is made active again, and none is bought.",
                "Une mise à niveau précédente, annulée depuis, a laissé ce plan suspendu : il est réactivé, et aucun n’est acheté."
            );
            say("reactivate", Some(plan_id), &why)
        }
        TakenFrom::Nowhere => {
            let why = if group.reseller == Reseller::NONE {
                words!("The customer has no active plan without a reseller.", "Le client n’a pas de plan actif sans revendeur.")
            } else {
                words!("The customer has no active plan of this reseller.", "Le client n’a pas de plan actif de ce revendeur.")
            };
            say("buy", None, &why)
        }
    }
}

/// What changes on the invoices. When, is a rule: the instant is fixed when mapping starts.
fn invoices(now: Timestamp, locale: Locale) -> Value {
    let rule = words!(
        "The first whole UTC hour strictly after mapping starts: one instant for all subscriptions of the transition.",
        "La première heure UTC entière strictement après le début du rattachement : un même instant pour tous les abonnements de la mise à niveau."
    );
    let legacy = words!(
        "Usage before that hour is on the legacy invoice, however late it is reported.",
        "La consommation d’avant cette heure figure sur l’ancienne facture, quel que soit le moment où elle est déclarée."
    );
    let plan = words!(
        "Usage from that hour on is on the invoice of the group's Azure plan.",
        "La consommation à partir de cette heure figure sur la facture du plan Azure du groupe."
    );
    json!({
        "effectiveAt": {
            "rule": rule.text(locale),
            "earliest": now.next_whole_hour(),
        },
        "legacy": { "invoice": "D", "until": "effectiveAt", "text": legacy.text(locale) },
        "plan": { "invoice": "G", "from": "effectiveAt", "text": plan.text(locale) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{id, reseller};
    use planshift_domain::message::plan::PlanSource;

    fn group(plan: PlanSource) -> PlannedGroup {
        PlannedGroup { reseller: reseller("10"), reseller_name: None, subscriptions_total: 1, subscriptions: Vec::new(), plan }
    }

    #[test]
    fn a_plan_comes_from_where_purchasing_takes_it() {
        let had = |number, key, active| HadPlan { plan_id: id(number), reseller: reseller(key), active };
        let said = |group: &PlannedGroup, had: &[HadPlan]| {
            let plan = plan_of(group, had, Locale::English);
            (plan["action"].as_str().unwrap().to_owned(), plan["planId"].clone())
        };
        let bought = group(PlanSource::Bought);
        assert_eq!(said(&bought, &[]), ("buy".into(), Value::Null));
        assert_eq!(said(&bought, &[had(1, "11", false)]), ("buy".into(), Value::Null), "another reseller's");
        assert_eq!(said(&bought, &[had(3, "10", false), had(2, "10", false)]), ("reactivate".into(), json!(id::<PlanId>(2))));
        let earlier = group(PlanSource::OfEarlierTransition { in_document: Some(id(4)) });
        assert_eq!(said(&earlier, &[had(5, "10", true), had(1, "10", false)]), ("reuse".into(), json!(id::<PlanId>(4))));
        assert_eq!(said(&group(PlanSource::InDocument { plan_id: id(9) }), &[]), ("reuse".into(), json!(id::<PlanId>(9))));
    }
}
