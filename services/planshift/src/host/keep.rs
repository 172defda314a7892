//! What services keep their data and messages in: for each a database and its own end of a broker.

use crate::{
    exit::Failure,
    settings::{Keeping, process_environment},
};
use planshift_messaging::{
    EmbeddedBroker, Service, SharedBroker,
    rabbitmq::{RabbitMqBroker, RabbitMqOptions},
};
use planshift_storage::{DEFAULT_POOL_SIZE, Database, FolderLock, Migration, StorageError, lock_data_folder};
use planshift_worker::health::Readiness;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a server that is away is waited for before the program gives up.
const SERVER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between two looks at a broker that is being connected to: a connection is up within some tens of milliseconds.
const LOOK_FOR_BROKER: Duration = Duration::from_millis(20);
/// The file of the broker in this process.
const BROKER_FILE: &str = "broker.db";

/// Databases and brokers, open.
pub(super) struct Kept {
    /// In the order of `Service::ALL`.
    services: Vec<(Service, Database, SharedBroker)>,
    embedded: Option<EmbeddedBroker>,
    /// Given up last.
    _lock: Option<FolderLock>,
}

/// A service's migrations.
pub const fn migrations(service: Service) -> &'static [Migration] {
    match service {
        Service::Eligibility => planshift_eligibility::MIGRATIONS,
        Service::Purchasing => planshift_purchasing::MIGRATIONS,
        Service::Mapping => planshift_mapping::MIGRATIONS,
        Service::Suspension => planshift_suspension::MIGRATIONS,
        Service::Coordinator => planshift_coordinator::MIGRATIONS,
        Service::Gateway => planshift_gateway::MIGRATIONS,
    }
}

/// What has become of a service's schema.
pub struct Migrated {
    /// Whose it is.
    pub service: Service,
    /// The version that it is at now.
    pub version: u32,
    /// The versions that it was brought to on the way; none where it was there.
    pub applied: Vec<u32>,
}

/// Brings every service's schema to this version, and says what has become of each.
///
/// # Errors
/// Program: as [`Host::start`](super::Host::start).
pub async fn migrate(keeping: &Keeping) -> Result<Vec<Migrated>, Failure> {
    let (databases, _lock) = databases(keeping).await?;
    let mut applied = Vec::new();
    for (service, database) in databases {
        let migrated = bring_to_version(service, &database).await;
        database.close().await;
        let version = migrations(service).last().map_or(0, |migration| migration.version);
        applied.push(Migrated { service, version, applied: migrated? });
    }
    Ok(applied)
}

impl Kept {
    /// Opens everything and brings it to this version.
    pub(super) async fn open(keeping: &Keeping) -> Result<Self, Failure> {
        let (databases, lock) = databases(keeping).await?;
        for (service, database) in &databases {
            bring_to_version(*service, database).await?;
        }
        let embedded = match keeping {
            Keeping::Embedded(folder) => {
                let file = folder.join(BROKER_FILE);
                let cannot = |error| Failure::program(format!("cannot open the queues in {}", file.display())).because(error);
                Some(EmbeddedBroker::open(&file).await.map_err(cannot)?)
            }
            Keeping::Distributed(_) => None,
        };
        let mut services = Vec::new();
        for (service, database) in databases {
            let broker: SharedBroker = match (&embedded, keeping) {
                (Some(broker), _) => broker.for_service(service),
                (None, Keeping::Distributed(servers)) => rabbitmq(servers.broker(service).expose(), service)?,
                (None, Keeping::Embedded(_)) => continue,
            };
            services.push((service, database, broker));
        }
        // all of them connect at once
        for (service, _, broker) in &services {
            until_reached(*service, broker).await?;
        }
        Ok(Self { services, embedded, _lock: lock })
    }

    /// A service's own.
    pub(super) fn of(&self, service: Service) -> Option<(Database, SharedBroker)> {
        self.services.iter().find(|(name, ..)| *name == service).map(|(_, database, broker)| (database.clone(), broker.clone()))
    }

    /// From now on readiness asks all of them.
    pub(super) fn watched_by(&self, readiness: &Readiness) {
        for (service, database, broker) in &self.services {
            readiness.running(service.name(), broker.clone(), database.clone());
        }
    }

    /// Closes everything; the folder is free afterwards.
    pub(super) async fn close(&self) {
        for (_, _, broker) in &self.services {
            broker.close().await;
        }
        if let Some(broker) = &self.embedded {
            broker.close().await;
        }
        for (_, database, _) in &self.services {
            database.close().await;
        }
    }
}

async fn databases(keeping: &Keeping) -> Result<(Vec<(Service, Database)>, Option<FolderLock>), Failure> {
    let mut databases = Vec::new();
    match keeping {
        Keeping::Embedded(folder) => {
            let lock = lock_data_folder(folder).map_err(|error| Failure::program(error.to_string()).because(error))?;
            for service in Service::ALL {
                databases.push((service, sqlite(folder, service).await?));
            }
            Ok((databases, Some(lock)))
        }
        Keeping::Distributed(servers) => {
            for service in Service::ALL {
                let url = servers.database(service).expose();
                let database = Database::connect_postgres(url, service.name(), DEFAULT_POOL_SIZE).await;
                // the URL is at fault, and what is told of it does not hold its password
                databases.push((
                    service,
                    database
                        .map_err(|error| Failure::usage(format!("the database of {service}", service = service.name())).because(error))?,
                ));
            }
            Ok((databases, None))
        }
    }
}

async fn sqlite(folder: &Path, service: Service) -> Result<Database, Failure> {
    let file = folder.join(format!("{}.db", service.name()));
    Database::open_sqlite(&file).await.map_err(|error| Failure::program(format!("cannot open {}", file.display())).because(error))
}

async fn bring_to_version(service: Service, database: &Database) -> Result<Vec<u32>, Failure> {
    let begun = Instant::now();
    loop {
        match database.migrate(migrations(service)).await {
            Err(error) if is_away(&error) && begun.elapsed() < SERVER_PATIENCE => {
                tracing::info!(service = service.name(), %error, "the database is away: waiting");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            other => return other.map_err(|error| Failure::program(format!("the database of {}", service.name())).because(error)),
        }
    }
}

const fn is_away(error: &StorageError) -> bool {
    matches!(error, StorageError::Unavailable(_) | StorageError::CommitUnknown(_) | StorageError::Conflict(_))
}

/// Begins to connect.
fn rabbitmq(url: &str, service: Service) -> Result<SharedBroker, Failure> {
    let unpacked = planshift_worker::unpacked::unpacked(&process_environment).map_err(Failure::usage)?;
    let options = RabbitMqOptions { unpacked, ..RabbitMqOptions::new(url.to_owned(), service) };
    let broker = RabbitMqBroker::start(options);
    Ok(Arc::new(broker.map_err(|error| Failure::usage(format!("the broker of {}", service.name())).because(error))?))
}

async fn until_reached(service: Service, broker: &SharedBroker) -> Result<(), Failure> {
    let begun = Instant::now();
    while !broker.ready().await {
        if begun.elapsed() > SERVER_PATIENCE {
            broker.close().await;
            return Err(Failure::program(format!("the broker of {} is not reached", service.name()))
                .advise("is RabbitMQ running, and may this user log in to this virtual host? The log (RUST_LOG=info) says more"));
        }
        tokio::time::sleep(LOOK_FOR_BROKER).await;
    }
    Ok(())
}
