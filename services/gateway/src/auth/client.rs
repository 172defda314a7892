//! What the portal is to the OpenID provider: settings of signing in there, checked.

use super::oidc::{InvalidOidc, secure_url};
use reqwest::Url;
use std::fmt;

/// Where the provider sends people back to, at the portal's own address.
pub(crate) const CALLBACK: &str = "/portal/sign-in/callback";
/// Where it sends them to who have signed out there.
const SIGNED_OUT: &str = "/portal/sign-in";
/// What is asked for where nothing else is said: who somebody is, with a name.
const SCOPES: [&str; 2] = ["openid", "profile"];
/// Without this one, the provider says nothing of who has signed in. Source: OpenID Connect Core 1.0, section 3.1.2.1.
const OPENID: &str = "openid";

/// A client's secret. It is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// To be sent to the provider, and to nobody else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// What is configured, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// As what the portal is registered with the provider. Without it, nobody signs in there.
    pub id: Option<String>,
    /// What it proves that by; a public client has none.
    pub secret: Option<ClientSecret>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What people's browsers reach the portal by, as `https://moves.example`.
    pub portal_url: Option<String>,
}

/// Settings of signing in at the provider.
#[derive(Clone, Debug)]
pub(super) struct ClientSettings {
    pub(super) id: String,
    pub(super) secret: Option<ClientSecret>,
    pub(super) scopes: String,
    portal: Url,
}

impl ClientOptions {
    /// The settings that were meant; none where nothing is configured.
    pub(super) fn settings(self) -> Result<Option<ClientSettings>, InvalidOidc> {
        let wrong = |text: String| Err(InvalidOidc(text));
        let Self { id, secret, scopes, portal_url } = self;
        let scopes: Vec<String> = scopes.into_iter().filter(|scope| !scope.is_empty()).collect();
        let portal_url = portal_url.filter(|url| !url.is_empty());
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            let given = [
                (secret.is_some(), "PLANSHIFT_OIDC_CLIENT_SECRET"),
                (!scopes.is_empty(), "PLANSHIFT_OIDC_SCOPES"),
                (portal_url.is_some(), "PLANSHIFT_PORTAL_URL"),
            ];
            return match given.into_iter().find(|(is_given, _)| *is_given) {
                Some((_, name)) => wrong(format!("{name} is for signing in at the OpenID provider: PLANSHIFT_OIDC_CLIENT_ID is missing")),
                None => Ok(None),
            };
        };
        if !id.chars().all(|c| c.is_ascii_graphic()) {
            return wrong(format!(
                "PLANSHIFT_OIDC_CLIENT_ID: {id:?} is no client's id: letters, digits and signs without spaces were expected"
            ));
        }
        if secret.as_ref().is_some_and(|secret| secret.0.is_empty()) {
            return wrong("PLANSHIFT_OIDC_CLIENT_SECRET is empty: a public client has none at all".to_owned());
        }
        let Some(portal_url) = portal_url else {
            let text = "PLANSHIFT_PORTAL_URL is missing: the OpenID provider sends people back there (https://HOST was expected)";
            return wrong(text.to_owned());
        };
        let portal = secure_url("PLANSHIFT_PORTAL_URL", &portal_url)?;
        let is_plain =
            portal.query().is_none() && portal.fragment().is_none() && portal.username().is_empty() && portal.password().is_none();
        if portal.path() != "/" || !is_plain {
            return wrong(format!(
                "PLANSHIFT_PORTAL_URL: {portal_url:?} has more than a host: https://HOST or https://HOST:PORT was expected"
            ));
        }
        let scopes = if scopes.is_empty() { SCOPES.map(str::to_owned).to_vec() } else { scopes };
        if let Some(scope) = scopes.iter().find(|scope| !scope.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))) {
            return wrong(format!("PLANSHIFT_OIDC_SCOPES: {scope:?} is no scope: several have spaces between them"));
        }
        if !scopes.iter().any(|scope| scope == OPENID) {
            return wrong(format!("PLANSHIFT_OIDC_SCOPES: {OPENID} is missing: without it, the provider does not say who has signed in"));
        }
        Ok(Some(ClientSettings { id, secret, scopes: scopes.join(" "), portal }))
    }
}

impl ClientSettings {
    /// Where the provider sends people back to: as it has to be registered there.
    pub(super) fn callback(&self) -> String {
        self.at(CALLBACK)
    }

    /// Where the provider sends people to who have signed out.
    pub(super) fn signed_out(&self) -> String {
        self.at(SIGNED_OUT)
    }

    /// May cookies be kept from connections that others can read?
    pub(super) fn is_secure(&self) -> bool {
        self.portal.scheme() == "https"
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.portal.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ClientOptions {
        ClientOptions { id: Some("portal".into()), portal_url: Some("https://moves.example/".into()), ..ClientOptions::default() }
    }

    #[test]
    fn nothing_is_nothing_and_the_least_is_enough() {
        assert!(ClientOptions::default().settings().unwrap().is_none());
        let settings = good().settings().unwrap().unwrap();
        assert_eq!(
            (settings.callback().as_str(), settings.scopes.as_str()),
            ("https://moves.example/portal/sign-in/callback", "openid profile")
        );
        assert!(settings.is_secure() && settings.secret.is_none());
        let here = ClientOptions { portal_url: Some("http://127.0.0.1:8080".into()), ..good() }.settings().unwrap().unwrap();
        assert_eq!((here.signed_out().as_str(), here.is_secure()), ("http://127.0.0.1:8080/portal/sign-in", false));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_a_secret_is_not_repeated() {
        let secret = Some(ClientSecret::new("hunter2"));
        let none = || ClientOptions { id: None, portal_url: None, ..good() };
        for (options, named) in [
            (ClientOptions { secret: secret.clone(), ..none() }, "PLANSHIFT_OIDC_CLIENT_ID is missing"),
            (ClientOptions { scopes: vec!["openid".into()], ..none() }, "PLANSHIFT_OIDC_CLIENT_ID is missing"),
            (ClientOptions { id: None, ..good() }, "PLANSHIFT_OIDC_CLIENT_ID is missing"),
            (ClientOptions { id: Some("a b".into()), ..good() }, "PLANSHIFT_OIDC_CLIENT_ID"),
            (ClientOptions { secret: Some(ClientSecret::new("")), ..good() }, "PLANSHIFT_OIDC_CLIENT_SECRET"),
            (ClientOptions { portal_url: None, secret, ..good() }, "PLANSHIFT_PORTAL_URL is missing"),
            (ClientOptions { portal_url: Some("http://moves.example".into()), ..good() }, "PLANSHIFT_PORTAL_URL"),
            (ClientOptions { portal_url: Some("https://moves.example/portal".into()), ..good() }, "PLANSHIFT_PORTAL_URL"),
            (ClientOptions { portal_url: Some("https://a:b@moves.example".into()), ..good() }, "PLANSHIFT_PORTAL_URL"),
            (ClientOptions { scopes: vec!["profile".into()], ..good() }, "openid is missing"),
            (ClientOptions { scopes: vec!["openid".into(), "a\"b".into()], ..good() }, "PLANSHIFT_OIDC_SCOPES"),
        ] {
            assert!(!format!("{options:?}").contains("hunter2"));
            let error = options.settings().unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("hunter2"), "{error}");
        }
    }
}
