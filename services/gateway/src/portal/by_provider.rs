//! Coming in by the OpenID provider, where the portal is registered with one.
//!
//! Nobody is led there by a form: browsers hold a form's whole way against the policy of the page that it is on, and that names this
//! portal alone. A link begins it, the way back is a page that leads on, and signing out leads there by a page too.

use super::{
    attempt::{Attempt, wanted},
    finish::{Page, lead_on, see},
    session::Session,
    sign_in::{Why, again, with_cookie},
    visit::Visit,
};
use crate::{
    auth::{NoTokens, NotSignedIn, Refused, Rejected},
    http::{ApiError, Parameters},
};
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

/// What providers call an error of theirs. Source: RFC 6749, section 4.1.2.1, and OpenID Connect Core 1.0, section 3.1.2.6. What is not
/// among these is not repeated.
const ERRORS: [&str; 13] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
    "invalid_request",
    "invalid_request_uri",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "request_not_supported",
    "server_error",
    "temporarily_unavailable",
];

/// `GET /portal/sign-in/provider`: leads to the provider.
pub(super) async fn begin(visit: Visit, headers: HeaderMap, parameters: Parameters) -> Response {
    let next = wanted(parameters.get("next"));
    let Some(sign_in) = visit.app.authenticator.sign_in() else { return see("/portal/sign-in") };
    let attempt = Attempt::begin(Some(next), visit.app.ports.clock.now(), &headers);
    match sign_in.way_out(&attempt.told()).await {
        Some(to) => with_cookie(see(&to), &attempt.cookie(sign_in.is_secure())),
        None => again(&visit, StatusCode::SERVICE_UNAVAILABLE, next, &Why::provider(away(&visit))),
    }
}

/// `GET /portal/sign-in/callback`: back from the provider.
pub(super) async fn back(visit: Visit, headers: HeaderMap, parameters: Parameters) -> Result<Response, ApiError> {
    let Some(sign_in) = visit.app.authenticator.sign_in() else { return Ok(see("/portal/sign-in")) };
    let now = visit.app.ports.clock.now();
    // nothing of what is brought is looked at before it is known that this browser has begun it
    let attempt = parameters.get("state").and_then(|state| Attempt::of(&headers, state));
    let Some(attempt) = attempt.filter(|attempt| !attempt.is_over(now)) else {
        let why = visit.say(
            "This attempt to sign in was not begun in this browser, or was begun more than ten minutes ago. Begin again.",
            "Cette tentative de connexion n’a pas été commencée dans ce navigateur, ou l’a été il y a plus de dix minutes. Recommencez.",
        );
        return Ok(again(&visit, StatusCode::BAD_REQUEST, wanted(None), &Why::provider(why)));
    };
    let refuse = |status, why: Why| Ok(with_cookie(again(&visit, status, attempt.next(), &why), &attempt.no_cookie()));
    if let Some(error) = parameters.get("error") {
        let description = parameters.get("error_description").unwrap_or_default();
        let known = ERRORS.into_iter().find(|known| *known == error);
        tracing::warn!(
            error = known.unwrap_or("unknown"),
            description = crate::auth::told(description),
            "the OpenID provider signs nobody in"
        );
        return refuse(StatusCode::UNAUTHORIZED, Why::provider(of_error(&visit, error)).called(known));
    }
    let told = attempt.told();
    let Some(code) = parameters.get("code") else { return refuse(StatusCode::BAD_REQUEST, Why::provider(garbled(&visit))) };
    if !visit.app.model.use_sign_in(&attempt.name(), Attempt::known_until(now), now).await? {
        let why =
            visit.say("This attempt to sign in was used already. Begin again.", "Cette tentative de connexion a déjà servi. Recommencez.");
        return refuse(StatusCode::BAD_REQUEST, Why::provider(why));
    }
    let tokens = match sign_in.exchange(code, &told.verifier).await {
        Ok(tokens) => tokens,
        Err(NoTokens::Away) => return refuse(StatusCode::SERVICE_UNAVAILABLE, Why::provider(away(&visit))),
        Err(NoTokens::Busy) => {
            let why = visit.say("Too many are signing in just now. Begin again.", "Trop de connexions sont en cours. Recommencez.");
            return refuse(StatusCode::SERVICE_UNAVAILABLE, Why::provider(why));
        }
        Err(NoTokens::Refused) => {
            let why = visit.say(
                "The OpenID provider does not take back what it gave. Begin again; if that does not help, tell whoever runs Planshift: its log says why.",
                "Le fournisseur OpenID n’accepte pas ce qu’il a lui-même donné. Recommencez ; sinon, prévenez qui exploite Planshift : son journal dit pourquoi.",
            );
            return refuse(StatusCode::UNAUTHORIZED, Why::provider(why));
        }
    };
    let token = match visit.app.authenticator.session_token(sign_in, tokens, &told.nonce).await {
        Ok(token) => token,
        Err(not) => {
            tracing::warn!(reason = ?not, "somebody who has signed in at the OpenID provider is not let in");
            return refuse(StatusCode::UNAUTHORIZED, Why::provider(&of_token(&visit, not)));
        }
    };
    let session = Session::begin(&visit.app, &token, true, sign_in.is_secure()).await?;
    // the session's cookie is not sent along a way that another site has begun; a page of ours leads on
    let page = lead_on(attempt.next(), visit.locale());
    Ok(with_cookie(with_cookie(page.into_response(), &session), &attempt.no_cookie()))
}

/// Where somebody is led to who signs out of a session that the provider had led to: there, where it has such a place.
pub(super) async fn sign_out(visit: &Visit) -> Option<Page> {
    let to = visit.app.authenticator.sign_in()?.way_to_sign_out().await?;
    Some(lead_on(&to, visit.locale()))
}

fn away(visit: &Visit) -> &'static str {
    visit.say("The OpenID provider is not reached. Try again.", "Le fournisseur OpenID n’est pas joignable. Réessayez.")
}

fn garbled(visit: &Visit) -> &'static str {
    visit.say(
        "The OpenID provider has sent nothing that can be read. Begin again.",
        "Le fournisseur OpenID n’a rien envoyé de lisible. Recommencez.",
    )
}

/// An error of the provider in plain words.
fn of_error(visit: &Visit, error: &str) -> &'static str {
    match error {
        "access_denied" => visit.say(
            "You did not agree, or the OpenID provider does not allow you to use Planshift.",
            "Vous n’avez pas donné votre accord, ou le fournisseur OpenID ne vous permet pas d’utiliser Planshift.",
        ),
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => visit.say(
            "The OpenID provider needs something of you before it signs you in. Begin again.",
            "Le fournisseur OpenID a besoin de quelque chose de votre part avant de vous connecter. Recommencez.",
        ),
        "server_error" | "temporarily_unavailable" => visit.say(
            "The OpenID provider has a problem of its own. Try again in a moment.",
            "Le fournisseur OpenID a un problème de son côté. Réessayez dans un moment.",
        ),
        _ => visit.say(
            "The OpenID provider refuses to sign you in as Planshift asks it to. Tell whoever runs Planshift: its log says why.",
            "Le fournisseur OpenID refuse de vous connecter comme Planshift le demande. Prévenez qui exploite Planshift : son journal dit pourquoi.",
        ),
    }
}

fn of_token(visit: &Visit, why: NotSignedIn) -> String {
    match why {
        NotSignedIn::AnotherAttempt => {
            let text = visit.say(
                "What the OpenID provider says belongs to another attempt to sign in. Begin again.",
                "Ce que dit le fournisseur OpenID concerne une autre tentative de connexion. Recommencez.",
            );
            text.to_owned()
        }
        NotSignedIn::Refused(Refused::NotYet) => super::sign_in::no_keys(visit).to_owned(),
        NotSignedIn::Refused(Refused::Missing) => garbled(visit).to_owned(),
        NotSignedIn::Refused(Refused::Invalid(Rejected::Tenant)) => {
            let text = visit.say(
                "You have signed in, but your organisation may not use this installation.",
                "Vous êtes connecté, mais votre organisation ne peut pas utiliser cette installation.",
            );
            text.to_owned()
        }
        NotSignedIn::Refused(Refused::Invalid(why)) => {
            let lead =
                visit.say("You have signed in, but the token does not count: ", "Vous êtes connecté, mais le jeton n’est pas valable : ");
            format!("{lead}{}.", why.words().text(visit.locale()))
        }
    }
}
