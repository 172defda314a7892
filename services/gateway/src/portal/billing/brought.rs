//! What is said of a file that was brought, or refused: states, and faults by row and column.

use crate::{
    http::ApiError,
    portal::{finish::Page, parts::number, visit::Visit},
};
use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use serde_json::Value;

/// Is it said on the page where the file was chosen, where another one can be chosen at once?
pub(super) fn is_said_here(error: &ApiError) -> bool {
    matches!(
        error.status(),
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE
    )
}

/// The page again, as the answer to what was refused.
pub(super) fn refused(error: &ApiError, page: Page) -> Response {
    let Page(_, text) = page;
    Page(error.status(), text).into_response()
}

/// Why a file was refused.
pub(super) fn why(visit: &Visit, error: &ApiError) -> Markup {
    let total = error.field("faults").and_then(Value::as_u64);
    html! {
        div.notice.bad role="alert" {
            @match total {
                Some(total) => (faults(visit, total, error.details())),
                None => p.lead { (error.text(visit.locale())) },
            }
        }
    }
}

/// Faults of a file, by row and column.
pub(super) fn faults(visit: &Visit, total: u64, listed: &[Value]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    html! {
        p.lead { (say("Nothing of the file was taken. Faults: ", "Rien du fichier n’a été pris. Erreurs : ")) (number(total, visit.locale())) }
        @if (listed.len() as u64) < total { p { (say("The first of them:", "Les premières :")) } }
        div.scroll tabindex="0" role="region" aria-label=(say("Faults", "Erreurs")) {
            table.list {
                thead { tr { th.amount scope="col" { (say("Row", "Ligne")) } th scope="col" { (say("Column", "Colonne")) } th scope="col" { (say("Found", "Trouvé")) } th scope="col" { (say("Expected", "Attendu")) } } }
                tbody { @for fault in listed { tr {
                    td.amount { (fault["row"].as_u64().unwrap_or_default()) } td { (text(fault, "column")) } td { code { (text(fault, "found")) } } td { (text(fault, "expected")) }
                } } }
            }
        }
    }
}

/// How a file stands.
pub(super) fn state(visit: &Visit, state: &str) -> Markup {
    let (text, look) = match state {
        "Running" => (visit.say("being taken", "en cours"), "moving"),
        "Undoing" => (visit.say("being taken out", "en retrait"), "turning"),
        "Done" => (visit.say("taken", "prise en compte"), "good"),
        "Refused" => (visit.say("refused", "refusé"), "bad"),
        "Broken" => (visit.say("broke off", "interrompu"), "bad"),
        "Withdrawn" => (visit.say("withdrawn", "retirée"), "held"),
        other => (other, "idle"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}
