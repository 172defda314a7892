//! One batch as it goes on: how far it is, what the dry run came to, each row with its reason, who did what.

use super::{Batch, acts, state_mark, state_of};
use crate::{
    batches::RowState,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{bar, counted, expected, number, time},
        visit::Visit,
    },
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
    external_reference_id: Option<String>,
    state: String,
    attempt: u64,
    transition_id: Option<String>,
    description: Option<String>,
    #[serde(default)]
    reasons: Vec<Value>,
    plan: Option<Value>,
}

/// Something that was done.
#[derive(Deserialize)]
struct Acted {
    version: u64,
    at: Timestamp,
    act: String,
    actor: String,
    reason: String,
    state: String,
}

/// `GET /portal/batches/{batch}?state=&after=`.
pub(in crate::portal) async fn page(visit: Visit, Path(batch): Path<String>, parameters: Parameters) -> Result<Page, ApiError> {
    let base = format!("/v1/productupgrades/batches/{}", encoded(&batch));
    let known: Batch = visit.get(&base).await?;
    let state = parameters.get("state").filter(|text| !text.is_empty());
    let filter = state.map(|state| format!("&state={}", encoded(state))).unwrap_or_default();
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let (rows, history) =
        tokio::try_join!(async { visit.get::<Collection<Row>>(&format!("{base}/rows?size={ROWS}{filter}{after}")).await }, async {
            visit.get::<Collection<Acted>>(&format!("{base}/history")).await
        },)?;
    let (here, is_over) = (known.here(), known.is_over());
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        p.path { a href="/portal/batches" { (say("Batches", "Lots")) } }
        div.live data-live=(visit.here) data-events={ (here) "/events" } data-over=[is_over.then_some("1")]
            data-lost=(say("The connection is lost. It is tried again …", "La connexion est perdue. Nouvel essai …"))
            data-back=(say("Connected again: nothing was missed.", "De nouveau connecté : rien n’a été manqué.")) {
            p.notice.held.lost role="status" hidden data-connection="" {}
            div.title data-part="head" {
                h1 { (known.external_reference_id) } (state_mark(&visit, &known.state))
                span.push { (acts::buttons(&visit, &known)) }
            }
            div data-part="note" { (note(&visit, &known)) }
            div data-part="counts" { (counts(&visit, &known)) }
            section {
                div.title {
                    h2 { (say("Rows", "Lignes")) }
                    form.filters.tight method="get" action=(here) {
                        select name="state" aria-label=(say("State of a row", "État d’une ligne")) {
                            option value="" { (say("Every state", "Tous les états")) }
                            @for one in RowState::ALL { option value=(one.name()) selected[state == Some(one.name())] { (state_of(&visit, one.name()).0) } }
                        }
                        button type="submit" { (say("Show", "Montrer")) }
                    }
                    span.push {
                        a.button href={ (here) "/results?format=csv" } download="" { "CSV" }
                        a.button href={ (here) "/results?format=json" } download="" { "JSON" }
                    }
                }
                div data-part="rows" { (table(&visit, &rows)) }
                nav.pages aria-label=(say("Pages of the rows", "Pages des lignes")) {
                    @if parameters.get("after").is_some() { a.button href={ (here) "?" (filter.trim_start_matches('&')) } { (say("First page", "Première page")) } }
                    @if let Some(next) = rows.next() { a.button rel="next" href={ (here) "?after=" (encoded(&next)) (filter) } { (say("Next page", "Page suivante")) } }
                }
            }
            div data-part="history" { (story(&visit, &history.items)) }
        }
    };
    let title = format!("{}{}{}", known.external_reference_id, visit.colon(), state_of(&visit, &known.state).0);
    Ok(framed(&visit, &Content { title, place: Place::Batches, is_live: !is_over, body }))
}

fn note(visit: &Visit, known: &Batch) -> Markup {
    html! {
        @if !known.note.is_empty() { p.notice.bad { (known.note) } }
        @if let Some(schedule) = &known.schedule_id {
            p.notice { (visit.say("Its schedule starts it: ", "Sa planification le démarre : ")) a href={ "/portal/schedules/" (schedule) } { (visit.say("when", "quand")) } }
        }
        @if known.state == "Pausing" { p.notice.held { (visit.say("Nothing new starts; what is under way goes to its end.", "Rien de nouveau ne démarre ; ce qui est en cours va à son terme.")) } }
        @if known.state == "Paused" && known.drained { p.notice.held { (visit.say("Drained: nothing is under way.", "Vidé : rien n’est en cours.")) } }
    }
}

fn counts(visit: &Visit, known: &Batch) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let figures = [
        ("Completed", say("on the Azure plan", "sur le plan Azure")),
        ("Running", say("under way", "en cours")),
        ("Starting", say("starting", "au démarrage")),
        ("Waiting", say("waiting", "en attente")),
        ("Ineligible", say("blocked", "bloqués")),
        ("Failed", say("undone", "annulés")),
        ("NeedsOperator", say("need somebody", "attendent quelqu’un")),
        ("Refused", say("refused", "refusés")),
        ("Cancelled", say("cancelled", "annulés par le lot")),
    ];
    let at_once = known.options["atOnce"].as_u64().unwrap_or_default();
    html! {
        (bar(say("Ended", "Terminés"), known.percent.unwrap_or_default(), 100))
        div.figures {
            div.figure { b { (number(known.rows, locale)) } span { (say("customers", "clients")) } }
            @for (name, text) in figures {
                @if known.count(name) > 0 { div.figure { b { a.plain href={ (known.here()) "?state=" (name) } { (number(known.count(name), locale)) } } span { (text) } } }
            }
            @if known.subscriptions.total > 0 { div.figure { b { (number(known.subscriptions.completed, locale)) " / " (number(known.subscriptions.total, locale)) } span { (say("subscriptions moved", "abonnements passés")) } } }
            @if let Some(percent) = known.percent { div.figure { b { (percent) " %" } span { (say("at an end", "à leur terme")) } } }
            @if let Some(end) = known.expected_end { (expected(visit, end)) }
        }
        @if known.plan.is_object() { (planned(visit, known)) }
        p.fine {
            (say("Made ", "Créé ")) (time(known.created_at)) ", " (known.created_by)
            @if let Some(at) = known.started_at { (say("; started ", " ; démarré ")) (time(at)) }
            @if let Some(at) = known.ended_at { (say("; ended ", " ; fini ")) (time(at)) }
            (say("; at once at most ", " ; à la fois au plus ")) (number(at_once, locale))
            @if let Some(percent) = known.options["stopPercent"].as_u64() { (say("; stops by itself beyond ", " ; s’arrête au-delà de ")) (percent) (say(" % failed", " % d’échecs")) }
            "."
        }
    }
}

/// What the dry run came to.
fn planned(visit: &Visit, known: &Batch) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let of = |name: &str| known.plan[name].as_u64().unwrap_or_default();
    let figures = [
        ("eligible", say("may move", "peuvent passer")),
        ("refused", say("are blocked", "sont bloqués")),
        ("wanted", say("not looked at yet", "pas encore examinés")),
        ("subscriptions", say("subscriptions to map", "abonnements à rattacher")),
        ("plansToBuy", say("plans to buy", "plans à acheter")),
        ("plansToReuse", say("plans to reuse", "plans à réutiliser")),
        ("plansToReactivate", say("plans to reactivate", "plans à réactiver")),
    ];
    let reasons = known.plan["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        div.card {
            h2 { (say("The dry run", "La simulation")) }
            div.figures { @for (name, text) in figures { @if name == "eligible" || of(name) > 0 { div.figure { b { (number(of(name), locale)) } span { (text) } } } } }
            @if !reasons.is_empty() {
                p { (say("What stands in the way, and of how many customers: ", "Ce qui bloque, et combien de clients : "))
                    @for (place, reason) in reasons.iter().enumerate() { @if place > 0 { ", " } code { (reason["code"].as_str().unwrap_or_default()) } " " (number(reason["customers"].as_u64().unwrap_or_default(), locale)) }
                    "."
                }
            }
        }
    }
}

fn table(visit: &Visit, rows: &Collection<Row>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        @if rows.items.is_empty() { p.quiet { (say("None in this state.", "Aucune dans cet état.")) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(say("Rows", "Lignes")) {
                table.list {
                    thead { tr { th.amount scope="col" { "#" } th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Why", "Pourquoi")) } th.wide scope="col" { (say("Transition", "Mise à niveau")) } } }
                    tbody { @for row in &rows.items { tr {
                        td.amount { (row.row) }
                        td { a.name href={ "/portal/customers/" (row.customer_id) } { (row.company_name.as_deref().unwrap_or(&row.customer_id)) } @if let Some(reference) = row.external_reference_id.as_deref().filter(|text| !text.is_empty()) { span.under { (reference) } } }
                        td { (state_mark(visit, &row.state)) @if row.attempt > 1 { span.under { (say("attempt ", "essai ")) (row.attempt) } } }
                        td { (why(visit, row)) }
                        td.wide { @match &row.transition_id { Some(transition) => a href={ "/portal/transitions/" (transition) } { (say("Follow", "Suivre")) }, None => span.quiet { "–" } } }
                    } } }
                }
            }
        }
    }
}

/// Why a row is where it is; of one that waits, what the dry run has shown.
fn why(visit: &Visit, row: &Row) -> Markup {
    let text = row.description.as_deref().filter(|text| !text.is_empty());
    html! {
        @match (text, row.reasons.first(), &row.plan) {
            (Some(text), ..) => (text),
            (None, Some(reason), _) => (reason["description"].as_str().unwrap_or_default()),
            (None, None, Some(plan)) if plan["subscriptions"].as_u64() > Some(0) => span.quiet {
                (counted(visit, plan["subscriptions"].as_u64().unwrap_or_default(), ("subscription", "abonnement"), ("subscriptions", "abonnements"))) ", "
                (counted(visit, plan["plansToBuy"].as_u64().unwrap_or_default(), ("plan to buy", "plan à acheter"), ("plans to buy", "plans à acheter")))
            },
            _ => span.quiet { "–" },
        }
        @if row.reasons.len() > 1 { span.under { "+" (row.reasons.len() - 1) } }
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
                        (state_mark(visit, &one.state))
                        span.what { (act_text(visit, &one.act)) @if !one.reason.is_empty() { (visit.colon()) (one.reason) } }
                        span.fine { (one.actor) " · #" (one.version) }
                    }
                }
            }
        }
    }
}

fn act_text<'a>(visit: &Visit, act: &'a str) -> &'a str {
    match act {
        "Create" => visit.say("made", "créé"),
        "Plan" => visit.say("dry run asked for", "simulation demandée"),
        "Start" => visit.say("started", "démarré"),
        "Pause" => visit.say("paused", "suspendu"),
        "Resume" => visit.say("resumed", "repris"),
        "Cancel" => visit.say("cancelled", "annulé"),
        "Retry" => visit.say("the failed tried again", "échecs réessayés"),
        "Recheck" => visit.say("the blocked checked again", "bloqués revérifiés"),
        "Open" => visit.say("its hours began", "ses heures ont commencé"),
        "Close" => visit.say("its hours ended", "ses heures sont finies"),
        "AllPlanned" | "AllPlannedToStart" => visit.say("the dry run is done", "la simulation est faite"),
        "Drain" => visit.say("nothing is under way any more", "plus rien n’est en cours"),
        "Stop" => visit.say("stopped by itself", "arrêté de lui-même"),
        "Complete" => visit.say("every row has come to its end", "chaque ligne est à son terme"),
        other => other,
    }
}
