use super::{audit::RecordFilter, requests::Reserved, *};
use crate::fixtures::{at, changed, entry, id, line, packet, plan, transition};
use planshift_domain::{
    audit::{CustomerEntry, event},
    ids::TransitionId,
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
        assert_eq!(page.total, page.rows.len() as u64);
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
        assert!(page.rows.len() <= 2 && page.total == 7);
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
        let customers = vec![ImportedCustomer { customer_id: id(5), version, company_name: name.into(), domain: "d".into() }];
        changes.account(AccountImported { partner_id: id(partner), partner_name: "p".into(), customers, audit: Vec::new() });
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
        let customer = |n, name: &str| ImportedCustomer { customer_id: id(n), version: 1, company_name: name.into(), domain: "d".into() };
        let customers = vec![customer(5, "Contoso 100% Ltd"), customer(6, "Fabrikam")];
        changes.account(AccountImported { partner_id: id(1), partner_name: "p".into(), customers, audit: entries });
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
