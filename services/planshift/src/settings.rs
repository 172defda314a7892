//! What the options and the environment mean together: where things are kept, and secrets that stand in files.

use crate::{cli::StoreArgs, exit::Failure};
use planshift_worker::Service;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Where data and messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// SQLite files and the queues of this process, in this folder.
    Embedded(PathBuf),
    /// PostgreSQL and RabbitMQ.
    Distributed(Box<Servers>),
}

/// The servers of the distributed way, for each service.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers {
    databases: [Secret; Service::ALL.len()],
    brokers: [Secret; Service::ALL.len()],
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A text that is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be handed on and not to be printed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

impl Servers {
    /// The URL of a service's database.
    pub fn database(&self, service: Service) -> &Secret {
        &self.databases[index(service)]
    }

    /// The URL of a service's broker.
    pub fn broker(&self, service: Service) -> &Secret {
        &self.brokers[index(service)]
    }
}

fn index(service: Service) -> usize {
    Service::ALL.iter().position(|other| *other == service).unwrap_or_default()
}

/// The environment, so that tests can bring their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment; an empty variable is as one that is not set.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the options say that things are kept.
///
/// # Errors
/// Usage: a database without a broker or the other way round, a secret's file that cannot be read.
pub fn keeping(store: &StoreArgs, environment: Environment<'_>) -> Result<Keeping, Failure> {
    let database = secret(store.database.as_deref(), "PLANSHIFT_DATABASE_URL", environment)?;
    let broker = secret(store.broker.as_deref(), "PLANSHIFT_BROKER_URL", environment)?;
    match (database, broker) {
        (None, None) => Ok(Keeping::Embedded(store.data.clone())),
        (Some(database), Some(broker)) => {
            let own = |kind: &str, common: &Secret| -> Result<_, Failure> {
                let mut urls = Service::ALL.map(|_| common.clone());
                for (url, service) in urls.iter_mut().zip(Service::ALL) {
                    if let Some(own) = secret(None, &format!("PLANSHIFT_{}_{kind}_URL", service.name().to_uppercase()), environment)? {
                        *url = own;
                    }
                }
                Ok(urls)
            };
            Ok(Keeping::Distributed(Box::new(Servers { databases: own("DATABASE", &database)?, brokers: own("BROKER", &broker)? })))
        }
        (database, _) => {
            let (given, missing) = if database.is_some() { ("--database", "--broker") } else { ("--broker", "--database") };
            Err(Failure::usage(format!("{given} is given without {missing}"))
                .advise("give both to use PostgreSQL and RabbitMQ, or neither to keep everything in the folder --data"))
        }
    }
}

/// A secret: as it was given, else what stands in the variable `name`, else in the file that `name_FILE` names.
///
/// # Errors
/// Usage: the file cannot be read or is empty.
pub fn secret(given: Option<&str>, name: &str, environment: Environment<'_>) -> Result<Option<Secret>, Failure> {
    if let Some(value) = given.filter(|value| !value.is_empty()).map(str::to_owned).or_else(|| environment(name)) {
        return Ok(Some(Secret(value)));
    }
    let variable = format!("{name}_FILE");
    environment(&variable).map(|file| read_secret(Path::new(&file), &variable)).transpose()
}

fn read_secret(file: &Path, variable: &str) -> Result<Secret, Failure> {
    let text =
        fs::read_to_string(file).map_err(|error| Failure::usage(format!("{variable}: cannot read {}", file.display())).because(error))?;
    let text = text.trim();
    if text.is_empty() { Err(Failure::usage(format!("{variable}: {} is empty", file.display()))) } else { Ok(Secret(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn store(database: Option<&str>, broker: Option<&str>) -> StoreArgs {
        StoreArgs { data: "d".into(), database: database.map(Into::into), broker: broker.map(Into::into) }
    }

    #[test]
    fn both_servers_or_neither() {
        let empty = |_: &str| None;
        assert_eq!(keeping(&store(None, None), &empty).unwrap(), Keeping::Embedded("d".into()));
        assert!(matches!(keeping(&store(Some("postgres://a"), Some("amqp://b")), &empty), Ok(Keeping::Distributed(_))));
        for (database, broker) in [(Some("postgres://a"), None), (None, Some("amqp://b"))] {
            let failure = keeping(&store(database, broker), &empty).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains("without"), "{failure}");
        }
    }

    #[test]
    fn a_service_may_have_its_own_and_secrets_may_stand_in_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "amqp://from-file\n").unwrap();
        let path = file.path().to_string_lossy().into_owned();
        let environment = move |name: &str| match name {
            "PLANSHIFT_MAPPING_DATABASE_URL" => Some("postgres://own".to_owned()),
            "PLANSHIFT_BROKER_URL_FILE" => Some(path.clone()),
            _ => None,
        };
        let Ok(Keeping::Distributed(servers)) = keeping(&store(Some("postgres://common"), None), &environment) else {
            panic!("not distributed")
        };
        assert_eq!(servers.database(Service::Mapping).expose(), "postgres://own");
        assert_eq!(servers.database(Service::Gateway).expose(), "postgres://common");
        assert_eq!(servers.broker(Service::Gateway).expose(), "amqp://from-file");
        assert!(!format!("{servers:?}{:?}", servers.broker(Service::Gateway)).contains("amqp"));
        assert!(secret(None, "X", &|name| (name == "X_FILE").then(|| "/no/such/file".to_owned())).is_err());
    }
}
