//! An OpenID provider's documents, fetched: its description of itself, and its keys.

use super::oidc::{InvalidOidc, OidcSettings, secure_url};
use futures::StreamExt as _;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use reqwest::{Client, Url, header, redirect};
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

/// Why the keys cannot be had.
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
    #[error("where the OpenID provider has its keys: {0}")]
    KeysUrl(#[from] InvalidOidc),
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

/// Fetches the keys.
pub(super) async fn fetch(client: &Client, settings: &OidcSettings) -> Result<Fetched, ProviderError> {
    #[derive(Deserialize)]
    struct Description {
        issuer: String,
        jwks_uri: String,
    }
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<Value>,
    }
    let url = match &settings.jwks_url {
        Some(url) => url.clone(),
        None => {
            let url = Url::parse(&settings.description_url()).map_err(|error| InvalidOidc(error.to_string()))?;
            let (body, _) = get(client, url).await?;
            let description: Description = serde_json::from_slice(&body)?;
            if description.issuer.trim_end_matches('/') != settings.issuer.trim_end_matches('/') {
                return Err(ProviderError::AnotherIssuer(description.issuer));
            }
            secure_url("jwks_uri", &description.jwks_uri)?
        }
    };
    let (body, max_age) = get(client, url).await?;
    let set: KeySet = serde_json::from_slice(&body)?;
    // one of a kind that is not known takes none of the others away
    let keys: Vec<Key> = set.keys.into_iter().filter_map(|key| usable(&serde_json::from_value(key).ok()?)).take(MOST_KEYS).collect();
    if keys.is_empty() { Err(ProviderError::NoKeys) } else { Ok(Fetched { keys, max_age }) }
}

async fn get(client: &Client, url: Url) -> Result<(Vec<u8>, Option<Duration>), ProviderError> {
    let response = client.get(url).send().await?.error_for_status()?;
    let max_age = response.headers().get(header::CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
    let (mut body, mut pieces) = (Vec::new(), response.bytes_stream());
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece?);
        if body.len() > DOCUMENT_BYTES {
            return Err(ProviderError::TooLarge);
        }
    }
    Ok((body, max_age))
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
