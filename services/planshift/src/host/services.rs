//! How each service is put together and started.

use super::{HostOptions, Stops, keep::Kept};
use crate::{cli::Fault, exit::Failure};
use planshift_domain::step::Step;
use planshift_gateway::{Gateway, GatewayError, Options, Settings};
use planshift_messaging::{Service, SharedBroker};
use planshift_storage::Database;
use planshift_telemetry::{Tracer, Tracing};
use planshift_worker::{
    Ports,
    alive::Alive,
    health::Readiness,
    metrics::{MeasuredBroker, Metrics},
    step::Faults,
    traced::{TracedBroker, traced},
};
use std::{collections::HashMap, future::Future, net::SocketAddr};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What all of them have in common.
pub(super) struct Hosted<'a> {
    pub(super) kept: &'a Kept,
    pub(super) metrics: &'a Metrics,
    pub(super) ports: &'a Ports,
    pub(super) stops: &'a Stops,
    pub(super) tracers: &'a Tracers,
}

/// Each service's own, so that a trace says whose each span is.
pub(super) type Tracers = HashMap<Service, Tracer>;

/// For every service.
///
/// # Errors
/// Usage: a variable is wrong.
pub(super) fn tracers(tracing: &Tracing) -> Result<Tracers, Failure> {
    let of = |service: Service| Ok((service, tracing.of(service.name()).map_err(Failure::usage)?));
    Service::ALL.into_iter().map(of).collect()
}

impl Hosted<'_> {
    /// Starts the gateway, and says where its API is.
    pub(super) async fn gateway(
        &self,
        host: &HostOptions,
        readiness: &Readiness,
        tasks: &mut JoinSet<&'static str>,
    ) -> Result<SocketAddr, Failure> {
        let Some((database, broker, ports, alive)) = self.parts(Service::Gateway) else {
            return Err(Failure::program("the gateway has no database"));
        };
        let options = Options {
            address: host.listen,
            metrics: self.metrics.clone(),
            settings: Settings { grace: host.requests, ..host.limits.clone() },
            auth: host.auth.clone(),
            readiness: Some(readiness.clone()),
            ..Options::new(database, broker, ports)
        };
        let gateway = Gateway::bind(options).await.map_err(gateway_failed)?;
        let (address, stop) = (gateway.address(), self.stops.gateway.clone());
        tasks.spawn(async move {
            if let Err(error) = alive.during(gateway.run(stop.clone()), &stop).await {
                tracing::error!(%error, "the gateway failed");
            }
            Service::Gateway.name()
        });
        Ok(address)
    }

    /// Starts the coordinator and the four workers.
    pub(super) fn others(&self, host: &HostOptions, tasks: &mut JoinSet<&'static str>) {
        let (faults, line) = (host.faults.as_slice(), host.line.clone());
        self.start(Service::Coordinator, tasks, |database, broker, ports, stop| {
            let options = planshift_coordinator::Options { metrics: self.metrics.clone(), line, ..Default::default() };
            options.build(database, broker, ports).run(stop)
        });
        self.start(Service::Eligibility, tasks, |database, broker, ports, stop| {
            let options = planshift_eligibility::Options { metrics: self.metrics.clone(), ..Default::default() };
            options.build(database, broker, ports).run(stop)
        });
        self.start(Service::Purchasing, tasks, |database, broker, ports, stop| {
            let faults = faults_of(faults, Step::Purchasing);
            let options = planshift_purchasing::Options { faults, metrics: self.metrics.clone(), ..Default::default() };
            let options = options.provisioned_by(host.provisioners.of(Step::Purchasing));
            options.build(database, broker, ports).run(stop)
        });
        self.start(Service::Mapping, tasks, |database, broker, ports, stop| {
            let faults = faults_of(faults, Step::Mapping);
            let options = planshift_mapping::Options { faults, metrics: self.metrics.clone(), ..Default::default() };
            let options = options.provisioned_by(host.provisioners.of(Step::Mapping));
            options.build(database, broker, ports).run(stop)
        });
        self.start(Service::Suspension, tasks, |database, broker, ports, stop| {
            let faults = faults_of(faults, Step::Suspension);
            let options = planshift_suspension::Options { faults, metrics: self.metrics.clone(), ..Default::default() };
            let options = options.provisioned_by(host.provisioners.of(Step::Suspension));
            options.build(database, broker, ports).run(stop)
        });
    }

    /// What a service runs on.
    fn parts(&self, service: Service) -> Option<(Database, SharedBroker, Ports, Alive)> {
        let (database, broker) = self.kept.of(service)?;
        let tracer = self.tracers.get(&service).cloned().unwrap_or_else(Tracer::off);
        self.metrics.observe_pool(service, &database);
        let alive = Alive::new(service, broker.clone(), self.ports);
        let broker = MeasuredBroker::before(alive.counting(broker), self.metrics, service);
        let (database, broker) = (traced(&database, &tracer, service.name()), TracedBroker::before(broker, &tracer));
        Some((database, broker, self.ports.clone().traced_by(tracer), alive))
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        service: Service,
        tasks: &mut JoinSet<&'static str>,
        run: impl FnOnce(Database, SharedBroker, Ports, CancellationToken) -> F,
    ) {
        if let Some((database, broker, ports, alive)) = self.parts(service) {
            let stop = self.stops.services.clone();
            let running = run(database, broker, ports, stop.clone());
            tasks.spawn(async move {
                alive.during(running, &stop).await;
                service.name()
            });
        }
    }
}

/// Why a gateway could not start or go on, as the command line tells it.
pub fn gateway_failed(error: GatewayError) -> Failure {
    match error {
        GatewayError::NotLoopback(_) | GatewayError::Setting(_) => Failure::usage(error.to_string()),
        GatewayError::Bind { .. } | GatewayError::Provider(_) => Failure::program(error.to_string()).because(error),
    }
}

/// The items of one step that are to be refused for good.
fn faults_of(faults: &[Fault], step: Step) -> Faults {
    Faults::new(faults.iter().filter(|fault| fault.step == step).map(|fault| &fault.item))
}
