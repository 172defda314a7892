//! Language and colours, kept in the browser.

use super::{
    finish::see,
    form::Form,
    sign_in::is_own,
    visit::{LANGUAGE, THEME},
};
use axum::{
    http::{HeaderValue, header},
    response::Response,
};

/// For how long they are kept, in seconds: a year.
const KEPT: u32 = 365 * 24 * 3600;

/// `POST /portal/preferences`: what is given is kept, and the page that it was given on is shown again.
pub(super) async fn set(form: Form) -> Response {
    let back = form.text("back").filter(|back| is_own(back)).unwrap_or("/portal/customers");
    let mut response = see(back);
    for (field, cookie, known) in [("language", LANGUAGE, &["en", "fr"][..]), ("theme", THEME, &["system", "light", "dark"])] {
        if let Some(value) = form.text(field).filter(|value| known.contains(value))
            && let Ok(cookie) = HeaderValue::try_from(format!("{cookie}={value}; Path=/portal; Max-Age={KEPT}; SameSite=Lax"))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}
