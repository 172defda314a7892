//! `gateway`, `coordinator`, `eligibility`, `purchasing`, `mapping`, `suspension`: one service alone, the distributed way.

use crate::{
    cli::{GatewayArgs, ServiceArgs},
    exit::{Exit, Failure, Outcome},
    host::migrations,
    settings::{self, Keeping, Servers},
};
use planshift_worker::{
    Service,
    host::{HostError, Parts, Settings, default_admin, serve, stop_signal},
};
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// The coordinator or a worker, until SIGTERM or SIGINT.
///
/// # Errors
/// Usage: no servers are given. Program: the schema is not at this version, the administration address cannot be had.
pub async fn alone(service: Service, args: ServiceArgs) -> Outcome {
    match service {
        Service::Coordinator => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_coordinator::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Eligibility => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_eligibility::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Purchasing => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_purchasing::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Mapping => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_mapping::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Suspension => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_suspension::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Gateway => Err(Failure::usage("the gateway has an address of its own: `planshift gateway`")),
    }
}

async fn hosted<R, F>(service: Service, args: ServiceArgs, run: R) -> Outcome
where
    R: FnOnce(Parts, CancellationToken) -> F,
    F: Future<Output = ()>,
{
    let servers = servers(&args, service)?;
    let settings = Settings {
        service,
        database_url: servers.database(service).expose().to_owned(),
        broker_url: servers.broker(service).expose().to_owned(),
        admin: args.admin.unwrap_or_else(|| default_admin(service)),
    };
    let stop = stop_signal().map_err(failed)?;
    Box::pin(serve(settings, migrations(service), stop, run)).await.map_err(failed)?;
    Ok(Exit::Done)
}

fn servers(args: &ServiceArgs, service: Service) -> Result<Box<Servers>, Failure> {
    match settings::keeping(&args.store, &settings::process_environment)? {
        Keeping::Distributed(servers) => Ok(servers),
        Keeping::Embedded(_) => Err(Failure::usage(format!("{} alone needs --database and --broker", service.name()))
            .advise("one process hosts everything on files: `planshift serve --data DIR`")),
    }
}

fn failed(error: HostError) -> Failure {
    match error {
        HostError::Setting(_) | HostError::BrokerUrl(_) => Failure::usage(error.to_string()),
        HostError::Database(_) => {
            Failure::program(error.to_string()).because(error).advise("`planshift migrate` brings databases to this version")
        }
        HostError::Admin { .. } => Failure::program(error.to_string()).because(error),
    }
}

/// The gateway, until SIGTERM or SIGINT.
///
/// # Errors
/// As [`alone`]; the API's address cannot be had.
pub async fn gateway(args: GatewayArgs) -> Outcome {
    let _ = args;
    Err(Failure::program("no gateway yet"))
}
