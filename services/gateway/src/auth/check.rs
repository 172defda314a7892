//! From a request's headers to its caller.

use super::{
    Auth, LocalToken,
    caller::Caller,
    claims::{self, Claims, Rejected},
    keys::{Found, Keys},
    provider::Tokens,
    signing_in::SignIn,
};
use axum::http::{HeaderMap, header};
use jsonwebtoken::{Validation, decode, decode_header};
use planshift_worker::{Ports, health::Readiness};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The longest token that is looked at.
const TOKEN_BYTES: usize = 16 * 1024;

/// Why there is no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no bearer token.
    Missing,
    /// It does not count.
    Invalid(Rejected),
    /// It may be good; the keys that would tell are not here yet.
    NotYet,
}

/// Why somebody who has signed in at the provider is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSignedIn {
    /// A token of the provider's does not count.
    Refused(Refused),
    /// They belong to another attempt to sign in than this one.
    AnotherAttempt,
}

impl From<Refused> for NotSignedIn {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Tells callers by their tokens. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Authenticator {
    local: Arc<[u8; 32]>,
    keys: Option<Keys>,
    sign_in: Option<SignIn>,
    ports: Ports,
}

impl Authenticator {
    pub(crate) fn new(auth: &Auth, ports: Ports, readiness: Option<Readiness>) -> Result<Self, reqwest::Error> {
        let keys = auth.oidc.clone().map(|settings| Keys::new(settings, ports.clone(), readiness)).transpose()?;
        let sign_in = auth.oidc.as_ref().map(|settings| SignIn::new(settings, &ports)).transpose()?.flatten();
        Ok(Self { local: Arc::new(LocalToken::digest(auth.local.expose())), keys, sign_in, ports })
    }

    /// The way to the provider, where people sign in there.
    pub(crate) const fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_ref()
    }

    /// Keeps the provider's keys fresh, where there is one, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        if let Some(keys) = self.keys {
            keys.run(stop).await;
        }
    }

    /// Who asks.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        self.caller_with(bearer(headers)?).await
    }

    /// Who has this token.
    pub(crate) async fn caller_with(&self, token: &str) -> Result<Caller, Refused> {
        if token.len() > TOKEN_BYTES {
            return Err(Refused::Invalid(Rejected::Malformed));
        }
        if LocalToken::digest(token) == *self.local {
            return Ok(Caller::local());
        }
        match &self.keys {
            Some(keys) => self.signed(keys, token).await,
            None => Err(Refused::Invalid(Rejected::Malformed)),
        }
    }

    /// The token that somebody counts by who has signed in: the access token; where that is for somebody else (some providers give one
    /// that only they can read), the id token, which then counts where this client is one of the audiences. Both count as if they had
    /// been brought.
    pub(crate) async fn session_token(&self, sign_in: &SignIn, tokens: Tokens, nonce: &str) -> Result<String, NotSignedIn> {
        let Some(keys) = &self.keys else { return Err(Refused::Missing.into()) };
        let Tokens { access_token, id_token } = tokens;
        let identity = self.verified(keys, &id_token).await?;
        claims::identity(&identity, keys.settings(), sign_in.client_id(), self.ports.clock.now()).map_err(Refused::Invalid)?;
        if !identity.is_of_attempt(nonce) {
            return Err(NotSignedIn::AnotherAttempt);
        }
        match self.caller_with(&access_token).await {
            Ok(_) => Ok(access_token),
            // it is for this installation and does not count: no other token makes that good
            Err(why @ (Refused::NotYet | Refused::Invalid(Rejected::Expired | Rejected::NotYet | Rejected::Tenant))) => Err(why.into()),
            Err(_) => {
                self.caller_with(&id_token).await?;
                Ok(id_token)
            }
        }
    }

    async fn signed(&self, keys: &Keys, token: &str) -> Result<Caller, Refused> {
        let claims = self.verified(keys, token).await?;
        claims::caller(&claims, keys.settings(), self.ports.clock.now()).map_err(Refused::Invalid)
    }

    /// What a token says that the provider has signed. It is not looked at yet.
    async fn verified(&self, keys: &Keys, token: &str) -> Result<Claims, Refused> {
        let refuse = |why| Err(Refused::Invalid(why));
        if token.len() > TOKEN_BYTES {
            return refuse(Rejected::Malformed);
        }
        let Ok(header) = decode_header(token) else { return refuse(Rejected::Malformed) };
        // an extension that must be understood is not
        if header.crit.is_some() {
            return refuse(Rejected::Algorithm);
        }
        let (known, place) = match keys.find(header.kid.as_deref()).await {
            Found::Key(known, place) => (known, place),
            Found::Unknown => return refuse(Rejected::UnknownKey),
            Found::NotYet => return Err(Refused::NotYet),
        };
        let Some(key) = known.get(place) else { return refuse(Rejected::UnknownKey) };
        if !key.algorithms.contains(&header.alg) {
            return refuse(Rejected::Algorithm);
        }
        // the signature alone: what it says is looked at in one place, at the time that the port tells
        let mut signature = Validation::new(header.alg);
        signature.validate_exp = false;
        signature.validate_aud = false;
        signature.required_spec_claims.clear();
        decode::<Claims>(token, &key.key, &signature).map(|decoded| decoded.claims).map_err(|error| {
            let is_form = matches!(error.kind(), jsonwebtoken::errors::ErrorKind::Json(_));
            Refused::Invalid(if is_form { Rejected::Malformed } else { Rejected::Signature })
        })
    }
}

/// The bearer token of a request. Source: RFC 6750, section 2.1.
fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Refused::Missing) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refused::Missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refused::Missing);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_bearer_token_stands_in_one_header() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            headers
        };
        for good in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(bearer(&headers(&[good])), Ok("abc"));
        }
        for missing in [&[][..], &["Basic abc"], &["Bearer"], &["Bearer "], &["abc"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(missing)), Err(Refused::Missing), "{missing:?}");
        }
    }
}
