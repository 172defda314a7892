//! What happened, read on by those who follow it.

use super::*;

/// Numbers that are the same for the same seed.
struct Chance(u64);
impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// What a reader has: how often each entry, and the highest version of each state.
#[derive(Default)]
struct Read {
    entries: std::collections::BTreeMap<(TransitionId, u32), u32>,
    states: std::collections::BTreeMap<TransitionId, u32>,
}

impl Read {
    /// Reads on from a place and is cut off after some of it; gives the place it has come to.
    async fn on(&mut self, model: &ReadModel, of: &Of, from: Cursor, cut: usize) -> Cursor {
        let batch = model.happened(of, from).await.unwrap();
        let (mut at, all) = (from, batch.happened.len() <= cut);
        for one in batch.happened.into_iter().take(cut) {
            assert!(one.at > at, "in order");
            at = one.at;
            match one.what {
                What::Entry(entry) => *self.entries.entry((one.transition, entry.number)).or_default() += 1,
                What::State(known) => {
                    self.states.insert(one.transition, known.row.version);
                }
            }
        }
        // as it is written in an event's id
        let at = if all { batch.reached } else { at };
        at.to_string().parse().ok().unwrap()
    }
}

#[tokio::test]
async fn a_reader_that_is_cut_anywhere_has_every_entry_once_and_the_last_state() {
    let fixture = fixture().await;
    // each commit on Postgres waits for its disk
    let seeds = if std::env::var("PLANSHIFT_TEST_POSTGRES_URL").is_ok() { 10 } else { 60 };
    for seed in 0..seeds {
        let mut chance = Chance(seed);
        let first = u128::from(seed) * 10 + 1;
        // every event of four stories, in any order, some of them twice, some in one batch
        let mut events = Vec::new();
        for n in first..first + 4 {
            for version in 1..=6 {
                let mut row = transition(n, version, State::MappingSubscriptions);
                row.history = version * 2;
                let event = TransitionChanged { history: vec![entry(version * 2 - 1), entry(version * 2)], ..changed(row) };
                events.insert(chance.below(events.len() + 1), event.clone());
                if chance.below(4) == 0 {
                    events.insert(chance.below(events.len() + 1), event);
                }
            }
        }
        let (all, one) = (Of::All { partner: None, customer: None, state: None }, Of::One(id(first + 1)));
        let (mut of_all, mut of_one) = (Read::default(), Read::default());
        let (mut at_all, mut at_one) = (fixture.model.now().await.unwrap(), Cursor::START);
        while !events.is_empty() {
            let size = (chance.below(5) + 1).min(events.len());
            fixture.tell(events.drain(..size)).await;
            at_all = of_all.on(&fixture.model, &all, at_all, chance.below(9)).await;
            at_one = of_one.on(&fixture.model, &one, at_one, chance.below(4)).await;
        }
        for _ in 0..40 {
            at_all = of_all.on(&fixture.model, &all, at_all, chance.below(6) + 1).await;
            at_one = of_one.on(&fixture.model, &one, at_one, chance.below(3) + 1).await;
        }
        assert_eq!((of_all.entries.len(), of_one.entries.len()), (4 * 12, 12), "seed {seed}");
        assert!(of_all.entries.values().chain(of_one.entries.values()).all(|times| *times == 1), "seed {seed}");
        assert_eq!(of_all.states.values().chain(of_one.states.values()).collect::<Vec<_>>(), [&6; 5], "seed {seed}");
    }
}

#[tokio::test]
async fn pages_of_what_happened_lose_nothing_at_their_edges() {
    let fixture = fixture().await;
    // 700 entries of one change, and of 300 others
    let mut long = transition(1, 1, State::Requested);
    long.history = 700;
    fixture.tell([TransitionChanged { history: (1..=700).map(entry).collect(), ..changed(long) }]).await;
    let others = (2..302).map(|n| {
        let mut row = transition(n, 1, State::Requested);
        row.history = 1;
        TransitionChanged { history: vec![entry(1)], ..changed(row) }
    });
    fixture.tell(others).await;
    for of in [Of::All { partner: None, customer: None, state: None }, Of::One(id(1))] {
        let (mut read, mut at) = (Read::default(), Cursor::START);
        for _ in 0..20 {
            at = read.on(&fixture.model, &of, at, usize::MAX).await;
        }
        let expected = if matches!(of, Of::One(_)) { (700, 1) } else { (1_000, 301) };
        assert_eq!((read.entries.len(), read.states.len()), expected);
        assert!(read.entries.values().all(|times| *times == 1));
    }
}

#[tokio::test]
async fn a_reader_loses_nothing_while_several_write_at_the_same_time() {
    let fixture = fixture().await;
    let writers = (0..4_u128).map(|writer| {
        let model = fixture.model.clone();
        tokio::spawn(async move {
            for round in 0..15_u128 {
                let mut changes = Changes::default();
                for n in 0..3 {
                    let mut row = transition(1 + writer * 1_000 + round * 10 + n, 1, State::Requested);
                    row.history = 1;
                    changes.transition(TransitionChanged { history: vec![entry(1)], ..changed(row) });
                }
                // two replicas with batches that touch the same transition
                changes.transition(changed(transition(900_000, u32::try_from(writer * 100 + round).unwrap() + 1, State::Requested)));
                model.apply(&changes, at(0), GAP).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let (mut read, mut at) = (Read::default(), Cursor::START);
    let of = Of::All { partner: None, customer: None, state: None };
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        at = read.on(&fixture.model, &of, at, 7).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for _ in 0..10 {
        at = read.on(&fixture.model, &of, at, usize::MAX).await;
    }
    assert_eq!(read.entries.len(), 4 * 15 * 3);
    assert!(read.entries.values().all(|times| *times == 1));
}
