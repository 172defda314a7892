//! Signing in to the portal at an OpenID provider, as a browser does it.

use crate::{
    provider::{CLIENT, CLIENT_SECRET, Desk, Key, PORTAL, Provider},
    receiver::Forward,
    world::*,
};
use planshift_gateway::Auth;
use planshift_worker::Ports;
use reqwest::{Method, redirect};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};
use uuid::Uuid;

const SIGN_IN: &str = "/portal/sign-in";
const LEAVE: &str = "/portal/sign-in/provider";
const CUSTOMERS: &str = "/portal/customers";

/// A browser: it keeps cookies, and is led nowhere that the test does not see.
struct Browser {
    http: reqwest::Client,
    language: &'static str,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What it is answered.
struct Seen {
    status: u16,
    to: Option<String>,
    set: Vec<String>,
    text: String,
}

impl Browser {
    fn new(language: &'static str) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(redirect::Policy::none()).build().unwrap();
        Self { http, language, cookies: Mutex::default() }
    }

    fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap()
    }

    /// Another one with the same cookies.
    fn copy(&self) -> Self {
        let copy = Self::new(self.language);
        *copy.cookies() = self.cookies().clone();
        copy
    }

    async fn ask(&self, method: Method, url: &str, headers: &[(&str, &str)], form: &str) -> Seen {
        let cookies = self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut request =
            self.http.request(method, url).header("accept", "text/html").header("accept-language", self.language).header("cookie", cookies);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let response = request.send().await.unwrap();
        let text_of =
            |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>();
        let (status, to, set) = (response.status().as_u16(), text_of("location").pop(), text_of("set-cookie"));
        for cookie in &set {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies().remove(name)
            } else {
                self.cookies().insert(name.to_owned(), value.to_owned())
            };
        }
        Seen { status, to, set, text: response.text().await.unwrap() }
    }

    async fn get(&self, base: &str, path: &str) -> Seen {
        self.ask(Method::GET, &format!("{base}{path}"), &[("sec-fetch-mode", "navigate")], "").await
    }

    /// To the provider and back: the address that it is sent back to, of the portal.
    async fn away(&self, base: &str, next: &str) -> String {
        let left = self.get(base, &format!("{LEAVE}?next={next}")).await;
        assert_eq!(left.status, 303, "{}", left.text);
        let back = self.ask(Method::GET, &left.to.unwrap(), &[], "").await;
        let to = back.to.unwrap_or_else(|| panic!("{}: {}", back.status, back.text));
        to.strip_prefix(PORTAL).unwrap_or_else(|| panic!("{to}")).to_owned()
    }

    /// All of it, at one gateway.
    async fn signs_in(&self, base: &str) -> Seen {
        let back = self.away(base, CUSTOMERS).await;
        self.get(base, &back).await
    }

    fn has_session(&self) -> bool {
        self.cookies().contains_key("planshift-session")
    }

    /// Sends a form of this page.
    async fn sends(&self, base: &str, page: &str, path: &str) -> Seen {
        let page = self.get(base, page).await.text;
        let token = page.split("name=\"form\" value=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        self.ask(Method::POST, &format!("{base}{path}"), &[], &format!("form={}", token.unwrap_or_default())).await
    }
}

async fn world(auth: Auth) -> World {
    let world = World::for_whom(auth, settings(), silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    world
}

async fn started() -> (Provider, World) {
    let provider = Provider::start().await;
    let world = world(provider.sign_in(Some(CLIENT_SECRET), |_| {})).await;
    (provider, world)
}

fn refresh(to: &str) -> String {
    format!("content=\"0;url={to}\"")
}

#[tokio::test]
async fn somebody_signs_in_there_and_comes_back_to_the_page_that_was_wanted_and_signs_out() {
    let (provider, world) = started().await;
    world.tell_customer(1, 2_001).await;
    world.tell_customer(2, 2_002).await;
    let browser = Browser::new("en");
    let wanted = "%2Fportal%2Fcustomers%3Fq%3Dcontoso%26sort%3Dname";
    let first = browser.get(&world.base, "/portal/customers?q=contoso&sort=name").await;
    assert_eq!((first.status, first.to.as_deref()), (303, Some(&*format!("{SIGN_IN}?next={wanted}"))));
    let page = browser.get(&world.base, &first.to.unwrap()).await.text;
    let (link, form) = (page.find(&format!("href=\"{LEAVE}?next={wanted}\"")), page.find("name=\"token\""));
    assert!(link.is_some() && link < form && page.contains("<details>"), "the provider first, then a token: {page}");

    let left = browser.get(&world.base, &format!("{LEAVE}?next={wanted}")).await;
    let cookie = left.set.iter().find(|cookie| cookie.starts_with("planshift-sign-in-")).unwrap();
    assert!(cookie.contains("Max-Age=600; HttpOnly; SameSite=Lax; Secure") && cookie.contains("Path=/portal/sign-in;"), "{cookie}");
    let told = left.to.unwrap();
    assert!(told.starts_with(&format!("{}/authorize?", provider.issuer)) && told.contains("scope=openid+profile+api"), "{told}");
    let back = browser.ask(Method::GET, &told, &[], "").await.to.unwrap();
    let seen = browser.get(&world.base, back.strip_prefix(PORTAL).unwrap()).await;
    assert_eq!((seen.status, seen.text.contains(&refresh("/portal/customers?q=contoso&amp;sort=name"))), (200, true), "{}", seen.text);
    let cookie = seen.set.iter().find(|cookie| cookie.starts_with("planshift-session=")).unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(browser.cookies().len() == 1 && browser.has_session(), "the attempt is over");
    let brought = provider.desk.lock().unwrap().brought.clone();
    assert_eq!((brought.len(), brought[0]["basic"].as_str(), brought[0].get("client_secret")), (1, CLIENT_SECRET, None));
    assert!(!told.contains(&brought[0]["code_verifier"]) && brought[0]["code_verifier"].len() >= 43);

    // as with a token that is pasted: of its partner, in its roles
    let page = browser.get(&world.base, CUSTOMERS).await;
    assert!(page.status == 200 && page.text.contains("through the-app") && page.text.contains(&guid(2_001)), "{}", page.text);
    assert!(!page.text.contains(&guid(2_002)));
    assert_eq!(browser.get(&world.base, &format!("{CUSTOMERS}/{}", guid(2_002))).await.status, 404);
    assert_eq!(browser.get(&world.base, "/portal/operations/letters").await.status, 403);

    let kept = browser.copy();
    let out = browser.sends(&world.base, CUSTOMERS, "/portal/sign-out").await;
    let to = format!(
        "{}/logout?all=1&amp;client_id={CLIENT}&amp;post_logout_redirect_uri=https%3A%2F%2Fmoves.example%2Fportal%2Fsign-in",
        provider.issuer
    );
    assert!(out.status == 200 && out.to.is_none() && out.text.contains(&refresh(&to)), "{}", out.text);
    assert!(!browser.has_session() && kept.has_session());
    assert_eq!(kept.get(&world.base, CUSTOMERS).await.status, 303, "it has ended for whoever has kept its cookie, too");
    // whoever has brought a token was not led there, and is not led there
    let form = format!("token={}", provider.token(Uuid::from_u128(1), &["AdminAgent"]));
    browser.ask(Method::POST, &format!("{}{SIGN_IN}", world.base), &[], &form).await;
    assert_eq!(browser.sends(&world.base, CUSTOMERS, "/portal/sign-out").await.to.as_deref(), Some(SIGN_IN));
}

#[tokio::test]
async fn an_attempt_begins_at_one_gateway_and_ends_at_another_once() {
    let (provider, world) = started().await;
    let second = world.one_more_for(provider.sign_in(Some(CLIENT_SECRET), |_| {}), Ports::system()).await;
    let browser = Browser::new("en");
    let back = browser.away(&world.base, CUSTOMERS).await;
    let before = browser.copy();
    // its keys may come a moment later: that is told, and costs the attempt
    world
        .eventually(async || {
            client(&provider.token(id(1), &["ReadOnlyAgent"])).get(format!("{second}/v1/customers")).send().await.unwrap().status() == 200
        })
        .await;
    let seen = browser.get(&second, &back).await;
    assert!(seen.status == 200 && browser.has_session(), "{}", seen.text);
    for base in [&world.base, &second] {
        assert_eq!(browser.get(base, CUSTOMERS).await.status, 200);
        let again = before.copy();
        let seen = again.get(base, &back).await;
        assert!(seen.status == 400 && seen.text.contains("was used already") && !again.has_session(), "{}", seen.text);
    }
    assert_eq!(provider.desk.lock().unwrap().brought.len(), 1, "a code is brought once");
    // two at once: one of them counts
    let one = Browser::new("en");
    let back = one.away(&world.base, CUSTOMERS).await;
    let other = one.copy();
    let (first, last) = futures::future::join(one.get(&world.base, &back), other.get(&second, &back)).await;
    let mut both = [first.status, last.status];
    both.sort_unstable();
    assert_eq!(both, [200, 400]);
}

#[tokio::test]
async fn whoever_has_not_begun_it_does_not_come_in_by_it() {
    let (provider, world) = started().await;
    let (browser, stranger) = (Browser::new("en"), Browser::new("en"));
    let (back, foreign) = (browser.away(&world.base, CUSTOMERS).await, stranger.away(&world.base, CUSTOMERS).await);
    let state = |address: &str| address.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let code = |address: &str| address.split("code=").nth(1).unwrap().to_owned();
    let callback = "/portal/sign-in/callback";
    let nobody = Browser::new("en");
    for (who, address) in [
        (&nobody, back.clone()),
        (&browser, foreign.clone()),
        (&browser, format!("{callback}?code={}", code(&back))),
        (&browser, format!("{callback}?code={}&state=x", code(&back))),
        (&browser, format!("{callback}?code={}&state={}", code(&back), "A".repeat(43))),
    ] {
        let seen = who.get(&world.base, &address).await;
        assert!(seen.status == 400 && seen.text.contains("was not begun in this browser") && !who.has_session(), "{}", seen.text);
    }
    assert!(provider.desk.lock().unwrap().brought.is_empty(), "the provider is not asked");
    // a code of somebody else's attempt, slipped into one's own: PKCE, and the provider refuses it
    let seen = browser.get(&world.base, &format!("{callback}?code={}&state={}", code(&foreign), state(&back))).await;
    assert!(seen.status == 401 && seen.text.contains("does not take back what it gave") && !browser.has_session(), "{}", seen.text);
    // several tabs: each attempt is its own
    let tabs = [browser.away(&world.base, CUSTOMERS).await, browser.away(&world.base, "%2Fportal%2Faudit").await];
    assert_eq!(browser.cookies().len(), 2);
    let seen = browser.get(&world.base, &tabs[1]).await;
    assert!(seen.text.contains(&refresh("/portal/audit")), "{}", seen.text);
    let seen = browser.get(&world.base, &tabs[0]).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
}

/// The page that one comes back to is led to by another site, and does not know the session that was there before.
#[tokio::test]
async fn a_token_is_taken_from_a_page_that_does_not_know_the_session_and_from_no_other_site() {
    let (_provider, world) = started().await;
    let browser = Browser::new("en");
    browser.cookies().insert("planshift-session".to_owned(), "A".repeat(43));
    let sign_in = format!("{}/portal/sign-in", world.base);
    let seen = browser.ask(Method::POST, &sign_in, &[("sec-fetch-site", "same-origin")], "token=x").await;
    assert!(seen.status == 401 && seen.text.contains("The token does not count"), "{}: {}", seen.status, seen.text);
    let seen = browser.ask(Method::POST, &sign_in, &[("sec-fetch-site", "cross-site")], "token=x").await;
    assert_eq!(seen.status, 403, "{}", seen.text);
}

#[tokio::test]
async fn what_the_provider_says_is_checked_and_told_in_plain_words() {
    let (provider, world) = started().await;
    let stranger = Key::ec();
    let forged: &'static str =
        Box::leak(stranger.token(&json!({ "alg": "ES256", "kid": "first" }), &provider.claims(id(1), &["AdminAgent"])).into_boxed_str());
    let identity = |change: Value| Desk { identity: change, ..Desk::default() };
    for (desk, status, text) in [
        (identity(json!({ "nonce": "another" })), 401, "belongs to another attempt"),
        (identity(json!({ "nonce": null })), 401, "belongs to another attempt"),
        (identity(json!({ "aud": "another-client" })), 401, "it is for another audience"),
        (identity(json!({ "aud": [CLIENT, "another-client"] })), 401, "it is for another audience"),
        (identity(json!({ "iss": "https://id.example" })), 401, "it is of another issuer"),
        (identity(json!({ "exp": 1_000_000_000 })), 401, "it has expired"),
        (identity(json!({ "tid": null })), 401, "your organisation may not use"),
        (Desk { access: json!({ "exp": 1_000_000_000 }), ..Desk::default() }, 401, "it has expired"),
        (Desk { access: json!({ "aud": "another" }), ..Desk::default() }, 401, "it is for another audience"),
        (Desk { opaque: Some(forged), ..Desk::default() }, 401, "it is for another audience"),
        (Desk { opaque: Some("opaque"), ..Desk::default() }, 401, "it is for another audience"),
        (Desk { fault: Some((400, "{\"error\":\"invalid_grant\"}")), ..Desk::default() }, 401, "does not take back what it gave"),
        (Desk { fault: Some((503, "{\"error\":\"x\"}")), ..Desk::default() }, 503, "is not reached"),
        (Desk { fault: Some((200, "<html>")), ..Desk::default() }, 503, "is not reached"),
        (Desk { fault: Some((200, "{\"access_token\":\"x\"}")), ..Desk::default() }, 503, "is not reached"),
    ] {
        *provider.desk.lock().unwrap() = desk;
        let browser = Browser::new("en");
        let seen = browser.signs_in(&world.base).await;
        assert!(seen.status == status && seen.text.contains(text), "{text}: {} {}", seen.status, seen.text);
        assert!(browser.cookies().is_empty(), "no session, and the attempt is over");
        assert!(seen.text.contains(&format!("href=\"{LEAVE}?next=%2Fportal%2Fcustomers\"")), "it can be begun again");
    }
    *provider.desk.lock().unwrap() = Desk::default();
    assert_eq!(Browser::new("en").signs_in(&world.base).await.status, 200);
}

#[tokio::test]
async fn errors_of_the_provider_are_told_in_both_languages_and_nothing_of_them_is_repeated() {
    let (provider, world) = started().await;
    let hostile = "<script>alert(1)</script> call +1 555 0100";
    for (error, en, fr) in [
        ("access_denied", "You did not agree", "Vous n’avez pas donné votre accord"),
        ("server_error", "has a problem of its own", "a un problème de son côté"),
        ("interaction_required", "needs something of you", "a besoin de quelque chose"),
        ("invalid_scope", "refuses to sign you in", "refuse de vous connecter"),
        ("<b>made up</b>", "refuses to sign you in", "refuse de vous connecter"),
    ] {
        provider.desk.lock().unwrap().denies = Some((error, hostile));
        for (language, text) in [("en", en), ("fr", fr)] {
            let browser = Browser::new(language);
            let seen = browser.signs_in(&world.base).await;
            assert!(seen.status == 401 && seen.text.contains(text), "{error}: {}", seen.text);
            assert!(!seen.text.contains("alert(1)") && !seen.text.contains("555") && !seen.text.contains("made up"), "{}", seen.text);
            assert_eq!(seen.text.contains(&format!("<code>{error}</code>")), !error.starts_with('<'), "{}", seen.text);
            assert!(browser.cookies().is_empty());
        }
    }
    assert!(provider.desk.lock().unwrap().brought.is_empty());
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_and_one_that_was_seen_is_led_to() {
    let provider = Provider::start().await;
    provider.is_away(true);
    let world = World::for_whom(provider.sign_in(None, |_| {}), settings(), silence).await;
    let browser = Browser::new("fr");
    let seen = browser.get(&world.base, LEAVE).await;
    assert!(seen.status == 503 && seen.text.contains("n’est pas joignable") && browser.cookies().is_empty(), "{}", seen.text);
    provider.is_away(false);
    world.eventually(async || browser.get(&world.base, LEAVE).await.status == 303).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    assert_eq!(browser.signs_in(&world.base).await.status, 200);
    let brought = provider.desk.lock().unwrap().brought.pop().unwrap();
    assert_eq!(
        (brought["client_id"].as_str(), brought.contains_key("basic"), brought.contains_key("client_secret")),
        (CLIENT, false, false)
    );
    provider.is_away(true);
    assert_eq!(browser.get(&world.base, LEAVE).await.status, 303, "what is known of it stays");
}

#[tokio::test]
async fn a_secret_stands_in_the_form_where_the_provider_takes_it_there() {
    let provider = Provider::start().await;
    provider.desk.lock().unwrap().methods = vec!["client_secret_post", "private_key_jwt", "client_secret_basic"];
    let world = world(provider.sign_in(Some(CLIENT_SECRET), |_| {})).await;
    assert_eq!(Browser::new("en").signs_in(&world.base).await.status, 200);
    let brought = provider.desk.lock().unwrap().brought.pop().unwrap();
    assert_eq!((brought["client_secret"].as_str(), brought.contains_key("basic")), (CLIENT_SECRET, false));
}

#[tokio::test]
async fn one_comes_back_to_a_page_of_ours_alone() {
    let (_provider, world) = started().await;
    for foreign in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "%2Fv1%2Fcustomers",
        "%2Fportal%2Fsign-in%2Fprovider",
        "%2Fportal%2F%5C%5Cevil",
    ] {
        let browser = Browser::new("en");
        let back = browser.away(&world.base, foreign).await;
        let seen = browser.get(&world.base, &back).await;
        assert!(seen.status == 200 && seen.text.contains(&refresh(CUSTOMERS)) && !seen.text.contains("evil"), "{foreign}: {}", seen.text);
    }
}

#[tokio::test]
async fn a_tenant_that_may_not_does_not_come_in_and_without_a_role_one_sees_nothing() {
    let provider = Provider::start().await;
    let world = world(provider.sign_in(None, |options| options.tenants = vec![guid(1)])).await;
    provider.desk.lock().unwrap().who = (id(2), vec!["AdminAgent"]);
    let browser = Browser::new("fr");
    let seen = browser.signs_in(&world.base).await;
    assert!(seen.status == 401 && seen.text.contains("votre organisation ne peut pas") && !browser.has_session(), "{}", seen.text);
    provider.desk.lock().unwrap().who = (id(1), Vec::new());
    assert_eq!(browser.signs_in(&world.base).await.status, 200);
    let seen = browser.get(&world.base, CUSTOMERS).await;
    assert!(seen.status == 403 && seen.text.contains("Se connecter autrement"), "{}", seen.text);
    // and there is a way out, to come in as somebody else
    let out = browser.sends(&world.base, SIGN_IN, "/portal/sign-out").await;
    assert!(out.text.contains("/logout?") && !browser.has_session(), "{}", out.text);
    assert!(!browser.get(&world.base, SIGN_IN).await.text.contains("/portal/sign-out"));
}

#[tokio::test]
async fn the_id_token_counts_where_the_access_token_is_for_somebody_else_and_the_client_is_an_audience() {
    let provider = Provider::start().await;
    let world = world(provider.sign_in(None, |options| options.audiences.push(CLIENT.to_owned()))).await;
    for (desk, name) in [
        (Desk::default(), "through the-app"),
        (Desk { opaque: Some("opaque"), ..Desk::default() }, "user@"),
        (Desk { access: json!({ "aud": "graph" }), ..Desk::default() }, "user@"),
    ] {
        let is_access = name.starts_with("through");
        *provider.desk.lock().unwrap() = desk;
        let browser = Browser::new("en");
        assert_eq!(browser.signs_in(&world.base).await.status, 200);
        let page = browser.get(&world.base, CUSTOMERS).await;
        assert!(page.status == 200 && page.text.contains(name) && page.text.contains("through the-app") == is_access, "{}", page.text);
    }
    // an access token of ours that does not count is not made good by another one
    provider.desk.lock().unwrap().access = json!({ "exp": 1_000_000_000 });
    assert_eq!(Browser::new("en").signs_in(&world.base).await.status, 401);
}

#[tokio::test]
async fn an_attempt_is_over_after_ten_minutes_and_a_session_with_its_token() {
    let provider = Provider::start().await;
    let clock = Forward::default();
    let world = World::in_time(clock.ports(), provider.sign_in(None, |_| {}), settings(), silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let browser = Browser::new("en");
    assert_eq!(browser.signs_in(&world.base).await.status, 200);
    let late = Browser::new("en");
    let back = late.away(&world.base, CUSTOMERS).await;
    assert_eq!(browser.get(&world.base, "/portal/audit").await.status, 200);
    clock.by(Duration::from_secs(700));
    let seen = late.get(&world.base, &back).await;
    assert!(seen.status == 400 && seen.text.contains("more than ten minutes") && !late.has_session(), "{}", seen.text);
    // led there and back, to the page that was wanted
    let seen = browser.get(&world.base, "/portal/audit?kind=x").await;
    assert_eq!((seen.status, seen.to.as_deref()), (303, Some("/portal/sign-in/provider?next=%2Fportal%2Faudit%3Fkind%3Dx")));
    // neither a form nor what a script asks for
    assert_eq!(
        browser
            .ask(Method::POST, &format!("{}/portal/billing/usage", world.base), &[("sec-fetch-mode", "navigate")], "")
            .await
            .to
            .as_deref(),
        Some(SIGN_IN)
    );
    let script = browser.ask(Method::GET, &format!("{}/portal/operations/now", world.base), &[("sec-fetch-mode", "cors")], "").await;
    assert_eq!(script.to.as_deref(), Some("/portal/sign-in?next=%2Fportal%2Foperations%2Fnow"));
    // nor somebody who was never here
    assert!(Browser::new("en").get(&world.base, CUSTOMERS).await.to.unwrap().starts_with("/portal/sign-in?next="));
}

#[tokio::test]
async fn without_a_client_the_page_is_the_one_for_tokens() {
    let provider = Provider::start().await;
    let world = world(provider.auth()).await;
    let browser = Browser::new("en");
    let page = browser.get(&world.base, SIGN_IN).await.text;
    assert!(page.contains("name=\"token\"") && !page.contains(LEAVE) && !page.contains("<details"), "{page}");
    for path in [LEAVE, "/portal/sign-in/callback?code=x&state=y"] {
        assert_eq!(browser.get(&world.base, path).await.to.as_deref(), Some(SIGN_IN));
    }
}
