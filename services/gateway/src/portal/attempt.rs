//! An attempt to sign in at the OpenID provider, as the browser has it while its people are away.
//!
//! The browser gets a cookie with 256 random bits, when the attempt began, and the page that was wanted. What the provider is told of it
//! (`state`, `nonce`) and what proves that a code is of it (PKCE's verifier) is what these hash to, each its own way. So any gateway can
//! take an attempt that another one has begun, without a key that they share and without a row for everybody who has only begun; and
//! whoever reads an address on its way back has neither the secret nor the verifier. Coming back counts once: the table of attempts that
//! were used says so.

use super::{session::cookie, sign_in::is_own};
use crate::auth;
use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use planshift_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// The cookie's name begins so; a number follows.
const COOKIE: &str = "planshift-sign-in-";
/// Where it is sent to.
const PATH: &str = "/portal/sign-in";
/// How many attempts a browser has at once: several tabs may lead there, and what is begun and left makes no request too long.
const AT_ONCE: u8 = 8;
/// How often a new one is drawn until there is room for it: with one place of eight left, one in a thousand finds none.
const DRAWS: usize = 50;
/// For how many seconds one may be away: to find a second factor takes minutes.
const SECONDS: i64 = 600;
/// The longest address that is gone back to: what a browser sends has limits. Beyond it, the first page is as good.
const LONGEST_NEXT: usize = 1_000;

/// An attempt. It is not printed by accident.
pub(super) struct Attempt {
    secret: [u8; 32],
    /// When it began, in seconds since 1970.
    at: i64,
    next: String,
}

impl Attempt {
    /// A new one, from which somebody goes on to this page. Its cookie takes the place of another one's only where the browser has no room.
    pub(super) fn begin(next: Option<&str>, now: Timestamp, headers: &HeaderMap) -> Self {
        let new = || Self { secret: rand::random(), at: seconds(now), next: wanted(next).to_owned() };
        let is_free = |attempt: &Self| cookie(headers, &attempt.cookie_name()).is_none();
        std::iter::repeat_with(new).take(DRAWS).find(is_free).unwrap_or_else(new)
    }

    /// The one that somebody comes back from with this `state`: the browser that began it has it.
    pub(super) fn of(headers: &HeaderMap, state: &str) -> Option<Self> {
        let told: [u8; 32] = URL_SAFE_NO_PAD.decode(state).ok()?.try_into().ok()?;
        let mut parts = cookie(headers, &name(told))?.split('.');
        let (Some(secret), Some(at), Some(next), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return None };
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
        let attempt = Self { secret, at: at.parse().ok()?, next: wanted(Some(&next)).to_owned() };
        (attempt.digest(b"state") == told).then_some(attempt)
    }

    /// What the provider is told, and what proves that a code is of this attempt.
    pub(super) fn told(&self) -> auth::Attempt {
        let text = |what: &[u8]| URL_SAFE_NO_PAD.encode(self.digest(what));
        auth::Attempt { state: text(b"state"), nonce: text(b"nonce"), verifier: text(b"verifier") }
    }

    /// What the table knows it by.
    pub(super) fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest(b"name"))
    }

    /// Is it too old?
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        seconds(now).saturating_sub(self.at) > SECONDS
    }

    /// Until when it has to be known that it was used: gateways' clocks may be apart.
    pub(super) fn known_until(now: Timestamp) -> Timestamp {
        now.plus_seconds(2 * SECONDS)
    }

    /// The page that was wanted: one of ours.
    pub(super) fn next(&self) -> &str {
        &self.next
    }

    /// The cookie. The way back begins at the provider, so it is sent with a link from there (`Lax`), and with nothing else.
    pub(super) fn cookie(&self, is_secure: bool) -> String {
        let value = format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(self.secret), self.at, URL_SAFE_NO_PAD.encode(&self.next));
        let secure = if is_secure { "; Secure" } else { "" };
        format!("{}={value}; Path={PATH}; Max-Age={SECONDS}; HttpOnly; SameSite=Lax{secure}", self.cookie_name())
    }

    /// What takes the cookie away.
    pub(super) fn no_cookie(&self) -> String {
        format!("{}=; Path={PATH}; Max-Age=0; HttpOnly; SameSite=Lax", self.cookie_name())
    }

    fn cookie_name(&self) -> String {
        name(self.digest(b"state"))
    }

    fn digest(&self, what: &[u8]) -> [u8; 32] {
        // the secret and the time have a fixed length, and no `what` begins as another one does: no two of these have the same bytes
        let digest = Sha256::new().chain_update(b"planshift sign-in").chain_update(self.secret).chain_update(self.at.to_be_bytes());
        digest.chain_update(what).chain_update([0]).chain_update(&self.next).finalize().into()
    }
}

/// A page of ours that somebody may be led to who has signed in; the first one where that is none, or would lead away again.
pub(super) fn wanted(next: Option<&str>) -> &str {
    let is_good = |next: &&str| is_own(next) && next.len() <= LONGEST_NEXT && !next.to_ascii_lowercase().starts_with(PATH);
    next.filter(is_good).unwrap_or(super::FIRST)
}

fn name(state: [u8; 32]) -> String {
    format!("{COOKIE}{}", state[0] % AT_ONCE)
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    fn pair(attempt: &Attempt) -> String {
        attempt.cookie(false).split(';').next().unwrap().to_owned()
    }

    #[test]
    fn an_attempt_is_found_by_its_state_in_its_own_browser_alone() {
        let (one, other) =
            (Attempt::begin(Some("/portal/batches?q=a"), at(1_000), &HeaderMap::new()), Attempt::begin(None, at(1_000), &HeaderMap::new()));
        let told = one.told();
        let found = Attempt::of(&sent(&format!("a=b; {}", pair(&one))), &told.state).unwrap();
        assert_eq!((found.next(), found.told().verifier, found.name()), ("/portal/batches?q=a", told.verifier.clone(), one.name()));
        for strange in [sent("a=b"), sent(&pair(&other)), sent(&format!("{}=x.1.y", pair(&one).split('=').next().unwrap()))] {
            assert!(Attempt::of(&strange, &told.state).is_none());
        }
        assert!(Attempt::of(&sent(&pair(&one)), &other.told().state).is_none() && Attempt::of(&sent(&pair(&one)), "x").is_none());
        let texts = [&told.state, &told.nonce, &told.verifier, &one.name()];
        assert!(texts.iter().enumerate().all(|(n, text)| text.len() == 43 && !texts[..n].contains(text)), "each is its own");
        // what the browser has may not be changed to something else
        let later = Attempt { at: one.at + 1, next: one.next.clone(), ..one };
        assert_ne!(later.told().state, told.state);
        assert!(!other.cookie(false).contains("Secure") && other.cookie(true).ends_with("HttpOnly; SameSite=Lax; Secure"));
    }

    #[test]
    fn eight_of_a_browser_have_a_cookie_each() {
        let mut pairs: Vec<String> = Vec::new();
        for _ in 0..AT_ONCE {
            pairs.push(pair(&Attempt::begin(None, at(1_000), &sent(&format!("a=b; {}", pairs.join("; "))))));
        }
        let names: std::collections::BTreeSet<&str> = pairs.iter().filter_map(|pair| pair.split('=').next()).collect();
        // one in a thousand finds no room for the last
        assert!(names.len() >= usize::from(AT_ONCE) - 1, "{names:?}");
        assert!(
            Attempt::begin(None, at(1_000), &sent(&pairs.join("; "))).cookie(false).starts_with(COOKIE),
            "and the next one is begun all the same"
        );
    }

    #[test]
    fn it_is_over_after_ten_minutes() {
        let attempt = Attempt::begin(None, at(1_000), &HeaderMap::new());
        assert_eq!([999, 1_000, 1_600, 1_601].map(|now| attempt.is_over(at(now))), [false, false, false, true]);
    }

    #[test]
    fn one_goes_back_to_a_page_of_ours_that_does_not_lead_away() {
        let long = format!("/portal/customers?q={}", "a".repeat(LONGEST_NEXT));
        for other in ["https://evil.example", "//evil.example", "/portal/sign-in/provider", "/portal/SIGN-IN", "/v1/customers", "", &long] {
            assert_eq!(wanted(Some(other)), super::super::FIRST, "{other}");
        }
        assert_eq!((wanted(None), wanted(Some("/portal/audit?x=1"))), (super::super::FIRST, "/portal/audit?x=1"));
    }
}
