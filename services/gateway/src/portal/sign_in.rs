//! Coming in with a token, and out again.

use super::{
    finish::{Page, see},
    form::Form,
    frame,
    session::Session,
    visit::Visit,
};
use crate::{
    auth::Refused,
    http::{ApiError, Parameters},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use maud::html;

/// Where somebody comes to who has signed in.
const FIRST: &str = "/portal/customers";

/// `GET /portal/sign-in`.
pub(super) async fn page(visit: Visit, parameters: Parameters) -> Page {
    shown(&visit, parameters.get("next").unwrap_or(FIRST), None)
}

/// `POST /portal/sign-in`.
pub(super) async fn sign_in(visit: Visit, headers: HeaderMap, form: Form) -> Result<Response, ApiError> {
    let next = form.text("next").filter(|next| is_own(next)).unwrap_or(FIRST).to_owned();
    let Some(token) = form.text("token") else {
        let why = visit.say("Paste a token.", "Collez un jeton.");
        return Ok(again(&visit, StatusCode::BAD_REQUEST, &next, why));
    };
    let why = match visit.app.authenticator.caller_with(token).await {
        Ok(_) => {
            // the gateway speaks plain HTTP; where something before it speaks TLS, the browser says so
            let is_secure = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
            let cookie = Session::begin(&visit.app, token, is_secure).await?;
            return Ok(with_cookie(see(&next), &cookie));
        }
        Err(Refused::Missing) => visit.say("Paste a token.", "Collez un jeton."),
        Err(Refused::Invalid(why)) => {
            let text = why.words();
            let (lead, text) = (visit.say("The token does not count: ", "Le jeton n’est pas valable : "), text.text(visit.locale()));
            return Ok(again(&visit, StatusCode::UNAUTHORIZED, &next, &format!("{lead}{text}.")));
        }
        Err(Refused::NotYet) => visit.say(
            "The keys that tell whether the token is good are not here yet. Try again.",
            "Les clés qui disent si le jeton est valable ne sont pas encore là. Réessayez.",
        ),
    };
    Ok(again(&visit, StatusCode::UNAUTHORIZED, &next, why))
}

/// `POST /portal/sign-out`.
pub(super) async fn sign_out(visit: Visit, _form: Form) -> Result<Response, ApiError> {
    let response = see("/portal/sign-in");
    match visit.session() {
        Some(session) => Ok(with_cookie(response, &session.end(&visit.app).await?)),
        None => Ok(response),
    }
}

/// A page of ours, and of nobody else.
pub(super) fn is_own(to: &str) -> bool {
    super::is_here(to.split(['?', '#']).next().unwrap_or_default()) && to.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

fn again(visit: &Visit, status: StatusCode, next: &str, why: &str) -> Response {
    let Page(_, text) = shown(visit, next, Some(why));
    Page(status, text).into_response()
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn shown(visit: &Visit, next: &str, why: Option<&str>) -> Page {
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        h1 { "Planshift" }
        p.lead { (say("Moves customers to the Azure plan.", "Fait passer les clients au plan Azure.")) }
        form.stack method="post" action="/portal/sign-in" {
            (visit.form_token())
            input type="hidden" name="next" value=(next);
            label for="token" { (say("Token", "Jeton")) }
            input id="token" name="token" type="password" autocomplete="off" required autofocus spellcheck="false"
                aria-describedby=(if why.is_some() { "token-why token-help" } else { "token-help" }) aria-invalid=[why.map(|_| "true")];
            @if let Some(why) = why { p.fault id="token-why" role="alert" { (why) } }
            button.primary type="submit" { (say("Sign in", "Se connecter")) }
            p.fine id="token-help" {
                (say("The local token is in the file ", "Le jeton local est dans le fichier ")) code { "planshift-data/token" }
                (say(
                    "; from an OpenID provider, it is an access token for this API. It stays here, encrypted, until you sign out, for twelve hours at most.",
                    " ; d’un fournisseur OpenID, c’est un jeton d’accès à cette API. Il reste ici, chiffré, jusqu’à la déconnexion, douze heures au plus.",
                ))
            }
        }
    };
    frame::bare(say("Sign in", "Connexion"), visit.locale(), visit.theme, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_on_to_a_page_of_ours_alone() {
        for own in ["/portal/customers", "/portal/customers?q=a%20b&sort=name", "/portal"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "/", "//portal/x", "/v1/customers", "https://portal/", "/portals", "/portal/\\..", "/portal/a b", "/portal/\n"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
