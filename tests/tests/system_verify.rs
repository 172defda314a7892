//! `planshift verify` beside services of their own, on servers, while transitions run.

use planshift_tests::{accounts::Document, cluster::Cluster, outcome::Ran, place::Place};

#[test]
fn there_is_no_false_alarm_beside_running_services_and_damage_is_found() {
    let place = Place::distributed();
    let cluster = Cluster::with(&place, |service| if service == "mapping" { 2 } else { 1 }, &[]);
    let document = Document::generated(600, 4, 91);
    let mut run = cluster.start_run(&document.path());
    let mut passes = 0;
    while run.is_running() {
        place.assert_verified();
        passes += 1;
    }
    Ran::of(&run.finish().expect(0));
    assert!(passes >= 3, "it was verified while transitions ran: {passes} times");
    place.assert_verified();

    place.stored().change("mapping", "UPDATE azure_subscriptions SET plan_id = NULL, attached_by = NULL");
    let outcome = place.planshift(&["verify"]).expect(4);
    assert!(outcome.stdout.lines().any(|line| line.starts_with("I4")), "the invariant is named\n{outcome}");
}
