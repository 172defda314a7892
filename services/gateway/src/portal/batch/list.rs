//! All batches, the newest first; by their state, and by the partner's own name of them.

use super::{Batch, state_mark, state_of};
use crate::{
    auth::Right,
    batches::BatchState,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{number, time},
        visit::Visit,
    },
};
use maud::{Markup, html};

/// How many are on a page.
const SIZE: u32 = 50;

/// `GET /portal/batches`.
pub(in crate::portal) async fn list(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let given = |name: &str| parameters.get(name).map(str::trim).filter(|text| !text.is_empty());
    let query: String =
        ["state", "externalReferenceId"].iter().filter_map(|name| Some(format!("&{name}={}", encoded(given(name)?)))).collect();
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let found: Collection<Batch> = visit.get(&format!("/v1/productupgrades/batches?size={SIZE}{query}{after}")).await?;
    let body = html! {
        div.title {
            h1 { (say("Batches", "Lots")) }
            @if visit.may(Right::Sell) { span.push { a.button.primary href="/portal/batches/new" { (say("A new batch…", "Un nouveau lot…")) } } }
        }
        form.filters method="get" action="/portal/batches" role="search" {
            input type="search" name="externalReferenceId" value=[given("externalReferenceId")] data-key="/" aria-label=(say("Its name, in full", "Son nom, en entier")) placeholder=(say("Its name, in full", "Son nom, en entier"));
            select name="state" aria-label=(say("State", "État")) {
                option value="" { (say("Every state", "Tous les états")) }
                @for state in BatchState::ALL { option value=(state.name()) selected[given("state") == Some(state.name())] { (state_of(&visit, state.name()).0) } }
            }
            button type="submit" { (say("Find", "Chercher")) }
            @if !query.is_empty() { a href="/portal/batches" { (say("Clear", "Effacer")) } }
        }
        @if found.items.is_empty() { (nothing(&visit, query.is_empty())) } @else { (table(&visit, &found.items)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if let Some(next) = found.next() { a.button rel="next" href={ "/portal/batches?after=" (encoded(&next)) (query) } { (say("Next page", "Page suivante")) } }
        }
    };
    let title = say("Batches", "Lots").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Batches, is_live: false, body }))
}

fn nothing(visit: &Visit, is_all: bool) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.empty {
            @if is_all {
                p.lead { (say("None yet.", "Aucun.")) }
                p { (say("Select customers, and start one; or bring a file.", "Choisissez des clients, et lancez-en un ; ou apportez un fichier.")) }
                p { a.button href="/portal/customers" { (say("Customers", "Clients")) } }
            } @else {
                p.lead { (say("No batch matches.", "Aucun lot ne correspond.")) }
            }
        }
    }
}

fn table(visit: &Visit, items: &[Batch]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Batches", "Lots")) {
            table.list {
                thead { tr { th scope="col" { (say("Batch", "Lot")) } th scope="col" { (say("State", "État")) } th.amount scope="col" { (say("Customers", "Clients")) } th scope="col" { (say("Made", "Créé")) } th.wide scope="col" { (say("Ended", "Fin")) } th.wide scope="col" { (say("By", "Par")) } } }
                tbody { @for one in items { tr {
                    td { a.name href=(one.here()) { (one.external_reference_id) } }
                    td { (state_mark(visit, &one.state)) @if !one.note.is_empty() { span.under { (one.note) } } @if one.schedule_id.is_some() { span.under { (say("has a schedule", "planifié")) } } }
                    td.amount { (number(one.rows, visit.locale())) }
                    td { (time(one.created_at)) }
                    td.wide { @match one.ended_at { Some(at) => (time(at)), None => span.quiet { "–" } } }
                    td.wide { (one.created_by) }
                } } }
            }
        }
    }
}
