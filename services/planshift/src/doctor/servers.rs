//! PostgreSQL and RabbitMQ: reached, at this version, set so that nothing is lost, and looked after by somebody.

use super::Finding;
use crate::{host, settings::Servers};
use planshift_messaging::{
    Depth, Service,
    rabbitmq::{self, DeclareError, Seen, topology},
};
use planshift_storage::{Args, DEFAULT_POOL_SIZE, Database, Row, Statement, StorageError};
use std::{collections::BTreeMap, time::Duration};

const DATABASE: &str = "database";
const BROKER: &str = "broker";
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The oldest PostgreSQL that is tested.
const OLDEST_POSTGRES: i64 = 150_000;
/// So many messages may wait in a queue that nobody takes from, just now.
const A_FEW: u64 = 0;

static SERVER: Statement = Statement::new(
    "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), current_setting('fsync'),
            current_setting('synchronous_commit'), current_setting('full_page_writes'), current_setting('max_connections')::bigint",
);

pub(super) async fn look(servers: &Servers) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut databases: BTreeMap<&str, Vec<Service>> = BTreeMap::new();
    for service in Service::ALL {
        databases.entry(servers.database(service).expose()).or_default().push(service);
    }
    for (url, services) in databases {
        findings
            .extend(tokio::time::timeout(PATIENCE, of_database(url, &services)).await.unwrap_or_else(|_| vec![away("no answer in time")]));
    }
    let mut brokers: BTreeMap<&str, Vec<Service>> = BTreeMap::new();
    for service in Service::ALL {
        brokers.entry(servers.broker(service).expose()).or_default().push(service);
    }
    for (url, services) in brokers {
        findings.extend(of_broker(rabbitmq::look(url).await, &services));
    }
    findings
}

fn away(why: &str) -> Finding {
    Finding::wrong(DATABASE, format!("PostgreSQL is not reached: {why}"))
        .mend("is it running, is the URL right, may this user log in? `psql URL` says more")
}

fn names(services: &[Service]) -> String {
    services.iter().map(|service| service.name()).collect::<Vec<_>>().join(", ")
}

async fn of_database(url: &str, services: &[Service]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut server_told = false;
    for service in services {
        let database = match Database::connect_postgres(url, service.name(), 1).await {
            Ok(database) => database,
            Err(error) => return vec![Finding::wrong(DATABASE, format!("the URL of {}: {error}", service.name()))],
        };
        if !server_told {
            match database.query(&SERVER, Args::new()).await {
                Ok(rows) => findings.extend(rows.first().map(of_settings).unwrap_or_default()),
                Err(error) => return vec![away(&error.to_string())],
            }
            server_told = true;
        }
        match database.check(host::migrations(*service)).await {
            Ok(()) => {}
            Err(StorageError::Schema(problem)) => {
                findings.push(
                    Finding::wrong(DATABASE, format!("the schema of {}: {problem}", service.name()))
                        .mend("`planshift migrate`, before the services"),
                );
            }
            Err(error) => findings.push(Finding::wrong(DATABASE, format!("the schema of {}: {error}", service.name()))),
        }
        database.close().await;
    }
    if findings.is_empty() {
        findings.push(Finding::ok(DATABASE, format!("PostgreSQL is reached and at this version, for {}", names(services))));
    }
    findings
}

/// What the server says of itself.
fn of_settings(row: &Row) -> Vec<Finding> {
    let mut findings = Vec::new();
    let text = |column: usize| row.get::<String>(column).unwrap_or_default();
    let number = |column: usize| row.get::<i64>(column).unwrap_or_default();
    if number(0) < OLDEST_POSTGRES {
        findings.push(Finding::warning(DATABASE, format!("PostgreSQL {} is older than what is tested (15)", text(1))).mend("a newer one"));
    }
    for (name, value) in [("fsync", text(2)), ("synchronous_commit", text(3)), ("full_page_writes", text(4))] {
        if value == "off" {
            let found = format!("{name} is off: what was committed may be lost when the machine stops");
            findings.push(Finding::wrong(DATABASE, found).mend(format!("ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();")));
        }
    }
    let needed = i64::from(DEFAULT_POOL_SIZE) * Service::ALL.len() as i64 * 2;
    if number(5) < needed {
        let found = format!("it takes {} connections; two of every service want up to {needed}", number(5));
        findings.push(Finding::warning(DATABASE, found).mend("raise max_connections"));
    }
    findings
}

fn of_broker(seen: Result<Seen, DeclareError>, services: &[Service]) -> Vec<Finding> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(error @ DeclareError::Url(_)) => return vec![Finding::wrong(BROKER, error.to_string())],
        Err(error) => {
            return vec![
                Finding::wrong(BROKER, error.to_string())
                    .mend("is RabbitMQ running, is the URL right, and may this user log in to this virtual host?"),
            ];
        }
    };
    let mut findings = Vec::new();
    if !seen.missing.is_empty() {
        let found = format!("not there: {}", seen.missing.join(", "));
        findings.push(Finding::wrong(BROKER, found).mend("`planshift migrate` with a user that may declare them"));
    }
    for (name, depth) in &seen.queues {
        findings.extend(of_queue(name, *depth));
    }
    if findings.is_empty() {
        let hidden = if seen.hidden.is_empty() { "" } else { " (this user does not see all of it)" };
        findings.push(Finding::ok(BROKER, format!("RabbitMQ is reached, with its exchanges and queues, for {}{hidden}", names(services))));
    }
    findings
}

fn of_queue(name: &str, depth: Depth) -> Option<Finding> {
    if name == topology::DEAD {
        let told = || Finding::warning(BROKER, format!("{} dead letters", depth.ready));
        return (depth.ready > 0).then(|| told().mend("`planshift dead-letters` says why; `planshift redrive` gives them another chance"));
    }
    let service = Service::ALL.into_iter().find(|service| planshift_messaging::Queue::Service(*service).name() == name)?;
    (depth.consumers == 0 && depth.ready > A_FEW).then(|| {
        Finding::warning(BROKER, format!("{} messages wait in {name}, and nobody takes them", depth.ready))
            .mend(format!("is {service} running? Its log says more", service = service.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use planshift_storage::Value;

    fn server(fsync: &str, connections: i64) -> Vec<Finding> {
        let text = |text: &str| Value::Text(text.to_owned());
        of_settings(&Row(vec![Value::Int(150_004), text("15.4"), text(fsync), text("on"), text("on"), Value::Int(connections)]))
    }

    #[test]
    fn a_server_that_may_lose_something_is_wrong() {
        assert!(server("on", 100).is_empty());
        assert!(server("off", 100).iter().any(|finding| finding.level == Level::Wrong && finding.found.contains("fsync")));
        assert!(server("on", 10).iter().any(|finding| finding.level == Level::Warning && finding.found.contains("10 connections")));
    }

    #[test]
    fn what_nobody_takes_is_told() {
        let seen = |missing: &[&str], ready, consumers| Seen {
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            queues: vec![("planshift.mapping".to_owned(), Depth { ready, consumers })],
            ..Seen::default()
        };
        let told = |seen| of_broker(Ok(seen), &[Service::Mapping]);
        assert_eq!(told(seen(&[], 3, 1))[0].level, Level::Ok);
        assert!(told(seen(&[], 3, 0))[0].found.contains("3 messages wait in planshift.mapping"));
        assert_eq!(told(seen(&["planshift.mapping"], 0, 0))[0].level, Level::Wrong);
        let dead = Seen { queues: vec![(topology::DEAD.to_owned(), Depth { ready: 2, consumers: 0 })], ..Seen::default() };
        assert!(told(dead)[0].found.contains("2 dead letters"));
        assert_eq!(of_broker(Err(DeclareError::Away("refused".into())), &[])[0].level, Level::Wrong);
    }
}
