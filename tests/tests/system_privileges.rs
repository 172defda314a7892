//! Least privilege, on real servers: each service as a user and a role of its own, with the rights that are shipped. They are enough for
//! everything that a service does, and for nothing of what it should not.

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
    },
    types::FieldTable,
};
use planshift_tests::{
    accounts::{self, Document},
    cluster::{Cluster, SERVICES},
    outcome::Ran,
    own,
    place::{Distributed, Place},
    program::{PATIENCE, Program},
    wait,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

fn servers(place: &Place) -> &Distributed {
    let Place::Distributed(servers) = place else { panic!("on servers") };
    servers
}

/// Everything that the six do for transitions, completed, refused and compensated, and what an operator does beside it.
#[test]
fn transitions_run_with_each_service_as_its_own_user_and_role() {
    let place = Place::distributed();
    let cluster = Cluster::of_own_users(&place, &[]);
    let document = Document::generated(40, 4, 7);
    let ran = Ran::of(&cluster.run(&document.path()).expect(0));
    assert_eq!(ran.count("Completed"), 40);
    let blocked = Ran::of(&cluster.run(&accounts::sample("blocked")).expect(3));
    assert!(blocked.count("Ineligible") > 0);
    // cancelled before its pivot: what was bought is undone
    cluster.planshift(&["import", &accounts::sample("two-resellers").display().to_string()]).expect(0);
    cluster.planshift(&["steps", "pause", "mapping", "--reason", "a test"]).expect(0);
    let started = cluster.planshift(&["start", "--customer", "c501c3c4-d776-40ef-9ecf-9cefb59442c1", "--json"]).expect(0);
    let id = started.json()[0]["transitionId"].as_str().unwrap().to_owned();
    let status = || cluster.planshift(&["status", &id, "--json"]).expect(0).json().remove(0);
    wait::until("its plans are bought", PATIENCE, || status()["plans"].as_array().is_some_and(|plans| plans.len() == 2));
    cluster.planshift(&["cancel", &id]).expect(0);
    cluster.planshift(&["steps", "resume", "mapping"]).expect(0);
    cluster.planshift(&["watch", &id]).expect(3);
    let status = status();
    assert_eq!((status["state"].as_str(), status["plans"][0]["status"].as_str()), (Some("Compensated"), Some("suspended")), "{status}");
    cluster.planshift(&["dead-letters"]).expect(0);
    let instances = || cluster.planshift(&["instances", "--json"]).expect(0).json().remove(0);
    wait::until("each is heard, as the user that it is", PATIENCE, || {
        let alive = instances()["items"].as_array().unwrap().iter().filter(|one| one["state"] == "alive").count();
        alive == SERVICES.len()
    });
    let queues = cluster.planshift(&["queues", "--json"]).expect(0).json().remove(0);
    assert!(queues["items"].as_array().unwrap().iter().all(|queue| queue["state"] == "seen"), "{queues}");
    verified_as_the_role_that_reads(servers(&place));
    for service in SERVICES {
        let log = cluster.log(service);
        assert!(!log.contains("permission denied") && !log.contains("ACCESS_REFUSED"), "{service} asks for more than it may:\n{log}");
    }
}

/// `planshift verify` as the role that may do nothing else.
fn verified_as_the_role_that_reads(place: &Distributed) {
    let outcome = Program::planshift(["verify", "--database", &own::database_url(place, "verify")]).run().expect(0);
    let checked = outcome.stdout.lines().find_map(|line| line.strip_prefix("I19 ")?.split_whitespace().next()?.parse::<u32>().ok());
    assert!(checked.is_some_and(|checked| checked > 0), "it has checked something\n{outcome}");
}

/// A database that was migrated by somebody else first: the roles are made on it, twice, and it goes on.
#[test]
fn roles_come_to_a_database_that_is_in_use() {
    let place = Place::distributed();
    place.planshift(&["migrate"]).expect(0);
    place.run(&accounts::sample("two-resellers"), &[]).expect(0);
    own::make(servers(&place));
    let cluster = Cluster::of_own_users(&place, &[]);
    let ran = Ran::of(&cluster.run(&Document::generated(3, 4, 8).path()).expect(0));
    assert_eq!(ran.count("Completed"), 3);
    verified_as_the_role_that_reads(servers(&place));
}

/// A place with users and roles, migrated by those that are there for that.
fn migrated() -> Place {
    let place = Place::distributed();
    own::make(servers(&place));
    let urls = [own::database_url(servers(&place), "migrate"), own::broker_url(servers(&place), "migrate")];
    Program::planshift(["migrate", "--database", &urls[0], "--broker", &urls[1]]).run().expect(0);
    place
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

#[test]
fn a_role_reaches_its_own_schema_alone() {
    let place = migrated();
    block_on(role_of_mapping(servers(&place)));
}

async fn role_of_mapping(place: &Distributed) {
    let mut mapping = PgConnection::connect(&own::database_url(place, "mapping")).await.unwrap();
    for statement in
        ["SELECT count(*) FROM mapping.ownership", "DELETE FROM mapping.ledger", "UPDATE mapping.azure_subscriptions SET plan_id = plan_id"]
    {
        assert_eq!(refusal(&mut mapping, statement).await, None, "{statement}");
    }
    for statement in [
        "SELECT * FROM coordinator.transitions",
        "SELECT * FROM purchasing.schema_version",
        "DELETE FROM suspension.ledger",
        "UPDATE gateway.transitions SET id = id",
        "CREATE TABLE mapping.x (a int)",
        "CREATE TABLE public.x (a int)",
        "CREATE TEMPORARY TABLE x (a int)",
        "CREATE SCHEMA x",
        "DROP TABLE mapping.ledger",
        "ALTER TABLE mapping.ledger ADD COLUMN x int",
        "TRUNCATE mapping.ledger",
        "CREATE ROLE planshift_x",
        "SET ROLE planshift_migrate",
        "COPY mapping.ledger TO PROGRAM 'true'",
    ] {
        assert_eq!(refusal(&mut mapping, statement).await.as_deref(), Some("42501"), "{statement}");
    }
    let mut verify = PgConnection::connect(&own::database_url(place, "verify")).await.unwrap();
    assert_eq!(refusal(&mut verify, "SELECT * FROM coordinator.transitions").await, None);
    for write in ["DELETE FROM mapping.ledger", "CREATE TEMPORARY TABLE x (a int)"] {
        // read only first of all; and without the right where it says that it is not
        assert_eq!(refusal(&mut verify, write).await.as_deref(), Some("25006"), "{write}");
        let insisting = format!("BEGIN READ WRITE; {write}; COMMIT");
        assert_eq!(refusal(&mut verify, &insisting).await.as_deref(), Some("42501"), "{insisting}");
        assert_eq!(refusal(&mut verify, "ROLLBACK").await, None);
    }
}

/// The code with which the server refuses a statement.
async fn refusal(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await;
    Some(outcome.err()?.into_database_error().expect("the server's own words").code().expect("a code").into_owned())
}

#[test]
fn a_user_reaches_its_own_queue_alone() {
    let place = migrated();
    // what it may send is nothing that anybody could read
    servers(&place).forget_queues();
    block_on(user_of_mapping(servers(&place)));
}

async fn user_of_mapping(place: &Distributed) {
    let connection = Connection::connect(&own::broker_url(place, "mapping"), ConnectionProperties::default()).await.unwrap();
    let channel = || async { connection.create_channel().await.unwrap() };

    // what it may
    let own_queue = channel().await.basic_consume("planshift.mapping".into(), "".into(), <_>::default(), <_>::default()).await;
    assert!(own_queue.is_ok());
    assert!(is_taken(&channel().await, "planshift.replies", "coordinator", "planshift-mapping").await);
    assert!(is_taken(&channel().await, "planshift.dead", "", "planshift-mapping").await);
    assert!(is_taken(&channel().await, "planshift.events", "message.ended", "planshift-mapping").await);

    // what it may not: read others' queues,
    for queue in ["planshift.purchasing", "planshift.coordinator", "planshift.gateway", "planshift.dead", "planshift.delay.1s"] {
        let got = channel().await.basic_get(queue.into(), BasicGetOptions::default()).await;
        assert!(is_refused(&got.err()), "get from {queue}");
        let consumed = channel().await.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await;
        assert!(is_refused(&consumed.err()), "consume {queue}");
        let purged = channel().await.queue_purge(queue.into(), QueuePurgeOptions::default()).await;
        assert!(is_refused(&purged.err()), "purge {queue}");
        let deleted = channel().await.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
        assert!(is_refused(&deleted.err()), "delete {queue}");
    }
    // delete its own, make one, bind one,
    let deleted = channel().await.queue_delete("planshift.mapping".into(), QueueDeleteOptions::default()).await;
    assert!(is_refused(&deleted.err()));
    for name in ["planshift.answers.x", "planshift.mapping2", "x"] {
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        assert!(is_refused(&channel().await.queue_declare(name.into(), options, FieldTable::default()).await.err()), "declare {name}");
    }
    let kind = lapin::ExchangeKind::Fanout;
    let options = ExchangeDeclareOptions::default();
    assert!(is_refused(&channel().await.exchange_declare("planshift.x".into(), kind, options, FieldTable::default()).await.err()));
    let (queue, exchange) = ("planshift.mapping".into(), "planshift.events".into());
    let bound = channel().await.queue_bind(queue, exchange, "#".into(), QueueBindOptions::default(), FieldTable::default()).await;
    assert!(is_refused(&bound.err()));
    // command, speak as somebody else, tell events that are not its own, go past the exchanges.
    for (exchange, key, user) in [
        ("planshift.commands", "purchasing", "planshift-mapping"),
        ("planshift.commands", "mapping", "planshift-mapping"),
        ("planshift.replies", "coordinator", "planshift-purchasing"),
        ("planshift.replies", "coordinator", "planshift-coordinator"),
        ("planshift.events", "transition.Completed", "planshift-mapping"),
        ("", "planshift.purchasing", "planshift-mapping"),
    ] {
        assert!(!is_taken(&channel().await, exchange, key, user).await, "publish to {exchange:?} with {key} as {user}");
    }
}

/// Does the broker confirm a message that is published as `user`?
async fn is_taken(channel: &Channel, exchange: &str, key: &str, user: &str) -> bool {
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default().with_user_id(user.into()));
    let Ok(confirm) = channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties).await else { return false };
    matches!(confirm.await, Ok(Confirmation::Ack(_)))
}

/// Refused for want of a right, and not for another reason.
fn is_refused(error: &Option<lapin::Error>) -> bool {
    error.as_ref().is_some_and(|error| error.to_string().contains("ACCESS_REFUSED"))
}
