//! A receiver of webhooks: it takes everything, keeps it, and checks signatures by the certificate that each event names.

use crate::block_on;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Client;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpListener;

type Got = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// The receiver. It runs as long as the tests do.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    got: Got,
}

impl Receiver {
    /// One at a free port of this machine.
    ///
    /// # Panics
    /// Where there is none.
    pub fn start() -> Self {
        let got = Got::default();
        let listener = block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let take = async |State(got): State<Got>, headers: HeaderMap, body: Bytes| {
            got.lock().unwrap_or_else(PoisonError::into_inner).push((headers, body));
            StatusCode::OK
        };
        let router = Router::new().route("/hook", post(take)).with_state(got.clone());
        crate::RUNTIME.spawn(async move { axum::serve(listener, router).await });
        Self { url, got }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was told, in the order in which it was.
    ///
    /// # Panics
    /// Where a body is no JSON.
    pub fn events(&self) -> Vec<Value> {
        self.all().iter().map(|(_, body)| serde_json::from_slice(body).expect("JSON")).collect()
    }

    /// The ids of what it was told: the same at each attempt of a delivery.
    pub fn ids(&self) -> Vec<String> {
        self.all().iter().map(|(headers, _)| text(headers, "ms-requestid")).collect()
    }

    /// Checks the signature of everything that it was told.
    ///
    /// # Panics
    /// Where one does not hold, or there is no certificate.
    pub fn check_signatures(&self) {
        let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("an HTTP client");
        let mut certificates: BTreeMap<String, CertificateDer<'static>> = BTreeMap::new();
        for (headers, body) in self.all() {
            let from = text(&headers, "x-ms-certificate-url");
            let certificate = certificates.entry(from.clone()).or_insert_with(|| {
                let fetched = block_on(async { client.get(&from).send().await?.error_for_status()?.bytes().await });
                CertificateDer::from(fetched.expect("a certificate, without a token").to_vec())
            });
            let entity = webpki::EndEntityCert::try_from(&*certificate).expect("a certificate");
            let signature = text(&headers, "authorization");
            let signature = BASE64_STANDARD.decode(signature.strip_prefix("Signature ").expect("a signature")).expect("base64");
            let holds = entity.verify_signature(webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256, &body, &signature);
            holds.expect("the signature holds");
        }
    }

    fn all(&self) -> Vec<(HeaderMap, Bytes)> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("{name} is missing")).to_owned()
}
