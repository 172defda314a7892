//! `gateway`, `coordinator`, `eligibility`, `purchasing`, `mapping`, `suspension`: one service alone, the distributed way.

use crate::{
    cli::{AuthArgs, GatewayArgs, PortalArgs, SendingArgs, ServiceArgs},
    exit::{Exit, Failure, Outcome},
    host::{gateway_failed, migrations},
    settings::{self, Keeping, Servers},
    tokens,
};
use planshift_coordinator::Line;
use planshift_domain::step::Step;
use planshift_gateway::{DEFAULT_ADDRESS, Gateway, Options};
use planshift_worker::{
    Service,
    host::{HostError, Parts, Settings, default_admin, serve, stop_signal},
    provisioner::Target,
};
use std::{
    future::Future,
    sync::{Arc, OnceLock},
};
use tokio_util::sync::CancellationToken;

/// The coordinator or a worker, until SIGTERM or SIGINT.
///
/// # Errors
/// Usage: no servers are given. Program: the schema is not at this version, the administration address cannot be had.
pub async fn alone(service: Service, args: ServiceArgs) -> Outcome {
    match service {
        Service::Coordinator => coordinator(args, Line::from_environment(settings::process_environment).map_err(Failure::usage)?).await,
        Service::Eligibility => {
            hosted(service, args, async |parts, stop| {
                let options = planshift_eligibility::Options { metrics: parts.metrics, ..Default::default() };
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Purchasing => {
            let provisioner = provisioner(Step::Purchasing)?;
            hosted(service, args, async |parts, stop| {
                let options = planshift_purchasing::Options { metrics: parts.metrics, ..Default::default() }.provisioned_by(provisioner);
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Mapping => {
            let provisioner = provisioner(Step::Mapping)?;
            hosted(service, args, async |parts, stop| {
                let options = planshift_mapping::Options { metrics: parts.metrics, ..Default::default() }.provisioned_by(provisioner);
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Suspension => {
            let provisioner = provisioner(Step::Suspension)?;
            hosted(service, args, async |parts, stop| {
                let options = planshift_suspension::Options { metrics: parts.metrics, ..Default::default() }.provisioned_by(provisioner);
                options.build(parts.database, parts.broker, parts.ports).run(stop).await;
            })
            .await
        }
        Service::Gateway => {
            gateway(GatewayArgs {
                service: args,
                listen: DEFAULT_ADDRESS,
                auth: AuthArgs::default(),
                sending: SendingArgs::default(),
                portal: PortalArgs::default(),
            })
            .await
        }
    }
}

fn provisioner(step: Step) -> Result<Option<Target>, Failure> {
    planshift_provisioner::from_variables(step, &settings::process_environment).map_err(|error| Failure::usage(error.to_string()))
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

/// The coordinator, until SIGTERM or SIGINT.
///
/// # Errors
/// As [`alone`].
pub async fn coordinator(args: ServiceArgs, line: Line) -> Outcome {
    hosted(Service::Coordinator, args, async move |parts, stop| {
        let options = planshift_coordinator::Options { metrics: parts.metrics, line, ..Default::default() };
        options.build(parts.database, parts.broker, parts.ports).run(stop).await;
    })
    .await
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
        HostError::Database(_) | HostError::Admin { .. } => Failure::program(error.to_string()).because(error),
    }
}

/// The gateway, until SIGTERM or SIGINT.
///
/// # Errors
/// As [`alone`]; the API's address is no loopback address, or cannot be had.
pub async fn gateway(args: GatewayArgs) -> Outcome {
    let auth = tokens::hosted(&args.auth, args.listen, &args.service.store.data, &settings::process_environment)?;
    let limits = tokens::limits(&args.auth, &args.sending, &args.portal)?;
    let (address, failure) = (args.listen, Arc::new(OnceLock::new()));
    let told = failure.clone();
    let exit = hosted(Service::Gateway, args.service, async move |parts, stop| {
        let readiness = Some(parts.readiness);
        let options = Options::new(parts.database, parts.broker, parts.ports);
        let options = Options { address, metrics: parts.metrics, settings: limits, auth, readiness, ..options };
        let ended = match Gateway::bind(options).await {
            Ok(gateway) => gateway.run(stop).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            // nobody else sets it
            let _ = told.set(error);
        }
    })
    .await?;
    match Arc::into_inner(failure).and_then(OnceLock::into_inner) {
        Some(error) => Err(gateway_failed(error)),
        None => Ok(exit),
    }
}
