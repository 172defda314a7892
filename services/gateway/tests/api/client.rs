//! The one client of these tests: whatever it is answered is held against the OpenAPI document.

use axum::http;
use planshift_contract::{Contract, Heard};
use reqwest::{IntoUrl, Method, Response, header};
use serde::Serialize;
use std::sync::LazyLock;

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(&planshift_gateway::openapi()));

/// A client that sends this token. It reads no certificates, which takes a while: nothing here speaks TLS.
pub fn client(token: &str) -> Client {
    let headers = header::HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    Client(reqwest::Client::builder().no_proxy().tls_certs_only([]).default_headers(headers).build().unwrap())
}

/// As reqwest's.
#[derive(Clone)]
pub struct Client(reqwest::Client);

impl Client {
    pub fn without_token() -> Self {
        Self(reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap())
    }

    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder(self.0.request(method, url))
    }
}

/// As reqwest's.
pub struct RequestBuilder(reqwest::RequestBuilder);

impl RequestBuilder {
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value.as_ref()))
    }

    pub fn json(self, body: &impl Serialize) -> Self {
        Self(self.0.json(body))
    }

    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Sends it. The answer has come whole, but for a stream of events, which has no end.
    pub async fn send(self) -> reqwest::Result<Response> {
        let (client, request) = self.0.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let is_stream = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.to_str().unwrap().starts_with("text/event-stream"));
        let check = |body: Option<&[u8]>| {
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let heard = Heard { method: method.as_str(), path: &path, status: status.as_u16(), headers, body };
            // pages are for people, and no part of the document
            let faults = if path.starts_with("/portal") { Vec::new() } else { CONTRACT.faults(&heard) };
            let body = String::from_utf8_lossy(body.unwrap_or_default());
            assert!(faults.is_empty(), "{method} {path} answers {status}, and the document says otherwise: {faults:#?}\n{body}");
        };
        if is_stream {
            check(None);
            return Ok(response);
        }
        let body = response.bytes().await?;
        check(Some(&body));
        let mut whole = http::Response::new(body);
        (*whole.status_mut(), *whole.headers_mut()) = (status, headers);
        Ok(whole.into())
    }
}
