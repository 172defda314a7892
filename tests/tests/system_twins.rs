//! A check that cannot fail is none: what is stored is spoilt in every way that matters, and each is noticed.

use planshift_tests::{accounts::Document, outcome::Ran, place::Place};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A service, how its tables are spoilt, and how they are mended.
const SPOILT: [(&str, &str, &str); 7] = [
    ("coordinator", "UPDATE transitions SET state = 'Compensated'", "UPDATE transitions SET state = 'Completed'"),
    (
        "purchasing",
        "UPDATE plans SET status = 'suspended' WHERE plan_id = (SELECT min(plan_id) FROM plans)",
        "UPDATE plans SET status = 'active'",
    ),
    (
        "purchasing",
        "UPDATE plans SET origin = 'document' WHERE plan_id = (SELECT min(plan_id) FROM plans)",
        "UPDATE plans SET origin = 'bought'",
    ),
    (
        "mapping",
        "INSERT INTO ownership SELECT azure_subscription_id, from_at, 7, plan_id, transition_id, at FROM ownership LIMIT 1",
        "DELETE FROM ownership WHERE revision = 7",
    ),
    ("mapping", "UPDATE ledger SET state = 'undone' WHERE item = (SELECT min(item) FROM ledger)", "UPDATE ledger SET state = 'done'"),
    ("suspension", "UPDATE ledger SET state = 'refused' WHERE item = (SELECT min(item) FROM ledger)", "UPDATE ledger SET state = 'done'"),
    (
        "suspension",
        "UPDATE commerce_subscriptions SET status = 'active' WHERE commerce_subscription_id = (SELECT min(commerce_subscription_id) FROM commerce_subscriptions)",
        "UPDATE commerce_subscriptions SET status = 'suspended'",
    ),
];

/// A place on which a small document has gone through, with what the run printed.
fn gone_through() -> (Place, Ran) {
    let place = Place::embedded();
    let ran = Ran::of(&place.run(&Document::generated(3, 4, 51).path(), &[]).expect(0));
    (place, ran)
}

#[test]
fn what_was_not_done_exactly_once_is_noticed() {
    let (place, ran) = gone_through();
    let (stored, runs) = (place.stored(), [ran]);
    stored.assert_exactly_once(&runs);
    for (service, spoil, mend) in SPOILT {
        stored.change(service, spoil);
        let noticed = catch_unwind(AssertUnwindSafe(|| stored.assert_exactly_once(&runs))).is_err();
        assert!(noticed, "not noticed: {service}: {spoil}");
        stored.change(service, mend);
        stored.assert_exactly_once(&runs);
    }
}

#[test]
fn verify_ends_with_four_where_an_invariant_is_violated() {
    let (place, _) = gone_through();
    place.assert_verified();
    place.stored().change("mapping", "UPDATE azure_subscriptions SET plan_id = NULL, attached_by = NULL");
    let outcome = place.planshift(&["verify"]).expect(4);
    assert!(outcome.stdout.contains("I2") || outcome.stdout.contains("I3"), "the invariant is named\n{outcome}");
}
