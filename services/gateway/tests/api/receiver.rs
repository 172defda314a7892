//! A receiver of webhooks: it answers as each test says, keeps what it got, and checks every signature by the certificate that the
//! event names. And a clock that can be set forward.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::future::BoxFuture;
use planshift_domain::time::Timestamp;
use planshift_gateway::SigningKey;
use planshift_worker::{Ports, ports::Clock};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use reqwest::Client;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use std::{
    fs,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// A key and its certificate from files, as an operator gives them: one that is made takes its time in a build for tests.
pub static SIGNING: LazyLock<SigningKey> = LazyLock::new(|| {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = ["key.pem", "certificate.pem"].map(|name| folder.path().join(name));
    fs::write(&files[0], key.serialize_pem()).unwrap();
    fs::write(&files[1], CertificateParams::default().self_signed(&key).unwrap().pem()).unwrap();
    SigningKey::of_files(&files[0], &files[1]).unwrap()
});

/// What it got.
#[derive(Clone, Debug)]
pub struct Got {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub event: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn name(&self) -> &str {
        self.event["EventName"].as_str().unwrap()
    }

    /// The id that is the same at each attempt.
    pub fn id(&self) -> &str {
        self.header("ms-requestid")
    }

    /// Checks the signature as a receiver does: the certificate is had from where the event says.
    pub async fn check_signature(&self) {
        assert_eq!(self.header("x-ms-signature-algorithm"), "rsa-sha256");
        let signature = self.header("authorization").strip_prefix("Signature ").expect("the scheme Signature");
        assert_eq!(self.header("x-ms-signature"), signature);
        let response =
            Client::builder().no_proxy().tls_certs_only([]).build().unwrap().get(self.header("x-ms-certificate-url")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, "application/pkix-cert"));
        let certificate = CertificateDer::from(response.bytes().await.unwrap().to_vec());
        let certificate = webpki::EndEntityCert::try_from(&certificate).unwrap();
        let signature = BASE64_STANDARD.decode(signature).unwrap();
        let check = |body: &[u8]| certificate.verify_signature(webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256, body, &signature);
        check(&self.body).expect("it is signed");
        assert!(check(&[&self.body[..], b" "].concat()).is_err(), "the check can fail");
    }
}

type Answers = dyn Fn(usize) -> Response + Send + Sync;

/// The receiver.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<Arc<Answers>>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let answers: Arc<Answers> = Arc::new(|_| StatusCode::OK.into_response());
        let receiver = Self { url, got: Arc::default(), answers: Arc::new(Mutex::new(answers)) };
        let hook = async |State(receiver): State<Self>, headers: HeaderMap, body: Bytes| {
            let number = {
                let mut got = receiver.got.lock().unwrap();
                let event = serde_json::from_slice(&body).unwrap();
                got.push(Got { headers, body: body.to_vec(), event });
                got.len()
            };
            let answer = receiver.answers.lock().unwrap().clone();
            answer(number)
        };
        let router = Router::new().route("/hook", post(hook)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// From now on it answers so; the argument is how many it has got.
    pub fn answers(&self, answer: impl Fn(usize) -> Response + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(answer);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

/// The system's clock, set forward by as much as a test says. Pauses last as long as they do.
#[derive(Clone, Default)]
pub struct Forward(Arc<AtomicI64>);

impl Forward {
    pub fn ports(&self) -> Ports {
        Ports { clock: Arc::new(self.clone()), ..Ports::system() }
    }

    pub fn by(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_micros()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Forward {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(Ports::system().clock.now().as_micros() + self.0.load(Ordering::Relaxed))
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
