//! `migrate`: brings the databases and the broker to this version.

use crate::{
    cli::MigrateArgs,
    exit::{Exit, Failure, Outcome},
    host::{self, Migrated},
    output::{self, json},
    settings::{self, Keeping, Servers},
};
use planshift_messaging::{
    Service,
    rabbitmq::{self, DeclareError},
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How long a broker that is away is waited for.
const BROKER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two attempts.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Migrates every service's schema, in the data folder or in PostgreSQL; declares exchanges and queues on RabbitMQ.
///
/// # Errors
/// Program: a schema that is newer than this program, the data folder in use, a server not reached, a user or role that may not.
pub async fn migrate(args: MigrateArgs) -> Outcome {
    let keeping = settings::keeping(&args.store, &settings::process_environment)?;
    for migrated in host::migrate(&keeping).await? {
        if args.json {
            json::print_line(&ServiceLine { service: migrated.service.name(), version: migrated.version, applied: &migrated.applied })?;
        } else {
            output::print(&for_people(&migrated))?;
        }
    }
    if let Keeping::Distributed(servers) = &keeping {
        declare(servers).await?;
        if args.json {
            json::print_line(&BrokerLine { broker: "declared" })?;
        } else {
            output::print(&format!("{:<12} has its exchanges and queues\n", "broker"))?;
        }
    }
    Ok(Exit::Done)
}

/// What programs are told of a service.
#[derive(Serialize)]
struct ServiceLine<'a> {
    service: &'a str,
    version: u32,
    applied: &'a [u32],
}

/// What programs are told of the broker.
#[derive(Serialize)]
struct BrokerLine {
    broker: &'static str,
}

fn for_people(migrated: &Migrated) -> String {
    let versions = migrated.applied.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = if versions.is_empty() { "is at this version already".to_owned() } else { format!("applied {versions}") };
    format!("{:<12} {what}\n", migrated.service.name())
}

/// Services may have brokers of their own: each is told once.
async fn declare(servers: &Servers) -> Result<(), Failure> {
    let urls: BTreeSet<&str> = Service::ALL.into_iter().map(|service| servers.broker(service).expose()).collect();
    for url in urls {
        let begun = Instant::now();
        loop {
            match rabbitmq::declare(url).await {
                Ok(()) => break,
                Err(error @ DeclareError::Away(_)) if begun.elapsed() < BROKER_PATIENCE => {
                    tracing::info!(%error, "waiting for the broker");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(DeclareError::Url(error)) => return Err(Failure::usage(error.to_string())),
                Err(error @ DeclareError::Away(_)) => {
                    return Err(
                        Failure::program(error.to_string()).advise("is RabbitMQ running, and may this user log in to this virtual host?")
                    );
                }
                Err(error @ DeclareError::Refused(_)) => return Err(Failure::program(error.to_string())),
            }
        }
    }
    Ok(())
}
