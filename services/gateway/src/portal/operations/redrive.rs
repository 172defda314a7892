//! Letters get another chance, or are dropped: which ones, why, and how carefully. One of them alone is meant by its key.

use super::letters::{Letters, MEANT_BY, meant};
use crate::{
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        finish::{Page, see},
        form::Form,
        frame::Place,
        parts::{noun, number},
        question::{self, Question},
        visit::Visit,
    },
};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

/// `GET /portal/operations/redrive?code=&queue=&type=&transitionId=&letter=`: the question.
pub(in crate::portal) async fn ask_redrive(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let (says, fields) = said(&visit, &parameters).await?;
    let question = Question {
        place: Place::Operations,
        title: say("Another chance for dead letters", "Une autre chance pour des lettres mortes"),
        says: html! {
            (says)
            p { (say("They go back to the queues that they died in. What was done already is not done twice.", "Elles retournent dans les files où elles sont mortes. Ce qui a déjà été fait n’est pas refait.")) }
        },
        fields: html! {
            (fields)
            label for="canary" { (say("So many go first, and the others once these have lived (0: all at once)", "Tant d’entre elles d’abord, les autres si elles survivent (0 : toutes)")) }
            input.short id="canary" name="canary" type="number" min="0" max="1000" value="1";
            label for="rate" { (say("At most so many a second (empty: as fast as may be)", "Au plus tant par seconde (vide : au plus vite)")) }
            input.short id="rate" name="rate" type="number" min="1" max="10000";
        },
        action: "/portal/operations/redrive",
        button: say("Give them another chance", "Leur donner une autre chance"),
        is_grave: false,
        needs_reason: true,
        back: (&back(&parameters), say("Dead letters", "Lettres mortes")),
    };
    Ok(question::page(&visit, &question))
}

/// `GET /portal/operations/drop?…`: the question.
pub(in crate::portal) async fn ask_drop(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let (says, fields) = said(&visit, &parameters).await?;
    let question = Question {
        place: Place::Operations,
        title: say("Drop dead letters", "Supprimer des lettres mortes"),
        says: html! {
            (says)
            p { (say("They are gone for good; what they were, who dropped them and why is kept. A transition that waits for one of them waits for ever.", "Elles disparaissent pour de bon ; ce qu’elles étaient, qui les a supprimées et pourquoi est gardé. Une mise à niveau qui attend l’une d’elles attend pour toujours.")) }
        },
        fields,
        action: "/portal/operations/drop",
        button: say("Drop them", "Les supprimer"),
        is_grave: true,
        needs_reason: true,
        back: (&back(&parameters), say("Dead letters", "Lettres mortes")),
    };
    Ok(question::page(&visit, &question))
}

fn back(parameters: &Parameters) -> String {
    match parameters.get("letter") {
        Some(key) => format!("/portal/operations/letters/{}", encoded(key)),
        None => format!("/portal/operations/letters?{}", meant(|name| parameters.get(name).map(str::to_owned))),
    }
}

/// Which letters are meant and how many; and the same as fields that are not seen.
async fn said(visit: &Visit, parameters: &Parameters) -> Result<(Markup, Markup), ApiError> {
    let say = |en, fr| visit.say(en, fr);
    let count = match parameters.get("letter") {
        Some(_) => 1,
        None => {
            let meant = meant(|name| parameters.get(name).map(str::to_owned));
            visit.get::<Letters>(&format!("/v1/deadletters?size=1&{meant}")).await?.total_count
        }
    };
    let given = |name: &&str| parameters.get(name).map(str::trim).filter(|text| !text.is_empty());
    let names: Vec<&str> = MEANT_BY.into_iter().chain(["letter"]).filter(|name| given(name).is_some()).collect();
    let says = html! {
        p.lead { b { (number(count, visit.locale())) } " " (noun(visit, count, ("letter is meant", "lettre est visée"), ("letters are meant", "lettres sont visées"))) @if names.is_empty() { (say(": all that there are.", " : toutes celles qui existent.")) } @else { (visit.say(":", "\u{a0}:")) } }
        @if !names.is_empty() { dl { @for name in &names { dt { (name) } dd { code { (given(name).unwrap_or_default()) } } } } }
    };
    let fields = html! {
        @for name in &names { input type="hidden" name=(name) value=(given(name).unwrap_or_default()); }
        @if names.is_empty() { input type="hidden" name="all" value="1"; }
    };
    Ok((says, fields))
}

/// What the API is told of which letters are meant. All of them only where the form says so.
fn wanted(form: &Form) -> Value {
    let mut body = json!({ "reason": form.text("reason") });
    for name in MEANT_BY {
        if let Some(text) = form.text(name) {
            body[name] = json!(text);
        }
    }
    if let Some(key) = form.text("letter") {
        body["keys"] = json!([key]);
    }
    if form.text("all").is_some() {
        body["all"] = json!(true);
    }
    body
}

/// `POST /portal/operations/redrive`: begins it, and leads to its page.
pub(in crate::portal) async fn redrive(visit: Visit, form: Form) -> Result<Response, ApiError> {
    let mut body = wanted(&form);
    for name in ["canary", "rate"] {
        if let Some(text) = form.text(name) {
            // what is no number the API tells
            body[name] = text.parse::<u32>().map_or_else(|_| json!(text), |number| json!(number));
        }
    }
    let answered = visit.api.post(&visit.context, Some(form.key()?), "/v1/deadletters/redrives", &body).await?;
    Ok(see(&format!("/portal/operations/redrives/{}", answered.body["redriveId"].as_str().unwrap_or_default())))
}

/// `POST /portal/operations/drop`.
pub(in crate::portal) async fn drop(visit: Visit, form: Form) -> Result<Response, ApiError> {
    visit.api.post(&visit.context, Some(form.key()?), "/v1/deadletters/drop", &wanted(&form)).await?;
    Ok(see("/portal/operations/letters"))
}
