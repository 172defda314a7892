//! Operations: what has stopped, what it waits for, and what can be done about it.
//!
//! Everybody sees what of their own is stuck or needs somebody. Steps and dead letters are the whole installation's: operators see them.
//! Each part is asked for apart, so that one that cannot be told (the broker is away) does not hide the others.
//!
//! The page moves: while somebody sees it, it asks for its parts again ([`now`]). Dead letters stay as they were: to look through them
//! costs the broker all of them.
//!
//! | file | holds |
//! |---|---|
//! | `instances` | which processes live, and in which version |
//! | `queues` | how much waits in each |
//! | `invariants` | what the last verification has found |
//! | `steps` | a step is paused, or goes on |
//! | `letters` | dead letters by reason, and one of them |
//! | `redrive` | letters get another chance, or are dropped |
//! | `redrives` | how a redrive goes |

mod instances;
mod invariants;
mod letters;
mod queues;
mod redrive;
mod redrives;
mod steps;

pub(super) use letters::{one as letter, page as letters};
pub(super) use redrive::{ask_drop, ask_redrive, drop, redrive};
pub(super) use redrives::{cancel as cancel_redrive, page as redrive_page};
pub(super) use steps::{act as act_on_step, ask as ask_step};

use super::{
    api::encoded,
    customer::{Collection, Moved},
    finish::Page,
    frame::{Content, Place, page as framed},
    parts::{number, time},
    states,
    visit::Visit,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters, PassesShown},
    instances::Roll,
    queues::QueuesShown,
};
use letters::Letters;
use maud::{Markup, html};
use planshift_domain::{ids::CustomerId, time::Timestamp, transition::State};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::HashMap;

/// How many of what is stuck, and of what needs somebody, are listed.
const LISTED: u32 = 50;
/// How long a transition has not moved to be called stuck: what may be chosen. The first is the API's own.
const LONGER_THAN: [&str; 5] = ["15m", "1m", "1h", "6h", "24h"];

/// A transition that has not moved for long.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stuck {
    transition_id: String,
    customer_id: String,
    state: State,
    changed_at: Timestamp,
    waits_for: String,
}

/// So many milliseconds after the page was asked for, it asks again.
const EVERY_MILLIS: u32 = 5_000;

/// `GET /portal/operations?longerThan=`.
pub(super) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let letters = async { if visit.may(Right::Operate) { Some(visit.get::<Letters>("/v1/deadletters?size=1").await) } else { None } };
    let (parts, letters) = tokio::join!(moving(&visit, &parameters), letters);
    let body = html! {
        div.title {
            h1 { (say("Operations", "Exploitation")) }
            span.push { a.button href=(visit.here) { (say("Look again", "Regarder à nouveau")) } }
        }
        (parts?)
        @if let Some(letters) = &letters {
            section {
                div.title {
                    h2 { (say("Dead letters", "Lettres mortes")) }
                    @if let Ok(letters) = letters { span.count { (number(letters.total_count, visit.locale())) } }
                    span.push { a.button href="/portal/operations/letters" { (say("Look through them", "Les parcourir")) } }
                }
                (part(&visit, letters, |letters| letters::groups(&visit, letters)))
            }
        }
    };
    Ok(shown(&visit, body))
}

/// `GET /portal/operations/now?longerThan=`: what of the page moves, for its script.
pub(super) async fn now(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let parts = moving(&visit, &parameters).await?;
    Ok(shown(&visit, parts))
}

fn shown(visit: &Visit, body: Markup) -> Page {
    let title = visit.say("Operations", "Exploitation").to_owned();
    framed(visit, &Content { title, place: Place::Operations, is_live: false, body })
}

/// What is asked for only by operators: it is the whole installation's.
async fn for_operator<T: DeserializeOwned>(visit: &Visit, uri: &str) -> Option<Result<T, ApiError>> {
    if visit.may(Right::Operate) { Some(visit.get(uri).await) } else { None }
}

/// What moves.
async fn moving(visit: &Visit, parameters: &Parameters) -> Result<Markup, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let longer = parameters.get("longerThan").filter(|text| !text.is_empty()).unwrap_or(LONGER_THAN[0]);
    let (stuck_uri, needing_uri) = (
        format!("/v1/productupgrades/stuck?longerThan={}&size={LISTED}", encoded(longer)),
        format!("/v1/productupgrades?state={}&size={LISTED}", State::NeedsOperator.name()),
    );
    let (steps, instances, queues, passes, stuck, needing) = tokio::join!(
        for_operator::<steps::Steps>(visit, "/v1/steps"),
        for_operator::<Roll>(visit, "/v1/instances"),
        for_operator::<QueuesShown>(visit, "/v1/queues"),
        for_operator::<PassesShown>(visit, "/v1/invariants"),
        visit.get::<Collection<Stuck>>(&stuck_uri),
        visit.get::<Collection<Moved>>(&needing_uri),
    );
    let names = {
        let stuck = stuck.iter().flat_map(|found| found.items.iter().map(|one| &one.customer_id));
        let needing = needing.iter().flat_map(|found| found.items.iter().map(|one| &one.customer_id));
        let ids: Vec<CustomerId> = stuck.chain(needing).filter_map(|id| id.parse().ok()).collect();
        visit.app.model.customer_names(visit.context.caller.partner, &ids).await?
    };
    Ok(html! {
        div data-poll={ "/portal/operations/now?longerThan=" (encoded(longer)) } data-every=(EVERY_MILLIS) {
            @if let Some(instances) = &instances { div data-part="versions" { @if let Ok(instances) = instances { (instances::versions(visit, instances)) } } }
            div data-part="figures" { (figures(visit, steps.as_ref(), &stuck, &needing)) }
            @if let Some(steps) = &steps { div data-part="steps" { (part(visit, steps, |steps| steps::table(visit, steps))) } }
            @if let Some(instances) = &instances {
                section data-part="instances" {
                    h2 { (say("Processes", "Processus")) }
                    (part(visit, instances, |instances| instances::table(visit, instances)))
                }
            }
            @if let Some(queues) = &queues {
                section data-part="queues" {
                    h2 { (say("Queues", "Files")) }
                    (part(visit, queues, |queues| queues::table(visit, queues)))
                }
            }
            section {
                h2 { (say("Needs somebody", "Attend quelqu’un")) }
                div data-part="needing" { (part(visit, &needing, |found| needing_table(visit, found, &names))) }
            }
            section {
                div.title {
                    h2 { (say("Stuck, and what it waits for", "Bloqué, et ce qu’il attend")) }
                    form.filters.tight method="get" action="/portal/operations" {
                        select name="longerThan" aria-label=(say("Has not moved for", "N’a pas bougé depuis")) { @for one in LONGER_THAN.into_iter().chain((!LONGER_THAN.contains(&longer)).then_some(longer)) { option value=(one) selected[one == longer] { (say("for more than ", "depuis plus de ")) (one) } } }
                        button type="submit" { (say("Show", "Montrer")) }
                    }
                }
                div data-part="stuck" { (part(visit, &stuck, |found| stuck_table(visit, found, &names))) }
            }
            @if let Some(passes) = &passes {
                section data-part="invariants" {
                    h2 { (say("Invariants", "Invariants")) }
                    (part(visit, passes, |passes| invariants::passes(visit, passes)))
                }
            }
        }
    })
}

/// What is told; or why it is not.
fn part<T>(visit: &Visit, told: &Result<T, ApiError>, show: impl FnOnce(&T) -> Markup) -> Markup {
    match told {
        Ok(told) => show(told),
        Err(error) => {
            html! { p.notice.held { (visit.say("This cannot be told now: ", "Ceci ne peut être dit pour l’instant : ")) (error.text(visit.locale())) } }
        }
    }
}

fn figures(
    visit: &Visit,
    steps: Option<&Result<steps::Steps, ApiError>>,
    stuck: &Result<Collection<Stuck>, ApiError>,
    needing: &Result<Collection<Moved>, ApiError>,
) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let figure = |count: u64, text: &str| html! { div.figure { b { (number(count, visit.locale())) } span { (text) } } };
    html! {
        div.figures {
            @if let Some(Ok(steps)) = steps {
                (figure(steps.waiting, say("wait in line to begin", "attendent de commencer")))
                (figure(steps.under_way_limit, say("may be under way at once", "peuvent être en cours à la fois")))
            }
            @if let Ok(found) = needing { (figure(found.total_count.unwrap_or(found.items.len() as u64), say("need somebody", "attendent quelqu’un"))) }
            @if let Ok(found) = stuck { (figure(found.total_count.unwrap_or_default(), say("stuck", "bloqués"))) }
        }
    }
}

fn name_of(names: &HashMap<CustomerId, String>, id: &str) -> String {
    id.parse().ok().and_then(|id: CustomerId| names.get(&id).cloned()).unwrap_or_else(|| id.to_owned())
}

fn needing_table(visit: &Visit, found: &Collection<Moved>, names: &HashMap<CustomerId, String>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        @if found.items.is_empty() { p.quiet { (say("Nothing needs anybody.", "Rien n’attend personne.")) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(say("Needs somebody", "Attend quelqu’un")) {
                table.list {
                    thead { tr { th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("What failed", "Ce qui a échoué")) } th.wide scope="col" { (say("Started", "Début")) } } }
                    tbody { @for one in &found.items { tr {
                        td { a.name href={ "/portal/transitions/" (one.transition_id) } { (name_of(names, &one.customer_id)) } }
                        td { @match &one.failure { Some(failure) => { (failure["description"].as_str().unwrap_or_default()) " " code.fine { (failure["code"].as_str().unwrap_or_default()) } }, None => span.quiet { "–" } } }
                        td.wide { (time(one.started_at)) }
                    } } }
                }
            }
        }
    }
}

fn stuck_table(visit: &Visit, found: &Collection<Stuck>, names: &HashMap<CustomerId, String>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        @if found.items.is_empty() { p.quiet { (say("Nothing is stuck.", "Rien n’est bloqué.")) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(say("Stuck", "Bloqué")) {
                table.list {
                    thead { tr { th scope="col" { (say("Customer", "Client")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Waits for", "Attend")) } th.wide scope="col" { (say("Last moved", "A bougé")) } } }
                    tbody { @for one in &found.items { tr {
                        td { a.name href={ "/portal/transitions/" (one.transition_id) } { (name_of(names, &one.customer_id)) } }
                        td { (states::mark(one.state, visit.locale())) }
                        td { (one.waits_for) }
                        td.wide { (time(one.changed_at)) }
                    } } }
                }
            }
        }
    }
}
