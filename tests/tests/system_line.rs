//! A limit of transitions under way: never more than that are, whoever starts how many; the others wait in line, and all end.

use planshift_tests::{
    accounts::Document,
    cluster::Cluster,
    outcome::Ran,
    place::Place,
    program::{PATIENCE, Program},
    wait,
};

const LIMIT: i64 = 5;
const CUSTOMERS: usize = 60;
const UNDER_WAY: &str = "SELECT count(*) FROM transitions WHERE ended_at IS NULL AND NOT waiting";
const WAITING: &str = "SELECT count(*) FROM transitions WHERE waiting";

#[test]
fn two_coordinators_and_three_runs() {
    let place = Place::distributed();
    let limit = LIMIT.to_string();
    let replicas = |service: &str| if service == "coordinator" { 2 } else { 1 };
    let mut cluster = Cluster::with(&place, replicas, &[("PLANSHIFT_UNDER_WAY", &limit)]);
    let stored = place.stored();
    let documents: Vec<Document> = (81..84).map(|seed| Document::generated(CUSTOMERS / 3, 2, seed)).collect();
    let mut runs: Vec<_> = documents.iter().map(|document| Some(cluster.start_run(&document.path()))).collect();
    wait::until("there is a line", PATIENCE, || stored.number("coordinator", WAITING) > LIMIT);
    // whoever is killed, the line is worked off
    cluster.kill("coordinator");
    cluster.start_again("coordinator");
    let mut most = 0;
    wait::until("everyone has ended", PATIENCE, || {
        most = most.max(stored.number("coordinator", UNDER_WAY));
        runs.iter_mut().flatten().all(|run| !run.is_running())
    });
    assert!(most > 0 && most <= LIMIT, "{most} were under way at once");
    let ran: Vec<Ran> = runs.iter_mut().map(|run| Ran::of(&run.take().expect("a run").finish().expect(0))).collect();
    assert_eq!(ran.iter().map(|ran| ran.count("Completed")).sum::<usize>(), CUSTOMERS);
    stored.assert_exactly_once(&ran);
    place.assert_verified();
}

#[test]
fn embedded_and_the_line_outlives_its_process() {
    let place = Place::embedded();
    let document = Document::generated(CUSTOMERS, 2, 85);
    let stored = place.stored();
    let started = place.program(&["run", &document.path().display().to_string(), "--under-way", "3"]).start();
    wait::until("there is a line", PATIENCE, || stored.try_number("coordinator", WAITING).is_ok_and(|waiting| waiting > 3));
    started.kill();
    let waiting = stored.number("coordinator", WAITING);
    let ran = Ran::of(&place.run(&document.path(), &["--under-way", "3"]).expect(0));
    assert_eq!(ran.count("Completed"), CUSTOMERS);
    assert_eq!((waiting > 0, stored.number("coordinator", WAITING)), (true, 0));
    place.assert_verified();
}

#[test]
fn no_limit_is_no_number() {
    for wrong in ["0", "-1", "many"] {
        let outcome = Program::planshift(["serve".to_owned(), format!("--under-way={wrong}")]).run().expect(2);
        assert!(outcome.stderr.contains("--under-way"), "{outcome}");
        let alone = Program::new("planshift-coordinator").env("PLANSHIFT_UNDER_WAY", wrong).run().expect(2);
        assert!(alone.stderr.contains("PLANSHIFT_UNDER_WAY"), "{alone}");
    }
}
