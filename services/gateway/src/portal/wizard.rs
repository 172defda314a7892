//! What a transition would do, shown before it does it; and its start, which does what was shown or nothing.

use super::{
    api::encoded,
    customer::{Customer, whose},
    finish::{Page, see},
    form::Form,
    frame::{Content, Place, page as framed},
    parts::{counted, id, noun, number, time},
    visit::Visit,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
};
use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    is_eligible: bool,
    plan_hash: String,
    groups: Vec<Group>,
    groups_total: u64,
    subscriptions_total: u64,
    reasons: Vec<Finding>,
    reasons_total: u64,
    warnings: Vec<Finding>,
    warnings_total: u64,
    budget: Option<Value>,
    invoices: Value,
    upgrade_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    partner_id: Option<String>,
    reseller_name: Option<String>,
    subscriptions_total: u64,
    subscriptions: Vec<Line>,
    plan: Source,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    azure_subscription_id: String,
    commerce_subscription_id: String,
    friendly_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    action: String,
    plan_id: Option<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    code: String,
    resource_id: String,
    description: String,
}

/// `GET /portal/customers/{customer}/transition`.
pub(super) async fn page(visit: Visit, Path(customer): Path<String>, parameters: Parameters) -> Result<Page, ApiError> {
    shown(&visit, &customer, &parameters, None).await
}

/// `POST /portal/customers/{customer}/transition`: begins, and leads to the live view. What was shown is done: where it is another plan
/// by now, that one is shown.
pub(super) async fn start(visit: Visit, Path(customer): Path<String>, parameters: Parameters, form: Form) -> Result<Response, ApiError> {
    let hash = form.text("planHash").unwrap_or_default();
    let body = json!({ "customerId": customer, "partnerId": parameters.get("partnerId"), "productFamily": "Azure", "planHash": hash });
    match visit.api.post(&visit.context, Some(form.key()?), "/v1/productupgrades", &body).await {
        Ok(answered) => {
            let begun = answered.location.as_deref().and_then(|location| location.strip_prefix("productUpgrades/")).unwrap_or_default();
            Ok(see(&format!("/portal/transitions/{begun}")))
        }
        Err(error) if ["PlanChanged", "UpgradeInProgress"].contains(&error.name()) || error.field("reasons").is_some() => {
            Ok(shown(&visit, &customer, &parameters, Some(&error)).await?.into_response())
        }
        Err(error) => match error.field("transitionId").and_then(Value::as_str) {
            Some(begun) => Ok(see(&format!("/portal/transitions/{begun}"))),
            None => Err(error),
        },
    }
}

async fn shown(visit: &Visit, customer: &str, parameters: &Parameters, refused: Option<&ApiError>) -> Result<Page, ApiError> {
    let first = whose(parameters, '?');
    let known: Customer = visit.get(&format!("/v1/customers/{}{first}", encoded(customer))).await?;
    let question = json!({ "customerId": known.id, "partnerId": known.partner_id, "productFamily": "Azure" });
    let anew = Some(visit.app.ports.random.id());
    let answered = visit.api.post(&visit.context, anew, "/v1/productupgrades/plan", &question).await?;
    let plan: Plan = serde_json::from_value(answered.body).map_err(|error| ApiError::internal(&error))?;
    let say = |en, fr| visit.say(en, fr);
    let here = format!("/portal/customers/{}", known.id);
    let title = say("What will happen", "Ce qui va se passer");
    let body = html! {
        p.path { a href="/portal/customers" { (say("Customers", "Clients")) } " › " a href={ (here) (first) } { (known.company_profile.company_name) } }
        ol.wizard {
            li aria-current="step" { (say("What will happen", "Ce qui va se passer")) }
            li { (say("Follow it", "Suivi")) }
            li { (say("What comes next", "Et ensuite")) }
        }
        h1 { (known.company_profile.company_name) }
        @if let Some(refused) = refused {
            div.notice.bad role="alert" {
                p {
                    @if refused.name() == "PlanChanged" {
                        (say("What would be done has changed since it was shown. Nothing was done. This is how it is now.", "Ce qui serait fait a changé depuis l’affichage. Rien n’a été fait. Voici ce qu’il en est maintenant."))
                    } @else { (refused.text(visit.locale())) }
                }
            }
        }
        @if let Some(upgrade) = &plan.upgrade_id { p { a.button href={ "/portal/transitions/" (upgrade) } { (say("To its transition", "Vers sa mise à niveau")) } } }
        @if plan.is_eligible { (summary(visit, &plan)) } @else { (blocked(visit, &plan)) }
        (warnings(visit, &plan))
        @if !plan.groups.is_empty() { (groups(visit, &plan)) }
        @if plan.is_eligible { (invoices(visit, &plan)) }
        div.foot.at-hand {
            @if plan.is_eligible && visit.may(Right::Sell) {
                form method="post" action={ (here) "/transition" (first) } {
                    (visit.form_token()) (visit.key())
                    input type="hidden" name="planHash" value=(plan.plan_hash);
                    button.primary type="submit" { (say("Continue", "Continuer")) }
                }
                p.fine { (say("Exactly this is done, or nothing. Until every subscription is mapped, it can be cancelled and is undone.", "Exactement ceci est fait, ou rien. Tant que tous les abonnements ne sont pas rattachés, on peut annuler et tout est défait.")) }
            } @else if plan.is_eligible {
                p.fine { (say("To begin it, you need the role AdminAgent or SalesAgent.", "Pour commencer, il faut le rôle AdminAgent ou SalesAgent.")) }
            } @else {
                a.button href={ (here) "/transition" (first) } { (say("Check again", "Vérifier de nouveau")) }
            }
            a.button href={ (here) (first) } { (say("Back", "Retour")) }
        }
    };
    let title = format!("{}{}{title}", known.company_profile.company_name, visit.colon());
    Ok(framed(visit, &Content { title, place: Place::Customers, is_live: false, body }))
}

fn summary(visit: &Visit, plan: &Plan) -> Markup {
    let count = |action: &str| plan.groups.iter().filter(|group| group.plan.action == action).count() as u64;
    let figure =
        |value: u64, one, many| html! { div.figure { b { (number(value, visit.locale())) } span { (noun(visit, value, one, many)) } } };
    html! {
        div.figures {
            (figure(plan.subscriptions_total, ("subscription moves", "abonnement passe"), ("subscriptions move", "abonnements passent")))
            (figure(count("buy"), ("plan is bought", "plan est acheté"), ("plans are bought", "plans sont achetés")))
            (figure(count("reuse") + count("reactivate"), ("plan is there already", "plan existe déjà"), ("plans are there already", "plans existent déjà")))
        }
    }
}

fn blocked(visit: &Visit, plan: &Plan) -> Markup {
    html! {
        section.notice.bad {
            h2 { (visit.say("What stands in the way", "Ce qui bloque")) " (" (number(plan.reasons_total, visit.locale())) ")" }
            p { (visit.say("Nothing can be done before all of these are put right.", "Rien ne peut être fait tant que tout cela n’est pas réglé.")) }
            (findings(visit, &plan.reasons))
        }
    }
}

fn warnings(visit: &Visit, plan: &Plan) -> Markup {
    html! {
        @if !plan.warnings.is_empty() || plan.budget.is_some() {
            section.notice.held {
                h2 { (visit.say("To know before", "À savoir avant")) @if plan.warnings_total > 0 { " (" (number(plan.warnings_total, visit.locale())) ")" } }
                (findings(visit, &plan.warnings))
                @if let Some(budget) = &plan.budget {
                    p { (visit.say("The budget of ", "Le budget de ")) (budget["amount"].as_str().unwrap_or_default()) " " (budget["currencyCode"].as_str().unwrap_or_default())
                        (visit.say(" does not carry over: set it in the Azure portal afterwards. The customer's page keeps that as a task.", " n’est pas repris : définissez-le ensuite dans le portail Azure. La page du client garde cette tâche.")) }
                }
            }
        }
    }
}

fn findings(visit: &Visit, findings: &[Finding]) -> Markup {
    html! {
        ul.findings {
            @for finding in findings { li { (finding.description) " " span.fine { code { (finding.code) } " " (id(visit, &finding.resource_id)) } } }
        }
    }
}

fn groups(visit: &Visit, plan: &Plan) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section {
            h2 { (say("Which subscription goes under which plan", "Quel abonnement va sous quel plan")) }
            @for group in &plan.groups {
                details.group open[plan.groups.len() <= 4] {
                    summary {
                        b { @match (&group.reseller_name, &group.partner_id) {
                            (Some(name), Some(mpn)) => { (name) " (" (mpn) ")" },
                            (None, Some(mpn)) => { (say("Reseller ", "Revendeur ")) (mpn) },
                            _ => (say("Without a reseller", "Sans revendeur")),
                        } }
                        " " span.mark class=(if group.plan.action == "buy" { "moving" } else { "good" }) { (action(visit, &group.plan.action)) }
                        " " span.quiet { (counted(visit, group.subscriptions_total, ("subscription", "abonnement"), ("subscriptions", "abonnements"))) }
                    }
                    p.fine { (group.plan.why) @if let Some(plan) = &group.plan.plan_id { " " (id(visit, plan)) } }
                    div.scroll tabindex="0" role="region" aria-label=(say("Subscriptions of the group", "Abonnements du groupe")) {
                        table.list {
                            thead { tr { th scope="col" { (say("Name", "Nom")) } th scope="col" { (say("Azure subscription", "Abonnement Azure")) } th scope="col" { (say("Commerce subscription", "Abonnement commercial")) } } }
                            tbody { @for line in &group.subscriptions { tr {
                                td { (line.friendly_name.as_deref().unwrap_or("–")) }
                                td { (id(visit, &line.azure_subscription_id)) }
                                td { (id(visit, &line.commerce_subscription_id)) }
                            } } }
                        }
                    }
                    @if (group.subscriptions.len() as u64) < group.subscriptions_total {
                        p.fine { (say("and ", "et ")) (number(group.subscriptions_total - group.subscriptions.len() as u64, visit.locale())) (say(" more", " de plus")) }
                    }
                }
            }
            @if (plan.groups.len() as u64) < plan.groups_total { p.fine { (say("and further resellers: ", "et d’autres revendeurs : ")) (number(plan.groups_total - plan.groups.len() as u64, visit.locale())) } }
        }
    }
}

fn action<'a>(visit: &Visit, action: &'a str) -> &'a str {
    match action {
        "buy" => visit.say("bought", "acheté"),
        "reuse" => visit.say("there already", "existe déjà"),
        "reactivate" => visit.say("made active again", "réactivé"),
        other => other,
    }
}

fn invoices(visit: &Visit, plan: &Plan) -> Markup {
    let (effective, say) = (&plan.invoices["effectiveAt"], |en, fr| visit.say(en, fr));
    let earliest: Option<Timestamp> = effective["earliest"].as_str().and_then(|at| at.parse().ok());
    html! {
        section {
            h2 { (say("What changes on the invoices", "Ce qui change sur les factures")) }
            dl.wide-list {
                dt { (say("From when", "À partir de quand")) }
                dd { (effective["rule"].as_str().unwrap_or_default()) @if let Some(at) = earliest { " " b { (say("At the earliest ", "Au plus tôt ")) (time(at)) "." } } }
                dt { (say("Before", "Avant")) } dd { (plan.invoices["legacy"]["text"].as_str().unwrap_or_default()) }
                dt { (say("After", "Après")) } dd { (plan.invoices["plan"]["text"].as_str().unwrap_or_default()) }
                dt { (say("Nobody's use of Azure", "L’usage d’Azure")) } dd { (say("is disturbed: resources, access and addresses stay as they are.", "n’est pas perturbé : ressources, accès et adresses restent tels quels.")) }
            }
        }
    }
}
