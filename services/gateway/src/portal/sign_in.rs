//! Coming in, by the OpenID provider or with a token, and out again.

use super::{
    FIRST,
    api::encoded,
    by_provider,
    finish::{Page, see},
    form::{Form, OpenForm},
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
use maud::{Markup, html};

/// Why somebody does not come in.
pub(super) struct Why {
    text: String,
    /// The token that was brought; else the provider's part.
    is_of_token: bool,
    /// What the provider calls it, where that is a word of its protocol.
    code: Option<&'static str>,
}

impl Why {
    /// Something at the provider, or on the way.
    pub(super) fn provider(text: &str) -> Self {
        Self { text: text.to_owned(), is_of_token: false, code: None }
    }

    /// The same, with what the provider calls it.
    pub(super) fn called(self, code: Option<&'static str>) -> Self {
        Self { code, ..self }
    }

    fn token(text: &str) -> Self {
        Self { is_of_token: true, ..Self::provider(text) }
    }
}

/// `GET /portal/sign-in`.
pub(super) async fn page(visit: Visit, parameters: Parameters) -> Page {
    shown(&visit, parameters.get("next").unwrap_or(FIRST), None)
}

/// `POST /portal/sign-in`.
pub(super) async fn sign_in(visit: Visit, headers: HeaderMap, OpenForm(form): OpenForm) -> Result<Response, ApiError> {
    let next = form.text("next").filter(|next| is_own(next)).unwrap_or(FIRST).to_owned();
    let paste = visit.say("Paste a token.", "Collez un jeton.");
    let Some(token) = form.text("token") else {
        return Ok(again(&visit, StatusCode::BAD_REQUEST, &next, &Why::token(paste)));
    };
    let why = match visit.app.authenticator.caller_with(token).await {
        Ok(_) => {
            // the gateway speaks plain HTTP; where something before it speaks TLS, the browser says so
            let is_secure = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
            let cookie = Session::begin(&visit.app, token, false, is_secure).await?;
            return Ok(with_cookie(see(&next), &cookie));
        }
        Err(Refused::Missing) => Why::token(paste),
        Err(Refused::Invalid(why)) => {
            let text = why.words();
            let (lead, text) = (visit.say("The token does not count: ", "Le jeton n’est pas valable : "), text.text(visit.locale()));
            Why::token(&format!("{lead}{text}."))
        }
        Err(Refused::NotYet) => Why::token(no_keys(&visit)),
    };
    Ok(again(&visit, StatusCode::UNAUTHORIZED, &next, &why))
}

/// `POST /portal/sign-out`.
pub(super) async fn sign_out(visit: Visit, _form: Form) -> Result<Response, ApiError> {
    let to_sign_in = || see("/portal/sign-in");
    let Some(session) = visit.session() else { return Ok(to_sign_in()) };
    let (cookie, by_provider) = session.end(&visit.app).await?;
    // the session is over whatever the provider does
    let page = if by_provider { by_provider::sign_out(&visit).await } else { None };
    Ok(with_cookie(page.map_or_else(to_sign_in, Page::into_response), &cookie))
}

pub(super) fn no_keys(visit: &Visit) -> &'static str {
    visit.say(
        "The keys that tell whether the token is good are not here yet. Try again.",
        "Les clés qui disent si le jeton est valable ne sont pas encore là. Réessayez.",
    )
}

/// A page of ours, and of nobody else.
pub(super) fn is_own(to: &str) -> bool {
    super::is_here(to.split(['?', '#']).next().unwrap_or_default()) && to.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

/// The page once more, with why.
pub(super) fn again(visit: &Visit, status: StatusCode, next: &str, why: &Why) -> Response {
    let Page(_, text) = shown(visit, next, Some(why));
    Page(status, text).into_response()
}

pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn shown(visit: &Visit, next: &str, why: Option<&Why>) -> Page {
    let say = |en, fr| visit.say(en, fr);
    let signs_in_elsewhere = visit.app.authenticator.sign_in().is_some();
    let body = html! {
        h1 { "Planshift" }
        p.lead { (say("Moves customers to the Azure plan.", "Fait passer les clients au plan Azure.")) }
        @if signs_in_elsewhere {
            @if let Some(why) = why.filter(|why| !why.is_of_token) {
                p.fault role="alert" { (why.text) @if let Some(code) = why.code { " " code { (code) } } }
            }
            // a link: the provider is another site, and a form of this page leads to none
            p { a.button.primary href={ "/portal/sign-in/provider?next=" (encoded(next)) } { (say("Sign in", "Se connecter")) } }
            details open[why.is_some_and(|why| why.is_of_token)] {
                summary { (say("Sign in with a token", "Se connecter avec un jeton")) }
                (with_token(visit, next, why, false))
            }
        } @else {
            (with_token(visit, next, why, true))
        }
        @if visit.session().is_some() {
            // the provider remembers who it was: somebody else comes in after signing out there
            form method="post" action="/portal/sign-out" {
                (visit.form_token())
                button type="submit" { (say("Sign out first", "Se déconnecter d’abord")) }
            }
        }
    };
    frame::bare(say("Sign in", "Connexion"), visit.locale(), visit.theme, &body)
}

/// The form for a token. It comes first where there is no other way in.
fn with_token(visit: &Visit, next: &str, why: Option<&Why>, is_first: bool) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let why = why.filter(|why| why.is_of_token);
    html! {
        form.stack method="post" action="/portal/sign-in" {
            input type="hidden" name="next" value=(next);
            label for="token" { (say("Token", "Jeton")) }
            input id="token" name="token" type="password" autocomplete="off" required autofocus[is_first || why.is_some()] spellcheck="false"
                aria-describedby=(if why.is_some() { "token-why token-help" } else { "token-help" }) aria-invalid=[why.map(|_| "true")];
            @if let Some(why) = why { p.fault id="token-why" role="alert" { (why.text) } }
            button class=[is_first.then_some("primary")] type="submit" { (say("Sign in", "Se connecter")) }
            p.fine id="token-help" {
                (say("The local token is in the file ", "Le jeton local est dans le fichier ")) code { "planshift-data/token" }
                (say(
                    "; from an OpenID provider, it is an access token for this API. It stays here, encrypted, until you sign out, for twelve hours at most.",
                    " ; d’un fournisseur OpenID, c’est un jeton d’accès à cette API. Il reste ici, chiffré, jusqu’à la déconnexion, douze heures au plus.",
                ))
            }
        }
    }
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
