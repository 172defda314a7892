//! Who has signed in.
//!
//! A person brings the token that the API takes, once, or signs in at the OpenID provider, which gives it. The browser gets a cookie with 256 random bits and nothing else; the database gets
//! what they hash to, and the token, encrypted with a key that only the cookie gives. So the database alone lets nobody in, every gateway
//! knows every session, one that is ended is ended everywhere, and a token of any length has room. With each request the token is looked
//! at as if it had come with it: one that has expired, or whose key is gone, does not count any longer.

use crate::{
    app::App,
    auth::{Caller, Refused, Rejected},
    http::{ApiError, hex},
    model::NewSession,
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use planshift_storage::StorageError;
use sha2::{Digest as _, Sha256};

/// The cookie.
const COOKIE: &str = "planshift-session";
/// After how many hours one signs in again: a working day with room to spare.
const HOURS: i64 = 12;

/// What a browser has of its session. It is not printed by accident.
#[derive(Clone)]
pub(super) struct Session([u8; 32]);

impl Session {
    /// The one that a request comes with.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie(headers, COOKIE)?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Begins one with a token that counts, which somebody has brought, or the OpenID provider has given. Gives the cookie, too.
    pub(super) async fn begin(app: &App, token: &str, by_provider: bool, is_secure: bool) -> Result<String, ApiError> {
        let session = Self(rand::random());
        let (now, sealed) = (app.ports.clock.now(), session.seal(token).ok_or_else(|| ApiError::internal(&"a token cannot be encrypted"))?);
        let kept = NewSession { name: &session.name(), token: &sealed, by_provider, ends_at: now.plus_seconds(HOURS * 3600) };
        app.model.keep_session(&kept, now).await?;
        let (value, secure) = (URL_SAFE_NO_PAD.encode(session.0), if is_secure { "; Secure" } else { "" });
        Ok(format!("{COOKIE}={value}; Path=/portal; Max-Age={}; HttpOnly; SameSite=Strict{secure}", HOURS * 3600))
    }

    /// Ends it. Gives what takes the cookie away, and whether the OpenID provider had led to it.
    pub(super) async fn end(&self, app: &App) -> Result<(String, bool), ApiError> {
        let by_provider = app.model.end_session(&self.name()).await?;
        Ok((format!("{COOKIE}=; Path=/portal; Max-Age=0; HttpOnly; SameSite=Strict"), by_provider))
    }

    /// What a form of this session's pages has in it, and no page of anybody else.
    pub(super) fn form_token(&self) -> String {
        self.derived(b"form")
    }

    /// What the database knows it by.
    fn name(&self) -> String {
        self.derived(b"name")
    }

    fn derived(&self, what: &[u8]) -> String {
        hex(&self.digest(what))
    }

    fn digest(&self, what: &[u8]) -> [u8; 32] {
        // the secret has a fixed length: no two of these have the same bytes
        Sha256::new().chain_update(b"planshift portal").chain_update(self.0).chain_update(what).finalize().into()
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.digest(b"seal")).ok().map(LessSafeKey::new)
    }

    /// The token as the database has it. A key is used once, so that its nonce may be fixed.
    fn seal(&self, token: &str) -> Option<String> {
        let mut bytes = token.as_bytes().to_vec();
        self.key()?.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::empty(), &mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let token = self.key()?.open_in_place(Nonce::assume_unique_for_key([0; NONCE_LEN]), Aad::empty(), &mut bytes).ok()?;
        String::from_utf8(token.to_vec()).ok()
    }
}

/// Who looks at a page: by the session that the request comes with.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Result<Caller, Refused>, StorageError> {
    let Some(session) = Session::of(headers) else { return Ok(Err(Refused::Missing)) };
    let Some(sealed) = app.model.session(&session.name(), app.ports.clock.now()).await? else { return Ok(Err(Refused::Missing)) };
    let Some(token) = session.open(&sealed) else { return Ok(Err(Refused::Invalid(Rejected::Malformed))) };
    Ok(app.authenticator.caller_with(&token).await)
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_token_is_read_with_its_own_secret_alone() {
        let (one, other) = (Session([1; 32]), Session([2; 32]));
        let sealed = one.seal("a token").unwrap();
        assert_eq!(one.open(&sealed).as_deref(), Some("a token"));
        assert_eq!((other.open(&sealed), one.open("AAAA"), one.open(&sealed[2..])), (None, None, None));
        assert!(!sealed.contains("token") && one.name() != one.form_token() && one.name() != other.name());
    }

    #[test]
    fn a_cookie_is_found_among_others_and_nonsense_is_no_session() {
        let headers = |text: &str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(text).unwrap())]);
        assert_eq!(cookie(&headers("a=1; planshift-theme=dark;b=2"), "planshift-theme"), Some("dark"));
        assert_eq!(cookie(&headers("planshift-themes=dark"), "planshift-theme"), None);
        for wrong in ["", "planshift-session=", "planshift-session=abc", "planshift-session=!!"] {
            assert!(Session::of(&headers(wrong)).is_none(), "{wrong}");
        }
        let value = URL_SAFE_NO_PAD.encode([7; 32]);
        assert!(Session::of(&headers(&format!("x=y; planshift-session={value}"))).is_some_and(|session| session.0 == [7; 32]));
    }
}
