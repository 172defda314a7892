//! One customer: what it has, what it has signed, its budget, its past; and the button that moves it.

use super::{
    api::encoded,
    audit::dossiers,
    finish::{Page, see},
    form::Form,
    frame::{Content, Place, page as framed},
    parts::{id, number, time},
    spending::{self, Spending, Warning},
    states,
    visit::Visit,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
    transition::State,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many subscriptions are shown at once.
const SUBSCRIPTIONS: u32 = 100;
/// How many of its transitions.
const TRANSITIONS: u32 = 20;

/// A page of something, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collection<T> {
    pub(super) items: Vec<T>,
    pub(super) total_count: Option<u64>,
    #[serde(default)]
    pub(super) links: Value,
}

impl<T> Collection<T> {
    /// What the next page is asked for with.
    pub(super) fn next(&self) -> Option<String> {
        let uri = self.links["next"]["uri"].as_str()?;
        let query = uri.split_once('?')?.1;
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "continuationToken").map(|(_, token)| token.into_owned())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Customer {
    pub(super) id: CustomerId,
    pub(super) company_profile: Profile,
    billing_profile: Value,
    relationship_to_partner: Option<String>,
    currency_code: Option<String>,
    segment: Option<String>,
    cloud: Option<String>,
    has_support_plan: Option<bool>,
    pub(super) partner_id: PartnerId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile {
    pub(super) company_name: String,
    domain: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    entitlement_id: Option<String>,
    friendly_name: Option<String>,
    status: String,
    partner_id: Option<String>,
    order_id: Option<String>,
    azure_plan_id: Option<String>,
    azure_plan_effective_at: Option<Timestamp>,
    upgrade_id: Option<String>,
    product_type: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Budget {
    amount: Option<String>,
    currency_code: Option<String>,
    azure_portal: Task,
    spending: Spending,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task: String,
    since: Option<Timestamp>,
    link: String,
    last_done: Option<Done>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    amount: String,
    currency_code: String,
    at: Timestamp,
    by: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moved {
    pub(super) transition_id: String,
    pub(super) customer_id: String,
    pub(super) state: State,
    pub(super) lines: u64,
    pub(super) suspended: u64,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) started_by: String,
    pub(super) failure: Option<Value>,
}

/// `?partnerId=` where several partners have the customer.
pub(super) fn whose(parameters: &Parameters, mark: char) -> String {
    parameters.get("partnerId").map(|partner| format!("{mark}partnerId={}", encoded(partner))).unwrap_or_default()
}

/// `GET /portal/customers/{customer}`.
pub(super) async fn page(visit: Visit, Path(customer): Path<String>, parameters: Parameters) -> Result<Page, ApiError> {
    let (first, more) = (whose(&parameters, '?'), whose(&parameters, '&'));
    let base = format!("/v1/customers/{}", encoded(&customer));
    // whose it is, before anything of it is asked for
    let known: Customer = visit.get(&format!("{base}{first}")).await?;
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let uris = [
        format!("{base}/subscriptions?size={SUBSCRIPTIONS}{after}{more}"),
        format!("{base}/agreements?agreementType=*{more}"),
        format!("{base}/directSignedMicrosoftCustomerAgreementStatus{first}").to_lowercase(),
        format!("{base}/budget{first}"),
        format!("{base}/relationships{first}"),
        format!("/v1/productupgrades?customerId={}&size={TRANSITIONS}{more}", known.id),
    ];
    let (subscriptions, agreements, signed, budget, resellers, past) = futures::try_join!(
        visit.get::<Collection<Subscription>>(&uris[0]),
        visit.get::<Collection<Value>>(&uris[1]),
        visit.get::<Value>(&uris[2]),
        visit.get::<Budget>(&uris[3]),
        visit.get::<Collection<Value>>(&uris[4]),
        visit.get::<Collection<Moved>>(&uris[5]),
    )?;
    let say = |en, fr| visit.say(en, fr);
    let here = format!("/portal/customers/{}", known.id);
    // what it may still have beside is told by the wizard; the button does not press for it
    let stand = visit.app.model.stand_of(known.partner_id, known.id).await?;
    let is_over = stand.is_over();
    let under_way = past.items.iter().find(|one| !one.state.is_end());
    let body = html! {
        p.path { a href="/portal/customers" { (say("Customers", "Clients")) } }
        div.title {
            h1 { (known.company_profile.company_name) }
            (states::marks(stand, visit.locale()))
            span.push {
                @match under_way {
                    Some(one) => a.button.primary href={ "/portal/transitions/" (one.transition_id) } { (say("Follow the transition", "Suivre la mise à niveau")) },
                    None => a class=(if is_over { "button" } else { "button primary" }) href={ (here) "/transition" (first) } { (say("Transition billing to Azure plan", "Passer la facturation au plan Azure")) },
                }
                @if under_way.is_none() && !is_over && visit.may(Right::Sell) {
                    a.button href={ "/portal/schedules/new?customer=" (known.id) "&partner=" (known.partner_id) } { (say("At its time…", "À son heure…")) }
                }
            }
        }
        div.cards {
            (facts(&visit, &known, &resellers.items))
            (agreement(&visit, &agreements.items, signed["isSigned"] == true))
            (budget_card(&visit, &budget, &here, &first))
            (spending::card(&visit, &budget.spending, &budget.warnings, &here, &first))
        }
        (table(&visit, &subscriptions, &here, (&first, &more)))
        (transitions(&visit, &past.items))
        section {
            h2 { (say("Billing and audit", "Facturation et audit")) }
            div.foot {
                a.button href={ "/portal/billing?customerId=" (known.id) (more) } { (say("Reconciliation of the month", "Rapprochement du mois")) }
                a.button href={ "/portal/audit?customerId=" (known.id) (more) } { (say("What happened", "Ce qui s’est passé")) }
                (dossiers(&visit, &known.id.to_string(), &first, &more))
            }
        }
    };
    let title = known.company_profile.company_name.clone();
    Ok(framed(&visit, &Content { title, place: Place::Customers, is_live: false, body }))
}

fn facts(visit: &Visit, known: &Customer, resellers: &[Value]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let country = known.billing_profile["defaultAddress"]["country"].as_str().unwrap_or_default();
    html! {
        section.card {
            h2 { (say("Customer", "Client")) }
            dl {
                dt { (say("Tenant", "Locataire")) } dd { (id(visit, &known.id.to_string())) }
                dt { (say("Domain", "Domaine")) } dd { (known.company_profile.domain) }
                dt { (say("Country, currency", "Pays, devise")) } dd { (country) ", " (known.currency_code.as_deref().unwrap_or("–")) }
                dt { (say("Segment, cloud", "Segment, cloud")) } dd { (known.segment.as_deref().unwrap_or("–")) ", " (known.cloud.as_deref().unwrap_or("–")) }
                dt { (say("Support plan", "Plan de support")) } dd { (if known.has_support_plan == Some(true) { say("yes", "oui") } else { say("no", "non") }) }
                dt { (say("Relationship", "Relation")) } dd { (relationship(visit, known.relationship_to_partner.as_deref())) }
                dt { (say("Resellers", "Revendeurs")) }
                dd {
                    @if resellers.is_empty() { "–" }
                    @for reseller in resellers { div { (reseller["name"].as_str().unwrap_or_default()) " " code { (reseller["mpnId"].as_str().unwrap_or_default()) } } }
                }
            }
        }
    }
}

fn agreement(visit: &Visit, confirmed: &[Value], is_signed: bool) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section.card {
            h2 { (say("Customer agreement", "Contrat client")) }
            @if is_signed { p { (say("Signed with Microsoft directly.", "Signé directement avec Microsoft.")) } }
            @if confirmed.is_empty() && !is_signed { p.fault { (say("Not accepted: the customer cannot move before.", "Non accepté : le client ne peut pas passer avant.")) } }
            @for one in confirmed {
                @let contact = &one["primaryContact"];
                dl {
                    dt { (say("Accepted", "Accepté")) } dd { @match one["dateAgreed"].as_str().and_then(|at| at.parse().ok()) { Some(at) => (time(at)), None => "–" } }
                    dt { (say("By", "Par")) } dd { (contact["firstName"].as_str().unwrap_or_default()) " " (contact["lastName"].as_str().unwrap_or_default()) }
                    dt { (say("Address", "Adresse")) } dd { (contact["email"].as_str().unwrap_or_default()) }
                }
            }
        }
    }
}

fn budget_card(visit: &Visit, budget: &Budget, here: &str, first: &str) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let task = &budget.azure_portal;
    html! {
        section.card {
            h2 { (say("Budget", "Budget")) }
            p.large { @match &budget.amount { Some(amount) => { (amount) " " (budget.currency_code.as_deref().unwrap_or_default()) }, None => (say("None", "Aucun")) } }
            @if task.task == "open" {
                p { span.mark.held { (say("To do", "À faire")) } " " (say("Set it, with its alert, in the Azure portal too: Azure does not know it under the plan.", "Définissez-le aussi, avec son alerte, dans le portail Azure : Azure ne le connaît pas sous le plan.")) }
                @if let Some(since) = task.since { p.fine { (say("Since ", "Depuis ")) (time(since)) } }
                p { a href=(task.link) rel="noreferrer noopener" target="_blank" { (say("Open the Azure portal", "Ouvrir le portail Azure")) } }
                @if visit.may(Right::Manage) {
                    form method="post" action={ (here) "/budget" (first) } { (visit.form_token()) (visit.key()) button type="submit" { (say("It is set there", "C’est fait")) } }
                }
            } @else if task.task == "done" {
                p { span.mark.good { (say("Done", "Fait")) } " " (say("It is set in the Azure portal.", "Il est défini dans le portail Azure.")) }
            } @else if budget.amount.is_some() {
                p.fine { (say("After the transition it must be set in the Azure portal too.", "Après la mise à niveau, il faut aussi le définir dans le portail Azure.")) }
            }
            @if let Some(done) = &task.last_done { p.fine { (done.amount) " " (done.currency_code) ", " (time(done.at)) ", " (done.by) } }
        }
    }
}

/// What the customer is to the partner: the API spells it in English.
fn relationship<'t>(visit: &Visit, told: Option<&'t str>) -> &'t str {
    match told {
        Some("reseller") => visit.say("reseller", "revendeur"),
        Some("none") => visit.say("none", "aucune"),
        other => other.unwrap_or("–"),
    }
}

fn table(visit: &Visit, subscriptions: &Collection<Subscription>, here: &str, (first, more): (&str, &str)) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let none = || html! { span.quiet { "–" } };
    let (plans, lines): (Vec<_>, Vec<_>) = subscriptions.items.iter().partition(|one| one.product_type.is_some());
    html! {
        section {
            div.title { h2 { (say("Subscriptions", "Abonnements")) } @if let Some(total) = subscriptions.total_count { span.count { (number(total, visit.locale())) } } }
            @if lines.is_empty() { p.quiet { (say("None of the legacy offer.", "Aucun de l’ancienne offre.")) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(say("Subscriptions", "Abonnements")) {
                    table.list {
                        thead { tr {
                            th scope="col" { (say("Name", "Nom")) } th scope="col" { (say("Its two parts", "Ses deux parts")) } th scope="col" { (say("Commerce status", "Statut commercial")) }
                            th scope="col" { (say("Reseller", "Revendeur")) } th scope="col" { (say("Azure plan", "Plan Azure")) }
                        } }
                        tbody { @for one in lines { tr {
                            td { @match &one.friendly_name { Some(name) => (name), None => (none()) } @if let Some(order) = &one.order_id { span.under { (say("order ", "commande ")) (order) } } }
                            td { div.parts {
                                span.quiet { "Azure" }
                                span { @match &one.entitlement_id { Some(azure) => { (id(visit, azure)) " " a.fine href={ (here) "/azure/" (azure) (first) } aria-label={ (say("Ownership of ", "Propriété de ")) (azure) } { (say("ownership", "propriété")) } }, None => span.quiet { (say("not provisioned", "non provisionné")) } } }
                                span.quiet { (say("Commerce", "Commercial")) }
                                span { (id(visit, &one.id)) }
                            } }
                            td { (states::status(&one.status, visit.locale())) }
                            td { @match &one.partner_id { Some(mpn) => (mpn), None => (none()) } }
                            td { @match &one.azure_plan_id {
                                Some(plan) => { (id(visit, plan)) @if let Some(at) = one.azure_plan_effective_at { span.under { (say("from ", "dès le ")) (time(at)) } } @if let Some(upgrade) = &one.upgrade_id { a.under href={ "/portal/transitions/" (upgrade) } { (say("transition", "mise à niveau")) } } },
                                None => (none())
                            } }
                        } } }
                    }
                }
            }
            @if !plans.is_empty() {
                h3 { (say("Azure plans", "Plans Azure")) }
                ul.plain-list { @for plan in plans { li { (id(visit, &plan.id)) " " (states::status(&plan.status, visit.locale())) @if let Some(mpn) = &plan.partner_id { " " span.quiet { (say("reseller ", "revendeur ")) (mpn) } } } } }
            }
            @if let Some(next) = subscriptions.next() { nav.pages { a.button rel="next" href={ (here) "?after=" (encoded(&next)) (more) } { (say("Next page", "Page suivante")) } } }
        }
    }
}

/// Its transitions, or those of all.
pub(super) fn transitions(visit: &Visit, past: &[Moved]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section {
            h2 { (say("Transitions", "Mises à niveau")) }
            @if past.is_empty() { p.quiet { (say("None yet.", "Aucune.")) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(say("Transitions", "Mises à niveau")) {
                    table.list {
                        thead { tr { th scope="col" { (say("State", "État")) } th scope="col" { (say("Started", "Début")) } th scope="col" { (say("Ended", "Fin")) } th scope="col" { (say("By", "Par")) } th.amount scope="col" { (say("Subscriptions", "Abonnements")) } th scope="col" { (say("What failed", "Ce qui a échoué")) } } }
                        tbody { @for one in past { tr {
                            td { a.plain href={ "/portal/transitions/" (one.transition_id) } { (states::mark(one.state, visit.locale())) } }
                            td { (time(one.started_at)) }
                            td { @match one.ended_at { Some(at) => (time(at)), None => span.quiet { "–" } } }
                            td { (one.started_by) }
                            td.amount { (number(one.suspended, visit.locale())) " / " (number(one.lines, visit.locale())) }
                            td { @match &one.failure { Some(failure) => (failure["description"].as_str().unwrap_or_default()), None => span.quiet { "–" } } }
                        } } }
                    }
                }
            }
        }
    }
}

/// `POST /portal/customers/{customer}/budget`: the task is done.
pub(super) async fn tick_budget(
    visit: Visit,
    Path(customer): Path<String>,
    parameters: Parameters,
    form: Form,
) -> Result<Response, ApiError> {
    let first = whose(&parameters, '?');
    let uri = format!("/v1/customers/{}/budget/done{first}", encoded(&customer));
    visit.api.post(&visit.context, Some(form.key()?), &uri, &json!({})).await?;
    Ok(see(&format!("/portal/customers/{}{first}", encoded(&customer))))
}
