//! A request's caller, or why there is none. The first thing that is looked at: nobody else's work begins before.

use super::{errors::ApiError, rules};
use crate::{
    app::App,
    auth::{Caller, Refused},
    words::{Words, words},
};
use axum::http::{HeaderMap, Method, StatusCode};

/// After how many seconds keys that are not here yet may be.
const KEYS_COME_AFTER: u32 = 5;

/// Who asks for this path, written in lower case; partners not faster than they may.
pub(super) async fn caller(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Result<Caller, ApiError> {
    app.reach.check(headers)?;
    if rules::is_open(method, path) {
        return Ok(Caller::nobody());
    }
    let caller = app.authenticator.caller(headers).await.map_err(refused)?;
    if let Some(partner) = caller.partner {
        app.pace.take(partner, app.ports.clock.now()).map_err(ApiError::too_fast)?;
    }
    Ok(caller)
}

/// Source of the header: RFC 6750, section 3.
fn refused(why: Refused) -> ApiError {
    let unauthorized = |name: &str, text: Words, challenge: &str| {
        ApiError::new(StatusCode::UNAUTHORIZED, "401", name, text).header("www-authenticate", challenge)
    };
    match why {
        Refused::Missing => unauthorized(
            "TokenMissing",
            words!("The request needs a bearer token.", "La requête demande un jeton du porteur (bearer)."),
            "Bearer",
        ),
        Refused::Invalid(rejected) => {
            tracing::info!(reason = ?rejected, "a token was refused");
            let why = rejected.words();
            let text = words!("The token does not count: {why}.", "Le jeton n’est pas valable : {why}."; why);
            unauthorized("TokenInvalid", text, "Bearer error=\"invalid_token\"")
        }
        Refused::NotYet => {
            let text = words!(
                "The keys that tell whether the token is good are not here yet. Try again.",
                "Les clés qui disent si le jeton est valable ne sont pas encore là. Réessayez."
            );
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "503", "KeysNotFetched", text).after(KEYS_COME_AFTER)
        }
    }
}
