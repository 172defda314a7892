//! An answer that can be stored and given again.

use super::errors::ApiError;
use crate::{model::StoredAnswer, words::Locale};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use uuid::Uuid;

/// Does the client say that it takes this kind?
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|one| one.split(';').next().is_some_and(|one| one.trim().eq_ignore_ascii_case(kind)))
}

/// A status, some headers, and a text.
#[derive(Clone, Debug)]
pub(crate) struct Answer(StoredAnswer);

impl Answer {
    /// JSON.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::written(serde_json::to_string(value).map_err(|error| ApiError::internal(&error))?))
    }

    /// JSON that is written already.
    pub(crate) fn written(body: String) -> Self {
        let json = (header::CONTENT_TYPE.to_string(), "application/json; charset=utf-8".to_owned());
        Self(StoredAnswer { status: StatusCode::OK.as_u16(), headers: vec![json], body })
    }

    /// Plain text.
    pub(crate) fn text(body: String) -> Self {
        let text = (header::CONTENT_TYPE.to_string(), "text/plain; charset=utf-8".to_owned());
        Self(StoredAnswer { status: StatusCode::OK.as_u16(), headers: vec![text], body })
    }

    /// 202 with a relative `Location`, and nothing else. Source: the domain's section 6.1.
    pub(crate) fn accepted(id: impl std::fmt::Display) -> Self {
        let location = (header::LOCATION.to_string(), format!("productUpgrades/{id}"));
        Self(StoredAnswer { status: StatusCode::ACCEPTED.as_u16(), headers: vec![location], body: String::new() })
    }

    /// The error, as it is printed in that language.
    pub(crate) fn error(error: &ApiError, correlation: Uuid, locale: Locale) -> Self {
        let mut headers = vec![(header::CONTENT_TYPE.to_string(), "application/json; charset=utf-8".to_owned())];
        headers.extend(error.headers());
        headers.extend(error.retry_after().map(|seconds| (header::RETRY_AFTER.to_string(), seconds.to_string())));
        Self(StoredAnswer { status: error.status().as_u16(), headers, body: error.body(correlation, locale) }).in_language(locale)
    }

    /// Says in which language it is, where it has a body and does not say so yet: once it is stored, nobody else knows.
    pub(crate) fn in_language(self, locale: Locale) -> Self {
        let name = header::CONTENT_LANGUAGE.as_str();
        if self.0.body.is_empty() || self.0.headers.iter().any(|(given, _)| given == name) {
            return self;
        }
        self.header(name, locale.tag().to_owned())
    }

    /// With another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status.as_u16();
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: String) -> Self {
        self.0.headers.push((name.to_owned(), value));
        self
    }

    pub(crate) fn into_stored(self) -> StoredAnswer {
        self.0
    }
}

impl From<StoredAnswer> for Answer {
    fn from(stored: StoredAnswer) -> Self {
        Self(stored)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0.body));
        *response.status_mut() = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.0.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
