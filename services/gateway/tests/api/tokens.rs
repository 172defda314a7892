//! Which tokens count.

use crate::{
    provider::{AUDIENCE, Key, Provider},
    world::*,
};
use planshift_gateway::{Auth, Gateway, GatewayError, LocalToken, Options, RULES, Right, Rule};
use planshift_messaging::{EmbeddedBroker, Service};
use planshift_storage::Database;
use planshift_worker::Ports;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

const LIST: &str = "/v1/productUpgrades";

/// With what the provider signs, once its keys are here.
async fn world_of(provider: &Provider) -> World {
    let world = World::for_whom(provider.auth(), settings(), silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    world
}

async fn list(world: &World, token: &str) -> Response {
    client(token).get(format!("{}{LIST}", world.base)).send().await.unwrap()
}

async fn status(world: &World, token: &str) -> u16 {
    list(world, token).await.status().as_u16()
}

#[tokio::test]
async fn without_a_token_nothing_but_what_is_open_is_served() {
    let world = World::new(silence).await;
    let plain = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for path in planshift_gateway::paths().into_iter().chain(["/nowhere", "/v1/nowhere", "/V1/ProductUpgrades/"]) {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let is_open = |rule: &Rule| rule.right == Right::Open && rule.path == path && rule.method == method.as_str();
            if RULES.iter().any(is_open) {
                let response = plain.request(method, format!("{}{path}", world.base)).send().await.unwrap();
                // those of the portal lead on to pages that are not open, or say what is missing in their form
                assert!(response.status() == 200 || path.starts_with("/portal"), "{path}");
                continue;
            }
            let response = plain.request(method.clone(), format!("{}{path}", world.base)).send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer", "{method} {path}");
            let (status, body) = error(response).await;
            assert_eq!((status, body["errorName"].as_str()), (401, Some("TokenMissing")), "{method} {path}");
        }
    }
    for (scheme, name) in [("Basic", "TokenMissing"), ("Bearer", "TokenInvalid")] {
        let request = plain.get(format!("{}{LIST}", world.base)).header("authorization", format!("{scheme} {TOKEN}x"));
        let response = request.send().await.unwrap();
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(error(response).await.1["errorName"], name);
    }
    assert_eq!(status(&world, TOKEN).await, 200);
}

#[tokio::test]
async fn a_token_of_the_provider_counts_and_the_local_one_beside_it() {
    for (key, algorithms) in [(Key::ec(), &["ES256"][..]), (Key::rsa(), &["RS256", "PS256"])] {
        let provider = Provider::with(key).await;
        let world = world_of(&provider).await;
        let claims = provider.claims(Uuid::from_u128(1), &["ReadOnlyAgent"]);
        for algorithm in algorithms {
            let token = provider.key.token(&json!({ "alg": algorithm, "kid": "first" }), &claims);
            assert_eq!(status(&world, &token).await, 200, "{algorithm}");
            let token = provider.key.token(&json!({ "alg": algorithm }), &claims);
            assert_eq!(status(&world, &token).await, 200, "the only key need not be named");
        }
        assert_eq!(status(&world, TOKEN).await, 200);
    }
}

#[tokio::test]
async fn forged_stale_and_foreign_tokens_do_not_count() {
    let provider = Provider::with(Key::rsa()).await;
    let world = world_of(&provider).await;
    let claims = provider.claims(Uuid::from_u128(1), &["AdminAgent"]);
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        provider.sign(&changed)
    };
    let header = |algorithm: &str, more: Value| {
        let mut header = json!({ "alg": algorithm, "kid": "first" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header
    };
    let good = provider.sign(&claims);
    assert_eq!(status(&world, &good).await, 200);
    let parts: Vec<_> = good.split('.').collect();
    let other = with("tid", json!(Uuid::from_u128(2)));
    let stranger = Key::rsa();
    for (what, token) in [
        ("no signature", provider.key.token(&header("none", json!({})), &claims)),
        ("none without a signature part", format!("{}.{}", parts[0], parts[1])),
        ("the public key as a shared secret", provider.key.token(&header("HS256", json!({})), &claims)),
        ("another's key under a known name", stranger.token(&header("RS256", json!({})), &claims)),
        ("a key of its own in the header", stranger.token(&header("RS256", json!({ "jwk": stranger.public("first") })), &claims)),
        ("an extension that must be understood", provider.key.token(&header("RS256", json!({ "crit": ["exp"] })), &claims)),
        ("claims of another token", format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2])),
        ("a cut signature", good[..good.len() - 4].to_owned()),
        ("another issuer", with("iss", json!("https://id.example"))),
        ("another audience", with("aud", json!(format!("{AUDIENCE}/other")))),
        ("expired", with("exp", json!(1_000_000_000))),
        ("not valid yet", with("nbf", json!(9_000_000_000_u64))),
        ("no tenant", with("tid", Value::Null)),
        ("no token at all", "abc".to_owned()),
        ("dots", "..".to_owned()),
        ("empty parts", format!("{}..{}", parts[0], parts[2])),
    ] {
        let response = list(&world, &token).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"", "{what}");
        let (status, body) = error(response).await;
        assert_eq!((status, body["errorName"].as_str()), (401, Some("TokenInvalid")), "{what}");
    }
    assert_eq!(status(&world, &good).await, 200);
}

#[tokio::test]
async fn keys_are_exchanged_without_a_pause_and_strange_ones_are_asked_for_once() {
    let provider = Provider::start().await;
    let world = world_of(&provider).await;
    let claims = provider.claims(Uuid::from_u128(1), &["ReadOnlyAgent"]);
    let (old, next) = (provider.sign(&claims), Key::ec());
    let new = next.token(&json!({ "alg": "ES256", "kid": "second" }), &claims);
    assert_eq!(status(&world, &old).await, 200);
    provider.publish(vec![provider.key.public("first"), next.public("second"), json!({ "kty": "of tomorrow", "kid": "third" })]);
    let before = provider.fetched();
    // all who come with the new key at once are served, for one fetch
    let answers = futures::future::join_all((0..10).map(|_| status(&world, &new))).await;
    assert_eq!((answers, provider.fetched() - before), (vec![200; 10], 1));
    // strange keys fetch nothing for a while, and whoever has a known one is not held up
    for name in ["x", "y", "z"] {
        let strange = next.token(&json!({ "alg": "ES256", "kid": name }), &claims);
        assert_eq!(status(&world, &strange).await, 401);
    }
    assert_eq!(provider.fetched() - before, 1);
    assert_eq!((status(&world, &old).await, status(&world, &new).await), (200, 200));
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_waited_for_and_later_not_missed() {
    let provider = Provider::start().await;
    provider.is_away(true);
    let world = World::for_whom(provider.auth(), settings(), silence).await;
    let token = provider.token(Uuid::from_u128(1), &["ReadOnlyAgent"]);
    let response = list(&world, &token).await;
    assert_eq!(response.headers()["retry-after"], "5");
    let (code, body) = error(response).await;
    assert_eq!((code, &body["errorName"], &body["isRetryable"]), (503, &json!("KeysNotFetched"), &json!(true)));
    let (ready, told) = world.readiness.ask().await;
    assert!(!ready && told["services"]["tokens"]["reason"].is_string(), "{told}");
    assert_eq!(status(&world, TOKEN).await, 200, "the local token needs no provider");
    provider.is_away(false);
    world.eventually(async || status(&world, &token).await == 200).await;
    assert!(world.readiness.ask().await.0);
    // away again: what is known stays
    provider.is_away(true);
    let strange = Key::ec().token(&json!({ "alg": "ES256", "kid": "strange" }), &provider.claims(Uuid::from_u128(1), &[]));
    assert_eq!(status(&world, &strange).await, 401);
    assert_eq!(status(&world, &token).await, 200);
    assert!(world.readiness.ask().await.0);
}

#[tokio::test]
async fn an_address_that_others_reach_needs_more_than_the_local_token() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let database = Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap();
    let bind = |auth: Auth| {
        let options = Options::new(database.clone(), broker.for_service(Service::Gateway), Ports::system());
        Gateway::bind(Options { address: "0.0.0.0:0".parse().unwrap(), auth, ..options })
    };
    let local = Auth::local(LocalToken::random());
    let told = bind(local.clone()).await.err().unwrap();
    assert!(matches!(told, GatewayError::NotLoopback(_)) && told.exit_code() == 2);
    assert!(told.to_string().contains("PLANSHIFT_OIDC_ISSUER") && told.to_string().contains("PLANSHIFT_ALLOW_REMOTE"), "{told}");
    assert!(bind(Auth { allow_remote: true, ..local }).await.is_ok());
    assert!(bind(provider.auth()).await.is_ok());
}
