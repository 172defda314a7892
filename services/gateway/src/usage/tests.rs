//! Random histories of transitions, undoings and usage, in any order of arrival: every record has exactly one owner, the one that mapping's
//! ledger says, and what the owners have is what was metered. On SQLite, or on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one.

use super::*;
use crate::{
    files::{FileError, FileState},
    fixtures::id,
    model::MIGRATIONS,
    settings::Settings,
};
use bytes::Bytes;
use planshift_billing::{Decimal, Defaults, Format};
use planshift_domain::{
    ids::{AzureSubscriptionId, PartnerId},
    message::ownership::{OwnedSubscription, OwnershipPoint, OwnershipRead, ReadOwnership},
    ownership::{Owner, give_back_at, owner_at},
    time::Timestamp,
};
use planshift_messaging::{Destination, EmbeddedBroker, Queue, Service, Settlement};
use planshift_telemetry::TraceContext;
use planshift_worker::codec;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const PARTNER: PartnerId = PartnerId(Uuid::from_u128(1_000));
const HOUR: i64 = 3_600;

type Ledger = Arc<Mutex<BTreeMap<AzureSubscriptionId, Vec<OwnershipPoint>>>>;

pub(crate) struct Fixture {
    usage: Usage,
    ledger: Ledger,
    stop: CancellationToken,
    _broker: EmbeddedBroker,
    _folder: tempfile::TempDir,
}

/// With a mapping that answers from the ledger; it knows the subscriptions of the ledger alone.
pub(crate) async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let database = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
        Ok(url) => Database::connect_postgres(&url, &format!("gateway_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
        Err(_) => Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap(),
    };
    database.migrate(MIGRATIONS).await.unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let (ports, settings, stop, ledger) = (Ports::system(), Settings::default(), CancellationToken::new(), Ledger::default());
    let asker = Asker::new(broker.for_service(Service::Gateway), ports.clone(), &settings);
    let (listening, stopped) = (asker.clone(), stop.clone());
    tokio::spawn(async move { listening.listen(&stopped).await });
    let (mapping, known) = (broker.for_service(Service::Mapping), ledger.clone());
    tokio::spawn(async move {
        let mut consumer = mapping.consume(Queue::Service(Service::Mapping), 10).await.unwrap();
        while let Some(batch) = consumer.next(10).await {
            for delivery in batch {
                let question: ReadOwnership = codec::body(&delivery.message).unwrap();
                let subscriptions = question.azure_subscription_ids.iter().filter_map(|azure| told(&known, *azure, usize::MAX)).collect();
                let body = OwnershipRead { request_id: question.request_id, subscriptions };
                let to = Destination::Answer(delivery.message.reply_to.clone().unwrap());
                let now = Timestamp::from_micros(0);
                let answer = codec::outgoing(to, Uuid::new_v4().to_string(), String::new(), &TraceContext::default(), now, &body);
                mapping.publish(vec![answer]).await.unwrap();
                consumer.settle(vec![(delivery.tag, Settlement::Ack)]).await.unwrap();
            }
        }
    });
    let usage = Usage::new(database, asker, ports, settings.answer);
    Fixture { usage, ledger, stop, _broker: broker, _folder: folder }
}

/// What mapping says of a subscription: its first so many points.
fn told(ledger: &Ledger, azure: AzureSubscriptionId, first: usize) -> Option<OwnedSubscription> {
    let points: Vec<_> = ledger.lock().unwrap().get(&azure)?.iter().take(first).copied().collect();
    Some(OwnedSubscription { azure_subscription_id: azure, customer_id: id(5), points })
}

impl Fixture {
    /// What else works with the same database.
    pub(crate) fn parts(&self) -> (Database, Asker, Ports) {
        (self.usage.database.clone(), self.usage.asker.clone(), self.usage.ports.clone())
    }

    /// Mapping knows this subscription.
    pub(crate) fn has(&self, azure: AzureSubscriptionId) {
        self.ledger.lock().unwrap().entry(azure).or_default();
    }

    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn bring(&self, text: &str) -> Result<Import, FileError> {
        let (give, pieces) = mpsc::channel(2);
        let text = Bytes::copy_from_slice(text.as_bytes());
        tokio::spawn(async move {
            for piece in text.chunks(97) {
                if give.send(Ok(Bytes::copy_from_slice(piece))).await.is_err() {
                    return;
                }
            }
        });
        let bringing =
            Bringing { id: Uuid::new_v4(), partner: PARTNER, format: Format::Csv, defaults: Defaults::default(), actor: "maria".into() };
        self.usage.bring(&bringing, pieces, async { Some("hash".to_owned()) }, &TraceContext::default()).await
    }

    /// Asks mapping anew, as the follower does.
    async fn ask_anew(&self, azure: AzureSubscriptionId) {
        self.usage.ask_for(PARTNER, &BTreeMap::from([(azure, 1)]), &TraceContext::default()).await.unwrap();
    }

    async fn all(&self, azure: AzureSubscriptionId) -> Vec<Listed> {
        let filter = of(azure);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.usage.page(&filter, after, 7).await.unwrap();
            let Some(last) = page.last() else { return all };
            after = Some(last.place());
            all.extend(page);
        }
    }
}

fn of(azure: AzureSubscriptionId) -> UsageFilter {
    UsageFilter { partner: PARTNER, azure: Some(azure), customer: None, from: None, to: None, plans: None }
}

const HEADER: &str = "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n";

fn hour(number: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(number * HOUR)
}

fn row(azure: AzureSubscriptionId, number: i64, quantity: &str) -> String {
    format!("{},{},m,{quantity},Hours,/subscriptions/{azure}/x\n", hour(number), hour(number + 1))
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A number below `below`: the same for the same seed.
fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below
}

/// A transition of this subscription comes to it, or is undone: as mapping appends its change points.
fn history(ledger: &Ledger, azure: AzureSubscriptionId, state: &mut u64) {
    let mut ledger = ledger.lock().unwrap();
    let points = ledger.get_mut(&azure).unwrap();
    let since = points.last().map_or(0, |last| last.from.as_micros() / 1_000_000 / HOUR);
    let now = hour(since).plus_seconds(i64::try_from(random(state, 4 * 3_600)).unwrap() - 1_800);
    let given = points.last().filter(|last| last.plan_id.is_some()).copied();
    let (from, plan_id, transition_id) = match given {
        Some(given) => (give_back_at(given.from, now), None, given.transition_id),
        None => (now.next_whole_hour().max(hour(since)), Some(id(u128::from(random(state, 3)) + 70)), id(u128::from(random(state, 1_000)))),
    };
    let revision = points.iter().filter(|point| point.from == from).count();
    points.push(OwnershipPoint { from, revision: u32::try_from(revision).unwrap(), plan_id, transition_id });
}

#[tokio::test]
async fn every_record_has_one_owner_and_the_sums_agree_whatever_the_order() {
    for seed in 1..=6_u64 {
        let fixture = fixture().await;
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let azure: Vec<AzureSubscriptionId> = (1..=3).map(id).collect();
        fixture.ledger.lock().unwrap().extend(azure.iter().map(|azure| (*azure, Vec::new())));
        // what was metered: the last quantity that was told of each hour
        let mut metered: BTreeMap<(AzureSubscriptionId, i64), Decimal> = BTreeMap::new();
        for _ in 0..40 {
            let one = azure[usize::try_from(random(&mut state, 3)).unwrap()];
            match random(&mut state, 6) {
                0 | 1 => history(&fixture.ledger, one, &mut state),
                2 => fixture.ask_anew(one).await,
                // an answer that was long on its way: it knows less than is known
                3 => {
                    let first = usize::try_from(random(&mut state, 4)).unwrap();
                    let old = told(&fixture.ledger, one, first).unwrap();
                    fixture.usage.learn(PARTNER, &[old], &BTreeMap::new()).await.unwrap();
                }
                // a file that is at fault in its last row changes nothing
                4 => {
                    let before = fixture.all(one).await.len();
                    let text = format!("{HEADER}{}{}", row(one, 500, "1"), row(one, 501, "1,5"));
                    assert!(matches!(fixture.bring(&text).await, Err(FileError::Faults(_))));
                    assert_eq!(fixture.all(one).await.len(), before);
                }
                // usage of some hours, late or early, some of it told before, some of it corrected
                _ => {
                    let mut file: BTreeMap<(AzureSubscriptionId, i64), String> = BTreeMap::new();
                    for _ in 0..12 {
                        let of = azure[usize::try_from(random(&mut state, 3)).unwrap()];
                        let quantity = format!("{}.{:020}", random(&mut state, 5), random(&mut state, 1_000_000_000));
                        file.insert((of, i64::try_from(random(&mut state, 30)).unwrap()), quantity);
                    }
                    let text: String = file.iter().map(|((of, number), quantity)| row(*of, *number, quantity)).collect();
                    let import = fixture.bring(&format!("{HEADER}{text}")).await.unwrap();
                    let known = file.keys().filter(|key| metered.contains_key(key)).count() as u64;
                    assert_eq!(
                        (import.brought.records, import.brought.added),
                        (file.len() as u64, file.len() as u64 - known),
                        "seed {seed}"
                    );
                    assert_eq!(import.brought.repeated + import.brought.corrected, known);
                    metered.extend(file.into_iter().map(|(key, quantity)| (key, decimal(&quantity))));
                }
            }
        }
        for one in &azure {
            fixture.ask_anew(*one).await;
            let points: Vec<_> = fixture.ledger.lock().unwrap()[one].iter().map(OwnershipPoint::point).collect();
            let (records, mut identities) = (fixture.all(*one).await, HashSet::new());
            let of_this: BTreeMap<i64, &Decimal> =
                metered.iter().filter(|((azure, _), _)| azure == one).map(|((_, number), quantity)| (*number, quantity)).collect();
            assert_eq!(records.len(), of_this.len(), "seed {seed}");
            for record in &records {
                assert!(identities.insert(record.identity));
                assert_eq!(record.owner, owner_at(&points, record.start), "seed {seed}: {} of {points:?}", record.start);
                assert_eq!(&record.quantity, of_this[&(record.start.as_micros() / 1_000_000 / HOUR)], "seed {seed}");
            }
            let totals = fixture.usage.totals(&of(*one)).await.unwrap();
            let all: Decimal = totals.iter().map(|total| total.quantity.clone()).sum();
            let expected: Decimal = of_this.values().map(|quantity| (*quantity).clone()).sum();
            assert_eq!(all, expected, "seed {seed}: D and G together are what was metered");
            for (.., check) in fixture.usage.check(&of(*one)).await.unwrap() {
                assert_eq!((check.holds, &check.metered), (true, &expected), "seed {seed}: {check:?}");
            }
            let legacy: Decimal = records.iter().filter(|one| one.owner == Owner::Legacy).map(|one| one.quantity.clone()).sum();
            let d: Decimal = totals.iter().filter(|total| total.owner == Owner::Legacy).map(|total| total.quantity.clone()).sum();
            assert_eq!(d, legacy, "seed {seed}");
        }
        fixture.stop.cancel();
    }
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing_and_a_correction_is_a_revision() {
    let fixture = fixture().await;
    let azure: AzureSubscriptionId = id(1);
    fixture.ledger.lock().unwrap().insert(azure, Vec::new());
    let file = format!("{HEADER}{}{}", row(azure, 1, "1.5"), row(azure, 2, "2"));
    let first = fixture.bring(&file).await.unwrap();
    assert_eq!((first.brought.records, first.brought.added, first.brought.repeated, first.brought.corrected), (2, 2, 0, 0));
    let again = fixture.bring(&file).await.unwrap();
    assert_eq!((again.brought.records, again.brought.added, again.brought.repeated, again.brought.corrected), (2, 0, 2, 0));
    assert_eq!(fixture.usage.files.same(PARTNER, "hash").await.unwrap().map(|same| same.id), Some(first.id));
    let corrected = fixture.bring(&format!("{HEADER}{}{}", row(azure, 2, "3"), row(azure, 3, "1"))).await.unwrap();
    assert_eq!((corrected.brought.added, corrected.brought.repeated, corrected.brought.corrected), (1, 0, 1));
    let records = fixture.all(azure).await;
    let shown: Vec<_> = records.iter().map(|one| (one.quantity.to_string(), one.revision)).collect();
    assert_eq!(shown, [("1.5".to_owned(), 0), ("3".to_owned(), 1), ("1".to_owned(), 0)]);
}

/// What the check of the sums is for: a hand in the database, or a defect, that gives a record to nobody, or to whom it does not belong.
#[tokio::test]
async fn the_check_of_the_sums_can_say_no() {
    static STRAY: planshift_storage::Statement =
        planshift_storage::Statement::new("UPDATE usage_records SET plan_id = $2 WHERE azure_id = $1 AND start_at = $3");
    static ORPHANS: planshift_storage::Statement =
        planshift_storage::Statement::new("UPDATE usage_subscriptions SET azure_id = $2 WHERE azure_id = $1");
    let fixture = fixture().await;
    let azure: AzureSubscriptionId = id(1);
    let point = OwnershipPoint { from: hour(2), revision: 0, plan_id: Some(id(70)), transition_id: id(9) };
    fixture.ledger.lock().unwrap().insert(azure, vec![point]);
    fixture.bring(&format!("{HEADER}{}{}{}", row(azure, 1, "1.5"), row(azure, 2, "2"), row(azure, 3, "4"))).await.unwrap();
    let sums = async || {
        let checks = fixture.usage.check(&of(azure)).await.unwrap();
        let [(_, _, check)] = &checks[..] else { panic!("one kind, one unit: {checks:?}") };
        let of = |decimal: &Decimal| decimal.to_string();
        (of(&check.metered), of(&check.legacy), of(&check.plan), of(&check.difference), check.holds)
    };
    let told = |metered: &str, d: &str, g: &str, difference: &str, holds| {
        (metered.to_owned(), d.to_owned(), g.to_owned(), difference.to_owned(), holds)
    };
    assert_eq!(sums().await, told("7.5", "1.5", "6", "0", true));
    let (database, args) = (&fixture.usage.database, |plan: Option<Uuid>, start: i64| {
        planshift_storage::Args::new().value(azure.0).value(plan).value(hour(start).as_micros())
    });
    // a plan that never owned it
    database.execute(&STRAY, args(Some(Uuid::from_u128(71)), 3)).await.unwrap();
    assert_eq!(sums().await, told("7.5", "1.5", "2", "4", false));
    database.execute(&STRAY, args(Some(Uuid::from_u128(70)), 3)).await.unwrap();
    // given back to the legacy offer, though the plan owns that hour
    database.execute(&STRAY, args(None, 2)).await.unwrap();
    assert_eq!(sums().await, told("7.5", "1.5", "4", "2", false));
    database.execute(&STRAY, args(Some(Uuid::from_u128(70)), 2)).await.unwrap();
    assert_eq!(sums().await, told("7.5", "1.5", "6", "0", true));
    // records of a subscription that nobody has any more are nobody's
    let orphan = planshift_storage::Args::new().value(azure.0).value(Uuid::from_u128(99));
    database.execute(&ORPHANS, orphan).await.unwrap();
    assert_eq!(sums().await, told("7.5", "0", "0", "7.5", false));
}

#[tokio::test]
async fn a_file_that_contradicts_itself_or_is_of_strangers_is_refused_by_row() {
    let fixture = fixture().await;
    let (azure, strange): (AzureSubscriptionId, AzureSubscriptionId) = (id(1), id(2));
    fixture.ledger.lock().unwrap().insert(azure, Vec::new());
    for (text, wrong_row, column) in [
        (format!("{HEADER}{}{}", row(azure, 1, "1"), row(azure, 1, "2")), 3, "Quantity"),
        (format!("{HEADER}{}{}", row(azure, 1, "1"), row(strange, 1, "2")), 3, "EntitlementId"),
    ] {
        let Err(FileError::Faults(faults)) = fixture.bring(&text).await else { panic!("it was taken") };
        assert_eq!((faults.total, faults.listed[0].row, faults.listed[0].column.as_str()), (1, wrong_row, column), "{faults}");
    }
    assert!(fixture.all(azure).await.is_empty());
    let refused = fixture.usage.files.newest(Some(PARTNER), None, 10).await.unwrap();
    assert!(refused.iter().all(|import| import.state == FileState::Refused && import.ended_at.is_some()));
    // twice the same in one file is once
    let twice = fixture.bring(&format!("{HEADER}{0}{0}", row(azure, 1, "1"))).await.unwrap();
    assert_eq!((twice.brought.records, twice.brought.added, twice.brought.repeated), (2, 1, 1));
}

#[tokio::test]
async fn what_a_crash_has_left_is_not_seen_and_is_taken_out() {
    static TOUCH: planshift_storage::Statement = planshift_storage::Statement::new(
        "INSERT INTO usage_touched (import_id, azure_id) SELECT $1::uuid, azure_id FROM usage_records WHERE true ON CONFLICT DO NOTHING",
    );
    static REOPEN: planshift_storage::Statement =
        planshift_storage::Statement::new("UPDATE usage_imports SET state = 'Running', alive_at = $2, ended_at = NULL WHERE id = $1");
    let fixture = fixture().await;
    let azure: AzureSubscriptionId = id(1);
    fixture.ledger.lock().unwrap().insert(azure, Vec::new());
    let import = fixture.bring(&format!("{HEADER}{}", row(azure, 1, "1"))).await.unwrap();
    // as it was in the middle of it, with nobody at it any more
    let (database, now) = (&fixture.usage.database, fixture.usage.ports.clock.now());
    let args = || planshift_storage::Args::new().value(import.id);
    database.execute(&TOUCH, args()).await.unwrap();
    database.execute(&REOPEN, args().value(now.as_micros())).await.unwrap();
    assert!(fixture.all(azure).await.is_empty(), "nothing of an import under way is seen");
    assert!(matches!(fixture.bring(&format!("{HEADER}{}", row(azure, 2, "1"))).await, Err(FileError::UnderWay)));
    database.execute(&REOPEN, args().value(now.plus_seconds(-120).as_micros())).await.unwrap();
    assert_eq!(fixture.usage.files.undo_silent_ones().await.unwrap(), 1);
    assert_eq!(fixture.usage.files.find(import.id).await.unwrap().unwrap().state, FileState::Broken);
    let next = fixture.bring(&format!("{HEADER}{}", row(azure, 1, "7"))).await.unwrap();
    assert_eq!((next.brought.added, next.brought.corrected), (1, 0), "the first one is not there any more");
}
