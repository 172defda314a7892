//! A process with one service in it: settings from the environment, broker and database, health, signals, drain.
//!
//! It starts whatever is away. Until broker and database are reached it stays up and says that it is not ready; a database that
//! is at another version is refused with what to do about it. On SIGTERM or SIGINT it takes nothing more, finishes what it has
//! taken, and leaves.

use crate::{
    Ports,
    alive::Alive,
    health::{Admin, Readiness},
    metrics::{MeasuredBroker, Metrics},
    traced::{TracedBroker, traced},
    unpacked::unpacked,
};
use planshift_messaging::{
    Service, SharedBroker,
    rabbitmq::{InvalidUrl, RabbitMqBroker, RabbitMqOptions},
};
use planshift_storage::{DEFAULT_POOL_SIZE, Database, Migration, StorageError};
use planshift_telemetry::{LogFormat, Tracer, Tracing};
use std::{
    env,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The longest wait between two looks for a database that is away.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What is logged unless `RUST_LOG` says otherwise.
const LOG_FILTER: &str = "info,lapin=off";

/// Why a process with a service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A setting is missing or wrong.
    #[error("{0}")]
    Setting(String),
    /// The broker's URL is none.
    #[error(transparent)]
    BrokerUrl(#[from] InvalidUrl),
    /// The database is not one that this program can work on.
    #[error(transparent)]
    Database(#[from] StorageError),
    /// The administration address cannot be had.
    #[error("the administration address {address} cannot be had")]
    Admin {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What a service needs to know to run alone.
#[derive(Clone)]
pub struct Settings {
    /// Which service.
    pub service: Service,
    /// Its Postgres database.
    pub database_url: String,
    /// RabbitMQ.
    pub broker_url: String,
    /// The administration address.
    pub admin: SocketAddr,
}

impl Settings {
    /// From the environment: `PLANSHIFT_MAPPING_DATABASE_URL` (or another service's name) before `PLANSHIFT_DATABASE_URL`, likewise
    /// `PLANSHIFT_BROKER_URL`; `PLANSHIFT_ADMIN` (an address; default 127.0.0.1 and a port of the service's own). Each of them
    /// with `_FILE` behind it names a file that holds the value.
    ///
    /// # Errors
    /// `Setting`, naming the variable.
    pub fn from_env(service: Service) -> Result<Self, HostError> {
        Self::from_variables(service, &|name| env::var(name).ok())
    }

    fn from_variables(service: Service, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, HostError> {
        let url = |kind: &str| {
            let (own, common) = (format!("PLANSHIFT_{}_{kind}_URL", service.name().to_uppercase()), format!("PLANSHIFT_{kind}_URL"));
            let found = setting(variable, &own)?.map_or_else(|| setting(variable, &common), |url| Ok(Some(url)))?;
            found.ok_or_else(|| HostError::Setting(format!("{common} is not set (nor {common}_FILE)")))
        };
        let (database_url, broker_url) = (url("DATABASE")?, url("BROKER")?);
        let admin = match setting(variable, "PLANSHIFT_ADMIN")? {
            Some(text) => {
                text.parse().map_err(|_| HostError::Setting(format!("PLANSHIFT_ADMIN: {text:?} is not an address like 127.0.0.1:8082")))?
            }
            None => default_admin(service),
        };
        Ok(Self { service, database_url, broker_url, admin })
    }
}

/// A port for each service, so that one of each may run on one machine without being told.
pub fn default_admin(service: Service) -> SocketAddr {
    let port = match service {
        Service::Gateway => 8081,
        Service::Coordinator => 8082,
        Service::Eligibility => 8083,
        Service::Purchasing => 8084,
        Service::Mapping => 8085,
        Service::Suspension => 8086,
    };
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn setting(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<String>, HostError> {
    let file = format!("{name}_FILE");
    let given = |name: &str| variable(name).filter(|text| !text.is_empty());
    match (given(name), given(&file)) {
        (Some(_), Some(_)) => Err(HostError::Setting(format!("{name} and {file} are both set"))),
        (value, None) => Ok(value),
        (None, Some(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(HostError::Setting(format!("{file}: {path}: {error}"))),
        },
    }
}

/// What the process gives to its service.
#[derive(Clone)]
pub struct Parts {
    /// At the program's version.
    pub database: Database,
    /// The service's own end of the broker.
    pub broker: SharedBroker,
    /// The real world.
    pub ports: Ports,
    /// Where to count; `/metrics` shows it.
    pub metrics: Metrics,
    /// Where to tell of more that has to be there; `/readyz` shows it.
    pub readiness: Readiness,
}

/// The whole of a service's binary: logs, settings, [`serve`], the exit code (0, 1 where it failed, 2 where a setting is wrong).
pub fn main<R, F>(service: Service, migrations: &'static [Migration], run: R) -> ExitCode
where
    R: FnOnce(Parts, CancellationToken) -> F,
    F: Future<Output = ()>,
{
    let format = env::var("PLANSHIFT_LOG_FORMAT").ok().and_then(|text| text.parse().ok()).unwrap_or(LogFormat::Text);
    planshift_telemetry::init(format, LOG_FILTER, service.name());
    let runtime = match runtime_of(service) {
        Ok(runtime) => runtime,
        Err(error) => return failed(1, &error),
    };
    let outcome = runtime.block_on(async {
        let settings = Settings::from_env(service)?;
        serve(settings, migrations, stop_signal()?, run).await
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (HostError::Setting(_) | HostError::BrokerUrl(_))) => failed(2, &error),
        Err(error) => failed(1, &error),
    }
}

/// The runtime for a service alone. The gateway answers many at once; of the others, one loop does the work, and the broker's
/// client has a thread of its own: more threads would only wake each other.
///
/// # Errors
/// The system's.
pub fn runtime_of(service: Service) -> std::io::Result<tokio::runtime::Runtime> {
    match service {
        Service::Gateway => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    }
}

fn failed(code: u8, error: &dyn std::error::Error) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    tracing::error!("{text}");
    ExitCode::from(code)
}

/// Runs a service in this process until `stop`. `run` is called once its database is reached and at the program's version.
///
/// # Errors
/// `HostError`; a broker or database that is away is no error, it is waited for.
pub async fn serve<R, F>(settings: Settings, migrations: &[Migration], stop: CancellationToken, run: R) -> Result<(), HostError>
where
    R: FnOnce(Parts, CancellationToken) -> F,
    F: Future<Output = ()>,
{
    let name = settings.service.name();
    let tracer = Tracing::from_env().and_then(|tracing| tracing.of(name)).map_err(HostError::Setting)?;
    let metrics = Metrics::new().of_this_process();
    let (readiness, ports) = (Readiness::new(), Ports::system().traced_by(tracer.clone()));
    readiness.starting(name, "starting");
    let admin_error = |source| HostError::Admin { address: settings.admin, source };
    let admin = Admin::bind(settings.admin, readiness.clone(), metrics.clone()).await.map_err(admin_error)?;
    tracing::info!(service = name, admin = %admin.address().map_err(admin_error)?, "started");
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(admin.serve(admin_stop.clone()));

    let unpacked = unpacked(&|name| env::var(name).ok()).map_err(HostError::Setting)?;
    let options = RabbitMqOptions { unpacked, ..RabbitMqOptions::new(settings.broker_url.clone(), settings.service) };
    let broker: SharedBroker = Arc::new(RabbitMqBroker::start(options)?);
    let database = Database::connect_postgres(&settings.database_url, name, DEFAULT_POOL_SIZE).await?;
    readiness.connecting(name, broker.clone(), database.clone(), "waiting for the database");
    let outcome = match wait_for(&database, migrations, &ports, &stop).await {
        Ok(true) => {
            readiness.running(name, broker.clone(), database.clone());
            metrics.observe_pool(settings.service, &database);
            let alive = Alive::new(settings.service, broker.clone(), &ports);
            let broker = MeasuredBroker::before(alive.counting(broker.clone()), &metrics, settings.service);
            let (database, broker) = (traced(&database, &tracer, name), TracedBroker::before(broker, &tracer));
            let parts = Parts { database, broker, ports, metrics, readiness: readiness.clone() };
            let until_drained = async {
                stop.cancelled().await;
                tracing::info!(service = name, "stopping: finishing what was taken");
                readiness.stopping(name);
                std::future::pending::<()>().await;
            };
            let work = async {
                tokio::select! {
                    () = run(parts, stop.clone()) => {}
                    () = until_drained => {}
                }
            };
            alive.during(work, &stop).await;
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(error) => Err(error.into()),
    };
    broker.close().await;
    database.close().await;
    flush(tracer).await;
    admin_stop.cancel();
    if let Ok(Err(error)) = admin.await {
        tracing::warn!(service = name, %error, "the administration address failed");
    }
    tracing::info!(service = name, "stopped");
    outcome
}

/// Sends what was recorded, before the process ends: from a thread that may wait.
pub async fn flush(tracer: Tracer) {
    if tracer.is_on() && tokio::task::spawn_blocking(move || tracer.shut_down()).await.is_err() {
        tracing::warn!("the last spans were not sent");
    }
}

/// Waits until the database answers and is at the program's version. False where the process was stopped before.
async fn wait_for(database: &Database, migrations: &[Migration], ports: &Ports, stop: &CancellationToken) -> Result<bool, StorageError> {
    let mut wait = Duration::from_millis(100);
    loop {
        match database.check(migrations).await {
            Ok(()) => return Ok(true),
            Err(error) if error.is_passing() => tracing::warn!(%error, "the database is away: waiting"),
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(false),
            () = ports.clock.sleep(wait.mul_f64(0.5 + ports.random.fraction() / 2.0)) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Cancelled by SIGTERM and SIGINT. Call it within a Tokio runtime.
///
/// # Errors
/// Where the system gives out no signals.
pub fn stop_signal() -> Result<CancellationToken, HostError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| HostError::Setting(format!("signals cannot be listened to: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, HostError> {
        let variables: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_variables(Service::Mapping, &|name| variables.get(name).cloned())
    }

    #[test]
    fn a_services_own_database_comes_before_the_common_one_and_secrets_may_stand_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "amqp://in-a-file\n").unwrap();
        let common = [("PLANSHIFT_DATABASE_URL", "postgres://common"), ("PLANSHIFT_BROKER_URL_FILE", file.to_str().unwrap())];
        let settings = read(&common).unwrap();
        assert_eq!((settings.database_url.as_str(), settings.broker_url.as_str()), ("postgres://common", "amqp://in-a-file"));
        assert!(settings.admin.ip().is_loopback());
        let own = [common[0], common[1], ("PLANSHIFT_MAPPING_DATABASE_URL", "postgres://own"), ("PLANSHIFT_ADMIN", "0.0.0.0:9")];
        let settings = read(&own).unwrap();
        assert_eq!((settings.database_url.as_str(), settings.admin.port()), ("postgres://own", 9));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (variables, named) in [
            (vec![], "PLANSHIFT_DATABASE_URL"),
            (vec![("PLANSHIFT_DATABASE_URL", "x")], "PLANSHIFT_BROKER_URL"),
            (vec![("PLANSHIFT_DATABASE_URL", "x"), ("PLANSHIFT_DATABASE_URL_FILE", "y")], "both set"),
            (vec![("PLANSHIFT_DATABASE_URL_FILE", "/nowhere/at/all")], "PLANSHIFT_DATABASE_URL_FILE"),
            (vec![("PLANSHIFT_DATABASE_URL", "x"), ("PLANSHIFT_BROKER_URL", "y"), ("PLANSHIFT_ADMIN", "here")], "PLANSHIFT_ADMIN"),
        ] {
            let error = read(&variables).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(named), "{error}");
        }
    }
}
