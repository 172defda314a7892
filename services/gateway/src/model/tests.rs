use super::{audit::RecordFilter, requests::Reserved, *};
use crate::fixtures::{at, changed, entry, id, line, packet, plan, transition};
use planshift_domain::{
    account::facts::{PlanStatus, Relationship, ResellerFacts},
    audit::{CustomerEntry, event},
    ids::{MpnId, TransitionId},
    message::event::{AccountImported, ImportedCustomer, TransitionChanged},
    step::Step,
    transition::{Evidence, ItemError, State},
};
use std::time::Duration;
use uuid::Uuid;

const GAP: Duration = Duration::from_secs(10);

struct Fixture {
    model: ReadModel,
    _folder: tempfile::TempDir,
}

/// On SQLite; on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one, in a schema of the test's own.
async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let database = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
        Ok(url) => Database::connect_postgres(&url, &format!("gateway_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
        Err(_) => Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap(),
    };
    database.migrate(MIGRATIONS).await.unwrap();
    Fixture { model: ReadModel::new(database), _folder: folder }
}

impl Fixture {
    async fn tell(&self, events: impl IntoIterator<Item = TransitionChanged>) {
        self.tell_at(0, events).await;
    }
    async fn tell_at(&self, second: i64, events: impl IntoIterator<Item = TransitionChanged>) {
        let mut changes = Changes::default();
        for event in events {
            changes.transition(event);
        }
        self.model.apply(&changes, at(second), GAP).await.unwrap();
    }
    async fn ids(&self, filter: Filter) -> Vec<u128> {
        let page = self.model.list(&filter, None, 100).await.unwrap();
        assert_eq!(page.total, Some(page.rows.len() as u64));
        page.rows.iter().map(|row| row.id.0.as_u128()).collect()
    }
}

/// A transition's story, as its events tell it.
fn story() -> Vec<TransitionChanged> {
    let row = |version: u32, state, history| {
        let mut row = transition(1, version, state);
        (row.history, row.lines, row.plans) = (history, if version > 2 { 2 } else { 0 }, u32::from(version > 2));
        row
    };
    let mut refused = line(11, 0, 5);
    refused.error = Some((Step::Mapping, ItemError { code: "2012".into(), description: "no".into() }));
    let mut undone = line(12, 0, 5);
    undone.undo = Some(Evidence::Undone);
    vec![
        TransitionChanged { history: vec![entry(1)], ..changed(row(1, State::Requested, 1)) },
        TransitionChanged { history: vec![entry(2)], ..changed(row(2, State::CheckingEligibility, 2)) },
        TransitionChanged {
            lines: vec![line(11, 0, 3), line(12, 0, 3)],
            packets: vec![packet(Step::Eligibility, 0, 3)],
            plans: vec![plan("10", 77, 3)],
            history: vec![entry(3)],
            ..changed(row(3, State::MappingSubscriptions, 3))
        },
        TransitionChanged { packets: vec![packet(Step::Mapping, 0, 4)], ..changed(row(4, State::Compensating, 3)) },
        TransitionChanged { lines: vec![refused, undone], history: vec![entry(4)], ..changed(row(5, State::Compensated, 4)) },
    ]
}

#[tokio::test]
async fn order_and_duplicates_do_not_matter() {
    let mut expected = None;
    // forwards, backwards, twice, one at a time, all at once, and cut in the middle
    for order in [vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0], vec![2, 2, 4, 0, 4, 1, 3, 0], vec![3, 0, 4, 2, 1]] {
        for size in [1, 2, 5] {
            let fixture = fixture().await;
            for batch in order.chunks(size) {
                fixture.tell(batch.iter().map(|n| story().swap_remove(*n))).await;
            }
            let parts = fixture.model.parts(id(1)).await.unwrap().unwrap();
            assert!(parts.known.whole && parts.known.settled() && parts.known.row.version == 5);
            let history = fixture.model.history(id(1), 0, 100).await.unwrap();
            assert_eq!(history.iter().map(|e| e.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
            let got = (parts.known.row, parts.lines, parts.plans, parts.packets.len(), history);
            assert_eq!(expected.get_or_insert_with(|| got.clone()), &got, "{order:?} by {size}");
        }
    }
    let (_, lines, ..) = expected.unwrap();
    assert_eq!(lines[0].error.as_ref().unwrap().1.code, "2012");
    assert_eq!(lines[1].undo, Some(Evidence::Undone));
}

#[tokio::test]
async fn a_gap_is_asked_for_once_it_has_lasted_and_not_when_it_closes() {
    let fixture = fixture().await;
    let claim = async |second| fixture.model.claim_gaps(at(second), GAP).await.unwrap();
    let mut events = story();
    let last = events.pop().unwrap();
    fixture.tell_at(100, [last.clone()]).await;
    let known = fixture.model.transition(id(1)).await.unwrap().unwrap();
    assert!(!known.whole && !known.settled(), "its end is known, and not what led to it");
    // later news do not make the gap any younger
    fixture.tell_at(105, [last]).await;
    assert!(claim(109).await.is_empty());
    assert_eq!(claim(110).await, [id::<TransitionId>(1)]);
    assert!(claim(119).await.is_empty(), "asked once, then waited for");
    assert_eq!(claim(120).await.len(), 1);
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().settled(), "asked for often enough: shown as it is");
    fixture.tell_at(121, events).await;
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().whole);
    assert!(claim(1_000).await.is_empty());
}

#[tokio::test]
async fn a_completed_one_is_whole_when_its_packets_are_there_too() {
    let fixture = fixture().await;
    let mut row = transition(1, 9, State::Completed);
    row.lines = 2;
    let lines = vec![line(11, 0, 3), line(12, 1, 3)];
    fixture.tell([TransitionChanged { lines, packets: vec![packet(Step::Eligibility, 1, 3)], ..changed(row.clone()) }]).await;
    assert!(!fixture.model.transition(id(1)).await.unwrap().unwrap().whole, "eligibility's packet 0 is missing");
    let some =
        vec![packet(Step::Eligibility, 0, 3), packet(Step::Mapping, 0, 4), packet(Step::Mapping, 1, 5), packet(Step::Suspension, 0, 6)];
    fixture.tell([TransitionChanged { packets: some, ..changed(row.clone()) }]).await;
    assert!(!fixture.model.transition(id(1)).await.unwrap().unwrap().whole, "a packet of suspension is missing");
    fixture.tell([TransitionChanged { packets: vec![packet(Step::Suspension, 1, 7)], ..changed(row) }]).await;
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().whole);
}

#[tokio::test]
async fn counts_follow_what_changes() {
    const MANY: u128 = 4_500; // more than are counted at once
    let fixture = fixture().await;
    let of = |n: u128, version, state| {
        let mut row = transition(n, version, state);
        row.partner_id = id(1_000 + n % 2);
        changed(row)
    };
    let filter = |partner: Option<u128>, state| Filter { partner: partner.map(id), state, ..Filter::default() };
    let total = async |filter: Filter| fixture.model.list(&filter, None, 1).await.unwrap().total;
    assert_eq!(total(filter(None, None)).await, Some(0));
    fixture.tell((1..=MANY).map(|n| of(n, 1, State::Requested))).await;
    assert_eq!(total(filter(None, None)).await, Some(4_500));
    assert_eq!(total(filter(Some(1_001), Some(State::Requested))).await, Some(2_250));
    // one moves on twice in between, another repeats itself, one comes late
    fixture.tell([of(1, 2, State::CheckingEligibility), of(2, 3, State::Compensated)]).await;
    fixture.tell([of(1, 5, State::Completed), of(3, 1, State::Requested), of(2, 2, State::PurchasingPlans)]).await;
    for (partner, state, expected) in [
        (None, None, 4_500),
        (None, Some(State::Requested), 4_498),
        (Some(1_001), Some(State::Requested), 2_249),
        (Some(1_001), Some(State::Completed), 1),
        (Some(1_000), Some(State::Completed), 0),
        (Some(1_000), Some(State::Compensated), 1),
        (None, Some(State::CheckingEligibility), 0),
        (None, Some(State::PurchasingPlans), 0),
        (Some(9), None, 0),
    ] {
        assert_eq!(total(filter(partner, state)).await, Some(expected), "{partner:?} {state:?}");
        let page = fixture.model.list(&filter(partner, state), None, 5_000).await.unwrap();
        assert_eq!(page.rows.len() as u64, expected, "the count is what the list has");
    }
    // what has a time in it is counted itself
    let before = |second| Filter { started_before: Some(at(second)), ..Filter::default() };
    assert_eq!((total(before(11)).await, total(before(1)).await), (Some(10), Some(0)));

    // who waits is not kept for long, and what is left is counted by and by
    fixture.tell((1..=12_001).map(|n| of(n, 6, State::NeedsOperator))).await;
    assert_eq!(total(filter(None, None)).await, None);
    assert!(total(before(12_000)).await.is_none(), "more than are counted");
    assert!(fixture.model.count_changes(10).await.unwrap());
    assert_eq!(total(filter(None, None)).await, Some(12_001));
    let both = async |n: u128| fixture.tell([of(n, 7, State::SuspendingCommerce)]).await;
    tokio::join!(both(1), both(2), async { fixture.model.count_changes(2).await.unwrap() }, async {
        fixture.model.count_changes(2).await.unwrap()
    });
    assert_eq!((total(filter(None, Some(State::SuspendingCommerce))).await, total(filter(None, None)).await), (Some(2), Some(12_001)));
}

#[tokio::test]
async fn lists_are_read_by_key_and_any_id_finds_its_transition() {
    let fixture = fixture().await;
    let mut events: Vec<_> =
        (1..=7).map(|n| changed(transition(n, 1, if n % 2 == 0 { State::Completed } else { State::Requested }))).collect();
    events[1].transition.started_at = events[0].transition.started_at; // the id decides
    events[4].transition.partner_id = id(1_001);
    events[2].lines = vec![line(33, 0, 1)];
    events[3].plans = vec![plan("10", 77, 1)];
    fixture.tell(events).await;

    let all = [7, 6, 5, 4, 3, 2, 1];
    assert_eq!(fixture.ids(Filter::default()).await, all);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.model.list(&Filter::default(), after, 2).await.unwrap();
        assert!(page.rows.len() <= 2 && page.total == Some(7));
        seen.extend(page.rows.iter().map(|row| row.id.0.as_u128()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all, "no row twice, none left out");

    assert_eq!(fixture.ids(Filter { state: Some(State::Completed), ..Filter::default() }).await, [6, 4, 2]);
    assert_eq!(fixture.ids(Filter { partner: Some(id(1_001)), ..Filter::default() }).await, [5]);
    assert_eq!(fixture.ids(Filter { partner: Some(id(1_001)), state: Some(State::Completed), ..Filter::default() }).await, [0; 0]);
    assert_eq!(fixture.ids(Filter { customer: Some(id(2_003)), ..Filter::default() }).await, [3]);
    for (any, found) in [(6, 6), (2_006, 6), (33, 3), (500_033, 3), (77, 4)] {
        assert_eq!(fixture.ids(Filter { any_id: Some(Uuid::from_u128(any)), ..Filter::default() }).await, [found], "{any}");
    }
    assert_eq!(fixture.ids(Filter { any_id: Some(Uuid::from_u128(99)), ..Filter::default() }).await, [0; 0]);
}

#[tokio::test]
async fn the_newest_transitions_of_a_customer_are_found() {
    let fixture = fixture().await;
    let of_customer = |n, state| {
        let mut row = transition(n, 1, state);
        row.customer_id = id(5);
        changed(row)
    };
    fixture.tell([of_customer(1, State::Completed), of_customer(2, State::Completed), of_customer(3, State::Ineligible)]).await;
    assert!(fixture.model.open_of(id(1_000), id(5)).await.unwrap().is_none());
    assert_eq!(fixture.model.completed_of(id(1_000), id(5)).await.unwrap().unwrap().row.id, id(2));
    fixture.tell([of_customer(4, State::NeedsOperator)]).await;
    assert_eq!(fixture.model.open_of(id(1_000), id(5)).await.unwrap().unwrap().row.id, id(4));
    assert!(fixture.model.open_of(id(1_001), id(5)).await.unwrap().is_none(), "another partner's");
}

#[tokio::test]
async fn customers_keep_their_newest_version() {
    let fixture = fixture().await;
    let tell = async |partner, version, name: &str| {
        let mut changes = Changes::default();
        let told = ImportedCustomer {
            customer_id: id(5),
            version,
            company_name: name.into(),
            domain: "d".into(),
            country: "FR".into(),
            relationship_to_partner: None,
            resellers: Vec::new(),
        };
        let (partner_name, begun_at, resellers) = ("p".into(), None, Vec::new());
        changes.account(AccountImported {
            partner_id: id(partner),
            partner_name,
            begun_at,
            customers: vec![told],
            resellers,
            audit: Vec::new(),
        });
        fixture.model.apply(&changes, at(0), GAP).await.unwrap();
    };
    for (version, name) in [(2, "two"), (0, "none"), (3, "three"), (1, "one")] {
        tell(1, version, name).await;
    }
    tell(2, 1, "other").await;
    assert_eq!(fixture.model.partners_of(id(5)).await.unwrap(), [id(1), id(2)]);
    static NAME: planshift_storage::Statement =
        planshift_storage::Statement::new("SELECT company_name FROM customers WHERE partner_id = $1");
    let rows = fixture.model.database.query(&NAME, planshift_storage::Args::new().value(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(rows[0].get::<String>(0).unwrap(), "three");
}

#[tokio::test]
async fn a_key_has_one_request_and_one_answer() {
    let fixture = fixture().await;
    let (partner, key) = (Uuid::nil(), Uuid::from_u128(9));
    let reserve = async |hash: &str| fixture.model.reserve(partner, key, "POST /x", hash, at(0)).await.unwrap();
    assert_eq!(reserve("a").await, Reserved::UnderWay);
    assert_eq!(reserve("a").await, Reserved::UnderWay);
    assert_eq!(reserve("b").await, Reserved::Another);
    let answer = |status| StoredAnswer { status, headers: vec![("location".into(), "x".into())], body: "{}".into() };
    assert_eq!(fixture.model.answer(partner, key, answer(202)).await.unwrap(), answer(202));
    assert_eq!(fixture.model.answer(partner, key, answer(403)).await.unwrap(), answer(202), "the first one stays");
    assert_eq!(reserve("a").await, Reserved::Answered(answer(202)));
    assert_eq!(reserve("b").await, Reserved::Another);
    assert_eq!(fixture.model.forget_requests(at(0)).await.unwrap(), 0);
    assert_eq!(fixture.model.forget_requests(at(1)).await.unwrap(), 1);
    assert_eq!(reserve("b").await, Reserved::UnderWay);
}

/// Packets 0 and 2 of 3 had come when it was cancelled, and the one between never will.
#[tokio::test]
async fn a_check_that_was_cancelled_in_the_middle_leaves_no_gap() {
    let fixture = fixture().await;
    let mut row = transition(1, 5, State::Compensated);
    row.history = 1;
    let packets = vec![packet(Step::Eligibility, 0, 3), packet(Step::Eligibility, 2, 3)];
    fixture.tell([TransitionChanged { packets, history: vec![entry(1)], ..changed(row) }]).await;
    assert!(fixture.model.transition(TransitionId(Uuid::from_u128(1))).await.unwrap().unwrap().settled());
}

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

#[tokio::test]
async fn a_search_goes_on_where_it_has_come_to_also_where_it_has_found_nothing() {
    let fixture = fixture().await;
    fixture
        .tell((1..=4_500).map(|n| {
            let mut row = transition(n, 1, State::Completed);
            if n == 7 || n == 4_499 {
                row.started_by = "Zoë".into();
            }
            changed(row)
        }))
        .await;
    let (mut after, mut found, mut pages) = (None, Vec::new(), Vec::new());
    loop {
        let page = fixture.model.search(&Filter::default(), "zoË", after, 100).await.unwrap();
        found.extend(page.rows.iter().map(|row| row.id.0.as_u128()));
        pages.push(page.looked_through);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), (vec![4_499, 7], vec![2_000, 2_000, 500]));
}

/// Two transitions of one customer: the first failed and was undone, the second moved its lines under the same plan.
#[tokio::test]
async fn how_subscriptions_and_plans_stand_is_what_all_transitions_made_of_them() {
    let fixture = fixture().await;
    let (partner, customer) = (id(1_000), id(5));
    let of = |n: u128, state, lines: Vec<_>, plan_status, reused, packets| {
        let mut row = transition(n, 9, state);
        (row.customer_id, row.effective_at, row.ended_at) = (customer, Some(at(3_600)), Some(at(100 + i64::try_from(n).unwrap())));
        (row.lines, row.plans) = (u32::try_from(lines.len()).unwrap(), 1);
        let mut bought = plan("10", 77, 5);
        (bought.status, bought.reused) = (Some(plan_status), reused);
        TransitionChanged { lines, plans: vec![bought], packets, ..changed(row) }
    };
    let (mut undone, mut failed) = (line(11, 0, 5), line(12, 0, 5));
    undone.undo = Some(Evidence::Undone);
    failed.error = Some((Step::Mapping, ItemError { code: "2012".into(), description: "no".into() }));
    failed.undo = Some(Evidence::Fenced);
    let first = of(1, State::Compensated, vec![undone, failed], PlanStatus::Suspended, false, vec![packet(Step::Mapping, 0, 4)]);
    fixture.tell([first]).await;
    let standings = async |ids: &[u128]| fixture.model.standings(partner, customer, ids.iter().map(|n| id(*n))).await.unwrap();
    let standing = &standings(&[11, 99]).await[&id(11)];
    assert_eq!((standing.plan_id, standing.effective_at, standing.suspended), (None, None, None));
    let own = fixture.model.own_plans(partner, customer).await.unwrap();
    assert_eq!((own.len(), own[0].id, own[0].status, own[0].bought_at), (1, id(77), PlanStatus::Suspended, Some(at(1))));
    assert_eq!(fixture.model.under_plan((partner, customer), id(77), Uuid::nil(), 10, None).await.unwrap(), (Vec::new(), 0));

    // more lines than a page, and one whose suspension has not been answered yet
    let mut lines: Vec<_> = (11..=15).map(|n| line(n, 0, 5)).collect();
    lines.push(line(16, 1, 5));
    let packets = vec![packet(Step::Mapping, 0, 4), packet(Step::Mapping, 1, 4), packet(Step::Suspension, 0, 6)];
    fixture.tell([of(2, State::SuspendingCommerce, lines, PlanStatus::Active, true, packets)]).await;
    let now = standings(&[11, 16]).await;
    assert_eq!((now[&id(11)].plan_id, now[&id(11)].suspended, now[&id(11)].transition_id), (Some(id(77)), Some(Some(at(102))), id(2)));
    assert_eq!((now[&id(16)].plan_id, now[&id(16)].suspended), (Some(id(77)), None));
    let own = fixture.model.own_plans(partner, customer).await.unwrap();
    assert_eq!((own[0].status, own[0].bought_at), (PlanStatus::Active, Some(at(1))), "when it was bought stays");
    let (mut seen, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let (page, total) = fixture.model.under_plan((partner, customer), id(77), after, 2, None).await.unwrap();
        assert_eq!(total, 6);
        let Some(last) = page.last() else { break };
        after = last.azure_subscription_id.0;
        seen.extend(page.iter().map(|standing| standing.azure_subscription_id.0.as_u128()));
    }
    assert_eq!(seen, [11, 12, 13, 14, 15, 16]);
    assert!(fixture.model.standings(id(1_001), customer, [id(11)]).await.unwrap().is_empty(), "another partner's");
    assert!(fixture.model.own_plans(id(1_001), customer).await.unwrap().is_empty());
    assert!(fixture.model.versions_of(partner, customer).await.unwrap() == 18);
}

#[tokio::test]
async fn customers_are_listed_by_name_and_found_by_name_domain_and_reseller() {
    let fixture = fixture().await;
    let mpn = |text: &str| MpnId::try_new(text).unwrap();
    let told = |version, at_second, customers: &[(u128, &str, &[&str])]| AccountImported {
        partner_id: id(1),
        partner_name: "p".into(),
        begun_at: Some(at(at_second)),
        customers: customers
            .iter()
            .map(|(n, name, resellers)| ImportedCustomer {
                customer_id: id(*n),
                version,
                company_name: (*name).into(),
                domain: format!("C{n}.example"),
                country: "FR".into(),
                relationship_to_partner: Some(Relationship::Reseller),
                resellers: resellers.iter().map(|text| mpn(text)).collect(),
            })
            .collect(),
        resellers: [("10", 510_u128), ("20", 520)]
            .map(|(text, tenant)| ResellerFacts {
                id: Some(id(tenant)),
                mpn_id: mpn(text),
                name: format!("of second {at_second}"),
                state: "Active".into(),
                location: None,
                is_agreement_signed: true,
            })
            .to_vec(),
        audit: Vec::new(),
    };
    let tell = async |event| {
        let mut changes = Changes::default();
        changes.account(event);
        fixture.model.apply(&changes, at(0), GAP).await.unwrap();
    };
    tell(told(1, 50, &[(1, "zeta", &["10"]), (2, "Alpha 50%", &["10", "20"]), (3, "alpha", &[]), (4, "Émile", &["20"])])).await;
    tell(told(2, 40, &[(1, "zeta", &["20"])])).await; // its reseller has changed; and told late, by an import that began earlier
    let other = AccountImported { partner_id: id(2), resellers: Vec::new(), ..told(1, 50, &[(1, "alpha", &[])]) };
    tell(other).await;

    let ids = async |filter: CustomerFilter| {
        let page = fixture.model.customers(&filter, None, 100, None).await.unwrap();
        assert_eq!((page.total, page.next), (page.rows.len() as u64, None));
        page.rows.iter().map(|row| (row.partner_id.0.as_u128(), row.customer_id.0.as_u128())).collect::<Vec<_>>()
    };
    let all = [(2, 1), (1, 3), (1, 2), (1, 1), (1, 4)];
    assert_eq!(ids(CustomerFilter::default()).await, all, "by name without regard to case, then by id");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.model.customers(&CustomerFilter::default(), after, 2, None).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.rows.iter().map(|row| (row.partner_id.0.as_u128(), row.customer_id.0.as_u128())));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let own = || CustomerFilter { partner: Some(id(1)), ..CustomerFilter::default() };
    assert_eq!(ids(own()).await, all[1..]);
    let named = |pattern| CustomerFilter { name: Some(pattern), ..own() };
    assert_eq!(ids(named(Pattern::new("", "ALPHA", "%", false))).await, [(1, 3), (1, 2)]);
    assert_eq!(ids(named(Pattern::new("", "alpha", "%", true))).await, [(1, 1), (1, 4)]);
    assert_eq!(ids(named(Pattern::new("%", "0%", "%", false))).await, [(1, 2)], "a percent sign is one");
    assert_eq!(ids(named(Pattern::new("", "alph_", "", false))).await, [(0, 0); 0], "and so is an underscore");
    let domain = Pattern::new("", "c4.EXAMPLE", "", false);
    assert_eq!(ids(CustomerFilter { domain: Some(domain), ..own() }).await, [(1, 4)]);
    let of_reseller = |tenant: u128| CustomerFilter { reseller: Some(Uuid::from_u128(tenant)), ..CustomerFilter::default() };
    assert_eq!(ids(of_reseller(510)).await, [(1, 2)], "not the customer that has changed");
    assert_eq!(ids(of_reseller(520)).await, [(1, 2), (1, 1), (1, 4)]);

    let resellers = fixture.model.resellers(Some(id(1)), (None, None), None, 10).await.unwrap();
    assert_eq!(resellers.iter().map(|row| row.facts.name.as_str()).collect::<Vec<_>>(), ["of second 50"; 2], "the later import holds");
    assert_eq!(fixture.model.resellers(Some(id(1)), (None, None), Some((id(1), "10".into())), 10).await.unwrap(), resellers[1..]);
    assert_eq!(fixture.model.resellers(None, (Some(&mpn("20")), None), None, 10).await.unwrap(), resellers[1..]);
    assert_eq!(fixture.model.resellers(None, (None, Some(Uuid::from_u128(510))), None, 10).await.unwrap(), resellers[..1]);
    assert!(fixture.model.resellers(Some(id(2)), (None, None), None, 10).await.unwrap().is_empty());
    assert_eq!(
        (fixture.model.count_resellers(Some(id(1))).await.unwrap(), fixture.model.count_resellers(Some(id(2))).await.unwrap()),
        (2, 0)
    );
}

/// An entry of the chain of customer `n` of a partner.
fn audited(partner: u128, n: u128, number: u32, event: &str, second: i64) -> CustomerEntry {
    CustomerEntry {
        partner_id: id(partner),
        customer_id: id(n),
        number,
        at: at(second),
        event: event.into(),
        text: String::new(),
        actor: "maria".into(),
        transition: None,
        request_id: None,
        correlation_id: None,
        old_value: None,
        new_value: None,
        hash: String::new(),
    }
}

impl Fixture {
    async fn tell_of(&self, second: i64, entries: Vec<CustomerEntry>) {
        let mut changes = Changes::default();
        let customer = |n, name: &str| ImportedCustomer {
            customer_id: id(n),
            version: 1,
            company_name: name.into(),
            domain: "d".into(),
            country: "FR".into(),
            relationship_to_partner: None,
            resellers: Vec::new(),
        };
        let customers = vec![customer(5, "Contoso 100% Ltd"), customer(6, "Fabrikam")];
        let (begun_at, resellers) = (None, Vec::new());
        changes.account(AccountImported { partner_id: id(1), partner_name: "p".into(), begun_at, customers, resellers, audit: entries });
        self.model.apply(&changes, at(second), GAP).await.unwrap();
    }
}

#[tokio::test]
async fn a_gap_in_a_chain_is_asked_for_from_where_it_begins() {
    let fixture = fixture().await;
    let claim = async |second| fixture.model.claim_chain_gaps(at(second), GAP).await.unwrap();
    fixture.tell_of(100, vec![audited(1, 5, 1, event::IMPORTED, 1), audited(1, 5, 2, event::STARTED, 2)]).await;
    assert!(claim(1_000).await.is_empty(), "none is missing");
    fixture.tell_of(100, vec![audited(1, 5, 5, event::ENDED, 5), audited(1, 6, 2, event::STARTED, 2)]).await;
    assert!(claim(109).await.is_empty());
    let mut claimed = claim(110).await;
    claimed.sort();
    assert_eq!(claimed, [((id(1), id(5)), 2), ((id(1), id(6)), 0)]);
    assert!(claim(110).await.is_empty(), "asked once, then waited for");
    assert!(!fixture.model.chain((id(1), id(5))).await.unwrap().unwrap().whole);
    fixture
        .tell_of(120, vec![audited(1, 5, 4, event::MAPPED, 4), audited(1, 5, 3, event::CANCELLED, 3), audited(1, 6, 1, event::IMPORTED, 1)])
        .await;
    assert!(claim(1_000).await.is_empty());
    let chain = fixture.model.chain((id(1), id(5))).await.unwrap().unwrap();
    assert!(chain.whole && chain.entries.iter().map(|entry| entry.number).eq(1..=5));

    // far behind the place up to which it was known to be whole
    let many = |numbers: std::ops::RangeInclusive<u32>| numbers.map(|number| audited(1, 7, number, event::STARTED, 1)).collect::<Vec<_>>();
    for number in 1..=120 {
        fixture.tell_of(200, many(number..=number)).await;
    }
    assert!(claim(1_000).await.is_empty());
    fixture.tell_of(200, many(131..=140)).await;
    fixture.tell_of(200, many(141..=200)).await;
    assert_eq!(claim(1_000).await, [((id(1), id(7)), 120)]);
    fixture.tell_of(200, many(121..=130)).await;
    assert!(claim(100_000).await.is_empty());
}

#[tokio::test]
async fn records_are_found_by_each_filter_and_in_pages() {
    let fixture = fixture().await;
    let mut entries: Vec<CustomerEntry> = (1..=5).map(|number| audited(1, 5, number, event::STARTED, 10)).collect();
    entries.push(audited(1, 6, 1, event::MAPPED, 11));
    entries.push(audited(2, 5, 1, event::IMPORTED, 12));
    fixture.tell_of(100, entries).await;
    let all = RecordFilter { partner: None, customer: None, resource_type: None, company: None, from: at(0), until: at(100) };
    let found = async |filter: &RecordFilter| {
        let (records, more) = fixture.model.records(filter, None, 100).await.unwrap();
        assert!(!more);
        records.iter().map(|record| (record.entry.partner_id.0.as_u128(), record.entry.customer_id.0.as_u128())).collect::<Vec<_>>()
    };
    assert_eq!(found(&all).await.len(), 7);
    assert_eq!(found(&RecordFilter { partner: Some(id(1)), ..all.clone() }).await.len(), 6);
    assert_eq!(found(&RecordFilter { customer: Some(id(5)), ..all.clone() }).await.len(), 6);
    assert_eq!(found(&RecordFilter { partner: Some(id(2)), customer: Some(id(5)), ..all.clone() }).await, [(2, 5)]);
    assert_eq!(found(&RecordFilter { resource_type: Some("azure_entitlement".into()), ..all.clone() }).await, [(1, 6)]);
    for (part, count) in [("fabri", 1), ("00% l", 5), ("0_%", 0), ("\\", 0), ("CONTOSO", 5)] {
        assert_eq!(found(&RecordFilter { company: Some(part.into()), ..all.clone() }).await.len(), count, "{part}");
    }
    assert_eq!(found(&RecordFilter { from: at(11), until: at(12), ..all.clone() }).await, [(1, 6)], "the end is not in it");
    let (mut numbers, mut after) = (Vec::new(), None);
    loop {
        let (page, more) = fixture.model.records(&all, after, 2).await.unwrap();
        numbers.extend(page.iter().map(|record| record.entry.number));
        let last = page.last().unwrap();
        after = Some((last.entry.at, last.entry.partner_id, last.entry.customer_id, last.entry.number));
        if !more {
            break;
        }
    }
    assert_eq!(numbers, [1, 1, 5, 4, 3, 2, 1], "newest first, no record twice, none left out");
}
