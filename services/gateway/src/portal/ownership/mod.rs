//! Who owns an Azure subscription's usage from when: as a picture, and what of a month is on which invoice by day, before and after the cut.
//!
//! | file | holds |
//! |---|---|
//! | `picture` | the intervals as a picture |
//! | `days` | a month's days on both invoices |

mod days;
mod picture;

use super::{
    api::encoded,
    billing::Interval,
    customer::{Collection, Customer, whose},
    finish::Page,
    frame::{Content, Place, page as framed},
    parts::{id, time},
    visit::Visit,
};
use crate::{
    http::{ApiError, Parameters},
    words::words,
};
use axum::extract::Path;
use days::Day;
use maud::{Markup, html};
use planshift_billing::month::Month;
use planshift_domain::time::Timestamp;
use serde::Deserialize;

/// How many subscriptions are looked through at once for the one that this is about.
const AT_ONCE: u32 = 500;

#[derive(Deserialize)]
struct Owned {
    intervals: Vec<Interval>,
    points: Vec<Point>,
}

/// A change point, as mapping has appended it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    from: Timestamp,
    revision: u32,
    transition_id: String,
    owner: String,
    plan_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reconciled {
    commerce_subscription_id: Option<String>,
    plan_ids: Vec<String>,
    billing_subscription_ids: Vec<String>,
    transition_ids: Vec<String>,
    days: Vec<Day>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    entitlement_id: Option<String>,
}

/// `GET /portal/customers/{customer}/azure/{subscription}?month=`.
pub(super) async fn page(visit: Visit, Path((customer, azure)): Path<(String, String)>, parameters: Parameters) -> Result<Page, ApiError> {
    let (first, more) = (whose(&parameters, '?'), whose(&parameters, '&'));
    let base = format!("/v1/customers/{}", encoded(&customer));
    // whose it is, before anything of it is asked for
    let known: Customer = visit.get(&format!("{base}{first}")).await?;
    let owned: Owned = visit.get(&format!("{base}/azuresubscriptions/{}/ownership{first}", encoded(&azure))).await?;
    let cut = cut_of(&owned.intervals);
    let month = match parameters.get("month").filter(|text| !text.is_empty()) {
        Some(text) => text.parse().map_err(|_| {
            let text = words!("The parameter month must be a month as 2026-09.", "Le paramètre month doit être un mois comme 2026-09.");
            ApiError::bad_input("InvalidParameter", text)
        })?,
        None => cut.map_or_else(|| visit.app.spendings.this_month(), Month::of),
    };
    let uri = format!("/v1/reconciliation?month={month}&partnerId={}&azureSubscriptionId={}&by=day", known.partner_id, encoded(&azure));
    let found: Collection<Reconciled> = visit.get(&uri).await?;
    let reconciled = found.items.into_iter().next();
    let commerce = match reconciled.as_ref().and_then(|one| one.commerce_subscription_id.clone()) {
        Some(commerce) => Some(commerce),
        None => commerce_of(&visit, &base, &more, &azure).await?,
    };
    let say = |en, fr| visit.say(en, fr);
    let here = format!("/portal/customers/{}/azure/{azure}", known.id);
    let body = html! {
        p.path { a href="/portal/customers" { (say("Customers", "Clients")) } " › " a href={ "/portal/customers/" (known.id) (first) } { (known.company_profile.company_name) } }
        div.title { h1 { (say("Who owns the usage", "À qui est la consommation")) } }
        (picture::of(&visit, &owned.intervals, &owned.points, cut))
        (ids(&visit, &azure, commerce.as_deref(), &owned.points, reconciled.as_ref()))
        (points(&visit, &owned.points))
        section {
            div.title {
                h2 { (say("On both invoices, in ", "Sur les deux factures, en ")) (month) }
                span.push {
                    a.button rel="prev" href={ (here) "?month=" (month.before()) (more) } { "← " (month.before()) }
                    a.button rel="next" href={ (here) "?month=" (month.next()) (more) } { (month.next()) " →" }
                }
            }
            @match &reconciled { Some(one) => (days::shown(&visit, &one.days, cut)), None => p.quiet { (say("No usage of this month is known.", "Aucune consommation de ce mois n’est connue.")) } }
        }
    };
    let title = format!("{} – {}", say("Ownership", "Propriété"), known.company_profile.company_name);
    Ok(framed(&visit, &Content { title, place: Place::Customers, is_live: false, body }))
}

/// When the plan that owns it now began to.
fn cut_of(intervals: &[Interval]) -> Option<Timestamp> {
    intervals.last().filter(|last| last.owner == "plan").and_then(|last| last.from)
}

/// The commerce subscription that it belongs to.
async fn commerce_of(visit: &Visit, base: &str, more: &str, azure: &str) -> Result<Option<String>, ApiError> {
    let mut after = String::new();
    loop {
        let found: Collection<Line> = visit.get(&format!("{base}/subscriptions?size={AT_ONCE}{after}{more}")).await?;
        if let Some(line) = found.items.iter().find(|line| line.entitlement_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(azure))) {
            return Ok(Some(line.id.clone()));
        }
        let Some(next) = found.next() else { return Ok(None) };
        after = format!("&continuationToken={}", encoded(&next));
    }
}

/// The five ids that name it at one place or another.
fn ids(visit: &Visit, azure: &str, commerce: Option<&str>, points: &[Point], reconciled: Option<&Reconciled>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let several = |known: &[String], else_of: Vec<&String>| {
        let mut all: Vec<&String> = known.iter().chain(else_of).collect();
        all.sort();
        all.dedup();
        html! { @if all.is_empty() { span.quiet { "–" } } @for one in all { div { (id(visit, one)) } } }
    };
    let known = |of: fn(&Reconciled) -> &[String]| reconciled.map_or(&[][..], of);
    html! {
        section.card {
            h2 { (say("Its ids", "Ses ID")) }
            dl {
                dt { (say("Azure subscription", "Abonnement Azure")) } dd { (id(visit, azure)) }
                dt { (say("Commerce subscription", "Abonnement commercial")) } dd { @match commerce { Some(commerce) => (id(visit, commerce)), None => span.quiet { "–" } } }
                dt { (say("Azure plan", "Plan Azure")) } dd { (several(known(|one| &one.plan_ids), points.iter().filter_map(|point| point.plan_id.as_ref()).collect())) }
                dt { (say("On invoices G", "Sur les factures G")) } dd { (several(known(|one| &one.billing_subscription_ids), Vec::new())) }
                dt { (say("Transition", "Mise à niveau")) } dd { (several(known(|one| &one.transition_ids), points.iter().map(|point| &point.transition_id).collect())) }
            }
        }
    }
}

/// The change points as they were appended: none is ever taken away.
fn points(visit: &Visit, points: &[Point]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section {
            h2 { (say("Changes, as they were made", "Changements, tels que faits")) }
            @if points.is_empty() { p.quiet { (say("None: it has always been the legacy offer's.", "Aucun : il a toujours été à l’ancienne offre.")) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(say("Changes, as they were made", "Changements, tels que faits")) {
                    table.list {
                        thead { tr { th scope="col" { (say("From", "Dès")) } th scope="col" { (say("Owner", "Propriétaire")) } th scope="col" { (say("Counts", "Compte")) } th scope="col" { (say("Transition", "Mise à niveau")) } } }
                        tbody { @for one in points { tr {
                            td { (time(one.from)) }
                            td { @if one.owner == "plan" { (say("Azure plan, on G", "plan Azure, sur G")) } @else { (say("legacy offer, on D", "ancienne offre, sur D")) } }
                            td { @if is_superseded(one, points) { span.mark.held { (say("undone before it counted", "défait avant de compter")) } } @else { (say("yes", "oui")) } }
                            td { a href={ "/portal/transitions/" (one.transition_id) } { (one.transition_id) } }
                        } } }
                    }
                }
            }
        }
    }
}

/// Of two at one instant, the higher revision counts.
fn is_superseded(point: &Point, points: &[Point]) -> bool {
    points.iter().any(|other| other.from == point.from && other.revision > point.revision)
}
