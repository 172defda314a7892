//! The same seed is the same run, byte for byte.

use planshift_simulation::run::run;

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for seed in [1, 2, 3, 5, 8, 13, 21, 34] {
        let (first, second) = (run(seed, None, true).unwrap(), run(seed, None, true).unwrap());
        let (one, other) = (first.trace.text(), second.trace.text());
        let differs = one.lines().zip(other.lines()).position(|(one, other)| one != other);
        if let Some(line) = differs {
            panic!("seed {seed}, line {line}:\n{}\n{}", one.lines().nth(line).unwrap(), other.lines().nth(line).unwrap());
        }
        assert_eq!(one.len(), other.len(), "seed {seed}");
        assert!(one.lines().count() > 1_000, "seed {seed} has {} lines", one.lines().count());
    }
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(run(1, None, true).unwrap().trace.digest(), run(2, None, true).unwrap().trace.digest());
}

#[test]
fn a_trace_changes_nothing() {
    for seed in [4, 7] {
        let (silent, told) = (run(seed, None, false).unwrap(), run(seed, None, true).unwrap());
        assert_eq!((silent.steps, silent.took, silent.transitions), (told.steps, told.took, told.transitions), "seed {seed}");
        assert!(silent.trace.text().is_empty() && !told.trace.text().is_empty());
    }
}
