//! What every answer of the portal gets: headers that tell the browser what a page may do, compression, and errors as pages.
//!
//! A program that does not say that it takes HTML is told of errors as the API tells of them.

use super::{
    HOME, assets, frame,
    session::Session,
    visit::{Theme, language},
};
use crate::{
    http::{ApiError, Context, accepts},
    words::Locale,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// Nothing but what is served here: no script and no style in a page, nobody's frame, forms to nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// What every answer says.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
/// Shorter than this, a page is not worth compressing: it fits into one packet.
const WORTH_IT: usize = 1_400;

/// A page, not yet written.
#[derive(Clone)]
pub(super) struct Page(pub(super) StatusCode, pub(super) String);

impl Page {
    pub(super) fn new(markup: Markup) -> Self {
        Self(StatusCode::OK, markup.into_string())
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// To another page: what a form leads to.
pub(super) fn see(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

/// A page that leads on by itself, with a link for whoever is not led: where a redirect would not do. What a site asked for that is
/// not this one is asked for anew by a page of ours, with its cookies; and a form's page says where that form may lead, a page does not.
pub(super) fn lead_on(to: &str, locale: Locale) -> Page {
    let text = if locale == Locale::French { "Continuer" } else { "Go on" };
    Page::new(html! {
        (DOCTYPE)
        html lang=(locale.tag()) {
            head { meta charset="utf-8"; title { "Planshift" } meta http-equiv="refresh" content={ "0;url=" (to) }; }
            body { p { a href=(to) { (text) } } }
        }
    })
}

/// What has to be known of a request when it is answered.
pub(crate) struct Asked {
    uri: Uri,
    is_get: bool,
    takes_html: bool,
    takes_gzip: bool,
    theme: Theme,
    locale: Locale,
    /// A link on a page of another site led here, and the cookie was left behind: the browser sends it when the page itself asks.
    was_led_here: bool,
    /// A session was begun and does not count any longer; the OpenID provider can begin another one, and the browser can be led there.
    can_begin_again: bool,
}

impl Asked {
    pub(crate) fn new(method: &Method, uri: &Uri, headers: &HeaderMap, signs_in_elsewhere: bool) -> Self {
        let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
        let encodings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        Self {
            uri: uri.clone(),
            is_get: *method == Method::GET,
            takes_html: accepts(headers, "text/html"),
            takes_gzip: encodings.flat_map(|value| value.split(',')).any(|one| one.trim() == "gzip" || one.trim().starts_with("gzip;q=1")),
            theme: Theme::of(headers),
            locale: language(headers),
            // what a script asks for cannot be led to another site
            can_begin_again: signs_in_elsewhere && is("sec-fetch-mode", "navigate") && Session::of(headers).is_some(),
            was_led_here: is("sec-fetch-site", "cross-site") && is("sec-fetch-mode", "navigate") && Session::of(headers).is_none(),
        }
    }

    /// The language of the portal's answers.
    pub(crate) const fn locale(&self) -> Locale {
        self.locale
    }

    /// An error as a page, where one is wanted.
    pub(crate) fn error(&self, error: &ApiError, context: &Context) -> Option<Response> {
        if !self.takes_html {
            return None;
        }
        if error.status() == StatusCode::UNAUTHORIZED {
            if self.is_get && self.was_led_here {
                return Some(self.ask_again().into_response());
            }
            let to = if self.is_get && self.can_begin_again { "/portal/sign-in/provider" } else { "/portal/sign-in" };
            let next = if self.is_get { self.uri.path_and_query().map(ToString::to_string) } else { None };
            let next = next.filter(|next| next != HOME).map(|next| format!("?next={}", super::api::encoded(&next)));
            return Some(see(&format!("{to}{}", next.unwrap_or_default())));
        }
        let page = frame::error(error, context.correlation_id, self.locale, self.theme);
        Some(Page(error.status(), page.into_string()).into_response())
    }

    /// The same address again, asked for by a page of ours.
    fn ask_again(&self) -> Page {
        lead_on(&self.uri.path_and_query().map(ToString::to_string).unwrap_or_default(), self.locale)
    }

    /// Writes out a page, and says what the browser may do with it.
    pub(crate) fn finish(&self, mut response: Response) -> Response {
        if let Some(Page(_, text)) = response.extensions_mut().remove::<Page>() {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.locale.tag()));
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, accept-language, cookie"));
            let mut body = text.into_bytes();
            if self.takes_gzip && body.len() > WORTH_IT {
                body = assets::gzip(&body, assets::QUICK);
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            headers.insert(header::CONTENT_LENGTH, body.len().into());
            *response.body_mut() = Body::from(body);
        }
        let headers = response.headers_mut();
        // pages have what others must not see; what may be kept says so itself
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        // a dossier's page has its one style, and a policy of its own that names it by its hash and allows nothing else
        let own = headers.remove(header::CONTENT_SECURITY_POLICY);
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(own) = own {
            headers.insert(header::CONTENT_SECURITY_POLICY, own);
        }
        response
    }
}
