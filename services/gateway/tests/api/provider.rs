//! An OpenID provider: its keys, its documents over HTTP, and tokens that it has signed, or that somebody else has forged.

use crate::world::TOKEN;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair},
};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use planshift_gateway::{Auth, LocalToken, OidcOptions, OidcSettings};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Whom the tokens are for.
pub const AUDIENCE: &str = "api://planshift";
/// The tenant of the operators.
pub const OPERATORS: u128 = 9_000;

/// A key that signs.
pub enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// As a provider publishes it.
    pub fn public(&self, id: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                json!({
                    "kty": "RSA", "use": "sig", "kid": id,
                    "n": text(n.big_endian_without_leading_zero()), "e": text(e.big_endian_without_leading_zero()),
                })
            }
            Self::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = (URL_SAFE_NO_PAD.encode(&point[..32]), URL_SAFE_NO_PAD.encode(&point[32..]));
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": x, "y": y })
            }
        }
    }

    fn sign(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, encoding: &'static dyn signature::RsaEncoding| {
            let mut signed = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, text, &mut signed).unwrap();
            signed
        };
        match (self, algorithm) {
            (Self::Rsa(pair), "RS256") => rsa(pair, &signature::RSA_PKCS1_SHA256),
            (Self::Rsa(pair), "PS256") => rsa(pair, &signature::RSA_PSS_SHA256),
            (Self::Ec(pair), "ES256") => pair.sign(&random, text).unwrap().as_ref().to_vec(),
            (_, "none") => Vec::new(),
            // what a library is fooled by that takes a public key for a shared secret
            (Self::Rsa(pair), "HS256") => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, pair.public_key().modulus().big_endian_without_leading_zero());
                hmac::sign(&secret, text).as_ref().to_vec()
            }
            (_, other) => panic!("nobody signs with {other}"),
        }
    }

    /// A token with this header and these claims.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signed = self.sign(header["alg"].as_str().unwrap(), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signed))
    }
}

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    fetched: usize,
    is_away: bool,
}

/// The provider.
pub struct Provider {
    pub issuer: String,
    pub key: Key,
    published: Arc<Mutex<Published>>,
}

impl Provider {
    /// One with an EC key of the name `first`.
    pub async fn start() -> Self {
        Self::with(Key::ec()).await
    }

    pub async fn with(key: Key) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(Published { keys: vec![key.public("first")], ..Published::default() }));
        let description = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let keys = async |State(published): State<Arc<Mutex<Published>>>| {
            let mut published = published.lock().unwrap();
            published.fetched += 1;
            if published.is_away { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(Json(json!({ "keys": published.keys }))) }
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(description)))
            .route("/keys", get(keys))
            .with_state(published.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, key, published }
    }

    /// What a gateway is told of it.
    pub fn auth(&self) -> Auth {
        let options = OidcOptions {
            issuer: Some(self.issuer.clone()),
            audiences: vec![AUDIENCE.to_owned()],
            operator_tenant: Some(Uuid::from_u128(OPERATORS).to_string()),
            ..OidcOptions::default()
        };
        Auth { local: LocalToken::try_new(TOKEN).unwrap(), oidc: OidcSettings::new(options).unwrap(), allow_remote: false }
    }

    pub fn publish(&self, keys: Vec<Value>) {
        self.published.lock().unwrap().keys = keys;
    }

    pub fn is_away(&self, is_away: bool) {
        self.published.lock().unwrap().is_away = is_away;
    }

    /// How often its keys were asked for.
    pub fn fetched(&self) -> usize {
        self.published.lock().unwrap().fetched
    }

    /// What it says of a user of this tenant in these roles.
    pub fn claims(&self, tenant: Uuid, roles: &[&str]) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        json!({
            "iss": self.issuer, "aud": AUDIENCE, "exp": now + 600, "nbf": now - 5, "tid": tenant, "roles": roles, "scp": "access",
            "upn": format!("user@{tenant}"), "azp": "the-app",
        })
    }

    /// A token with these claims, signed as it signs.
    pub fn sign(&self, claims: &Value) -> String {
        let algorithm = if matches!(self.key, Key::Rsa(_)) { "RS256" } else { "ES256" };
        self.key.token(&json!({ "typ": "JWT", "alg": algorithm, "kid": "first" }), claims)
    }

    /// A user's token.
    pub fn token(&self, tenant: Uuid, roles: &[&str]) -> String {
        self.sign(&self.claims(tenant, roles))
    }

    /// An app's token, without a user.
    pub fn app_token(&self, tenant: Uuid, roles: &[&str]) -> String {
        let mut claims = self.claims(tenant, roles);
        claims["idtyp"] = "app".into();
        self.sign(&claims)
    }
}
