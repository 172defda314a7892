//! What people do to a batch, each after a question that says what it will do. Which acts a state allows the API says once more.

use super::Batch;
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        finish::{Page, see},
        form::Form,
        frame::Place,
        parts::number,
        question::{self, Question},
        visit::Visit,
    },
    words::words,
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use serde_json::{Value, json};

/// An act: its name in the API, from which states, who may, and what it says in English and French: on its button, and what it will do.
struct Act {
    name: &'static str,
    states: &'static [&'static str],
    right: Right,
    says: (&'static str, &'static str),
    will: (&'static str, &'static str),
}

const ACTS: [Act; 7] = [
    Act {
        name: "start",
        states: &["Draft", "Planned"],
        right: Right::Sell,
        says: ("Start", "Démarrer"),
        will: (
            "Its customers begin to move, as many at once as the batch says, behind everybody who is started by hand.",
            "Ses clients commencent à passer, autant à la fois que le lot le dit, derrière ceux qui sont démarrés à la main.",
        ),
    },
    Act {
        name: "plan",
        states: &["Draft", "Planned"],
        right: Right::Sell,
        says: ("Dry run", "Simuler"),
        will: (
            "The plan of each customer is asked for. Nothing begins, and nothing is bought.",
            "Le plan de chaque client est demandé. Rien ne commence, et rien n’est acheté.",
        ),
    },
    Act {
        name: "pause",
        states: &["Running"],
        right: Right::Manage,
        says: ("Pause", "Suspendre"),
        will: (
            "What is under way goes to its end, and nothing new starts.",
            "Ce qui est en cours va à son terme, et rien de nouveau ne démarre.",
        ),
    },
    Act {
        name: "resume",
        states: &["Paused", "Pausing", "Stopped"],
        right: Right::Manage,
        says: ("Resume", "Reprendre"),
        will: ("The customers that wait are started again.", "Les clients en attente sont de nouveau démarrés."),
    },
    Act {
        name: "retry",
        states: &["Completed", "Paused", "Stopped", "Running"],
        right: Right::Sell,
        says: ("Retry the failed", "Réessayer les échecs"),
        will: (
            "Customers that were undone or refused get a new attempt. What needs somebody is resumed on its own page.",
            "Les clients annulés ou refusés ont un nouvel essai. Ce qui attend quelqu’un se reprend sur sa propre page.",
        ),
    },
    Act {
        name: "recheck",
        states: &["Completed", "Planned", "Paused", "Stopped", "Running"],
        right: Right::Sell,
        says: ("Check the blocked again", "Revérifier les bloqués"),
        will: (
            "Customers that were not allowed to move are checked again, and move where nothing stands in the way any more.",
            "Les clients qui ne pouvaient pas passer sont revérifiés, et passent si plus rien ne bloque.",
        ),
    },
    Act {
        name: "cancel",
        states: &["Draft", "Planning", "Planned", "Running", "Pausing", "Paused", "Stopped"],
        right: Right::Manage,
        says: ("Cancel the rest", "Annuler le reste"),
        will: (
            "Customers that have not started never will by this batch. What is under way goes to its end.",
            "Les clients qui n’ont pas démarré ne démarreront plus par ce lot. Ce qui est en cours va à son terme.",
        ),
    },
];

impl Act {
    fn is_possible(&self, visit: &Visit, known: &Batch) -> bool {
        let has_any = match self.name {
            // its schedule starts it
            "start" => known.schedule_id.is_none(),
            "retry" => known.count("Failed") + known.count("Refused") > 0,
            "recheck" => known.count("Ineligible") > 0,
            _ => true,
        };
        has_any && self.states.contains(&known.state.as_str()) && visit.may(self.right)
    }
}

/// The acts that its state allows, to those who may.
pub(super) fn buttons(visit: &Visit, known: &Batch) -> Markup {
    html! {
        @for act in ACTS.iter().filter(|act| act.is_possible(visit, known)) {
            a class=(if act.name == "start" { "button primary" } else { "button" }) href={ (known.here()) "/act?act=" (act.name) } { (visit.say(act.says.0, act.says.1)) "…" }
        }
        @if matches!(known.state.as_str(), "Draft" | "Planned") && known.schedule_id.is_none() && visit.may(Right::Sell) {
            a.button href={ "/portal/schedules/new?batch=" (known.batch_id) } { (visit.say("At its time…", "À son heure…")) }
        }
    }
}

/// `GET /portal/batches/{batch}/act?act=`: the question.
pub(in crate::portal) async fn ask(visit: Visit, Path(batch): Path<String>, parameters: Parameters) -> Result<Page, ApiError> {
    let known: Batch = visit.get(&format!("/v1/productupgrades/batches/{}", encoded(&batch))).await?;
    let act = act_of(parameters.get("act"))?;
    let say = |en, fr| visit.say(en, fr);
    let (here, title) = (known.here(), say(act.says.0, act.says.1));
    let question = Question {
        place: Place::Batches,
        title: &format!("{title}: {}", known.external_reference_id),
        says: html! {
            p.lead { (say(act.will.0, act.will.1)) }
            @if !act.states.contains(&known.state.as_str()) { p.notice.held { (say("The batch has gone on since: it is no longer possible.", "Le lot a avancé entre-temps : ce n’est plus possible.")) } }
            (counted(&visit, &known, act.name))
        },
        fields: html! {
            input type="hidden" name="act" value=(act.name);
            @if act.name == "start" && known.plan.is_object() {
                label { input type="checkbox" name="keep" value="1" checked; " " (say("Do exactly what the dry run has shown, or nothing", "Faire exactement ce que la simulation a montré, ou rien")) }
            }
            @if act.name == "cancel" && !known.drained {
                label { input type="checkbox" name="undo" value="1"; " " (say("Undo what is under way and not past its pivot", "Défaire ce qui est en cours et peut encore l’être")) }
            }
        },
        action: &format!("{here}/act"),
        button: title,
        is_grave: act.name == "cancel",
        needs_reason: false,
        back: (&here, &known.external_reference_id),
    };
    Ok(question::page(&visit, &question))
}

/// How many it is about.
fn counted(visit: &Visit, known: &Batch, act: &str) -> Markup {
    let (say, of) = (|en, fr| visit.say(en, fr), |count| number(count, visit.locale()));
    let under_way = known.count("Starting") + known.count("Running");
    html! {
        ul {
            @match act {
                "retry" => li { b { (of(known.count("Failed") + known.count("Refused"))) } (say(" customers are tried again.", " clients sont réessayés.")) },
                "recheck" => li { b { (of(known.count("Ineligible"))) } (say(" customers are checked again.", " clients sont revérifiés.")) },
                _ => {
                    li { b { (of(known.count("Waiting"))) } (say(" customers wait;", " clients attendent ;")) }
                    li { b { (of(under_way)) } (say(" are under way.", " sont en cours.")) }
                }
            }
        }
    }
}

/// `POST /portal/batches/{batch}/act`.
pub(in crate::portal) async fn act(visit: Visit, Path(batch): Path<String>, form: Form) -> Result<Response, ApiError> {
    let act = act_of(form.text("act"))?;
    let mut body = json!({ "reason": form.text("reason") });
    for (field, name) in [("keep", "keepToPlan"), ("undo", "undo")] {
        if form.text(field).is_some() {
            body[name] = Value::Bool(true);
        }
    }
    let batch = encoded(&batch);
    visit.api.post(&visit.context, Some(form.key()?), &format!("/v1/productupgrades/batches/{batch}/{}", act.name), &body).await?;
    Ok(see(&format!("/portal/batches/{batch}")))
}

fn act_of(wanted: Option<&str>) -> Result<&'static Act, ApiError> {
    let found = ACTS.iter().find(|act| Some(act.name) == wanted);
    found.ok_or_else(|| ApiError::bad_input("InvalidForm", words!("There is no such act.", "Il n’y a pas de telle action.")))
}
