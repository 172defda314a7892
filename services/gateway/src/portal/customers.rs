//! The list of customers.

use super::{
    finish::{Page, see},
    frame::{Content, Place, page as framed},
    partners,
    parts::number,
    selection::{Selection, Stands, WAYS, fits, key},
    states,
    visit::Visit,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    model::{Overview, PartnerName, Seen, SortBy, Way},
};
use axum::response::Response;
use maud::{Markup, html};
use planshift_domain::transition::State;

/// How many customers a page has: as many as one looks through, quickly even on a slow line.
pub(super) const SIZE: u32 = 50;

/// `GET /portal`.
pub(super) async fn home() -> Response {
    see("/portal/customers")
}

/// `GET /portal/customers`.
pub(super) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let selection = Selection::of(&parameters)?;
    // where there is one partner, it is meant: nothing is said of whose each customer is
    let only = if visit.context.caller.sees_all() { visit.app.model.only_partner().await? } else { None };
    let filter = selection.filter(&visit, only);
    let after = parameters.get("after").and_then(key).filter(|key| fits(key, selection.by));
    let counted = parameters.get("of").and_then(|text| text.parse().ok()).filter(|_| after.is_some());
    let is_first = after.is_none();
    let found = visit.app.model.overview(&filter, (selection.by, selection.back), after, SIZE, counted).await?;
    let several = visit.context.caller.sees_all() && filter.partner.is_none();
    let unknown = if selection.asks_what_blocks() { visit.app.model.count_not_looked_at(&filter).await? } else { 0 };
    let partners = if visit.context.caller.sees_all() { partners::read(&visit).await? } else { Vec::new() };
    let body = html! {
        div.title {
            h1 { (visit.say("Customers", "Clients")) }
            span.count { (number(found.total, visit.locale())) }
        }
        (search(&visit, &selection, &partners))
        @if unknown > 0 { (not_looked_at(&visit, &selection, unknown)) }
        @if found.rows.is_empty() { (nothing(&visit, &selection)) } @else {
            form method="post" action="/portal/batches/new" data-select="" {
                (visit.form_token())
                (selection.hidden())
                (table(&visit, &selection, &found, several.then_some(partners.as_slice())))
                div.foot {
                    @if visit.may(Right::Sell) { (selecting(&visit, found.total)) }
                    nav.pages aria-label=(visit.say("Pages of the list", "Pages de la liste")) {
                        @if !is_first { a.button href=(selection.address()) { (visit.say("First page", "Première page")) } }
                        @if let Some(next) = &found.next {
                            a.button rel="next" href=(selection.address_after(next, found.total)) { (visit.say("Next page", "Page suivante")) }
                        }
                    }
                }
            }
        }
    };
    let title = visit.say("Customers", "Clients").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Customers, is_live: false, body }))
}

fn search(visit: &Visit, selection: &Selection, partners: &[PartnerName]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        form.filters method="get" action="/portal/customers" role="search" {
            input type="search" name="q" value=[selection.text.as_deref()] data-key="/" aria-label=(say("Name, domain or id", "Nom, domaine ou ID"))
                placeholder=(say("Name, domain or id", "Nom, domaine ou ID"));
            select name="state" aria-label=(say("State", "État")) {
                option value="" { (say("Every state", "Tous les états")) }
                @for stands in Stands::ALL {
                    option value=(stands.name()) selected[selection.stands == Some(stands)] { (stands.text(visit)) }
                }
            }
            input.short name="reseller" inputmode="numeric" value=[selection.reseller.as_ref()] aria-label=(say("Reseller, MPN id", "Revendeur, ID MPN"))
                placeholder=(say("Reseller (MPN)", "Revendeur (MPN)"));
            select name="way" aria-label=(say("What stands in the way", "Ce qui bloque")) {
                option value="" { (say("Free or blocked", "Libres ou bloqués")) }
                @for way in WAYS { option value=(way.name()) selected[selection.way == Some(way)] { (way_of(visit, way)) } }
            }
            @if partners.len() > 1 {
                select name="partner" aria-label=(say("Partner", "Partenaire")) {
                    option value="" { (say("Every partner", "Tous les partenaires")) }
                    @for one in partners { option value=(one.id) selected[selection.partner == Some(one.id)] { (partners::name(one)) } }
                }
            } @else if let Some(partner) = selection.partner { input type="hidden" name="partner" value=(partner); }
            (selection.order())
            button type="submit" { (say("Find", "Chercher")) }
            @if selection.address() != "/portal/customers" { a href="/portal/customers" { (say("Clear", "Effacer")) } }
        }
    }
}

const fn way_of(visit: &Visit, way: Way) -> &'static str {
    match way {
        Way::Free => visit.say("May move", "Peuvent passer"),
        Way::Blocked => visit.say("Something stands in the way", "Quelque chose bloque"),
        Way::Unknown => visit.say("Not looked at yet", "Pas encore regardés"),
    }
}

/// Of how many it is not known what stands in the way, and a button that finds out.
fn not_looked_at(visit: &Visit, selection: &Selection, count: u64) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        form.notice.held.row method="post" action="/portal/customers/look" data-look=(selection.address()) {
            (visit.form_token())
            (selection.hidden())
            span {
                b data-left=(count) { (number(count, visit.locale())) }
                (say(" of these have not been looked at since their last import, and are taken as unknown.", " d’entre eux n’ont pas été regardés depuis leur dernière importation : on ne sait pas."))
            }
            button type="submit" { (say("Look at them now", "Les regarder maintenant")) }
        }
    }
}

fn nothing(visit: &Visit, selection: &Selection) -> Markup {
    html! {
        div.empty {
            @if selection.address() == "/portal/customers" {
                p.lead { (visit.say("There are no customers yet.", "Il n’y a pas encore de clients.")) }
                p { (visit.say("Import an account document: ", "Importez un document de comptes : ")) code { "planshift import accounts.json" } }
            } @else {
                p.lead { (visit.say("No customer matches.", "Aucun client ne correspond.")) }
                p { a.button href="/portal/customers" { (visit.say("Show all", "Tout afficher")) } }
            }
        }
    }
}

fn table(visit: &Visit, selection: &Selection, found: &Overview, partners: Option<&[PartnerName]>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Customers", "Clients")) {
            table.list {
                thead {
                    tr {
                        @if visit.may(Right::Sell) {
                            td.pick { input type="checkbox" data-all="" aria-label=(say("All of this page", "Tous ceux de cette page")); }
                        }
                        (heading(visit, selection, SortBy::Name, say("Customer", "Client"), ""))
                        (heading(visit, selection, SortBy::Country, say("Country", "Pays"), "wide"))
                        (heading(visit, selection, SortBy::Standing, say("State", "État"), ""))
                        (heading(visit, selection, SortBy::AzureSubscriptions, say("Azure", "Azure"), "amount"))
                        (heading(visit, selection, SortBy::Reseller, say("Resellers", "Revendeurs"), "wide"))
                        @if partners.is_some() { th.wide scope="col" { (say("Partner", "Partenaire")) } }
                        (heading(visit, selection, SortBy::Blockers, say("What stands in the way", "Ce qui bloque"), ""))
                    }
                }
                tbody { @for row in &found.rows { (line(visit, row, partners)) } }
            }
        }
    }
}

fn heading(visit: &Visit, selection: &Selection, by: SortBy, text: &str, class: &str) -> Markup {
    let is_by = selection.by == by;
    // what stands in the way is asked for to see the worst first
    let back = if is_by { !selection.back } else { by == SortBy::Blockers };
    let to = Selection { by, back, ..selection.clone() };
    let order = match (is_by, selection.back) {
        (true, false) => Some("ascending"),
        (true, true) => Some("descending"),
        _ => None,
    };
    html! {
        th scope="col" class=(class) aria-sort=[order] {
            a href=(to.address()) title=(visit.say("Sort", "Trier")) {
                (text) span.order aria-hidden="true" { @match order { Some("ascending") => " ↑", Some(_) => " ↓", None => "" } }
            }
        }
    }
}

fn line(visit: &Visit, row: &Seen, partners: Option<&[PartnerName]>) -> Markup {
    let several = partners.is_some();
    let address = address(row, several);
    let last = row.last.as_ref();
    let is_over = row.stand.is_over();
    let is_moving = last.is_some_and(|last| !last.state.is_end());
    html! {
        tr {
            @if visit.may(Right::Sell) {
                td.pick { input type="checkbox" name="customer" value=(row.customer_id) aria-label=(row.company_name); }
            }
            td { a.name href=(address) { (row.company_name) } span.under { (row.domain) } }
            td.wide { (row.country) }
            td {
                @if let (true, Some(id)) = (is_over || row.stand.has_moved, row.moved_by) {
                    a.plain href={ "/portal/transitions/" (id) } { (states::mark(State::Completed, visit.locale())) }
                }
                @match last {
                    Some(_) if is_over => {}
                    Some(last) => {
                        @if row.stand.has_moved { " " }
                        a.plain href={ "/portal/transitions/" (last.id) } { (states::mark(last.state, visit.locale())) }
                        @if row.stand.has_moved { span.under { (visit.say("what was left", "ce qui restait")) } }
                        @if is_moving && last.lines > 0 { span.under { (number(last.suspended.into(), visit.locale())) " / " (number(last.lines.into(), visit.locale())) } }
                    }
                    None => span.quiet { (visit.say("Not begun", "Pas commencée")) },
                }
            }
            td.amount { @match row.azure_subscriptions { Some(azure) => (number(azure.into(), visit.locale())), None => span.quiet title=(visit.say("Known after the next import", "Connu après la prochaine importation")) { "–" } } }
            td.wide {
                @for (place, reseller) in row.resellers.iter().take(3).enumerate() { @if place > 0 { ", " } (reseller) }
                @if row.resellers.len() > 3 { span.quiet { " +" (row.resellers.len() - 3) } }
                @if row.resellers.is_empty() { span.quiet { "–" } }
            }
            @if let Some(partners) = partners { td.wide { a href={ "/portal/customers?partner=" (row.partner_id) } { (partners::name_of(partners, row.partner_id)) } } }
            td.blocker data-blocker=[(!is_over).then_some(row.customer_id)] data-partner=[several.then_some(row.partner_id)] {
                @if is_over { span.quiet { "–" } } @else { span.quiet { "…" } }
            }
        }
    }
}

/// Where a customer's page is; of several partners, whose is meant.
fn address(row: &Seen, several: bool) -> String {
    let whose = if several { format!("?partnerId={}", row.partner_id) } else { String::new() };
    format!("/portal/customers/{}{whose}", row.customer_id)
}

fn selecting(visit: &Visit, total: u64) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.selecting {
            span data-selected="" data-none=(say("None selected", "Aucun choisi")) data-some=(say("selected", "choisis")) {}
            label { input type="checkbox" name="all" value="1"; " " (say("All that match", "Tous ceux qui correspondent")) " (" (number(total, visit.locale())) ")" }
            button.primary type="submit" { (say("Start a batch…", "Lancer un lot…")) }
        }
    }
}
