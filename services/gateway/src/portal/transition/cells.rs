//! Every subscription as a cell: one letter for each, in the order of their Azure ids, so that a hundred thousand are some kilobytes on the
//! way, and one picture for the browser. What they come to stands beside them in words.

use crate::{
    http::{ApiError, find_parts},
    portal::{states, visit::Visit},
    view::assemble,
};
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use planshift_domain::view::{LineState, LineView};

/// The letters, in the order in which they are explained.
const KINDS: [(char, LineState, bool); 6] = [
    ('n', LineState::NotStarted, false),
    ('p', LineState::InProgress, false),
    ('m', LineState::InProgress, true),
    ('c', LineState::Completed, true),
    ('f', LineState::Failed, false),
    ('u', LineState::Compensated, false),
];

const fn letter(line: &LineView) -> char {
    match line.state {
        LineState::NotStarted => 'n',
        LineState::InProgress if line.plan_id.is_some() => 'm',
        LineState::InProgress => 'p',
        LineState::Completed => 'c',
        LineState::Failed => 'f',
        LineState::Compensated => 'u',
    }
}

/// `GET /portal/transitions/{id}/cells`.
pub(in crate::portal) async fn read(visit: Visit, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let view = assemble(find_parts(&visit.app, &visit.context, &id).await?, visit.app.ports.clock.now());
    let letters: String = view.lines.iter().map(letter).collect();
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains("gzip"));
    let mut response = if takes_gzip {
        let mut response = crate::portal::assets::gzip(letters.as_bytes(), crate::portal::assets::QUICK).into_response();
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        letters.into_response()
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// Where the picture goes. A script draws it, and counts beside it; without one the bars above say how far it is. It is there before anybody
/// knows how many subscriptions there are: a page that comes that early gets its cells as well.
pub(super) fn canvas(visit: &Visit, here: &str) -> Markup {
    let label = visit.say("Subscriptions, each a cell", "Les abonnements, chacun une case");
    html! {
        section.cells hidden data-cells={ (here) "/cells" } aria-label=(label) {
            h2 { (label) " " span.count {} }
            canvas role="img" aria-label=(label) {}
            ul.legend {
                @for (letter, state, mapped) in KINDS {
                    @let (text, look) = states::of_line(state, mapped, visit.locale());
                    li data-kind=(letter) hidden { i class={ "dot " (look) " kind-" (letter) } {} (text) " " b { "0" } }
                }
            }
        }
    }
}
