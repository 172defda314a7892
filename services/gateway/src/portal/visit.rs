//! Who looks at a page, in which language and colours.

use super::{
    api::Api,
    form,
    session::{Session, cookie},
};
use crate::{
    app::App,
    auth::Right,
    http::{ApiError, Context},
    words::Locale,
};
use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use maud::{Markup, html};

/// The cookies of what somebody has chosen.
pub(super) const LANGUAGE: &str = "planshift-language";
pub(super) const THEME: &str = "planshift-theme";

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn of(headers: &HeaderMap) -> Self {
        match cookie(headers, THEME) {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }
}

/// The language that was chosen; else the first of `Accept-Language` that is spoken here.
pub(super) fn language(headers: &HeaderMap) -> Locale {
    match cookie(headers, LANGUAGE) {
        Some("fr") => return Locale::French,
        Some("en") => return Locale::English,
        _ => {}
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weighed = accepted.split(',').filter_map(|one| {
        let (tag, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight: f32 = weight.trim().strip_prefix("q=")?.trim().parse().ok()?;
        let locale = match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "fr" => Locale::French,
            "en" => Locale::English,
            _ => return None,
        };
        (weight > 0.0).then_some((weight, locale))
    });
    // of two that weigh the same, the first one
    weighed.fold((0.0, Locale::English), |best, one| if one.0 > best.0 { one } else { best }).1
}

/// Somebody looks at a page.
pub(super) struct Visit {
    pub(super) app: App,
    pub(super) api: Api,
    pub(super) context: Context,
    pub(super) theme: Theme,
    /// The path and query that was asked for.
    pub(super) here: String,
    session: Option<Session>,
}

impl Visit {
    /// The one of two texts.
    pub(super) const fn say(&self, en: &'static str, fr: &'static str) -> &'static str {
        match self.context.locale {
            Locale::English => en,
            Locale::French => fr,
        }
    }

    /// What stands between a name and what is said of it.
    pub(super) const fn colon(&self) -> &'static str {
        self.say(": ", "\u{a0}: ")
    }

    pub(super) const fn locale(&self) -> Locale {
        self.context.locale
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.context.caller.may(right)
    }

    pub(super) const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// What every form begins with.
    pub(super) fn form_token(&self) -> Markup {
        html! { @if let Some(session) = &self.session { input type="hidden" name=(form::TOKEN) value=(session.form_token()); } }
    }

    /// What a form that begins something has in it too: sent twice, it is one request.
    pub(super) fn key(&self) -> Markup {
        html! { input type="hidden" name="key" value=(self.app.ports.random.id()); }
    }

    /// Reads something of the API.
    pub(super) async fn get<T: serde::de::DeserializeOwned>(&self, uri: &str) -> Result<T, ApiError> {
        self.api.get(&self.context, uri).await
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Extension(context) = Extension::<Context>::from_request_parts(parts, app).await.map_err(|error| ApiError::internal(&error))?;
        let Extension(api) = Extension::<Api>::from_request_parts(parts, app).await.map_err(|error| ApiError::internal(&error))?;
        let here = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
        let (theme, session) = (Theme::of(&parts.headers), Session::of(&parts.headers));
        Ok(Self { app: app.clone(), api, context, theme, here, session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_language_is_the_chosen_one_or_the_one_that_weighs_most() {
        let of = |accepted: &'static str, chosen: &'static str| {
            let pairs = [(header::ACCEPT_LANGUAGE, accepted), (header::COOKIE, chosen)];
            language(&HeaderMap::from_iter(pairs.map(|(name, value)| (name, HeaderValue::from_static(value)))))
        };
        for (accepted, chosen, expected) in [
            ("", "", Locale::English),
            ("fr", "", Locale::French),
            ("fr-CA,fr;q=0.9,en;q=0.8", "", Locale::French),
            ("de,en;q=0.5,fr;q=0.7", "", Locale::French),
            ("fr;q=0,en;q=0.1", "", Locale::English),
            ("en,fr", "", Locale::English),
            ("fr;q=x", "", Locale::English),
            ("fr", "planshift-language=en", Locale::English),
            ("en", "a=b; planshift-language=fr", Locale::French),
            ("fr", "planshift-language=de", Locale::French),
        ] {
            assert_eq!(of(accepted, chosen), expected, "{accepted} {chosen}");
        }
    }
}
