//! The invariants that the coordinator counts: each transition is looked at, and what was planted is found.

use crate::world::{World, accepted};
use planshift_coordinator::engine::Input;
use planshift_domain::transition::State;
use planshift_storage::{Args, Statement};
use planshift_worker::metrics::Metrics;

/// A line more than were mapped, says the row, once all of them are.
static ONE_MORE: Statement = Statement::new("UPDATE transitions SET lines = lines + 1 WHERE state = 'SuspendingCommerce'");

async fn moved(one_more: bool) -> (State, Metrics) {
    let metrics = Metrics::counting();
    let mut world = World::new(3).await.watched_by(&metrics);
    world.import(1, &[1]).await;
    let (outcome, mut out) = world.start(1, 1).await;
    while !out.iter().any(|outgoing| outgoing.message.kind == "SuspendSubscriptions.v1") {
        let inputs: Vec<Input> = out.iter().flat_map(|outgoing| world.answer(outgoing)).collect();
        out = world.turn(&inputs).await;
    }
    if one_more {
        world.engine.db.execute(&ONE_MORE, Args::new()).await.unwrap();
    }
    world.work(out, 10).await;
    (world.state(accepted(&outcome)), metrics)
}

#[tokio::test]
async fn what_goes_well_is_checked_and_nothing_is_found() {
    let (state, metrics) = moved(false).await;
    assert_eq!((state, metrics.violated()), (State::Completed, vec![]));
    for invariant in ["I3", "I4", "I7", "I10", "I12", "I14", "I19", "I21", "S2", "S3", "S4", "S6"] {
        assert!(metrics.watched(invariant).0 > 0, "{invariant}");
    }
}

#[tokio::test]
async fn a_line_that_nobody_answered_for_is_counted() {
    let (state, metrics) = moved(true).await;
    assert_eq!(state, State::Completed);
    let found: Vec<_> = metrics.violated().into_iter().map(|(invariant, _)| invariant).collect();
    assert_eq!(found, ["I3", "I4", "I12"]);
}
