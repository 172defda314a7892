//! What became of it: what comes next where it completed, the report where it did not.

use super::Shown;
use crate::{
    http::ApiError,
    portal::{parts::id, visit::Visit},
};
use maud::{Markup, html};
use planshift_domain::{report::Report, transition::State};

/// How many items of a list of the report are shown; the command line and the API have all of them.
const SHOWN: usize = 20;

/// Where Azure subscriptions, budgets and the partner's credit are seen to.
const SUBSCRIPTIONS: &str = "https://portal.azure.com/#view/Microsoft_Azure_Billing/SubscriptionsBlade";
const BUDGETS: &str = "https://portal.azure.com/#view/Microsoft_Azure_CostManagement/Menu/~/budgets";
const CREDIT: &str = "https://learn.microsoft.com/partner-center/billing/partner-earned-credit";

pub(super) async fn of(visit: &Visit, shown: &Shown) -> Result<Markup, ApiError> {
    Ok(match shown.row.state {
        State::Completed => next(visit, shown),
        state if state.is_end() || state == State::NeedsOperator => {
            report(visit, &visit.get(&format!("/v1/productupgrades/{}/report", shown.row.id)).await?)
        }
        _ => html! {},
    })
}

fn next(visit: &Visit, shown: &Shown) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let out = |to: &str, text: &str| html! { a href=(to) rel="noreferrer noopener" target="_blank" { (text) } };
    html! {
        section.notice.good {
            h2 { (say("Done. What comes next", "Terminé. Et ensuite")) }
            ul {
                li { (say("New Azure subscriptions are created under the plan, in the ", "Les nouveaux abonnements Azure se créent sous le plan, dans le ")) (out(SUBSCRIPTIONS, say("Azure portal", "portail Azure"))) "." }
                li {
                    (say("A budget, and its alert, are set there too: ", "Un budget et son alerte s’y définissent aussi : ")) (out(BUDGETS, say("budgets", "budgets")))
                    (say(". When it is done, tick it on the ", ". Une fois fait, cochez-le sur la ")) a href={ "/portal/customers/" (shown.row.customer_id) } { (say("customer's page", "page du client")) } "."
                }
                li { (say("Partner earned credit takes access of the partner to the resources, round the clock: ", "Le crédit obtenu par le partenaire demande un accès du partenaire aux ressources, à toute heure : ")) (out(CREDIT, say("what it takes to keep it", "ce qu’il faut pour le garder"))) "." }
            }
        }
    }
}

fn report(visit: &Visit, report: &Report) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let more = |total: usize| html! { @if total > SHOWN { li.fine { "+ " (total - SHOWN) } } };
    html! {
        section.notice.bad {
            h2 { (report.summary) }
            @if !report.failed.is_empty() {
                h3 { (say("What failed, and who says so", "Ce qui a échoué, et qui le dit")) }
                ul.failed {
                    @for one in report.failed.iter().take(SHOWN) { li { (one.description) " " span.fine { (one.said_by) " · " code { (one.code) } " " (id(visit, &one.resource_id)) } } }
                    (more(report.failed.len()))
                }
            }
            @if !report.undone.is_empty() {
                h3 { (say("What was undone, with the proof", "Ce qui a été défait, avec la preuve")) " (" (report.undone.len()) ")" }
                ul {
                    @for one in report.undone.iter().take(SHOWN) { li { (id(visit, &one.resource_id)) " " (one.evidence) } }
                    (more(report.undone.len()))
                }
            }
            @if !report.as_it_was.is_empty() {
                h3 { (say("What is as it was before", "Ce qui est comme avant")) }
                ul { @for text in &report.as_it_was { li { (text) } } }
            }
            @if !report.under_plan.is_empty() {
                h3 { (say("What is under a plan now", "Ce qui est sous un plan à présent")) " (" (report.under_plan.len()) ")" }
                ul { @for one in report.under_plan.iter().take(SHOWN) { li { (id(visit, &one.azure_subscription_id.to_string())) " → " (id(visit, &one.plan_id.to_string())) } } (more(report.under_plan.len())) }
            }
            @if !report.next.is_empty() {
                h3 { (say("What to do next", "Que faire ensuite")) }
                ol { @for step in &report.next { li { b { (step.who) } (visit.colon()) (step.what) @if let Some(command) = &step.command { br; (id(visit, command)) } } } }
            }
        }
    }
}
