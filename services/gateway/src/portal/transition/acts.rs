//! Cancel, after a question that says what it will undo; resume; close.

use super::{Shown, can_be_cancelled};
use crate::{
    auth::Right,
    http::ApiError,
    portal::{
        api::encoded,
        finish::see,
        form::Form,
        frame::{Content, Place, page as framed},
        parts::counted,
        visit::Visit,
    },
};
use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use planshift_domain::transition::State;
use serde_json::json;

/// The acts that its state allows, to those who may.
pub(super) fn buttons(visit: &Visit, shown: &Shown) -> Markup {
    let (row, say) = (&shown.row, |en, fr| visit.say(en, fr));
    let here = format!("/portal/transitions/{}", row.id);
    let act = |name: &str, text: &str, class: &str| {
        html! {
            form.inline method="post" action={ (here) "/" (name) } { (visit.form_token()) input type="hidden" name="key" value=(key(shown, name)); button class=(class) type="submit" { (text) } }
        }
    };
    html! {
        @if visit.may(Right::Manage) {
            @if can_be_cancelled(row.state) { a.button href={ (here) "/cancel" } { (say("Cancel…", "Annuler…")) } }
            @if row.state == State::NeedsOperator { (act("resume", say("Resume", "Reprendre"), "primary")) }
            @if row.state == State::Compensated && row.closed_at.is_none() { (act("close", say("Close", "Clore"), "")) }
        }
        @if matches!(row.state, State::Compensated | State::Ineligible) {
            a.button.primary href={ "/portal/customers/" (row.customer_id) "/transition" } { (say("Try again", "Réessayer")) }
        }
    }
}

/// The key of an act: the same for a version of the transition, so that the page does not change where nothing has.
fn key(shown: &Shown, name: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(&shown.row.id.0, format!("{name} {}", shown.row.version).as_bytes())
}

/// `GET /portal/transitions/{id}/cancel`: the question.
pub(in crate::portal) async fn ask_cancel(visit: Visit, Path(id): Path<String>) -> Result<Response, ApiError> {
    let shown = Shown::read(&visit, &id).await?;
    let (row, say) = (&shown.row, |en, fr| visit.say(en, fr));
    let here = format!("/portal/transitions/{}", row.id);
    if !can_be_cancelled(row.state) {
        return Ok(see(&here));
    }
    let body = html! {
        p.path { a href=(here) { (shown.name) } }
        h1 { (say("Cancel this transition?", "Annuler cette mise à niveau ?")) }
        p.lead { (say("Everything that was done so far is undone, in reverse:", "Tout ce qui a été fait jusqu’ici est défait, en sens inverse :")) }
        ul {
            li { (counted(&visit, row.mapped.into(), ("mapped subscription goes back to where it was;", "abonnement rattaché revient où il était ;"), ("mapped subscriptions go back to where they were;", "abonnements rattachés reviennent où ils étaient ;"))) }
            li { (counted(&visit, row.plans.into(), ("plan that it has had is put away if it has bought it;", "plan obtenu est suspendu s’il a été acheté ;"), ("plans that it has had are put away where it has bought them;", "plans obtenus sont suspendus s’ils ont été achetés ;"))) }
            li { (say("what is still on its way to a worker is refused there.", "ce qui est encore en route vers un service y est refusé.")) }
        }
        p { (say("No commerce subscription has been suspended yet. Nobody's use of Azure is disturbed. If every subscription is mapped before the cancel comes, it only goes forward, and you are told so.", "Aucun abonnement commercial n’est encore suspendu. L’usage d’Azure n’est pas perturbé. Si tous les abonnements sont rattachés avant l’annulation, il n’y a plus de retour, et vous en êtes averti.")) }
        form.stack method="post" action={ (here) "/cancel" } {
            (visit.form_token()) (visit.key())
            label for="reason" { (say("Why (kept for ever)", "Pourquoi (gardé pour toujours)")) }
            input id="reason" name="reason" maxlength="1000" autocomplete="off";
            div.foot {
                button.danger type="submit" { (say("Cancel and undo", "Annuler et défaire")) }
                a.button href=(here) { (say("Let it go on", "Laisser continuer")) }
            }
        }
    };
    let title = say("Cancel", "Annuler").to_owned();
    Ok(framed(&visit, &Content { title, place: Place::Transitions, is_live: false, body }).into_response())
}

/// `POST …/cancel`.
pub(in crate::portal) async fn cancel(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, ApiError> {
    act(&visit, &id, "cancel", &form).await
}

/// `POST …/resume`.
pub(in crate::portal) async fn resume(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, ApiError> {
    act(&visit, &id, "resume", &form).await
}

/// `POST …/close`.
pub(in crate::portal) async fn close(visit: Visit, Path(id): Path<String>, form: Form) -> Result<Response, ApiError> {
    act(&visit, &id, "close", &form).await
}

async fn act(visit: &Visit, id: &str, name: &str, form: &Form) -> Result<Response, ApiError> {
    let id = encoded(id);
    let body = json!({ "reason": form.text("reason") });
    visit.api.post(&visit.context, Some(form.key()?), &format!("/v1/productupgrades/{id}/{name}"), &body).await?;
    Ok(see(&format!("/portal/transitions/{id}")))
}
