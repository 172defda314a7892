//! A service's administration address, never public: `/healthz` (alive), `/readyz` (broker and database reached), `/metrics`.

use crate::metrics::Metrics;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use planshift_messaging::{Broker, Service};
use planshift_storage::Database;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long the database may take to answer before it counts as away: a probe's own patience is a second or more.
const PING_TIMEOUT: Duration = Duration::from_millis(800);

/// What readiness asks: each service of the process with its broker and its database. Cheap to clone; clones see the same.
#[derive(Clone, Default)]
pub struct Readiness {
    services: Arc<RwLock<Vec<Watched>>>,
}

#[derive(Clone)]
struct Watched {
    name: &'static str,
    asks: Asks,
    reason: Option<String>,
}

/// What is asked of a service.
#[derive(Clone)]
enum Asks {
    /// Broker and database; `None` where one is not known yet.
    Both(Option<Arc<dyn Broker>>, Option<Database>),
    /// Nothing but whether there is a reason not to be ready.
    Nothing,
}

impl Readiness {
    /// Nothing to ask yet, and so not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// A service that has reached neither broker nor database yet, and why.
    pub fn starting(&self, name: &'static str, reason: impl Into<String>) {
        self.put(Watched { name, asks: Asks::Both(None, None), reason: Some(reason.into()) });
    }

    /// A service whose broker and database are known and asked, and that does not run yet, and why.
    pub fn connecting(&self, name: &'static str, broker: Arc<dyn Broker>, database: Database, reason: impl Into<String>) {
        self.put(Watched { name, asks: Asks::Both(Some(broker), Some(database)), reason: Some(reason.into()) });
    }

    /// A service that runs: from now on its broker and database are asked.
    pub fn running(&self, name: &'static str, broker: Arc<dyn Broker>, database: Database) {
        self.put(Watched { name, asks: Asks::Both(Some(broker), Some(database)), reason: None });
    }

    /// Something that has neither broker nor database open all the time: it says itself whether it is ready, and if not, why.
    pub fn says(&self, name: &'static str, reason: Option<String>) {
        self.put(Watched { name, asks: Asks::Nothing, reason });
    }

    /// A service that takes nothing more.
    pub fn stopping(&self, name: &'static str) {
        self.starting(name, "stopping");
    }

    fn put(&self, watched: Watched) {
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        services.retain(|known| known.name != watched.name);
        services.push(watched);
    }

    /// Is everything reached? With what is away.
    pub async fn ask(&self) -> (bool, Value) {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut all_ready = !services.is_empty();
        let mut answer = serde_json::Map::new();
        for service in services {
            let mut one = json!({});
            if let Some((broker, database)) = service.reached().await {
                all_ready &= broker && database;
                let word = |reached| if reached { "reached" } else { "away" };
                one = json!({ "broker": word(broker), "database": word(database) });
            }
            all_ready &= service.reason.is_none();
            if let Some(reason) = service.reason {
                one["reason"] = reason.into();
            }
            answer.insert(service.name.to_owned(), one);
        }
        (all_ready, json!({ "ready": all_ready, "services": answer }))
    }

    /// Shows in `metrics` what is reached, and what is to be seen of brokers and databases from here.
    async fn show(&self, metrics: &Metrics) {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner).clone();
        // all at once: each waits for others
        futures::future::join_all(services.iter().map(|service| service.show(metrics))).await;
    }
}

impl Watched {
    /// Are broker and database reached? `None` where there are none to reach.
    async fn reached(&self) -> Option<(bool, bool)> {
        let Asks::Both(broker, database) = &self.asks else { return None };
        let broker = match broker {
            Some(broker) => broker.ready().await,
            None => false,
        };
        let database = match database {
            Some(database) => matches!(tokio::time::timeout(PING_TIMEOUT, database.ping()).await, Ok(Ok(()))),
            None => false,
        };
        Some((broker, database))
    }

    async fn show(&self, metrics: &Metrics) {
        // what is no service (a provider, a verification) has no series of its own
        if Service::from_name(self.name).is_none() {
            return;
        }
        let reached = self.reached().await;
        let is_ready = self.reason.is_none() && reached.is_none_or(|(broker, database)| broker && database);
        metrics.show_ready(self.name, is_ready, reached);
        if let Asks::Both(broker, database) = &self.asks {
            if let Some(database) = database {
                metrics.show_pool(self.name, database);
            }
            if let Some(broker) = broker {
                metrics.show_broker(self.name, &**broker, reached.is_some_and(|(broker, _)| broker)).await;
            }
        }
    }
}

/// The administration server, bound but not yet serving.
pub struct Admin {
    listener: TcpListener,
    router: Router,
}

impl Admin {
    /// Binds `address`.
    ///
    /// # Errors
    /// Where the address cannot be had.
    pub async fn bind(address: SocketAddr, readiness: Readiness, metrics: Metrics) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, router: router(readiness, metrics) })
    }

    /// Where it listens: the port that was given out, where 0 was asked for.
    ///
    /// # Errors
    /// Where the system cannot tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, and finishes what was asked before it.
    ///
    /// # Errors
    /// Where the listener fails.
    pub async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

/// The routes. Other methods than GET (and HEAD) are answered with 405.
pub fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({ "alive": true }))))
        .route("/readyz", get(ready).with_state(readiness.clone()))
        .route("/metrics", get(count).with_state((readiness, metrics)))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let (ready, answer) = readiness.ask().await;
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(answer))
}

async fn count(State((readiness, metrics)): State<(Readiness, Metrics)>) -> impl IntoResponse {
    readiness.show(&metrics).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text())
}
