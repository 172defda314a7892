//! The small parts of `tests/run chaos`: its schedule, its tables, its dead letters.

use planshift_tests::chaos::{
    chance::Chance,
    judge::Verdict,
    letters::Left,
    nemesis::{Fault, of_one_node},
    poison::{Kind, Poison},
    scenario::not_as_poisoned,
    table::{Checks, verdicts},
};

#[test]
fn every_process_is_killed_in_turn_and_a_seed_gives_the_same_faults() {
    let faults = |seed| of_one_node(8, &mut Chance::of(seed, "faults"));
    let turns: Vec<usize> =
        (0..8).map(|process| faults(1).iter().position(|fault| *fault == Fault::Kill(vec![process])).unwrap()).collect();
    assert!(turns.len() == 8 && faults(1).len() == 8 + 5 + 10 + 6, "{turns:?}");
    assert_eq!(faults(1), faults(1));
    assert_ne!(faults(1), faults(2));
}

#[test]
fn columns_are_aligned_and_checks_counted() {
    let verdict = Verdict { of: "transitions", attempted: 12, lost: vec!["a".to_owned()], ..Verdict::default() };
    let text = verdicts(&[verdict]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0].len(), lines[1].len(), "{text}");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["transitions", "12", "0", "1", "0", "0", "0"]);
    let mut checks = Checks::default();
    checks.check("one", &[]);
    checks.check("two", &["wrong".to_owned()]);
    assert_eq!((checks.passed, checks.failed), (1, 1));
}

fn poison(id: &str, kind: Kind) -> Poison {
    Poison { id: id.to_owned(), kind, service: "mapping", user: String::new(), properties: Default::default(), body: Vec::new() }
}

#[test]
fn dead_letters_are_compared_by_identity() {
    let sent = [poison("a", Kind::NotJson), poison("b", Kind::WrongUser), poison("c", Kind::Stale)];
    let left = |dead: &[(&str, &str)]| {
        let mut left = Left::default();
        dead.iter().for_each(|(id, reason)| left.dead.entry((*id).to_owned()).or_default().push((*reason).to_owned()));
        not_as_poisoned(&sent, &left).len()
    };
    let right = [("a", "UnreadableBody"), ("a", "UnreadableBody"), ("b", "WrongSender")];
    assert_eq!(left(&right), 0, "twice is once");
    assert_eq!(left(&right[..2]), 1, "one is missing");
    assert_eq!(left(&[right[0], ("b", "UnreadableBody")]), 1, "for another reason");
    assert_eq!(left(&[right[0], right[2], ("c", "UnknownType")]), 1, "a stale one");
    assert_eq!(left(&[right[0], right[2], ("message-of-ours", "Faulty")]), 1, "one of the services' own");
}
