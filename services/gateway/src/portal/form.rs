//! Forms, and whether they come from a page of ours.
//!
//! A form changes something, so it must have been sent by a page of this portal, to the one who is signed in: the browser says that the
//! request is of the same origin (an older one says nothing), the cookie is not sent with a request of another site, and the form has a
//! token in it that no other page knows. Whoever comes with a bearer token and without a cookie is no browser that could be led astray.

use super::{multipart, session::Session};
use crate::{
    app::App,
    http::ApiError,
    words::{Words, words},
};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use uuid::Uuid;

/// The field that has the token.
pub(super) const TOKEN: &str = "form";
/// How large a file of a form may be: it is held in memory while it is looked at, and 100,000 customers are some 10 MB.
const FILE_BYTES: usize = 16 * 1024 * 1024;

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

impl Form {
    /// Of a request of ours, or refused.
    fn checked(fields: Vec<(String, String)>, session: Option<&Session>, same: bool) -> Result<Self, ApiError> {
        if !same {
            return Err(foreign(words!(
                "The form was sent by a page of another site.",
                "Le formulaire a été envoyé par une page d’un autre site."
            )));
        }
        let form = Self(fields);
        if let Some(session) = session
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

impl FromRequest<App> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (session, same) = (Session::of(request.headers()), is_same_origin(request.headers()));
        let body = Bytes::from_request(request, app).await.map_err(|error| unread(&error))?;
        Self::checked(url::form_urlencoded::parse(&body).into_owned().collect(), session.as_ref(), same)
    }
}

/// A form that brings a file.
pub(super) struct Upload {
    pub(super) form: Form,
    /// What was chosen; nothing where no file was.
    pub(super) file: Option<Bytes>,
}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (session, same) = (Session::of(request.headers()), is_same_origin(request.headers()));
        let no_form = || ApiError::bad_input("InvalidForm", words!("The form is not whole.", "Le formulaire n’est pas entier."));
        let boundary = multipart::boundary(request.headers()).ok_or_else(no_form)?;
        let body = tokio::select! {
            body = to_bytes(request.into_body(), FILE_BYTES) => body.map_err(|error| too_large_or_broken(&error))?,
            // whoever sends nothing more does not keep it for ever
            () = app.ports.clock.sleep(app.settings.import_time) => return Err(no_form()),
        };
        let (mut fields, mut file) = (Vec::new(), None);
        for part in multipart::parts(&body, &boundary).ok_or_else(no_form)? {
            match part.file {
                // a browser sends a file without a name where none was chosen
                Some(name) => file = (!name.is_empty()).then(|| body.slice_ref(part.body)).or(file),
                None => fields.push((part.name, std::str::from_utf8(part.body).map_err(|_| no_form())?.to_owned())),
            }
        }
        Ok(Self { form: Form::checked(fields, session.as_ref(), same)?, file })
    }
}

fn unread(error: &dyn std::fmt::Display) -> ApiError {
    let text = words!("The form cannot be read: {error}.", "Le formulaire ne peut pas être lu : {error}.");
    ApiError::bad_input("InvalidForm", text)
}

fn too_large_or_broken(error: &axum::Error) -> ApiError {
    let is_large = std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"));
    if !is_large {
        return unread(error);
    }
    let most = FILE_BYTES / 1024 / 1024;
    let text = words!(
        "A file from here may have {most} MB. Bring larger ones with: planshift batch create.",
        "Un fichier d’ici peut avoir {most} Mo. Apportez les plus grands avec : planshift batch create."
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "413", "BodyTooLarge", text)
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
