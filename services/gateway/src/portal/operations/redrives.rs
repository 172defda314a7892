//! Redrives: how one goes, with the letters that died again, until it has ended or somebody cancels it.

use crate::{
    http::{ApiError, told},
    portal::{
        api::encoded,
        finish::{Page, see},
        form::Form,
        frame::{Content, Place, page as framed},
        parts::{number, time},
        visit::Visit,
    },
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A redrive as the API tells it. Which died again is told of one alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Redrive {
    redrive_id: String,
    created_at: Timestamp,
    actor: String,
    reason: String,
    wanted: Value,
    rate: Option<u64>,
    canary: u64,
    canary_state: Option<String>,
    state: String,
    note: String,
    ended_at: Option<Timestamp>,
    sent: u64,
    succeeded: u64,
    died: u64,
    #[serde(default)]
    died_again: Vec<Value>,
}

fn mark(visit: &Visit, state: &str) -> Markup {
    let (text, look) = match state {
        "Running" => (visit.say("Under way", "En cours"), "moving"),
        "Done" => (visit.say("Done", "Terminée"), "good"),
        "Stopped" => (visit.say("Stopped", "Arrêtée"), "bad"),
        "Cancelled" => (visit.say("Cancelled", "Annulée"), "held"),
        other => (other, "idle"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}

/// The last ones.
pub(super) fn table(visit: &Visit, redrives: &[Redrive]) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        section {
            h2 { (say("Chances that were given", "Chances données")) }
            div.scroll tabindex="0" role="region" aria-label=(say("Redrives", "Relances")) {
                table.list {
                    thead { tr { th scope="col" { (say("Begun", "Début")) } th scope="col" { (say("State", "État")) } th.amount scope="col" { (say("Lived / sent", "Réussies / envoyées")) } th.wide scope="col" { (say("Why", "Pourquoi")) } th.wide scope="col" { (say("By", "Par")) } } }
                    tbody { @for one in redrives { tr {
                        td { a.name href={ "/portal/operations/redrives/" (one.redrive_id) } { (time(one.created_at)) } }
                        td { (mark(visit, &one.state)) }
                        td.amount { (number(one.succeeded, locale)) " / " (number(one.sent, locale)) }
                        td.wide { (one.reason) }
                        td.wide { (one.actor) }
                    } } }
                }
            }
        }
    }
}

/// `GET /portal/operations/redrives/{id}`.
pub(in crate::portal) async fn page(visit: Visit, Path(id): Path<String>) -> Result<Page, ApiError> {
    let known: Redrive = visit.get(&format!("/v1/deadletters/redrives/{}", encoded(&id))).await?;
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let here = format!("/portal/operations/redrives/{}", known.redrive_id);
    let is_running = known.state == "Running";
    let figures = [
        (known.sent, say("sent", "envoyées")),
        (known.succeeded, say("lived", "réussies")),
        (known.died, say("died again", "mortes de nouveau")),
        (known.sent.saturating_sub(known.succeeded + known.died), say("on their way", "en route")),
    ];
    let canary = match known.canary_state.as_deref() {
        Some("flying") => Some(say("the first ones are on their way", "les premières sont en route")),
        Some("alive") => Some(say("the first ones have lived", "les premières ont survécu")),
        Some("dead") => {
            Some(say("one of the first has died: nothing more is sent", "l’une des premières est morte : plus rien n’est envoyé"))
        }
        _ => None,
    };
    let meant: Vec<(&String, String)> =
        known.wanted.as_object().into_iter().flatten().map(|(name, value)| (name, text_of(value))).collect();
    let body = html! {
        p.path { a href="/portal/operations/letters" { (say("Dead letters", "Lettres mortes")) } }
        div data-poll=[is_running.then_some(&here)] {
            div.title data-part="head" {
                h1 { (say("Another chance", "Une autre chance")) } (mark(&visit, &known.state))
                @if is_running { span.push { form.inline method="post" action={ (here) "/cancel" } { (visit.form_token()) button type="submit" { (say("Send nothing more", "Ne plus rien envoyer")) } } } }
            }
            div data-part="how" {
                @if !known.note.is_empty() { p.notice.held lang="en" { (known.note) } }
                div.figures { @for (count, text) in figures { div.figure { b { (number(count, locale)) } span { (text) } } } }
                @if let Some(text) = canary { p { (say("Canary of ", "Canari de ")) (number(known.canary, locale)) (visit.colon()) (text) "." } }
                @if !known.died_again.is_empty() {
                    h2 { (say("Died again", "Mortes de nouveau")) }
                    div.scroll tabindex="0" role="region" aria-label=(say("Died again", "Mortes de nouveau")) {
                        table.list {
                            thead { tr { th scope="col" { (say("What it is", "Ce que c’est")) } th scope="col" { (say("Why it died", "Pourquoi elle est morte")) } } }
                            tbody { @for letter in &known.died_again { tr {
                                td { code { (text_of(&letter["type"])) } span.under { (text_of(&letter["queue"])) } }
                                td { (text_of(&letter["diedOf"])) span.under { (told(text_of(&letter["description"]), visit.locale())) } }
                            } } }
                        }
                    }
                }
            }
        }
        dl.wide-list {
            dt { (say("Why", "Pourquoi")) } dd { (known.reason) }
            dt { (say("By", "Par")) } dd { (known.actor) ", " (time(known.created_at)) @if let Some(at) = known.ended_at { (say("; ended ", " ; fini ")) (time(at)) } }
            dt { (say("Which", "Lesquelles")) } dd { @if meant.is_empty() { (say("all", "toutes")) } @for (name, text) in &meant { (name) " " code { (text) } " " } }
            @if let Some(rate) = known.rate { dt { (say("At most", "Au plus")) } dd { (number(rate, locale)) (say(" a second", " par seconde")) } }
        }
    };
    let title = say("Another chance", "Une autre chance").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Operations, is_live: false, body }))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// `POST /portal/operations/redrives/{id}/cancel`.
pub(in crate::portal) async fn cancel(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, ApiError> {
    let id = encoded(&id);
    let body = json!({ "reason": form.text("reason") });
    visit.api.post(&visit.context, Some(visit.app.ports.random.id()), &format!("/v1/deadletters/redrives/{id}/cancel"), &body).await?;
    Ok(see(&format!("/portal/operations/redrives/{id}")))
}
