//! One schedule: its days as instants, what becomes of each row, who did what.

use super::{Schedule, late, mark, when::weekday};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        batch::state_mark,
        customer::Collection,
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{number, time},
        visit::Visit,
    },
    schedules::Weekday,
};
use axum::extract::Path;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// How many rows are shown at once.
const ROWS: u32 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    row: u64,
    customer_id: String,
    company_name: Option<String>,
    state: String,
    transition_id: Option<String>,
    description: Option<String>,
    #[serde(default)]
    reasons: Vec<Value>,
    day: Option<u64>,
    planned_at: Option<Timestamp>,
    late_by: Option<u64>,
}

/// Something that was done, and when it was to be from then on.
#[derive(Deserialize)]
struct Acted {
    version: u64,
    at: Timestamp,
    act: String,
    actor: String,
    reason: String,
    state: String,
    when: Option<Value>,
}

/// `GET /portal/schedules/{schedule}?after=`.
pub(in crate::portal) async fn page(visit: Visit, Path(schedule): Path<String>, parameters: Parameters) -> Result<Page, ApiError> {
    let base = format!("/v1/productupgrades/schedules/{}", encoded(&schedule));
    let known: Schedule = visit.get(&base).await?;
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let (rows, history) =
        tokio::try_join!(async { visit.get::<Collection<Row>>(&format!("{base}/rows?size={ROWS}{after}")).await }, async {
            visit.get::<Collection<Acted>>(&format!("{base}/history")).await
        },)?;
    let (here, say) = (known.here(), |en, fr| visit.say(en, fr));
    let body = html! {
        p.path { a href="/portal/schedules" { (say("Schedules", "Planifications")) } }
        div data-poll=[(!known.settled).then_some(&visit.here)] {
            div.title data-part="head" {
                h1 { (known.external_reference_id) } (mark(&visit, &known.state)) (late(&visit, known.late_by))
                @if !known.settled {
                    span.push {
                        @if visit.may(Right::Sell) { a.button href={ (here) "/move" } { (say("Move…", "Déplacer…")) } }
                        @if visit.may(Right::Manage) { a.button href={ (here) "/cancel" } { (say("Cancel…", "Annuler…")) } }
                    }
                }
            }
            div.cards data-part="facts" { (facts(&visit, &known)) }
            div data-part="days" { (days(&visit, &known)) }
            div data-part="rows" { (table(&visit, &rows)) }
            nav.pages aria-label=(say("Pages of the rows", "Pages des lignes")) {
                @if let Some(next) = rows.next() { a.button rel="next" href={ (here) "?after=" (encoded(&next)) } { (say("Next page", "Page suivante")) } }
            }
            div data-part="history" { (story(&visit, &history.items)) }
        }
    };
    let title = known.external_reference_id.clone();
    Ok(framed(&visit, &Content { title, place: Place::Schedules, is_live: false, body }))
}

fn facts(visit: &Visit, known: &Schedule) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let on: Vec<&str> = known.days.iter().filter_map(|day| Weekday::from_name(day)).map(|day| weekday(visit, day)).collect();
    let counts: Vec<(&String, u64)> = known
        .counts
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, count)| Some((name, count.as_u64()?)))
        .filter(|(_, count)| *count > 0)
        .collect();
    html! {
        dl.card {
            dt { (say("From", "Dès")) } dd { (known.at) ", " (known.time_zone) }
            dt { (say("Hours", "Heures")) } dd { @match &known.window { Some(window) => { (window.from) " – " (window.to) }, None => (say("all", "toutes")) } }
            dt { (say("On", "Le")) } dd { @if on.is_empty() { (say("every day", "tous les jours")) } @else { (on.join(", ")) } }
            dt { (say("Days it is spread over", "Jours de répartition")) } dd { (known.spread) }
            @if let Some(at) = known.next_at { dt { (say("Next begins", "Prochain début")) } dd { (time(at)) } }
        }
        dl.card {
            dt { (say("Batch", "Lot")) } dd { a href={ "/portal/batches/" (known.batch_id) } { (say("look at it", "le regarder")) } " " (state_mark(visit, &known.batch_state)) }
            dt { (say("Customers", "Clients")) } dd { (number(known.rows, locale)) }
            @for (name, count) in &counts { dt { (state_mark(visit, &(name[..1].to_uppercase() + &name[1..]))) } dd { (number(*count, locale)) } }
            dt { (say("Made", "Créée")) } dd { (time(known.created_at)) ", " (known.created_by) }
            @if let Some(at) = known.ended_at { dt { (say("Ended", "Fin")) } dd { (time(at)) } }
        }
    }
}

fn days(visit: &Visit, known: &Schedule) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        section {
            h2 { (say("Its days", "Ses jours")) }
            div.scroll tabindex="0" role="region" aria-label=(say("Days", "Jours")) {
                table.list {
                    thead { tr { th.amount scope="col" { (say("Day", "Jour")) } th scope="col" { (say("Opens", "Ouvre")) } th scope="col" { (say("Closes", "Ferme")) } th.amount scope="col" { (say("Rows", "Lignes")) } th.wide scope="col" { (say("Begun", "Commencé")) } } }
                    tbody { @for day in &known.planned { tr {
                        td.amount { (day.day) }
                        td { (time(day.opens_at)) }
                        td { @match day.closes_at { Some(at) => (time(at)), None => span.quiet { (say("no end", "sans fin")) } } }
                        td.amount { (number(day.rows, locale)) span.under { "#" (day.first_row) @if day.last_row > day.first_row { "–" (day.last_row) } } }
                        td.wide { @match day.begun_at { Some(at) => (time(at)), None => span.quiet { "–" } } " " (late(visit, day.late_by)) }
                    } } }
                }
            }
        }
    }
}

fn table(visit: &Visit, rows: &Collection<Row>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section {
            h2 { (say("Rows", "Lignes")) }
            div.scroll tabindex="0" role="region" aria-label=(say("Rows", "Lignes")) {
                table.list {
                    thead { tr { th.amount scope="col" { "#" } th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Planned", "Prévu")) } th.wide scope="col" { (say("Why", "Pourquoi")) } } }
                    tbody { @for row in &rows.items { tr {
                        td.amount { (row.row) }
                        td { a.name href={ "/portal/customers/" (row.customer_id) } { (row.company_name.as_deref().unwrap_or(&row.customer_id)) } }
                        td { @match &row.transition_id { Some(transition) => a.plain href={ "/portal/transitions/" (transition) } { (state_mark(visit, &row.state)) }, None => (state_mark(visit, &row.state)) } }
                        td { @match row.planned_at { Some(at) => (time(at)), None => span.quiet { "–" } } @if let Some(day) = row.day { span.under { (say("day ", "jour ")) (day) } } (late(visit, row.late_by)) }
                        td.wide { @match (row.description.as_deref().filter(|text| !text.is_empty()), row.reasons.first()) { (Some(text), _) => (text), (None, Some(reason)) => (reason["description"].as_str().unwrap_or_default()), _ => span.quiet { "–" } } }
                    } } }
                }
            }
        }
    }
}

/// Who did what, and why; the newest first.
fn story(visit: &Visit, acts: &[Acted]) -> Markup {
    html! {
        section {
            h2 { (visit.say("What happened, and who did it", "Ce qui s’est passé, et par qui")) }
            ol.story reversed {
                @for one in acts {
                    li {
                        span.when { (time(one.at)) }
                        (mark(visit, &one.state))
                        span.what { (act_text(visit, &one.act)) @if !one.reason.is_empty() { (visit.colon()) (one.reason) } }
                        span.fine {
                            @if let Some(when) = &one.when { (when["at"].as_str().unwrap_or_default()) ", " (when["timeZone"].as_str().unwrap_or_default()) " · " }
                            (one.actor) " · #" (one.version)
                        }
                    }
                }
            }
        }
    }
}

fn act_text<'a>(visit: &Visit, act: &'a str) -> &'a str {
    match act {
        "Create" => visit.say("made", "créée"),
        "Move" => visit.say("moved", "déplacée"),
        "Cancel" => visit.say("cancelled", "annulée"),
        "Begin" => visit.say("its first day began", "son premier jour a commencé"),
        "Complete" => visit.say("every row has come to its end", "chaque ligne est à son terme"),
        other => other,
    }
}
