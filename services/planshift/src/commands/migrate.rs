//! `migrate`: brings the databases and the broker to this version.

use crate::{
    cli::MigrateArgs,
    exit::{Exit, Failure, Outcome},
    host, output,
    settings::{self, Keeping, Servers},
};
use planshift_messaging::{
    Service,
    rabbitmq::{self, DeclareError},
};
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
    for (service, applied) in host::migrate(&keeping).await? {
        let versions = applied.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let what = if applied.is_empty() { "is at this version already".to_owned() } else { format!("applied {versions}") };
        output::print(&format!("{:<12} {what}\n", service.name()))?;
    }
    if let Keeping::Distributed(servers) = &keeping {
        declare(servers).await?;
        output::print(&format!("{:<12} has its exchanges and queues\n", "broker"))?;
    }
    Ok(Exit::Done)
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
