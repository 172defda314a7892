//! Steps: how each is, and one paused for everybody or let go on.

use crate::{
    http::ApiError,
    portal::{
        api::encoded,
        finish::{Page, see},
        form::Form,
        frame::Place,
        parts::{number, time},
        question::{self, Question},
        visit::Visit,
    },
    words::words,
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use planshift_domain::{message::operator::StepState, step::Step};
use serde::Deserialize;
use serde_json::json;

/// How the steps are, as the API tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Steps {
    items: Vec<StepState>,
    pub(super) waiting: u64,
    pub(super) under_way_limit: u64,
}

const fn name(visit: &Visit, step: Step) -> &'static str {
    match step {
        Step::Eligibility => visit.say("Checking", "Vérification"),
        Step::Purchasing => visit.say("Buying plans", "Achat des plans"),
        Step::Mapping => visit.say("Mapping", "Rattachement"),
        Step::Suspension => visit.say("Suspending", "Suspension"),
    }
}

pub(super) fn table(visit: &Visit, steps: &Steps) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        section {
            h2 { (say("Steps", "Étapes")) }
            div.scroll tabindex="0" role="region" aria-label=(say("Steps", "Étapes")) {
                table.list {
                    thead { tr { th scope="col" { (say("Step", "Étape")) } th scope="col" { (say("State", "État")) } th.amount.wide scope="col" { (say("In flight", "En vol")) } th.amount scope="col" { (say("Held", "Retenus")) } th.wide scope="col" { (say("Last act", "Dernière action")) } th scope="col" { (say("Act", "Action")) } } }
                    tbody { @for one in &steps.items { tr {
                        td { b { (name(visit, one.step)) } span.under { code { (one.step) } } }
                        td { (mark(visit, one)) }
                        td.amount.wide { (number(one.in_flight.into(), locale)) }
                        td.amount { (number(one.held.into(), locale)) }
                        td.wide { @match &one.last { Some(last) => { (last.reason) span.under { (last.actor) ", " (time(last.at)) } }, None => span.quiet { "–" } } }
                        td { a.button href={ "/portal/operations/steps/" (one.step) } { (if one.paused { say("Resume…", "Reprendre…") } else { say("Pause…", "Suspendre…") }) } }
                    } } }
                }
            }
        }
    }
}

fn mark(visit: &Visit, step: &StepState) -> Markup {
    let (text, look) = match (step.paused, step.drained) {
        (false, _) => (visit.say("goes on", "active"), "good"),
        (true, false) => (visit.say("paused, drains", "suspendue, se vide"), "turning"),
        (true, true) => (visit.say("paused, drained", "suspendue, vidée"), "held"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}

/// `GET /portal/operations/steps/{step}`: the question.
pub(in crate::portal) async fn ask(visit: Visit, Path(step): Path<String>) -> Result<Page, ApiError> {
    let steps: Steps = visit.get("/v1/steps").await?;
    let known = steps.items.iter().find(|one| one.step.name() == step).ok_or_else(|| {
        let text = words!("There is no step {step}.", "Il n’existe pas d’étape {step}.");
        ApiError::new(axum::http::StatusCode::NOT_FOUND, "404", "UnknownStep", text)
    })?;
    let say = |en, fr| visit.say(en, fr);
    let (act, button) = if known.paused { ("resume", say("Resume", "Reprendre")) } else { ("pause", say("Pause", "Suspendre")) };
    let count = |count: u32| number(count.into(), visit.locale());
    let question = Question {
        place: Place::Operations,
        title: &format!("{button}: {}", name(&visit, known.step)),
        says: html! {
            p.lead {
                @if known.paused { (say("What was held is sent, and new transitions pass again.", "Ce qui était retenu est envoyé, et les mises à niveau passent de nouveau.")) }
                @else { (say("Nothing of this step is sent any more, for anybody. What was sent comes to its end; transitions are held here, and nothing is lost.", "Plus rien de cette étape n’est envoyé, pour personne. Ce qui est parti va à son terme ; les mises à niveau sont retenues ici, et rien n’est perdu.")) }
            }
            ul {
                li { b { (count(known.in_flight)) } (say(" transitions have something of it in flight;", " mises à niveau y ont quelque chose en vol ;")) }
                li { b { (count(known.held)) } (say(" are held at it.", " y sont retenues.")) }
            }
        },
        fields: html! { input type="hidden" name="act" value=(act); },
        action: &format!("/portal/operations/steps/{}", known.step),
        button,
        is_grave: !known.paused,
        needs_reason: !known.paused,
        back: ("/portal/operations", say("Operations", "Exploitation")),
    };
    Ok(question::page(&visit, &question))
}

/// `POST /portal/operations/steps/{step}`.
pub(in crate::portal) async fn act(visit: Visit, Path(step): Path<String>, form: Form) -> Result<Response, ApiError> {
    let act = match form.text("act") {
        Some("pause") => "pause",
        Some("resume") => "resume",
        _ => return Err(ApiError::bad_input("InvalidForm", words!("There is no such act.", "Il n’y a pas de telle action."))),
    };
    let body = json!({ "reason": form.text("reason") });
    visit.api.post(&visit.context, Some(form.key()?), &format!("/v1/steps/{}/{act}", encoded(&step)), &body).await?;
    Ok(see("/portal/operations"))
}
