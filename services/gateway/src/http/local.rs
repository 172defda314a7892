//! From where a gateway is reached that has a local token alone: programs of this machine, and no web page.
//!
//! The address is a loopback one. That alone does not keep out a page in this machine's browser: it can post across sites, and
//! with a name of its own that resolves to 127.0.0.1 it could even read. The token does, for a page does not have it; this is the
//! second wall. Browsers say whose page it is (`Origin`) and under which name they came (`Host`); both must be names of this machine.

use super::errors::ApiError;
use crate::{
    auth::Auth,
    words::{Words, words},
};
use axum::http::{HeaderMap, StatusCode, header};
use std::net::{IpAddr, SocketAddr};

/// From where requests may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From programs and pages of this machine.
    Here,
    /// From anywhere, but not from pages of other sites: only the local token keeps others out.
    SameSite,
    /// From anywhere: an OpenID provider's tokens say who it is.
    Anywhere,
}

impl Reach {
    /// That of a gateway with these tokens at this address.
    pub(crate) fn of(auth: &Auth, address: SocketAddr) -> Self {
        if auth.oidc.is_some() {
            Self::Anywhere
        } else if address.ip().is_loopback() {
            Self::Here
        } else {
            Self::SameSite
        }
    }

    /// Refuses what comes from elsewhere.
    pub(crate) fn check(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let refuse = |text: Words| Err(ApiError::new(StatusCode::FORBIDDEN, "403", "LocalOnly", text));
        match self {
            Self::Anywhere => Ok(()),
            Self::Here => {
                for name in [header::HOST, header::ORIGIN] {
                    if let Some(value) = headers.get(&name)
                        && !value.to_str().is_ok_and(is_here)
                    {
                        return refuse(words!(
                            "With a local token alone, only this machine is served: {name} must be localhost or a loopback address.",
                            "Avec un jeton local seul, seule cette machine est servie : {name} doit être localhost ou une adresse de bouclage."
                        ));
                    }
                }
                Ok(())
            }
            Self::SameSite => {
                let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
                let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, authority)| authority));
                match origin {
                    Some(origin) if text(header::HOST) != Some(origin) => refuse(words!(
                        "With a local token alone, no page of another site is served.",
                        "Avec un jeton local seul, aucune page d’un autre site n’est servie."
                    )),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// `localhost:8080`, `http://127.0.0.1`, `[::1]:8080` …
fn is_here(authority: &str) -> bool {
    let authority = authority.strip_prefix("http://").unwrap_or(authority);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn pages_of_other_sites_are_refused_wherever_it_is_reached() {
        let headers = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
            headers
        };
        for (host, origin, reaches) in [
            ("localhost:8080", None, [true, true]),
            ("localhost:8080", Some("http://localhost:8080"), [true, true]),
            ("moves.example", None, [false, true]),
            ("moves.example", Some("https://moves.example"), [false, true]),
            ("moves.example", Some("https://other.example"), [false, false]),
            ("localhost:8080", Some("null"), [false, false]),
        ] {
            let headers = headers(host, origin);
            let reached = [Reach::Here, Reach::SameSite].map(|reach| reach.check(&headers).is_ok());
            assert_eq!(reached, reaches, "{host} {origin:?}");
            assert!(Reach::Anywhere.check(&headers).is_ok());
        }
    }

    #[test]
    fn only_names_of_this_machine_are_here() {
        for here in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:80", "http://localhost:8080", "http://[::1]"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in
            ["", "null", "example.org", "https://example.org", "127.0.0.1.example.org", "localhost.example.org:8080", "10.0.0.1"]
        {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
