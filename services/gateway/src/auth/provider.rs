//! An OpenID provider, asked: for its description of itself, its keys, and the tokens that a code stands for.

use super::oidc::{InvalidOidc, OidcSettings, secure_url};
use futures::StreamExt as _;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use reqwest::{Client, Response, Url, header, redirect};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// How long a connection to the provider may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// How long an answer of the provider may take.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The largest document that is read: the largest providers' have some tens of kilobytes.
const DOCUMENT_BYTES: usize = 1024 * 1024;
/// The most keys that are kept.
const MOST_KEYS: usize = 200;

/// The most of what the provider says of an error that is logged.
const TOLD_CHARS: usize = 300;

/// Why something cannot be had of the provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    #[error("the OpenID provider is not reached")]
    Http(#[from] reqwest::Error),
    #[error("a document of the OpenID provider has more than {DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("a document of the OpenID provider is not as it must be")]
    Garbled(#[from] serde_json::Error),
    #[error("the OpenID provider calls itself {0:?}, and not as it is configured")]
    AnotherIssuer(String),
    #[error("where the OpenID provider is asked: {0}")]
    Address(#[from] InvalidOidc),
    #[error("the OpenID provider's description of itself has no {0}")]
    Missing(&'static str),
    #[error("the OpenID provider gives no tokens for a code: {error}: {description}")]
    Refused { error: String, description: String },
    #[error("the OpenID provider has no key that can be used")]
    NoKeys,
}

/// A key, and what it may sign with.
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithms: &'static [Algorithm],
    pub(super) key: DecodingKey,
}

/// Keys, and for how long the provider says that they are good.
pub(super) struct Fetched {
    pub(super) keys: Vec<Key>,
    pub(super) max_age: Option<Duration>,
}

/// A client for these documents alone. It follows nobody elsewhere.
pub(super) fn client() -> Result<Client, reqwest::Error> {
    Client::builder().connect_timeout(CONNECT_TIME).timeout(ANSWER_TIME).redirect(redirect::Policy::none()).build()
}

/// What the provider says of itself, as far as it is looked at. Source: OpenID Connect Discovery 1.0, section 3, and RP-Initiated
/// Logout 1.0, section 2.1.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// Where people sign in, where codes are exchanged, and where people sign out.
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) end_session: Option<Url>,
    /// A client's secret stands in the form; else in a header.
    pub(super) takes_secret_in_form: bool,
}

/// What a code stands for. It is not printed by accident.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

/// Fetches the keys.
pub(super) async fn fetch(client: &Client, settings: &OidcSettings) -> Result<Fetched, ProviderError> {
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<Value>,
    }
    let url = match &settings.jwks_url {
        Some(url) => url.clone(),
        None => address("jwks_uri", describe(client, settings).await?.jwks_uri)?,
    };
    let (body, max_age) = get(client, url).await?;
    let set: KeySet = serde_json::from_slice(&body)?;
    // one of a kind that is not known takes none of the others away
    let keys: Vec<Key> = set.keys.into_iter().filter_map(|key| usable(&serde_json::from_value(key).ok()?)).take(MOST_KEYS).collect();
    if keys.is_empty() { Err(ProviderError::NoKeys) } else { Ok(Fetched { keys, max_age }) }
}

/// Finds out where people sign in.
pub(super) async fn endpoints(client: &Client, settings: &OidcSettings) -> Result<Endpoints, ProviderError> {
    let description = describe(client, settings).await?;
    let methods = description.token_endpoint_auth_methods_supported;
    Ok(Endpoints {
        authorization: address("authorization_endpoint", description.authorization_endpoint)?,
        token: address("token_endpoint", description.token_endpoint)?,
        end_session: description.end_session_endpoint.map(|text| secure_url("end_session_endpoint", &text)).transpose()?,
        takes_secret_in_form: methods.iter().any(|method| method == "client_secret_post"),
    })
}

/// Exchanges a code. Source: OpenID Connect Core 1.0, sections 3.1.3.1 to 3.1.3.4.
pub(super) async fn exchange(client: &Client, endpoint: Url, form: String, authorization: Option<String>) -> Result<Tokens, ProviderError> {
    #[derive(Deserialize)]
    struct Fault {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let request = client.post(endpoint).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.header(header::ACCEPT, "application/json").body(form);
    let request = match authorization {
        Some(value) => request.header(header::AUTHORIZATION, value),
        None => request,
    };
    let response = request.send().await?;
    let failed = response.error_for_status_ref().err();
    let is_refused = response.status().is_client_error();
    let body = read(response).await?;
    match failed {
        None => Ok(serde_json::from_slice(&body)?),
        Some(failed) => match serde_json::from_slice::<Fault>(&body) {
            Ok(fault) if is_refused => {
                Err(ProviderError::Refused { error: told(&fault.error), description: told(&fault.error_description) })
            }
            _ => Err(failed.into()),
        },
    }
}

/// What the provider says of an error, as a log may have it.
pub(crate) fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TOLD_CHARS).collect()
}

async fn describe(client: &Client, settings: &OidcSettings) -> Result<Description, ProviderError> {
    let url = Url::parse(&settings.description_url()).map_err(|error| InvalidOidc(error.to_string()))?;
    let (body, _) = get(client, url).await?;
    let description: Description = serde_json::from_slice(&body)?;
    if description.issuer.trim_end_matches('/') == settings.issuer.trim_end_matches('/') {
        Ok(description)
    } else {
        Err(ProviderError::AnotherIssuer(description.issuer))
    }
}

fn address(name: &'static str, text: Option<String>) -> Result<Url, ProviderError> {
    Ok(secure_url(name, &text.ok_or(ProviderError::Missing(name))?)?)
}

async fn get(client: &Client, url: Url) -> Result<(Vec<u8>, Option<Duration>), ProviderError> {
    let response = client.get(url).send().await?.error_for_status()?;
    let max_age = response.headers().get(header::CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
    Ok((read(response).await?, max_age))
}

async fn read(response: Response) -> Result<Vec<u8>, ProviderError> {
    let (mut body, mut pieces) = (Vec::new(), response.bytes_stream());
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece?);
        if body.len() > DOCUMENT_BYTES {
            return Err(ProviderError::TooLarge);
        }
    }
    Ok(body)
}

/// Source: RFC 9111, section 5.2.2.1.
fn max_age(cache_control: &str) -> Option<Duration> {
    let seconds = cache_control.split(',').find_map(|part| part.trim().strip_prefix("max-age="))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

/// A public key that signs. What may be signed with is the key's to say and never the token's: a shared secret (HS256) or no
/// signature at all is not among it.
fn usable(jwk: &Jwk) -> Option<Key> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let family: &'static [Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => &[EdDSA],
        _ => return None,
    };
    let algorithms = match jwk.common.key_algorithm {
        None => family,
        Some(only) => {
            let place = family.iter().position(|algorithm| jsonwebtoken::jwk::KeyAlgorithm::from(*algorithm) == only)?;
            &family[place..=place]
        }
    };
    Some(Key { id: jwk.common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(jwk).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn algorithms(jwk: Value) -> Option<Vec<Algorithm>> {
        usable(&serde_json::from_value(jwk).ok()?).map(|key| key.algorithms.to_vec())
    }

    #[test]
    fn what_a_key_may_sign_with_is_its_own_to_say() {
        let rsa = |more: Value| {
            let mut key = json!({ "kty": "RSA", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri", "e": "AQAB", "kid": "a" });
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            algorithms(key)
        };
        assert_eq!(rsa(json!({})).unwrap().len(), 6);
        assert_eq!(rsa(json!({ "alg": "PS256", "use": "sig" })), Some(vec![Algorithm::PS256]));
        assert_eq!(rsa(json!({ "use": "enc" })), None);
        assert_eq!(rsa(json!({ "alg": "HS256" })), None);
        assert_eq!(rsa(json!({ "alg": "ES256" })), None);
        assert_eq!(algorithms(json!({ "kty": "oct", "k": "c2VjcmV0" })), None);
        assert_eq!(algorithms(json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" })), None);
        assert_eq!(algorithms(json!({ "kty": "new", "x": "y" })), None);
        let ec = |curve: &str| algorithms(json!({ "kty": "EC", "crv": curve, "x": "AA", "y": "AA" }));
        assert_eq!((ec("P-256"), ec("P-384"), ec("P-521")), (Some(vec![Algorithm::ES256]), Some(vec![Algorithm::ES384]), None));
    }

    #[test]
    fn a_document_says_how_long_it_is_good() {
        assert_eq!(max_age("public, max-age=3600, must-revalidate"), Some(Duration::from_secs(3600)));
        assert_eq!((max_age("no-store"), max_age("max-age=soon")), (None, None));
    }
}
