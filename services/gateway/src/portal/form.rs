//! Forms, and whether they come from a page of ours.
//!
//! A form changes something, so it must have been sent by a page of this portal, to the one who is signed in: the browser says that the
//! request is of the same origin (an older one says nothing), the cookie is not sent with a request of another site, and the form has a
//! token in it that no other page knows. Whoever comes with a bearer token and without a cookie is no browser that could be led astray.

use super::session::Session;
use crate::{
    app::App,
    http::ApiError,
    words::{Words, words},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use uuid::Uuid;

/// The field that has the token.
pub(super) const TOKEN: &str = "form";
/// The fields of a form that may be acted on.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// A field that is filled in.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.trim()).filter(|text| !text.is_empty())
    }

    /// Every value of a field that is there more than once.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The key that was made with the form: sent twice, it is one request.
    pub(super) fn key(&self) -> Result<Uuid, ApiError> {
        let key = self.text("key").and_then(|text| Uuid::try_parse(text).ok());
        key.ok_or_else(|| ApiError::bad_input("InvalidForm", words!("The form has no key.", "Le formulaire n’a pas de clé.")))
    }
}

impl FromRequest<App> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let origin = Origin::of(request.headers());
        origin.check(fields(request, app).await?)
    }
}

/// A form that begins a session, whoever had one before: the page that it is on may be one that another site has led to, which does not know
/// the session.
pub(super) struct OpenForm(pub(super) Form);

impl FromRequest<App> for OpenForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let origin = Origin { session: None, ..Origin::of(request.headers()) };
        Ok(Self(origin.check(fields(request, app).await?)?))
    }
}

async fn fields(request: Request, app: &App) -> Result<Vec<(String, String)>, ApiError> {
    let body = Bytes::from_request(request, app).await.map_err(|error| {
        let text = words!("The form cannot be read: {error}.", "Le formulaire ne peut pas être lu : {error}.");
        ApiError::bad_input("InvalidForm", text)
    })?;
    Ok(url::form_urlencoded::parse(&body).into_owned().collect())
}

/// Where a form comes from, by the headers that it came with.
pub(super) struct Origin {
    session: Option<Session>,
    is_same: bool,
}

impl Origin {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { session: Session::of(headers), is_same: is_same_origin(headers) }
    }

    /// The form of these fields, where it comes from a page of ours.
    pub(super) fn check(self, fields: Vec<(String, String)>) -> Result<Form, ApiError> {
        if !self.is_same {
            return Err(foreign(words!(
                "The form was sent by a page of another site.",
                "Le formulaire a été envoyé par une page d’un autre site."
            )));
        }
        let form = Form(fields);
        if let Some(session) = self.session
            && form.text(TOKEN) != Some(session.form_token().as_str())
        {
            return Err(foreign(words!(
                "The form is of another session. Open the page again.",
                "Le formulaire est d’une autre session. Rouvrez la page."
            )));
        }
        Ok(form)
    }
}

fn foreign(text: Words) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "403", "ForeignForm", text)
}

/// Does the browser say that the request is of this origin, or say nothing?
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text(header::HOST.as_str());
    text(header::ORIGIN.as_str()).is_none_or(|origin| origin.split_once("://").map(|(_, authority)| authority) == host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn pages_of_other_sites_are_told_by_what_browsers_say() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            HeaderMap::from_iter(pairs)
        };
        for (pairs, same) in [
            (&[("host", "a:1")][..], true),
            (&[("host", "a:1"), ("origin", "http://a:1")], true),
            (&[("host", "a:1"), ("origin", "https://b")], false),
            (&[("host", "a:1"), ("origin", "null")], false),
            (&[("host", "a:1"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "a:1"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "a:1"), ("origin", "http://a:1"), ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), same, "{pairs:?}");
        }
    }
}
