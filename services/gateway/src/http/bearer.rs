//! A request's caller, or why there is none. The first thing that is looked at: nobody else's work begins before.

use super::{errors::ApiError, rules};
use crate::{
    app::App,
    auth::{Caller, Refused, Rejected},
    words::{Words, words},
};
use axum::http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use planshift_worker::metrics::{Metrics, REFUSED_REQUESTS};

/// After how many seconds keys that are not here yet may be.
const KEYS_COME_AFTER: u32 = 5;

/// Who asks for this path, written in lower case; partners not faster than they may.
pub(super) async fn caller(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Result<Caller, ApiError> {
    app.reach.check(headers)?;
    if rules::is_open(method, path) {
        return Ok(Caller::nobody());
    }
    // a browser has no header to send; what it has instead counts for pages alone, for those check that their forms are their own
    let by_session = crate::portal::is_here(path) && !headers.contains_key(AUTHORIZATION);
    let caller = if by_session { crate::portal::caller(app, headers).await? } else { app.authenticator.caller(headers).await };
    let caller = caller.map_err(|why| {
        match &why {
            Refused::Missing => count(&app.metrics, NO_TOKEN, 1),
            Refused::Invalid(rejected) => count(&app.metrics, ("401", rejected.name()), 1),
            Refused::NotYet => {}
        }
        refused(why)
    })?;
    if let Some(partner) = caller.partner {
        app.pace.take(partner, app.ports.clock.now()).map_err(|seconds| {
            count(&app.metrics, TOO_FAST, 1);
            ApiError::too_fast(seconds)
        })?;
    }
    Ok(caller)
}

/// What is counted of requests that are refused here, but for tokens that do not count: status and reason.
const NO_TOKEN: (&str, &str) = ("401", "missing");
const TOO_FAST: (&str, &str) = ("429", "pace");

fn count(metrics: &Metrics, (status, reason): (&str, &str), count: usize) {
    metrics.add(REFUSED_REQUESTS, &[("status", status), ("reason", reason)], count);
}

/// Makes every series appear, so that an alert sees the first one too.
pub(super) fn count_from_zero(metrics: &Metrics) {
    let tokens = Rejected::ALL.iter().map(|rejected| ("401", rejected.name()));
    tokens.chain([NO_TOKEN, TOO_FAST]).for_each(|series| count(metrics, series, 0));
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
