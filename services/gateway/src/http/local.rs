//! Who may reach a gateway that has no tokens yet: programs of this machine, and no web page.
//!
//! The address is a loopback one. That alone does not keep out a page in this machine's browser: it can post across sites, and
//! with a name of its own that resolves to 127.0.0.1 it could even read. Browsers say whose page it is (`Origin`) and under
//! which name they came (`Host`); both must be names of this machine.

use super::errors::ApiError;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;

/// Refuses what comes from a page of another site, or under a name that is not this machine's.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    for name in [header::HOST, header::ORIGIN] {
        if let Some(value) = headers.get(&name)
            && !value.to_str().is_ok_and(is_here)
        {
            let text = format!("Without tokens, only this machine is served: {name} must be localhost or a loopback address.");
            return Err(ApiError::new(StatusCode::FORBIDDEN, "403", "LocalOnly", text));
        }
    }
    Ok(())
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
