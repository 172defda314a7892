//! Signing in at the OpenID provider: the authorization code flow with PKCE, as far as the gateway and the provider have it between them.
//! Source: RFC 6749, section 4.1; RFC 7636; OpenID Connect Core 1.0, section 3.1.
//!
//! Where the provider is asked, its description of itself says. That is fetched when somebody wants to sign in and again when it is old;
//! the old one stays until there is a new one. A code is exchanged by the gateway, within a limit of time, and nowhere else. What comes
//! of it is looked at in [`check`](super::check).

use super::{
    client::ClientSettings,
    oidc::OidcSettings,
    provider::{self, Endpoints, ProviderError, Tokens},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use planshift_domain::time::Timestamp;
use planshift_worker::Ports;
use reqwest::Client;
use sha2::{Digest as _, Sha256};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::{Mutex, Semaphore};
use url::form_urlencoded;

/// For how many seconds the provider's description of itself counts.
const KEPT: f64 = 3600.0;
/// For how many seconds after a failure it is not asked for again: whoever comes meanwhile is not held up one after the other.
const PAUSE: f64 = 2.0;
/// How long the provider may take, for all of its description or for a code.
const ASKED_TIME: Duration = Duration::from_secs(8);
/// How many codes are exchanged at once: anybody can bring what looks like one, and each is a request to the provider.
const AT_ONCE: usize = 32;

/// What the provider is told of an attempt to sign in, and what proves that a code is of that attempt.
pub(crate) struct Attempt {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// Why there are no tokens for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTokens {
    /// The provider is not reached, takes too long, or answers what cannot be read.
    Away,
    /// It does not take the code.
    Refused,
    /// Too many others are signing in.
    Busy,
}

/// The way to the provider, and back. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct SignIn(Arc<Shared>);

struct Shared {
    oidc: OidcSettings,
    client: ClientSettings,
    http: Client,
    ports: Ports,
    known: Mutex<Known>,
    exchanges: Semaphore,
}

/// What is known of the provider, and when it last could not be asked.
#[derive(Default)]
struct Known {
    endpoints: Option<(Timestamp, Arc<Endpoints>)>,
    failed_at: Option<Timestamp>,
}

impl SignIn {
    /// Where these settings say that people sign in at the provider.
    pub(super) fn new(oidc: &OidcSettings, ports: &Ports) -> Result<Option<Self>, reqwest::Error> {
        let Some(client) = oidc.client.clone() else { return Ok(None) };
        let (known, exchanges) = (Mutex::default(), Semaphore::new(AT_ONCE));
        let shared = Shared { oidc: oidc.clone(), client, http: provider::client()?, ports: ports.clone(), known, exchanges };
        Ok(Some(Self(Arc::new(shared))))
    }

    /// As what the portal is registered.
    pub(super) fn client_id(&self) -> &str {
        &self.0.client.id
    }

    /// Is the portal reached by what nobody on the way can read?
    pub(crate) fn is_secure(&self) -> bool {
        self.0.client.is_secure()
    }

    /// Where the provider is asked to sign somebody in; nothing where the provider is away.
    pub(crate) async fn way_out(&self, attempt: &Attempt) -> Option<String> {
        let mut url = self.endpoints().await?.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.client.id)
            .append_pair("redirect_uri", &self.0.client.callback())
            .append_pair("scope", &self.0.client.scopes)
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &challenge(&attempt.verifier))
            .append_pair("code_challenge_method", "S256");
        Some(url.into())
    }

    /// Where the provider is asked to sign somebody out, where it has such a place.
    pub(crate) async fn way_to_sign_out(&self) -> Option<String> {
        let mut url = self.endpoints().await?.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.0.client.id)
            .append_pair("post_logout_redirect_uri", &self.0.client.signed_out());
        Some(url.into())
    }

    /// What a code stands for.
    pub(crate) async fn exchange(&self, code: &str, verifier: &str) -> Result<Tokens, NoTokens> {
        let Ok(_turn) = self.0.exchanges.try_acquire() else { return Err(NoTokens::Busy) };
        let endpoints = self.endpoints().await.ok_or(NoTokens::Away)?;
        let (form, authorization) = question(&self.0.client, endpoints.takes_secret_in_form, code, verifier);
        let asked = provider::exchange(&self.0.http, endpoints.token.clone(), form, authorization);
        self.in_time(asked).await.map_err(|error| {
            tell(&error, "somebody who has signed in at the OpenID provider is not let in");
            if matches!(error, AskError::Provider(ProviderError::Refused { .. })) { NoTokens::Refused } else { NoTokens::Away }
        })
    }

    async fn endpoints(&self) -> Option<Arc<Endpoints>> {
        // held while it is asked: those who come meanwhile take what comes of it
        let mut known = self.0.known.lock().await;
        let now = self.0.ports.clock.now();
        let is_within = |since: Timestamp, seconds: f64| (0.0..seconds).contains(&now.seconds_since(since));
        let fresh = known.endpoints.as_ref().filter(|(since, _)| is_within(*since, KEPT));
        if let Some((_, endpoints)) = fresh {
            return Some(endpoints.clone());
        }
        if !known.failed_at.is_some_and(|since| is_within(since, PAUSE)) {
            match self.in_time(provider::endpoints(&self.0.http, &self.0.oidc)).await {
                Ok(endpoints) => known.endpoints = Some((now, Arc::new(endpoints))),
                Err(error) => {
                    tell(&error, "where people sign in at the OpenID provider is not found out");
                    known.failed_at = Some(self.0.ports.clock.now());
                }
            }
        }
        known.endpoints.as_ref().map(|(_, endpoints)| endpoints.clone())
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, ProviderError>>) -> Result<T, AskError> {
        tokio::select! {
            answer = asked => Ok(answer?),
            () = self.0.ports.clock.sleep(ASKED_TIME) => Err(AskError::TooSlow),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the OpenID provider takes too long")]
    TooSlow,
}

fn tell(error: &AskError, what: &'static str) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(%error, cause, "{what}");
}

/// Source: RFC 7636, section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// The form that asks for tokens, and the header that proves who asks, where there is one. Source: RFC 6749, sections 2.3.1 and 4.1.3.
fn question(client: &ClientSettings, in_form: bool, code: &str, verifier: &str) -> (String, Option<String>) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code").append_pair("code", code);
    form.append_pair("redirect_uri", &client.callback()).append_pair("code_verifier", verifier);
    let authorization = match &client.secret {
        Some(secret) if !in_form => {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(&client.id), encoded(secret.expose())))))
        }
        Some(secret) => {
            form.append_pair("client_id", &client.id).append_pair("client_secret", secret.expose());
            None
        }
        None => {
            form.append_pair("client_id", &client.id);
            None
        }
    };
    (form.finish(), authorization)
}

#[cfg(test)]
mod tests {
    use super::super::client::{ClientOptions, ClientSecret};
    use super::*;

    /// Source: RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_specification() {
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_secret_stands_in_the_form_or_in_a_header_and_a_public_client_has_none() {
        let client = |secret: Option<&str>| {
            let portal_url = Some("https://moves.example".to_owned());
            let options =
                ClientOptions { id: Some("a/b".into()), secret: secret.map(ClientSecret::new), portal_url, ..ClientOptions::default() };
            options.settings().unwrap().unwrap()
        };
        let common = "grant_type=authorization_code&code=c%26d&redirect_uri=https%3A%2F%2Fmoves.example%2Fportal%2Fsign-in%2Fcallback&code_verifier=v";
        let asked = |secret, in_form| question(&client(secret), in_form, "c&d", "v");
        assert_eq!(asked(None, true), (format!("{common}&client_id=a%2Fb"), None));
        assert_eq!(asked(None, false), (format!("{common}&client_id=a%2Fb"), None));
        assert_eq!(asked(Some("s:t"), true), (format!("{common}&client_id=a%2Fb&client_secret=s%3At"), None));
        assert_eq!(asked(Some("s:t"), false), (common.to_owned(), Some(format!("Basic {}", STANDARD.encode("a%2Fb:s%3At")))));
    }
}
