//! An OpenID provider: its keys, its documents over HTTP, tokens that it has signed, or that somebody else has forged; and people who sign
//! in there.

use crate::world::TOKEN;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use planshift_gateway::{Auth, ClientOptions, ClientSecret, LocalToken, OidcOptions, OidcSettings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Whom the tokens are for.
pub const AUDIENCE: &str = "api://planshift";
/// The tenant of the operators.
pub const OPERATORS: u128 = 9_000;

/// As what the portal is registered, and its secret.
pub const CLIENT: &str = "the-portal";
pub const CLIENT_SECRET: &str = "the-secret~of the:portal";
/// What people's browsers reach the portal by.
pub const PORTAL: &str = "https://moves.example";

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

type Pairs = HashMap<String, String>;

/// How people sign in, and what goes wrong.
pub struct Desk {
    /// The tenant of whoever signs in, and in which roles.
    pub who: (Uuid, Vec<&'static str>),
    /// What is changed of the id token's claims, and of the access token's.
    pub identity: Value,
    pub access: Value,
    /// What is given in the place of an access token that this installation could read.
    pub opaque: Option<&'static str>,
    /// Whoever signs in is sent back with this error.
    pub denies: Option<(&'static str, &'static str)>,
    /// What codes are answered instead.
    pub fault: Option<(u16, &'static str)>,
    /// How a client proves who it is.
    pub methods: Vec<&'static str>,
    /// What was asked for each time that a code was brought.
    pub brought: Vec<Pairs>,
    /// What each code stands for that nobody has brought yet.
    pub codes: HashMap<String, Pairs>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            who: (Uuid::from_u128(1), vec!["AdminAgent"]),
            identity: json!({}),
            access: json!({}),
            opaque: None,
            denies: None,
            fault: None,
            methods: vec!["client_secret_basic"],
            brought: Vec::new(),
            codes: HashMap::new(),
        }
    }
}

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    fetched: usize,
    is_away: bool,
}

/// The provider.
#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    pub key: Arc<Key>,
    pub desk: Arc<Mutex<Desk>>,
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
        let provider = Self { issuer, key: Arc::new(key), desk: Arc::default(), published };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// What a gateway is told of it where people sign in there. `change` says what else.
    pub fn sign_in(&self, secret: Option<&str>, change: impl FnOnce(&mut OidcOptions)) -> Auth {
        let scopes = ["openid", "profile", "api://planshift/access"].map(str::to_owned).to_vec();
        let secret = secret.map(ClientSecret::new);
        let client = ClientOptions { id: Some(CLIENT.to_owned()), secret, scopes, portal_url: Some(PORTAL.to_owned()) };
        let mut options = OidcOptions { client, ..self.options() };
        change(&mut options);
        Auth { oidc: OidcSettings::new(options).unwrap(), ..self.auth() }
    }

    fn options(&self) -> OidcOptions {
        OidcOptions {
            issuer: Some(self.issuer.clone()),
            audiences: vec![AUDIENCE.to_owned()],
            operator_tenant: Some(Uuid::from_u128(OPERATORS).to_string()),
            ..OidcOptions::default()
        }
    }

    /// What a gateway is told of it.
    pub fn auth(&self) -> Auth {
        Auth { local: LocalToken::try_new(TOKEN).unwrap(), oidc: OidcSettings::new(self.options()).unwrap(), allow_remote: false }
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
        let algorithm = if matches!(*self.key, Key::Rsa(_)) { "RS256" } else { "ES256" };
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

async fn describe(State(provider): State<Provider>) -> Response {
    if provider.published.lock().unwrap().is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let at = |path: &str| format!("{}/{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer, "jwks_uri": at("keys"), "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "end_session_endpoint": at("logout?all=1"), "token_endpoint_auth_methods_supported": provider.desk.lock().unwrap().methods,
    }))
    .into_response()
}

async fn keys(State(provider): State<Provider>) -> Response {
    let mut published = provider.published.lock().unwrap();
    published.fetched += 1;
    if published.is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(json!({ "keys": published.keys })).into_response()
}

/// Whoever comes signs in at once, and is sent back with a code.
async fn authorize(State(provider): State<Provider>, Query(asked): Query<Pairs>) -> Response {
    let is_right = asked["response_type"] == "code" && asked["client_id"] == CLIENT && asked["code_challenge_method"] == "S256";
    let has_openid = asked["scope"].split(' ').any(|scope| scope == "openid");
    if !is_right || !has_openid || asked["redirect_uri"] != format!("{PORTAL}/portal/sign-in/callback") || asked["nonce"].len() < 32 {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    }
    let mut desk = provider.desk.lock().unwrap();
    let mut back = reqwest::Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut().append_pair("state", &asked["state"]);
    match desk.denies {
        Some((error, description)) => {
            back.query_pairs_mut().append_pair("error", error).append_pair("error_description", description);
        }
        None => {
            let code = Uuid::new_v4().to_string();
            back.query_pairs_mut().append_pair("code", &code);
            desk.codes.insert(code, asked);
        }
    }
    Redirect::to(back.as_str()).into_response()
}

/// A code counts once, with its verifier and the client's proof.
async fn token(State(provider): State<Provider>, headers: HeaderMap, form: Bytes) -> Response {
    let mut desk = provider.desk.lock().unwrap();
    let decoded = |bytes: &[u8]| url_decoded(std::str::from_utf8(bytes).unwrap());
    let mut form: Pairs = form
        .split(|byte| *byte == b'&')
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((decoded(&pair[..at]), decoded(&pair[at + 1..])))
        })
        .collect();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let pair = base64::engine::general_purpose::STANDARD.decode(value.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        let at = pair.iter().position(|byte| *byte == b':').unwrap();
        form.insert("client_id".into(), decoded(&pair[..at]));
        form.insert("basic".into(), decoded(&pair[at + 1..]));
    }
    desk.brought.push(form.clone());
    if let Some((status, body)) = desk.fault {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let refuse =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": "told\nto the log" }))).into_response();
    let Some(asked) = form.get("code").and_then(|code| desk.codes.remove(code)) else { return refuse("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier").map(String::as_str).unwrap_or_default()));
    if challenge != asked["code_challenge"]
        || form.get("redirect_uri") != asked.get("redirect_uri")
        || form["grant_type"] != "authorization_code"
    {
        return refuse("invalid_grant");
    }
    let proof = form.get("basic").or(form.get("client_secret")).map(String::as_str);
    if form.get("client_id").map(String::as_str) != Some(CLIENT) || proof.is_some_and(|secret| secret != CLIENT_SECRET) {
        return refuse("invalid_client");
    }
    let changed = |mut claims: Value, change: &Value| {
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        provider.sign(&claims)
    };
    let (tenant, roles) = (desk.who.0, desk.who.1.clone());
    let access = provider.claims(tenant, &roles);
    let mut identity = access.clone();
    for (name, value) in [("aud", json!(CLIENT)), ("nonce", json!(asked["nonce"])), ("scp", Value::Null), ("azp", Value::Null)] {
        identity[name] = value;
    }
    let access = desk.opaque.map_or_else(|| changed(access, &desk.access), str::to_owned);
    Json(json!({ "token_type": "Bearer", "expires_in": 600, "access_token": access, "id_token": changed(identity, &desk.identity) }))
        .into_response()
}

fn url_decoded(text: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://x/?x={text}")).unwrap();
    url.query_pairs().next().unwrap().1.into_owned()
}
