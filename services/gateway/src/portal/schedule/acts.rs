//! A schedule is moved, or cancelled: each after a question that says what will come of it.

use super::{
    Schedule,
    when::{FIELDS, Filled, fields},
};
use crate::{
    http::ApiError,
    portal::{
        api::{JSON, encoded},
        faults::Faults,
        finish::{Page, see},
        form::Form,
        frame::Place,
        question::{self, Question},
        visit::Visit,
    },
};
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use maud::html;
use serde_json::{Value, json};

async fn known(visit: &Visit, schedule: &str) -> Result<Schedule, ApiError> {
    visit.get(&format!("/v1/productupgrades/schedules/{}", encoded(schedule))).await
}

/// `GET /portal/schedules/{schedule}/move`: the question.
pub(in crate::portal) async fn ask_move(visit: Visit, Path(schedule): Path<String>) -> Result<Page, ApiError> {
    let known = known(&visit, &schedule).await?;
    Ok(moving(&visit, &known, &Filled::of(&known), &Faults::default(), ""))
}

fn moving(visit: &Visit, known: &Schedule, filled: &Filled, faults: &Faults, reason: &str) -> Page {
    let (say, here) = (|en, fr| visit.say(en, fr), known.here());
    let title = say("Move the schedule", "Déplacer la planification");
    let question = Question {
        place: Place::Schedules,
        title,
        says: html! {
            p.lead { (say("What has not begun begins then. Hours that are open now close; what is under way goes to its end.", "Ce qui n’a pas commencé commence alors. Les heures ouvertes se ferment ; ce qui est en cours va à son terme.")) }
            (faults.top(visit, &FIELDS))
        },
        fields: fields(visit, filled, faults),
        action: &format!("{here}/move"),
        button: say("Move it", "La déplacer"),
        is_grave: false,
        needs_reason: false,
        back: (&here, &known.external_reference_id),
    };
    question::page_again(visit, &question, reason)
}

/// `POST /portal/schedules/{schedule}/move`.
pub(in crate::portal) async fn reschedule(visit: Visit, Path(schedule): Path<String>, form: Form) -> Result<Response, ApiError> {
    let filled = Filled::of_form(&form);
    let mut body = filled.properties();
    let reason = form.text("reason").unwrap_or_default();
    if !reason.is_empty() {
        body.insert("reason".to_owned(), json!(reason));
    }
    let (uri, body) = (format!("/v1/productupgrades/schedules/{}", encoded(&schedule)), Value::Object(body).to_string());
    match visit.api.send(&visit.context, Some(form.key()?), (Method::PUT, &uri), (JSON, body)).await {
        Ok(_) => Ok(see(&format!("/portal/schedules/{}", encoded(&schedule)))),
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            let known = known(&visit, &schedule).await?;
            let Page(_, text) = moving(&visit, &known, &filled, &filled.faults(&visit, &error), reason);
            Ok(Page(error.status(), text).into_response())
        }
        Err(error) => Err(error),
    }
}

/// `GET /portal/schedules/{schedule}/cancel`: the question.
pub(in crate::portal) async fn ask_cancel(visit: Visit, Path(schedule): Path<String>) -> Result<Page, ApiError> {
    let known = known(&visit, &schedule).await?;
    let (say, here) = (|en, fr| visit.say(en, fr), known.here());
    let question = Question {
        place: Place::Schedules,
        title: say("Cancel the schedule?", "Annuler la planification ?"),
        says: html! {
            p.lead { (say("Nothing more of it begins; what is under way goes to its end. A batch that was there before, and of which nothing has begun, stays.", "Plus rien d’elle ne commence ; ce qui est en cours va à son terme. Un lot qui existait avant, et dont rien n’a commencé, reste.")) }
        },
        fields: html! {},
        action: &format!("{here}/cancel"),
        button: say("Cancel it", "L’annuler"),
        is_grave: true,
        needs_reason: false,
        back: (&here, &known.external_reference_id),
    };
    Ok(question::page(&visit, &question))
}

/// `POST /portal/schedules/{schedule}/cancel`.
pub(in crate::portal) async fn cancel(visit: Visit, Path(schedule): Path<String>, form: Form) -> Result<Response, ApiError> {
    let schedule = encoded(&schedule);
    let body = json!({ "reason": form.text("reason") });
    visit.api.post(&visit.context, Some(form.key()?), &format!("/v1/productupgrades/schedules/{schedule}/cancel"), &body).await?;
    Ok(see(&format!("/portal/schedules/{schedule}")))
}
