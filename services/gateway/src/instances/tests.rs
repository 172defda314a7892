use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(seconds)
}

fn told(number: u128, state: Living) -> InstanceAlive {
    InstanceAlive {
        instance_id: Uuid::from_u128(number),
        host: "host".into(),
        process: 7,
        version: "1.0.0".into(),
        since: at(0),
        state,
        in_hand: 3,
    }
}

fn states(instances: &Instances, seconds: i64) -> Vec<(u128, InstanceState)> {
    instances.roll(at(seconds)).items.iter().map(|one| (one.instance_id.as_u128(), one.state)).collect()
}

use InstanceState::{Alive, Gone, Stopped, Stopping};

/// The gateway hears itself, as it does in earnest.
fn hear_self(instances: &Instances, from: i64, to: i64) {
    for seconds in (from..=to).step_by(10) {
        instances.heard(Service::Gateway, &told(100, Living::Alive), at(seconds));
    }
}

#[test]
fn who_is_not_heard_is_gone_and_later_forgotten() {
    let instances = Instances::default();
    instances.heard(Service::Mapping, &told(1, Living::Alive), at(0));
    hear_self(&instances, 0, 30);
    assert_eq!(states(&instances, 35), [(1, Alive), (100, Alive)]);
    hear_self(&instances, 40, 630);
    assert_eq!(states(&instances, 635), [(1, Gone), (100, Alive)]);
    let gone = instances.roll(at(635)).items.remove(0);
    assert_eq!((gone.last_seen, gone.in_hand), (at(0), 0), "since when it was not seen; what it had is others' now");
    assert_eq!(states(&instances, 636), [(100, Alive)]);
}

#[test]
fn who_stops_in_order_says_so() {
    let instances = Instances::default();
    hear_self(&instances, 0, 20);
    instances.heard(Service::Mapping, &told(1, Living::Stopping), at(20));
    assert_eq!(states(&instances, 20), [(1, Stopping), (100, Alive)]);
    instances.heard(Service::Mapping, &told(1, Living::Stopped), at(21));
    hear_self(&instances, 30, 620);
    assert_eq!(states(&instances, 621), [(1, Stopped), (100, Alive)]);
    assert_eq!(states(&instances, 622), [(100, Alive)]);
}

#[test]
fn nobody_is_gone_because_nothing_is_heard() {
    let instances = Instances::default();
    instances.heard(Service::Mapping, &told(1, Living::Alive), at(0));
    hear_self(&instances, 0, 20);
    let roll = instances.roll(at(5_000));
    assert_eq!((roll.items.len(), roll.items[0].state, roll.heard_at), (2, Alive, Some(at(20))));
    // the broker is back: one is heard, the other has as long as anybody
    hear_self(&instances, 5_000, 5_030);
    assert_eq!(states(&instances, 5_035), [(1, Alive), (100, Alive)]);
    hear_self(&instances, 5_040, 5_040);
    assert_eq!(states(&instances, 5_040), [(1, Gone), (100, Alive)]);
}

#[test]
fn a_gateway_that_has_just_begun_says_that_it_may_not_know_all() {
    let instances = Instances::default();
    assert_eq!(instances.roll(at(1_000)), Roll { items: vec![], versions: vec![], complete: false, heard_at: None, too_many: vec![] });
    hear_self(&instances, 0, 10);
    assert!(!instances.roll(at(11)).complete);
    assert!(instances.roll(at(12)).complete);
}

#[test]
fn more_than_one_version_is_told_of_the_living_alone() {
    let instances = Instances::default();
    let newer = |state| InstanceAlive { version: "2.0.0".into(), ..told(2, state) };
    instances.heard(Service::Mapping, &told(1, Living::Alive), at(0));
    instances.heard(Service::Mapping, &newer(Living::Alive), at(1));
    assert_eq!(instances.roll(at(2)).versions, ["1.0.0", "2.0.0"]);
    instances.heard(Service::Mapping, &newer(Living::Stopped), at(3));
    assert_eq!(instances.roll(at(4)).versions, ["1.0.0"]);
}

#[test]
fn how_much_is_remembered_has_a_bound() {
    let instances = Instances::default();
    let many = MOST as u128;
    for number in 0..many + 5 {
        instances.heard(Service::Mapping, &told(number, Living::Alive), at(0));
    }
    let roll = instances.roll(at(0));
    assert_eq!((roll.items.len(), roll.too_many), (MOST, vec!["mapping".to_owned()]));
    // those that live stay; one that has ended makes room
    instances.heard(Service::Mapping, &told(3, Living::Stopped), at(1));
    instances.heard(Service::Mapping, &told(many, Living::Alive), at(2));
    let known: Vec<_> = states(&instances, 2).into_iter().map(|(number, _)| number).collect();
    assert!(known.len() == MOST && known.contains(&many) && !known.contains(&3), "{known:?}");
    // another service has room of its own
    instances.heard(Service::Gateway, &told(900, Living::Alive), at(2));
    assert_eq!(states(&instances, 2).len(), MOST + 1);
}

#[test]
fn a_name_is_cut_and_does_not_steer_a_terminal() {
    let instances = Instances::default();
    let long = InstanceAlive { host: format!("\u{1b}[2J{}", "h".repeat(5_000)), version: "v".repeat(500), ..told(1, Living::Alive) };
    instances.heard(Service::Mapping, &long, at(0));
    let shown = instances.roll(at(0)).items.remove(0);
    assert!(shown.host.starts_with('\u{fffd}'), "{}", shown.host);
    assert_eq!((shown.host.chars().count(), shown.version.len()), (HOST_CHARS, VERSION_CHARS));
}
