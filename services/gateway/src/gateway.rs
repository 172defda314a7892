//! The gateway as a whole: bound, then run until it is stopped.

use crate::{
    app::App,
    ask::Asker,
    auth::{Auth, Authenticator, LocalToken, Pace},
    batches::Batches,
    events::EventHandler,
    hooks::Webhooks,
    housekeeping::Housekeeping,
    http,
    hub::Hub,
    invoices::Invoices,
    letters::DeadLetters,
    look,
    model::ReadModel,
    queues::Queues,
    reconciliation::Reconciliation,
    schedules::Schedules,
    settings::Settings,
    spending::Spendings,
    usage::Usage,
};
use planshift_messaging::SharedBroker;
use planshift_storage::Database;
use planshift_worker::{Ports, Running, health::Readiness, metrics::Metrics, run::RunOptions};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
};
use tokio_util::sync::CancellationToken;

/// Where the gateway listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What a gateway is made of.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one. One that others can reach is taken where `auth` allows it.
    pub address: SocketAddr,
    /// The read model, at the version of [`crate::MIGRATIONS`].
    pub database: Database,
    /// The gateway's own end of the broker.
    pub broker: SharedBroker,
    /// Clock, ids, tasks.
    pub ports: Ports,
    /// Where to count.
    pub metrics: Metrics,
    /// Limits.
    pub settings: Settings,
    /// Whose tokens count.
    pub auth: Auth,
    /// Told whether the keys of an OpenID provider are there.
    pub readiness: Option<Readiness>,
}

impl Options {
    /// A gateway at [`DEFAULT_ADDRESS`] with the usual limits and a local token that nobody knows yet.
    pub fn new(database: Database, broker: SharedBroker, ports: Ports) -> Self {
        Self {
            address: DEFAULT_ADDRESS,
            database,
            broker,
            ports,
            metrics: Metrics::new(),
            settings: Settings::default(),
            auth: Auth::local(LocalToken::random()),
            readiness: None,
        }
    }

    /// Runs the read model alone until `stop`, without the API: takes events, and asks for what has been missing for long.
    pub async fn run_read_model(self, stop: CancellationToken) {
        let Self { database, broker, ports, metrics, settings, .. } = self;
        let (model, hub) = (ReadModel::new(database), Hub::new(settings.waiters));
        let handler = EventHandler { model: model.clone(), hub, ports: ports.clone(), gap: settings.gap, batches: None };
        let events = Running::new(handler, broker.clone(), ports.clone(), RunOptions::default(), metrics.clone());
        let housekeeping = Housekeeping { model, beside: None, usage: None, metrics, broker, ports: ports.clone(), settings };
        let housekeeping = ports.spawn.spawn(Box::pin(housekeeping.run(stop.clone())));
        events.run(stop).await;
        housekeeping.await;
    }
}

/// Why a gateway could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is one that others can reach, and nothing but the local token would keep them out.
    #[error(
        "the gateway has a local token alone, so it listens on a loopback address: {0} is none. Configure an OpenID provider \
         (PLANSHIFT_OIDC_ISSUER), or, where something in front of it speaks TLS, set PLANSHIFT_ALLOW_REMOTE=true"
    )]
    NotLoopback(SocketAddr),
    /// There can be no HTTP client for the OpenID provider: the system has no certificates, for example.
    #[error("the OpenID provider cannot be asked")]
    Provider(#[source] reqwest::Error),
    /// The address cannot be had.
    #[error("the address {address} cannot be had{}", why(.source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A setting is wrong.
    #[error("{0}")]
    Setting(String),
}

fn why(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AddrInUse { ": another program listens there" } else { "" }
}

impl GatewayError {
    /// How a process ends because of it: 2 where a setting is wrong, 1 where it failed.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotLoopback(_) | Self::Setting(_) => 2,
            Self::Bind { .. } | Self::Provider(_) => 1,
        }
    }
}

/// A gateway that is bound and not yet running.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    options: Options,
}

impl Gateway {
    /// Binds the address. Nothing is served before [`run`](Self::run); connections wait until then.
    ///
    /// # Errors
    /// `NotLoopback`, `Bind`.
    pub async fn bind(options: Options) -> Result<Self, GatewayError> {
        let address = options.address;
        if !options.auth.may_listen(address) {
            return Err(GatewayError::NotLoopback(address));
        }
        let failed = |source| GatewayError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens, with the port that was taken.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `stop`: takes no request more then, finishes those under way (within the settings' grace), and only then
    /// stops to take answers and events, which those need.
    ///
    /// # Errors
    /// `Provider`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), GatewayError> {
        let Self { listener, address, options } = self;
        let Options { database, broker, ports, metrics, settings, auth, readiness, .. } = options;
        let authenticator = Authenticator::new(&auth, ports.clone(), readiness).map_err(GatewayError::Provider)?;
        let (under_way, mut finished) = mpsc::channel(1);
        let letters = DeadLetters::new(database.clone(), broker.clone(), ports.clone());
        let hub = Hub::new(settings.waiters);
        let webhooks = Webhooks::new(database.clone(), hub.clone(), ports.clone(), metrics.clone(), settings.webhooks.clone(), address);
        let (model, shared) = (ReadModel::new(database.clone()), Arc::new(settings.clone()));
        let asker = Asker::new(broker.clone(), ports.clone(), &settings);
        let usage = Usage::new(database.clone(), asker.clone(), ports.clone(), settings.answer);
        let spendings = Spendings::new(
            database.clone(),
            asker.clone(),
            ports.clone(),
            webhooks.clone(),
            settings.budget_thresholds.clone(),
            settings.answer,
            usage.brought(),
        );
        let invoices = Invoices::new(database.clone(), ports.clone());
        let reconciliation = Reconciliation::new(database.clone(), invoices.clone(), metrics.clone());
        let batches = Batches::new(database.clone(), model.clone(), asker.clone(), broker.clone(), ports.clone(), shared.clone());
        let schedules = Schedules::new(database, batches.clone(), ports.clone());
        let app = App {
            model,
            usage: usage.clone(),
            spendings: spendings.clone(),
            reconciliation,
            invoices: invoices.clone(),
            letters: letters.clone(),
            queues: Queues::new(broker.clone(), ports.clone()),
            batches: batches.clone(),
            schedules: schedules.clone(),
            authenticator: authenticator.clone(),
            reach: http::Reach::of(&auth, address),
            metrics: metrics.clone(),
            pace: Arc::new(Pace::new(settings.requests_per_minute, settings.request_burst)),
            asker,
            hub,
            webhooks: webhooks.clone(),
            ports: ports.clone(),
            uploads: http::Uploads::default(),
            documents: Arc::new(Semaphore::new(settings.documents_at_once)),
            dossiers: Arc::new(Semaphore::new(settings.dossiers_at_once)),
            streams: Arc::new(Semaphore::new(settings.streams)),
            settings: shared,
            stop: stop.clone(),
            under_way,
        };
        http::count_from_zero(&app.metrics);
        let behind = CancellationToken::new();
        let handler = EventHandler {
            model: app.model.clone(),
            hub: app.hub.clone(),
            ports: ports.clone(),
            gap: settings.gap,
            batches: Some(batches.news()),
        };
        let events = Running::new(handler, broker.clone(), ports.clone(), RunOptions::default(), metrics.clone());
        let kept = Some((webhooks.clone(), batches.clone(), schedules.clone(), spendings.clone()));
        let housekeeping = Housekeeping {
            model: app.model.clone(),
            beside: kept,
            usage: Some((usage, invoices)),
            metrics,
            broker,
            ports: ports.clone(),
            settings: settings.clone(),
        };
        let (asker, listening) = (app.asker.clone(), behind.clone());
        let tasks = [
            ports.spawn.spawn(Box::pin(events.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(housekeeping.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(letters.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(batches.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(schedules.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(spendings.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(webhooks.clone().dispatch(behind.clone()))),
            ports.spawn.spawn(Box::pin(webhooks.send(behind.clone()))),
            ports.spawn.spawn(Box::pin(authenticator.run(behind.clone()))),
            ports.spawn.spawn(Box::pin(async move { asker.listen(&listening).await })),
            ports.spawn.spawn(Box::pin(look::look(app.model.clone(), app.hub.clone(), ports.clone(), settings.look, behind.clone()))),
        ];

        let router = http::router(&app);
        drop(app);
        tracing::info!(%address, "the API is served");
        let grace = async {
            stop.cancelled().await;
            ports.clock.sleep(settings.grace).await;
        };
        tokio::select! {
            () = http::serve(listener, router, &settings, &ports, &stop) => {}
            () = grace => {}
        }
        // what was begun goes to its end, also where its client is gone
        tokio::select! {
            _ = finished.recv() => {}
            () = ports.clock.sleep(settings.grace) => tracing::warn!("some requests are still under way; their clients may ask again"),
        }
        behind.cancel();
        futures::future::join_all(tasks).await;
        Ok(())
    }
}
