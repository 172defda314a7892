//! What an autoscaler goes by: a message that a worker has in its hands still counts.

use planshift_tests::{accounts, cluster::Cluster, place::Place, wait};
use std::time::Duration;

/// The management API's numbers are some seconds old.
const SAID_WITHIN: Duration = Duration::from_secs(60);
const QUEUE: &str = "planshift.mapping";

#[test]
fn what_is_being_worked_on_counts_for_whoever_may_only_look() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("it is distributed") };
    let mut cluster = Cluster::start(&place);
    let document = accounts::sample("direct-one-plan");
    cluster.planshift(&["import", &document.display().to_string()]).expect(0);
    assert_eq!(cluster.terminate("mapping"), 0);
    let run = cluster.start_run(&document);
    // the run imports the document again, and the facts come before the command: whatever it is, somebody holds it
    let held = servers.hold(QUEUE);
    let ready = || servers.waiting().get(QUEUE).copied().unwrap_or_default();
    wait::until("the scaler is told of what is held", SAID_WITHIN, || servers.seen_by_a_scaler(QUEUE) == Some(i64::from(ready()) + 1));
    held.release();
    cluster.start_again("mapping");
    run.finish().expect(0);
    wait::until("and of nothing once it is done", SAID_WITHIN, || servers.seen_by_a_scaler(QUEUE) == Some(0));
}
