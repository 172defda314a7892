//! All transitions, the newest first.

use crate::{
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::{Collection, Moved},
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{number, time},
        states,
        visit::Visit,
    },
};
use maud::{Markup, html};
use planshift_domain::{ids::CustomerId, transition::State};
use std::collections::HashMap;

/// How many are on a page.
const SIZE: u32 = 50;

/// `GET /portal/transitions`.
pub(in crate::portal) async fn list(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let given = |name: &str| parameters.get(name).map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default();
    let query = given("q") + &given("state");
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let found: Collection<Moved> = visit.get(&format!("/v1/productupgrades?size={SIZE}{query}{after}")).await?;
    let ids: Vec<CustomerId> = found.items.iter().filter_map(|one| one.customer_id.parse().ok()).collect();
    let names = visit.app.model.customer_names(visit.context.caller.partner, &ids).await?;
    let body = html! {
        div.title { h1 { (say("Transitions", "Mises à niveau")) } @if let Some(total) = found.total_count { span.count { (number(total, visit.locale())) } } }
        form.filters method="get" action="/portal/transitions" role="search" {
            input type="search" name="q" value=[parameters.get("q")] data-key="/" aria-label=(say("Customer, failure, who, or an id", "Client, échec, auteur ou un ID")) placeholder=(say("Customer, failure, who, or an id", "Client, échec, auteur ou un ID"));
            select name="state" aria-label=(say("State", "État")) {
                option value="" { (say("Every state", "Tous les états")) }
                @for state in State::ALL { option value=(state.name()) selected[parameters.get("state") == Some(state.name())] { (states::of(state, visit.locale()).0) } }
            }
            button type="submit" { (say("Find", "Chercher")) }
        }
        @if found.items.is_empty() { div.empty { p.lead { (say("None.", "Aucune.")) } } } @else { (table(&visit, &found.items, &names)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if let Some(next) = found.next() { a.button rel="next" href={ "/portal/transitions?after=" (encoded(&next)) (query) } { (say("Next page", "Page suivante")) } }
        }
    };
    let title = say("Transitions", "Mises à niveau").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Transitions, is_live: false, body }))
}

fn table(visit: &Visit, items: &[Moved], names: &HashMap<CustomerId, String>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let name = |id: &str| id.parse().ok().and_then(|id: CustomerId| names.get(&id).cloned()).unwrap_or_else(|| id.to_owned());
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Transitions", "Mises à niveau")) {
            table.list {
                thead { tr { th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("State", "État")) } th.amount scope="col" { (say("Subscriptions", "Abonnements")) } th scope="col" { (say("Started", "Début")) } th scope="col" { (say("Ended", "Fin")) } th scope="col" { (say("By", "Par")) } } }
                tbody { @for one in items { tr {
                    td { a.name href={ "/portal/transitions/" (one.transition_id) } { (name(&one.customer_id)) } }
                    td { (states::mark(one.state, visit.locale())) @if let Some(failure) = &one.failure { span.under { (failure["description"].as_str().unwrap_or_default()) } } }
                    td.amount { (number(one.suspended, visit.locale())) " / " (number(one.lines, visit.locale())) }
                    td { (time(one.started_at)) }
                    td { @match one.ended_at { Some(at) => (time(at)), None => span.quiet { "–" } } }
                    td { (one.started_by) }
                } } }
            }
        }
    }
}
