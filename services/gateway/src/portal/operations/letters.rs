//! Dead letters: by the reason of their death, the oldest of those that are meant, and one of them whole.

use super::redrives::{self, Redrive};
use crate::{
    http::{ApiError, Parameters, told},
    portal::{
        api::encoded,
        customer::Collection,
        finish::Page,
        frame::{Content, Place, page as framed},
        parts::{id as shown_id, number, time},
        visit::Visit,
    },
};
use axum::extract::Path;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;

/// How many letters a page has, the oldest first.
const LISTED: u32 = 100;
/// How many redrives are listed, the newest first.
const REDRIVES: u32 = 10;
/// What letters may be meant by, as the API names it.
pub(super) const MEANT_BY: [&str; 4] = ["code", "queue", "type", "transitionId"];

/// What a look has found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Letters {
    pub(super) total_count: u64,
    complete: bool,
    groups: Vec<Group>,
    items: Vec<Letter>,
}

/// Letters that died for one reason, in one queue, of one type.
#[derive(Deserialize)]
struct Group {
    reason: String,
    queue: String,
    #[serde(rename = "type")]
    kind: String,
    count: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

/// A letter; its body where it was asked for alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Letter {
    key: String,
    message_id: String,
    #[serde(rename = "type")]
    kind: String,
    correlation_id: String,
    sent_at: Timestamp,
    sender: Option<String>,
    queue: String,
    reason: String,
    description: String,
    attempts: u32,
    size: u64,
    body: Option<String>,
    body_hex: Option<String>,
    #[serde(default)]
    body_cut: bool,
}

/// Which letters are meant, as part of an address; empty for all of them.
pub(super) fn meant(field: impl Fn(&str) -> Option<String>) -> String {
    let given = MEANT_BY.iter().filter_map(|name| Some((name, field(name).filter(|text| !text.trim().is_empty())?)));
    given.map(|(name, text)| format!("{name}={}", encoded(text.trim()))).collect::<Vec<_>>().join("&")
}

/// `GET /portal/operations/letters?code=&queue=&type=&transitionId=&after=`.
pub(in crate::portal) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let meant = meant(|name| parameters.get(name).map(str::to_owned));
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let (found, next): (Letters, _) = visit.api.page(&visit.context, &format!("/v1/deadletters?size={LISTED}&{meant}{after}")).await?;
    let past: Collection<Redrive> = visit.get(&format!("/v1/deadletters/redrives?size={REDRIVES}")).await?;
    let body = html! {
        p.path { a href="/portal/operations" { (say("Operations", "Exploitation")) } }
        div.title {
            h1 { (say("Dead letters", "Lettres mortes")) } span.count { (number(found.total_count, visit.locale())) }
            @if found.total_count > 0 {
                span.push {
                    a.button.primary href={ "/portal/operations/redrive?" (meant) } { (say("Another chance…", "Une autre chance…")) }
                    a.button href={ "/portal/operations/drop?" (meant) } { (say("Drop…", "Supprimer…")) }
                }
            }
        }
        form.filters method="get" action="/portal/operations/letters" role="search" {
            input name="code" value=[parameters.get("code")] aria-label=(say("Reason", "Motif")) placeholder=(say("Reason", "Motif"));
            input name="queue" value=[parameters.get("queue")] aria-label=(say("Service or queue", "Service ou file")) placeholder=(say("Service or queue", "Service ou file"));
            input name="type" value=[parameters.get("type")] aria-label=(say("Type", "Type")) placeholder=(say("Type", "Type"));
            input name="transitionId" value=[parameters.get("transitionId").filter(|text| !text.is_empty())] aria-label=(say("Transition’s id", "ID de mise à niveau")) placeholder=(say("Transition’s id", "ID de mise à niveau"));
            button type="submit" { (say("Find", "Chercher")) }
            @if !meant.is_empty() { a href="/portal/operations/letters" { (say("Clear", "Effacer")) } }
        }
        @if !found.complete { p.notice.held { (say("There are more than one look comes to: these are of the first.", "Il y en a plus qu’un passage n’en voit : voici les premières.")) } }
        section { h2 { (say("By reason", "Par motif")) } (groups(&visit, &found)) }
        @if !found.items.is_empty() { (listed(&visit, &found)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if !after.is_empty() { a.button href={ "/portal/operations/letters?" (meant) } { (say("First page", "Première page")) } }
            @if let Some(next) = &next { a.button rel="next" href={ "/portal/operations/letters?" (meant) "&after=" (encoded(next)) } { (say("Next page", "Page suivante")) } }
        }
        @if !past.items.is_empty() { (redrives::table(&visit, &past.items)) }
    };
    let title = say("Dead letters", "Lettres mortes").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Operations, is_live: false, body }))
}

/// By reason, queue and type, the most first; each leads to its own.
pub(super) fn groups(visit: &Visit, found: &Letters) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let address = |group: &Group| {
        // types beyond those that are told apart stand together, and cannot be asked for
        let kind = if group.kind.starts_with('(') { String::new() } else { format!("&type={}", encoded(&group.kind)) };
        format!("/portal/operations/letters?code={}&queue={}{kind}", encoded(&group.reason), encoded(&group.queue))
    };
    html! {
        @if found.groups.is_empty() { p.quiet { (say("None.", "Aucune.")) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(say("Dead letters by reason", "Lettres mortes par motif")) {
                table.list {
                    thead { tr { th.amount scope="col" { (say("Letters", "Lettres")) } th scope="col" { (say("Reason", "Motif")) } th scope="col" { (say("Type", "Type")) } th.wide scope="col" { (say("Queue", "File")) } th.wide scope="col" { (say("Oldest", "La plus ancienne")) } th.wide scope="col" { (say("Newest", "La plus récente")) } } }
                    tbody { @for group in &found.groups { tr {
                        td.amount { (number(group.count, visit.locale())) }
                        td { a.name href=(address(group)) { (group.reason) } }
                        td { code { (group.kind) } }
                        td.wide { code { (group.queue) } }
                        td.wide { (time(group.oldest)) }
                        td.wide { (time(group.newest)) }
                    } } }
                }
            }
        }
    }
}

fn listed(visit: &Visit, found: &Letters) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section {
            h2 { (say("Letters, the oldest first", "Lettres, les plus anciennes d’abord")) }
            div.scroll tabindex="0" role="region" aria-label=(say("Letters", "Lettres")) {
                table.list {
                    thead { tr { th scope="col" { (say("Sent", "Envoyée")) } th scope="col" { (say("What it is", "Ce que c’est")) } th scope="col" { (say("Why it died", "Pourquoi elle est morte")) } th.amount.wide scope="col" { (say("Attempts", "Essais")) } } }
                    tbody { @for letter in &found.items { tr {
                        td { a.name href={ "/portal/operations/letters/" (letter.key) } { (time(letter.sent_at)) } }
                        td { code { (letter.kind) } span.under { (letter.queue) } }
                        td { (letter.reason) span.under { (told(letter.description.clone(), visit.locale())) } }
                        td.amount.wide { (letter.attempts) }
                    } } }
                }
            }
        }
    }
}

/// `GET /portal/operations/letters/{key}`.
pub(in crate::portal) async fn one(visit: Visit, Path(key): Path<String>) -> Result<Page, ApiError> {
    let letter: Letter = visit.get(&format!("/v1/deadletters/{}", encoded(&key))).await?;
    let say = |en, fr| visit.say(en, fr);
    let chosen = format!("letter={}", encoded(&letter.key));
    let body = html! {
        p.path { a href="/portal/operations/letters" { (say("Dead letters", "Lettres mortes")) } }
        div.title {
            h1 { (letter.kind) } span.mark.bad { (letter.reason) }
            span.push {
                a.button.primary href={ "/portal/operations/redrive?" (chosen) } { (say("Another chance…", "Une autre chance…")) }
                a.button href={ "/portal/operations/drop?" (chosen) } { (say("Drop…", "Supprimer…")) }
            }
        }
        p.lead { (told(letter.description.clone(), visit.locale())) }
        dl.wide-list {
            dt { (say("Key", "Clé")) } dd { (shown_id(&visit, &letter.key)) }
            dt { (say("Message", "Message")) } dd { (shown_id(&visit, &letter.message_id)) }
            @if !letter.correlation_id.is_empty() { dt { (say("Belongs to", "Appartient à")) } dd { a href={ "/portal/transitions/" (letter.correlation_id) } { code { (letter.correlation_id) } } } }
            dt { (say("Sent", "Envoyée")) } dd { (time(letter.sent_at)) @if let Some(sender) = &letter.sender { (say(" by ", " par ")) (sender) } }
            dt { (say("Died in", "Morte dans")) } dd { code { (letter.queue) } (say(", attempts: ", ", essais : ")) (letter.attempts) }
            dt { (say("Bytes", "Octets")) } dd { (number(letter.size, visit.locale())) }
        }
        section {
            h2 { (say("Body", "Corps")) }
            pre.body tabindex="0" { (letter.body.as_deref().or(letter.body_hex.as_deref()).unwrap_or_default()) }
            @if letter.body_cut { p.fine { (say("There is more of it.", "Il y en a davantage.")) } }
        }
    };
    let title = letter.kind.clone();
    Ok(framed(&visit, &Content { title, place: Place::Operations, is_live: false, body }))
}
