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

use provider::{Key, Provider};
use reqwest::Method;
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
    let world = World::for_whom(provider.auth(), settings(), silence).await;
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
    told += &format!("{:?}", provider.auth());
    world.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("a token was refused") && log.contains("Signature"), "the log was looked at:\n{log}");
    for token in [&*good, &stranger, TOKEN, wrong_local] {
        for secret in [token, token.rsplit('.').next().unwrap()] {
            assert!(!log.contains(secret) && !told.contains(secret), "{secret} was told");
        }
    }
}
