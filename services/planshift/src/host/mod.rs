//! All services in this process: each with its own database and its own end of the broker, as if it were alone.

mod keep;
mod provisioners;
mod services;

pub use keep::{Migrated, migrate, migrations};
pub use provisioners::Provisioners;
pub use services::gateway_failed;

use crate::{cli::Fault, exit::Failure, settings::Keeping};
use keep::Kept;
use planshift_coordinator::Line;
use planshift_gateway::{Auth, LocalToken, Settings, WebhookSettings};
use planshift_telemetry::{Tracer, Tracing};
use planshift_worker::{
    Ports, Service,
    health::{Admin, Readiness},
    host::flush,
    metrics::Metrics,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long what was taken may take to be finished; then the process leaves, and it comes again when it is started again.
const DRAIN: Duration = Duration::from_secs(15);
/// How long requests under way may take to be answered, where they are other programs'.
const REQUESTS: Duration = Duration::from_secs(10);
/// How long, where they are this process's own, which waits for no answer any more.
const OWN_REQUESTS: Duration = Duration::from_secs(2);

/// What is hosted, and where.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Where data and messages are kept.
    pub keeping: Keeping,
    /// The API's address; port 0: any that is free.
    pub listen: SocketAddr,
    /// The administration address.
    pub admin: Option<SocketAddr>,
    /// Whose tokens the API takes.
    pub auth: Auth,
    /// Items that are refused for good.
    pub faults: Vec<Fault>,
    /// Outside systems that have effects first.
    provisioners: Provisioners,
    /// How many transitions may be under way at a time, and how partners share them.
    line: Line,
    /// The gateway's limits.
    limits: Settings,
    /// How long requests under way may take to be answered when it is stopped.
    requests: Duration,
}

impl HostOptions {
    /// For a client in this same process: the API on a free port of this machine, with a token that nobody else knows, nothing else.
    pub fn within_process(keeping: Keeping, faults: Vec<Fault>) -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        // an API of a moment, on a port of a moment: what events would name is not there when somebody looks. They are kept in their
        // place, and whoever serves next sends them
        let webhooks = WebhookSettings { sends: false, ..WebhookSettings::default() };
        let (auth, limits) = (Auth::local(LocalToken::random()), Settings { webhooks, ..Settings::default() });
        Self {
            keeping,
            listen,
            admin: None,
            auth,
            faults,
            provisioners: Provisioners::default(),
            line: Line::default(),
            limits,
            requests: OWN_REQUESTS,
        }
    }

    /// The same with other limits of transitions under way.
    #[must_use]
    pub fn at_a_time(mut self, line: Line) -> Self {
        self.line = line;
        self
    }

    /// For whoever asks and has a token.
    pub fn serving(keeping: Keeping, listen: SocketAddr, admin: SocketAddr, auth: Auth) -> Self {
        let limits = Settings::default();
        let (faults, provisioners) = (Vec::new(), Provisioners::default());
        Self { keeping, listen, admin: Some(admin), auth, faults, provisioners, line: Line::default(), limits, requests: REQUESTS }
    }

    /// The same with outside systems.
    #[must_use]
    pub fn provisioned_by(mut self, provisioners: Provisioners) -> Self {
        self.provisioners = provisioners;
        self
    }

    /// The same with other limits of the gateway.
    #[must_use]
    pub fn limited_by(mut self, limits: Settings) -> Self {
        self.limits = limits;
        self
    }
}

/// The services, running.
pub struct Host {
    api: SocketAddr,
    token: LocalToken,
    admin: Option<SocketAddr>,
    readiness: Readiness,
    stops: Stops,
    requests: Duration,
    tasks: JoinSet<&'static str>,
    tracers: Vec<Tracer>,
    kept: Kept,
}

/// Who is stopped, in this order.
#[derive(Default)]
struct Stops {
    /// First, for what is asked through it is answered by the others.
    gateway: CancellationToken,
    services: CancellationToken,
    /// Last, so that a probe sees the services stop.
    admin: CancellationToken,
}

impl Host {
    /// Opens what is kept, brings it to this version, and starts every service.
    ///
    /// # Errors
    /// Program: the data folder is in use, a server is not reached, an address cannot be had, a schema is newer.
    pub async fn start(options: HostOptions) -> Result<Self, Failure> {
        let kept = Kept::open(&options.keeping).await?;
        match Self::start_on(&kept, &options).await {
            Ok(Started { api, admin, readiness, stops, tasks, tracers }) => {
                let (token, requests) = (options.auth.local, options.requests);
                Ok(Self { api, token, admin, readiness, stops, requests, tasks, tracers, kept })
            }
            Err(failure) => {
                kept.close().await;
                Err(failure)
            }
        }
    }

    async fn start_on(kept: &Kept, options: &HostOptions) -> Result<Started, Failure> {
        let stops = Stops::default();
        let (readiness, metrics, ports) = (Readiness::new(), Metrics::new().of_this_process(), Ports::system());
        let tracing = Tracing::from_env().map_err(Failure::usage)?;
        let mut tasks = JoinSet::new();
        let mut admin_address = None;
        if let Some(address) = options.admin {
            let cannot = |error| {
                Failure::program(format!("the administration address {address} cannot be had"))
                    .because(error)
                    .advise("name another one with --admin")
            };
            let admin = Admin::bind(address, readiness.clone(), metrics.clone()).await.map_err(cannot)?;
            admin_address = Some(admin.address().map_err(cannot)?);
            let until = stops.admin.clone();
            tasks.spawn(async move {
                if let Err(error) = admin.serve(until).await {
                    tracing::error!(%error, "the administration address failed");
                }
                "administration"
            });
        }
        let tracers = services::tracers(&tracing)?;
        let hosted = services::Hosted { kept, metrics: &metrics, ports: &ports, stops: &stops, tracers: &tracers };
        let api = hosted.gateway(options, &readiness, &mut tasks).await?;
        hosted.others(options, &mut tasks);
        kept.watched_by(&readiness);
        let tracers = tracers.into_values().collect();
        Ok(Started { api, admin: admin_address, readiness, stops, tasks, tracers })
    }

    /// Where the API is.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Where this process itself reaches the API.
    pub fn own_url(&self) -> String {
        let loopback = match self.api.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpAddr::V6(ip) if ip.is_unspecified() => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            _ => None,
        };
        format!("http://{}", SocketAddr::new(loopback.unwrap_or_else(|| self.api.ip()), self.api.port()))
    }

    /// The token with which the API may be used.
    pub const fn token(&self) -> &LocalToken {
        &self.token
    }

    /// The administration address.
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Completes, with its name, when a service has ended by itself, which none should.
    pub async fn ended(&mut self) -> String {
        match self.tasks.join_next().await {
            Some(Ok(name)) => name.to_owned(),
            Some(Err(panic)) => format!("a service ({panic})"),
            None => std::future::pending().await,
        }
    }

    /// Takes nothing more, finishes what was taken (within a bound), closes everything.
    pub async fn stop(mut self) {
        for service in Service::ALL {
            self.readiness.stopping(service.name());
        }
        self.stops.gateway.cancel();
        let gateway = async {
            while let Some(ended) = self.tasks.join_next().await {
                if ended.is_ok_and(|name| name == Service::Gateway.name()) {
                    break;
                }
            }
        };
        if tokio::time::timeout(self.requests * 2, gateway).await.is_err() {
            tracing::warn!("some requests are not answered: their clients may ask again");
        }
        self.stops.services.cancel();
        self.stops.admin.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("not everything that was taken is finished: it comes again when this is started again");
            self.tasks.abort_all();
        }
        if tokio::time::timeout(DRAIN, self.kept.close()).await.is_err() {
            tracing::warn!("the databases and the broker were not closed in time");
        }
        futures::future::join_all(self.tracers.into_iter().map(flush)).await;
    }
}

/// What was started, on what is kept.
struct Started {
    api: SocketAddr,
    admin: Option<SocketAddr>,
    readiness: Readiness,
    stops: Stops,
    tasks: JoinSet<&'static str>,
    tracers: Vec<Tracer>,
}
