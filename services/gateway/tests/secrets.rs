//! Secrets are in no log and in no answer. A process of its own: it listens to everything that is logged in it.

// what other tests need of it is not needed here
#[allow(dead_code)]
#[path = "api/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "api/provider.rs"]
mod provider;
#[allow(dead_code)]
#[path = "api/world.rs"]
mod world;

use provider::{CLIENT_SECRET, Key, PORTAL, Provider};
use reqwest::{Method, redirect};
use serde_json::json;
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;
use world::*;

const LIST: &str = "/v1/productUpgrades";

/// What is logged in a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_token_is_ever_told_in_logs_or_answers() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let provider = Provider::start().await;
    let auth = provider.sign_in(Some(CLIENT_SECRET), |_| {});
    let described = format!("{auth:?}");
    let world = World::for_whom(auth, settings(), silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let claims = provider.claims(Uuid::from_u128(1), &["AdminAgent"]);
    let good = provider.sign(&claims);
    let stranger = Key::ec().token(&json!({ "alg": "ES256", "kid": "first" }), &claims);
    let wrong_local = "a-local-token-that-is-not-the-one-9876543210";
    let mut told = String::new();
    for token in [&*good, &stranger, TOKEN, wrong_local] {
        for (method, path) in [(Method::GET, LIST), (Method::GET, "/nowhere"), (Method::POST, LIST), (Method::GET, "/")] {
            let response = client(token).request(method, format!("{}{path}", world.base)).body("{").send().await.unwrap();
            told += &format!("{:?}\n", response.headers());
            told += &response.text().await.unwrap();
        }
    }
    told += &described;
    let secrets = signed_in(&world, &provider).await;
    world.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a token was refused") && log.contains("Signature"), "the log was looked at:\n{log}");
    for token in [&*good, &stranger, TOKEN, wrong_local] {
        for secret in [token, token.rsplit('.').next().unwrap()] {
            assert!(!log.contains(secret) && !told.contains(secret), "{secret} was told");
        }
    }
    assert!(log.contains("gives no tokens for a code: invalid_grant"), "the log was looked at:\n{log}");
    for secret in &secrets {
        assert!(secret.len() > 20 && !log.contains(&**secret), "{secret} was told");
    }
    assert!(!told.contains(CLIENT_SECRET));
}

/// Somebody signs in at the provider, and a code is brought that counts no longer. Gives what nobody may read of it.
async fn signed_in(world: &World, provider: &Provider) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none()).build().unwrap();
    let text_of = |response: &reqwest::Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let mut secrets = vec![CLIENT_SECRET.to_owned()];
    for is_good in [true, false] {
        let left = http.get(format!("{}/portal/sign-in/provider", world.base)).send().await.unwrap();
        let cookie = text_of(&left, "set-cookie").split(';').next().unwrap().to_owned();
        let back = http.get(text_of(&left, "location")).send().await.unwrap();
        let back = text_of(&back, "location").strip_prefix(PORTAL).unwrap().to_owned();
        if !is_good {
            provider.desk.lock().unwrap().codes.clear();
        }
        let seen = http.get(format!("{}{back}", world.base)).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(seen.status() == 200, is_good);
        let brought = provider.desk.lock().unwrap().brought.pop().unwrap();
        secrets.extend([brought["code"].clone(), brought["code_verifier"].clone(), cookie.split_once('=').unwrap().1.to_owned()]);
        if is_good {
            secrets.push(text_of(&seen, "set-cookie").split_once('=').unwrap().1.split(';').next().unwrap().to_owned());
        }
    }
    secrets
}
