//! From the feed to deliveries, with crashes and others at the same time.

use super::{dispatch::Round, *};
use crate::{
    fixtures::{changed, entry, id, transition},
    model::{Changes, ReadModel},
};
use planshift_domain::{history::HistoryEntry, ids::PartnerId, time::Timestamp, transition::State};
use planshift_storage::{Args, Statement};
use std::{collections::BTreeSet, time::Duration};

struct World {
    database: Database,
    model: ReadModel,
    _folder: tempfile::TempDir,
}

/// The partner of the fixtures' transitions.
fn partner() -> PartnerId {
    id(1_000)
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap();
        database.migrate(crate::MIGRATIONS).await.unwrap();
        Self { model: ReadModel::new(database.clone()), database, _folder: folder }
    }

    fn webhooks(&self) -> Webhooks {
        let settings = WebhookSettings { keep_delivered: Duration::from_secs(3600), ..WebhookSettings::default() };
        Webhooks::new(self.database.clone(), Hub::new(1), Ports::system(), Metrics::new(), settings, "127.0.0.1:1".parse().unwrap())
    }

    async fn registered(&self) -> Webhooks {
        let webhooks = self.webhooks();
        let registration = Registration {
            partner: partner(),
            subscriber: id(1),
            url: "https://example.org".into(),
            events: EventName::ALL.into(),
            changed_at: Timestamp::from_micros(0),
            actor: "maria".into(),
        };
        assert_eq!(webhooks.register(&registration).await.unwrap(), Registered::Now);
        webhooks
    }

    /// Tells of transition `n` with so many entries, each of another state.
    async fn tell(&self, n: u128, count: u32) {
        let mut event = changed(transition(n, count, State::CheckingEligibility));
        event.transition.history = count;
        event.history = (1..=count).map(|number| HistoryEntry { state: State::CheckingEligibility, ..entry(number) }).collect();
        let mut changes = Changes::default();
        changes.transition(event);
        self.model.apply(&changes, Timestamp::from_micros(0), Duration::ZERO).await.unwrap();
    }

    async fn run(&self, script: &str) {
        let mut transaction = self.database.begin().await.unwrap();
        transaction.run_script(script).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

async fn all(webhooks: &Webhooks) -> Vec<Delivery> {
    webhooks.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap().0
}

#[tokio::test]
async fn nobody_wants_anything_and_nothing_is_read_or_moved() {
    static PLACE: Statement = Statement::new("SELECT change, number FROM webhook_cursor");
    let world = World::new().await;
    world.tell(1, 3).await;
    assert_eq!(world.webhooks().dispatch_round().await.unwrap(), Round::Nobody);
    let row = &world.database.query(&PLACE, Args::new()).await.unwrap()[0];
    assert_eq!((row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap()), (0, 0));
    // and the first registration begins where the feed is
    let webhooks = world.registered().await;
    assert_eq!(webhooks.dispatch_round().await.unwrap(), Round::Done);
    assert!(all(&webhooks).await.is_empty());
}

#[tokio::test]
async fn a_batch_is_whole_or_not_at_all() {
    let world = World::new().await;
    let webhooks = world.registered().await;
    world.tell(1, 5).await;
    // it fails in the middle of the transaction, as a crash would cut it
    world.run("CREATE TRIGGER broken BEFORE INSERT ON webhook_deliveries BEGIN SELECT RAISE(ABORT, 'cut'); END").await;
    assert!(webhooks.dispatch_round().await.is_err());
    world.run("DROP TRIGGER broken").await;
    assert!(all(&webhooks).await.is_empty());
    assert_eq!(webhooks.dispatch_round().await.unwrap(), Round::Done);
    assert_eq!(all(&webhooks).await.len(), 5, "the place was not moved without its deliveries");
    assert_eq!(webhooks.dispatch_round().await.unwrap(), Round::Done);
    assert_eq!(all(&webhooks).await.len(), 5);
}

#[tokio::test]
async fn several_dispatchers_at_once_make_each_delivery_once_and_leave_none_out() {
    let world = World::new().await;
    let webhooks = world.registered().await;
    let others = [world.webhooks(), world.webhooks()];
    for n in 1..=30 {
        world.tell(n, 100).await;
    }
    let until_done = async |webhooks: &Webhooks| while webhooks.dispatch_round().await.unwrap() != Round::Done {};
    tokio::join!(until_done(&webhooks), until_done(&others[0]), until_done(&others[1]));
    let found = all(&webhooks).await;
    assert_eq!((found.len(), found.iter().map(|one| one.id).collect::<BTreeSet<_>>().len()), (3_000, 3_000));
}

#[tokio::test]
async fn what_cannot_be_read_holds_up_nobody() {
    let world = World::new().await;
    let webhooks = world.registered().await;
    world.tell(1, 2).await;
    world.run("UPDATE history SET body = '{' WHERE number = 1").await;
    world.tell(2, 2).await;
    assert_eq!(webhooks.dispatch_round().await.unwrap(), Round::Done);
    assert_eq!(all(&webhooks).await.len(), 3);
}

#[tokio::test]
async fn what_was_delivered_is_forgotten_after_a_while_and_what_is_dead_is_not() {
    let world = World::new().await;
    let webhooks = world.registered().await;
    world.tell(1, 3).await;
    webhooks.dispatch_round().await.unwrap();
    webhooks.test(partner(), id(77)).await.unwrap();
    let now = Ports::system().clock.now();
    let ago = |seconds: i64| now.plus_seconds(-seconds).as_micros();
    world.run(&format!("UPDATE webhook_deliveries SET state = 'delivered', ended_at = {} WHERE number = 1", ago(3_700))).await;
    world.run(&format!("UPDATE webhook_deliveries SET state = 'delivered', ended_at = {} WHERE number = 2", ago(3_500))).await;
    world.run(&format!("UPDATE webhook_deliveries SET state = 'dead', ended_at = {} WHERE number = 3", ago(99_999_999))).await;
    assert_eq!(webhooks.forget().await.unwrap(), 1);
    world.run(&format!("UPDATE webhook_deliveries SET created_at = {} WHERE event = 'test-created'", ago(8 * 24 * 3600))).await;
    assert_eq!(webhooks.forget().await.unwrap(), 1, "tests are kept for seven days");
    let mut left: Vec<_> = all(&webhooks).await.iter().map(|one| one.state.name()).collect();
    left.sort_unstable();
    assert_eq!(left, ["dead", "delivered"]);
}
