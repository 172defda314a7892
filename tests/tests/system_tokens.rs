//! The local token, as whoever starts Planshift for the first time meets it.

use planshift_tests::{
    http,
    place::{Place, READY_WITHIN, free_port, is_ready},
    program::{Program, Running},
    wait,
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// `serve` in an environment that says nothing of tokens.
fn serve(place: &Place, more: &[&str]) -> (Running, String) {
    let (api, admin) = (free_port(), free_port());
    let listen = [format!("--listen=127.0.0.1:{api}"), format!("--admin=127.0.0.1:{admin}")];
    let program = place.program(&["serve"]).args(listen).args(more).without("PLANSHIFT_LOCAL_TOKEN").without("PLANSHIFT_TOKEN");
    let mut process = program.start();
    wait::until("`planshift serve` is ready", READY_WITHIN, || {
        assert!(process.is_running(), "`planshift serve` ended by itself\n{}", process.stderr());
        is_ready(admin)
    });
    (process, format!("http://127.0.0.1:{api}"))
}

/// A client's command, in an environment that says nothing of tokens.
fn list(api: &str, data: &Path) -> Program {
    Program::planshift(["list", "--api", api, "--data", &data.display().to_string()]).without("PLANSHIFT_TOKEN")
}

#[test]
fn a_token_is_made_at_the_first_start_told_once_and_kept_for_its_owner() {
    let place = Place::embedded();
    let Place::Embedded(folder) = &place else { unreachable!() };
    let data = folder.data();
    let (first, api) = serve(&place, &[]);
    let file = data.join("token");
    let token = fs::read_to_string(&file).expect("a token").trim().to_owned();
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let said = first.stderr();
    assert_eq!(said.matches(&token).count(), 1, "{said}");
    assert!(said.contains(&file.display().to_string()), "{said}");

    http::get(&format!("{api}/v1/productUpgrades")).expect(401); // the tests' own token is not this one
    list(&api, &data).run().expect(0);
    list(&api, &folder.data().join("elsewhere")).env("PLANSHIFT_TOKEN_FILE", &file.display().to_string()).run().expect(0);
    let without = list(&api, &data.join("elsewhere")).run().expect(1);
    assert!(without.stderr.contains("--token") && without.stderr.contains("--data"), "{without}");
    let wrong = list(&api, &data).args(["--token", "not-the-token-0123456789abcdef0123456789"]).run().expect(1);
    assert!(wrong.stderr.contains("TokenInvalid") && !wrong.stderr.contains("not-the-token"), "{wrong}");
    assert_eq!(first.terminate(), 0);

    let (second, api) = serve(&place, &[]);
    let said = second.stderr();
    assert!(!said.contains(&token), "it is told again: {said}");
    list(&api, &data).run().expect(0);
    assert_eq!(second.terminate(), 0);
}

#[test]
fn a_token_that_is_given_is_the_one_and_nothing_is_written() {
    let place = Place::embedded();
    let Place::Embedded(folder) = &place else { unreachable!() };
    let served = place.serve();
    assert!(!folder.data().join("token").exists());
    http::get(&format!("{}/v1/productUpgrades", served.api)).expect(200);
    served.stop();
}

#[test]
fn an_address_that_others_reach_needs_a_provider_or_leave() {
    let place = Place::embedded();
    let admin = format!("--admin=127.0.0.1:{}", free_port());
    let open = place.program(&["serve", "--listen=0.0.0.0:0", &admin]).run().expect(2);
    assert!(open.stderr.contains("--oidc-issuer") && open.stderr.contains("--allow-remote"), "{open}");
    let half = place.program(&["serve", "--oidc-issuer=https://id.example", &admin]).run().expect(2);
    assert!(half.stderr.contains("PLANSHIFT_OIDC_AUDIENCE"), "{half}");
    assert_eq!((open.stdout.as_str(), half.stdout.as_str()), ("", ""));
}

#[test]
fn settings_of_signing_in_are_checked_at_the_start() {
    let place = Place::embedded();
    let provider = [("PLANSHIFT_OIDC_ISSUER", "https://id.example"), ("PLANSHIFT_OIDC_AUDIENCE", "api")];
    for (given, named) in [
        (("PLANSHIFT_OIDC_CLIENT_SECRET", "hunter2"), "PLANSHIFT_OIDC_CLIENT_ID is missing"),
        (("PLANSHIFT_OIDC_CLIENT_ID", "portal"), "PLANSHIFT_PORTAL_URL is missing"),
    ] {
        let admin = format!("--admin=127.0.0.1:{}", free_port());
        let serve = place.program(&["serve", "--listen=127.0.0.1:0", &admin]);
        let started = provider.iter().chain([&given]).fold(serve, |program, (name, value)| program.env(name, value)).run().expect(2);
        assert!(started.stderr.contains(named) && !started.stderr.contains("hunter2"), "{started}");
    }
}

#[test]
fn a_provider_that_is_not_reached_is_told_by_readiness_and_the_local_token_works() {
    let place = Place::embedded();
    let (api, admin) = (free_port(), free_port());
    let listen = [format!("--listen=127.0.0.1:{api}"), format!("--admin=127.0.0.1:{admin}")];
    let nobody = format!("--oidc-issuer=http://127.0.0.1:{}", free_port());
    let mut process = place.program(&["serve", &nobody, "--oidc-audience=api"]).args(listen).start();
    let ready = || http::ask(reqwest::Method::GET, &format!("http://127.0.0.1:{admin}/readyz"), None);
    wait::until("readiness tells of the keys", READY_WITHIN, || {
        assert!(process.is_running(), "`planshift serve` ended by itself\n{}", process.stderr());
        ready().is_some_and(|answer| answer.status == 503 && answer.json()["services"]["tokens"]["reason"].is_string())
    });
    http::get(&format!("http://127.0.0.1:{api}/v1/productUpgrades")).expect(200);
    assert_eq!(process.terminate(), 0);
}
