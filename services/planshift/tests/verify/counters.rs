//! What is in `/metrics`: of services that run, and of a verification that stays.

use crate::{
    process::{Staying, get, until, value},
    store::{after_runs, planshift, verify},
};
use planshift_invariants::{CATALOGUE, Place};
use std::collections::BTreeSet;

const CHECKS: &str = "planshift_invariant_checks_total";
const VIOLATIONS: &str = "planshift_invariant_violations_total";

fn invariants(place: Place) -> BTreeSet<&'static str> {
    CATALOGUE.iter().filter(|invariant| invariant.is_checked_in(place)).map(|invariant| invariant.id).collect()
}

fn shown(metrics: &str, name: &str) -> BTreeSet<String> {
    let prefix = format!("{name}{{invariant=\"");
    metrics.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once('"')).map(|(id, _)| id.to_owned()).collect()
}

/// Each invariant that is said to be counted has its series, at 0 from the start, and no other has one. Then transitions run, and
/// every one of them is really checked, while the same folder is verified from outside.
#[tokio::test]
async fn running_services_count_and_are_verified_meanwhile() {
    let left = after_runs().copy();
    let path = left.path();
    let serve = Staying::start(&["serve", "--data", &path, "--listen", "127.0.0.1:0"]);
    let api = serve.said_after("API  ");
    let admin = serve.said_after("administration").trim_start_matches("http://").to_owned();
    let metrics = get(&admin, "/metrics").1;
    for name in [CHECKS, VIOLATIONS] {
        assert_eq!(shown(&metrics, name).iter().map(String::as_str).collect::<BTreeSet<_>>(), invariants(Place::Counters), "{name}");
        assert!(invariants(Place::Counters).iter().all(|id| value(&metrics, name, id) == Some(0.0)), "{metrics}");
    }

    let sample = planshift(&["sample", "--customers", "60", "--subscriptions", "20", "--seed", "5"]).stdout;
    let document = left.folder().join("sample.json");
    std::fs::write(&document, sample).unwrap();
    // the token of those who serve is in their folder
    let data = left.folder().to_string_lossy().into_owned();
    let moving = std::thread::spawn(move || planshift(&["run", &document.to_string_lossy(), "--api", &api, "--json", "--data", &data]));
    let mut passes = 0;
    while passes == 0 || !moving.is_finished() {
        let found = verify(left.folder());
        assert_eq!(found.exit, 0, "pass {passes}: {:#?}", found.violations());
        passes += 1;
    }
    let moved = moving.join().unwrap();
    assert_eq!(moved.status.code(), Some(0), "{}", String::from_utf8_lossy(&moved.stderr));

    let metrics = get(&admin, "/metrics").1;
    for id in invariants(Place::Counters) {
        assert_eq!(value(&metrics, VIOLATIONS, id), Some(0.0), "{id}\n{metrics}");
        // nothing was compensated
        let checked = value(&metrics, CHECKS, id).unwrap_or_default();
        assert!(checked > 0.0 || ["I16", "S1"].contains(&id), "{id} was never checked\n{metrics}");
    }

    left.run_script("mapping", "UPDATE ownership SET revision = revision + 100 WHERE revision = 0").await;
    let found = verify(left.folder());
    assert_eq!((found.exit, found.violated()), (4, ["I2"].into()), "{found:?}");
    assert_eq!(serve.stop(), Some(0));
    // the services have closed their files as if nobody had looked
    assert_eq!(verify(left.folder()).exit, 4);
}

/// It has every series from the start, is ready once a pass has ended, and counts what it finds; services may come and go.
#[tokio::test]
async fn a_verification_that_stays_counts_what_it_finds() {
    let left = after_runs().copy();
    let path = left.path();
    let watch = Staying::start(&["verify", "--every", "1s", "--data", &path]);
    let admin = watch.said_after("admin=");
    assert_eq!(get(&admin, "/healthz").0, 200);
    until("a pass has ended", || (get(&admin, "/readyz").0 == 200).then_some(()));
    let metrics = get(&admin, "/metrics").1;
    for name in [CHECKS, VIOLATIONS, "planshift_verify_checked", "planshift_verify_violations"] {
        assert_eq!(shown(&metrics, name).iter().map(String::as_str).collect::<BTreeSet<_>>(), invariants(Place::Verify), "{name}");
    }
    for id in invariants(Place::Verify) {
        assert_eq!(value(&metrics, VIOLATIONS, id), Some(0.0), "{id}");
        assert!(value(&metrics, "planshift_verify_checked", id).unwrap_or_default() > 0.0, "{id}");
    }
    for name in ["planshift_verify_last_pass_timestamp_seconds", "planshift_verify_last_pass_duration_seconds"] {
        assert!(metrics.lines().any(|line| line.strip_prefix(name).is_some_and(|value| value.trim().parse() != Ok(0.0))), "{metrics}");
    }
    // the folder is nobody's meanwhile
    let run = planshift(&["run", "--data", &path, &format!("{}/../../tests/accounts/two-resellers.json", env!("CARGO_MANIFEST_DIR"))]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));

    left.run_script("suspension", "UPDATE commerce_subscriptions SET status = 'active'").await;
    until("the damage is counted", || {
        let metrics = get(&admin, "/metrics").1;
        let now = value(&metrics, "planshift_verify_violations", "I4").unwrap_or_default();
        (now > 0.0 && value(&metrics, VIOLATIONS, "I4").unwrap_or_default() >= now).then_some(())
    });
    assert!(get(&admin, "/metrics").1.contains("planshift_verify_passes_total{outcome=\"violated\"}"));

    std::fs::rename(left.folder().join("mapping.db"), left.folder().join("elsewhere.db")).unwrap();
    until("a pass fails", || (get(&admin, "/readyz").0 == 503).then_some(()));
    std::fs::rename(left.folder().join("elsewhere.db"), left.folder().join("mapping.db")).unwrap();
    until("it is there again", || (get(&admin, "/readyz").0 == 200).then_some(()));
    assert_eq!(watch.stop(), Some(0), "a stop is no failure");
}
