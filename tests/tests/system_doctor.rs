//! `planshift doctor` on real set-ups: what is wrong is told with what to do about it, and done, it is told no more.

use planshift_tests::{
    place::Place,
    program::{Outcome, Program},
};
use serde_json::Value;

/// An address that nobody listens at.
const NOBODY: &str = "http://127.0.0.1:9";

fn doctor(place: &Place, api: &str, more: &[(&str, &str)]) -> Outcome {
    let program = Program::planshift(["doctor", "--json", "--api", api]).args(place.options());
    more.iter().fold(program, |program, (name, value)| program.env(name, value)).run()
}

/// What was found of these, as (what, how).
fn found(outcome: &Outcome) -> Vec<(String, String, String)> {
    let findings: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}\n{outcome}"));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    findings.iter().map(|finding| (text(finding, "about"), text(finding, "level"), text(finding, "found"))).collect()
}

fn is_told(outcome: &Outcome, about: &str, level: &str, words: &str) -> bool {
    found(outcome).iter().any(|(of, how, text)| of == about && how == level && text.contains(words))
}

#[test]
fn embedded_from_nothing_to_a_paused_step() {
    let place = Place::embedded();
    let before = doctor(&place, NOBODY, &[("PLANSHIFT_UNDERWAY", "3")]);
    assert_eq!(before.code, 0, "nothing that has not begun is wrong\n{before}");
    assert!(is_told(&before, "store", "ok", "no folder") && is_told(&before, "api", "warning", "not reached"), "{before}");
    assert!(
        is_told(&before, "settings", "warning", "PLANSHIFT_UNDERWAY") && before.stdout.contains("PLANSHIFT_UNDER_WAY meant?"),
        "{before}"
    );

    let served = place.serve();
    let well = doctor(&place, &served.api, &[]);
    assert_eq!(well.code, 0, "{well}");
    assert!(is_told(&well, "api", "ok", "answers") && is_told(&well, "work", "ok", "no transition waits"), "{well}");

    Program::planshift(["steps", "pause", "mapping", "--reason", "a test", "--api", &served.api]).run().expect(0);
    let paused = doctor(&place, &served.api, &[]);
    assert!(is_told(&paused, "work", "warning", "mapping"), "{paused}");

    let stranger = doctor(&place, &served.api, &[("PLANSHIFT_TOKEN", "0123456789abcdef0123456789abcdef")]);
    assert!(stranger.code == 1 && is_told(&stranger, "api", "wrong", "does not take this token"), "{stranger}");
    served.stop();
}

#[test]
fn distributed_before_and_after_it_is_migrated() {
    let place = Place::distributed();
    let before = doctor(&place, NOBODY, &[]);
    assert_eq!(before.code, 1, "{before}");
    assert!(
        is_told(&before, "database", "wrong", "the schema of mapping") && is_told(&before, "broker", "wrong", "planshift.mapping"),
        "{before}"
    );
    place.planshift(&["migrate"]).expect(0);
    let after = doctor(&place, NOBODY, &[]);
    let wrong: Vec<_> = found(&after).into_iter().filter(|(_, level, _)| level == "wrong").collect();
    assert!(is_told(&after, "broker", "ok", "RabbitMQ is reached"), "{after}");
    // the servers of tests are set to be quick: that they may lose something is told
    assert!(wrong.iter().all(|(about, _, text)| about == "database" && text.contains("is off")), "{after}");
}
