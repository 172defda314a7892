//! All schedules, the newest first.

use super::{Schedule, late, mark, state_of};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{number, time},
        visit::Visit,
    },
    schedules::ScheduleState,
};
use maud::{Markup, html};

/// How many are on a page.
const SIZE: u32 = 50;

/// `GET /portal/schedules?state=`.
pub(in crate::portal) async fn list(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let state = parameters.get("state").filter(|text| !text.is_empty());
    let query = state.map(|state| format!("&state={}", encoded(state))).unwrap_or_default();
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let found: Collection<Schedule> = visit.get(&format!("/v1/productupgrades/schedules?size={SIZE}{query}{after}")).await?;
    let body = html! {
        div.title {
            h1 { (say("Schedules", "Planifications")) }
            @if visit.may(Right::Sell) { span.push { a.button.primary href="/portal/schedules/new" { (say("A new schedule…", "Une nouvelle planification…")) } } }
        }
        form.filters method="get" action="/portal/schedules" role="search" {
            select name="state" aria-label=(say("State", "État")) {
                option value="" { (say("Every state", "Tous les états")) }
                @for one in ScheduleState::ALL { option value=(one.name()) selected[state == Some(one.name())] { (state_of(&visit, one.name()).0) } }
            }
            button type="submit" { (say("Find", "Chercher")) }
        }
        @if found.items.is_empty() {
            div.empty { p.lead { (say("None.", "Aucune.")) } p { (say("A customer, or a whole batch, moves at a date that you say.", "Un client, ou tout un lot, passe à la date que vous dites.")) } }
        } @else { (table(&visit, &found.items)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if let Some(next) = found.next() { a.button rel="next" href={ "/portal/schedules?after=" (encoded(&next)) (query) } { (say("Next page", "Page suivante")) } }
        }
    };
    let title = say("Schedules", "Planifications").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Schedules, is_live: false, body }))
}

fn table(visit: &Visit, items: &[Schedule]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Schedules", "Planifications")) {
            table.list {
                thead { tr { th scope="col" { (say("Schedule", "Planification")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Next begins", "Prochain début")) } th.wide scope="col" { (say("As asked for", "Comme demandé")) } th.amount scope="col" { (say("Customers", "Clients")) } th.wide scope="col" { (say("By", "Par")) } } }
                tbody { @for one in items { tr {
                    td { a.name href=(one.here()) { (one.external_reference_id) } }
                    td { (mark(visit, &one.state)) " " (late(visit, one.late_by)) }
                    td { @match one.next_at { Some(at) => (time(at)), None => span.quiet { "–" } } }
                    td.wide { (one.at) span.under { (one.time_zone) @if one.spread > 1 { (say(", over days: ", ", en jours : ")) (one.spread) } } }
                    td.amount { (number(one.rows, visit.locale())) }
                    td.wide { (one.created_by) }
                } } }
            }
        }
    }
}
