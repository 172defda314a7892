//! The services' databases, opened for reading.

use crate::{
    cli::VerifyArgs,
    exit::Failure,
    host::migrations,
    settings::{self, Environment},
};
use planshift_storage::{Database, FolderLock, FolderLockError, lock_data_folder};
use planshift_worker::Service;
use std::path::Path;

/// As many as there are parts of a pass that ask one service at the same time.
const POOL_SIZE: u32 = 4;

/// The databases of the coordinator and the workers; of the gateway's, which is a copy, usage records alone are looked at.
#[derive(Debug)]
pub struct Stores {
    pub(super) coordinator: Database,
    pub(super) eligibility: Database,
    pub(super) purchasing: Database,
    pub(super) mapping: Database,
    pub(super) suspension: Database,
    /// None where there is no gateway.
    pub(super) gateway: Option<Database>,
    /// Held where nothing else is, or can come to be, at work there.
    lock: Option<FolderLock>,
}

/// The databases by their services, whoever has opened them.
#[derive(Clone, Debug)]
pub struct Databases {
    /// The saga's.
    pub coordinator: Database,
    /// The four workers'.
    pub eligibility: Database,
    /// See above.
    pub purchasing: Database,
    /// See above.
    pub mapping: Database,
    /// See above.
    pub suspension: Database,
}

impl Stores {
    /// Databases that are open already.
    pub fn of(databases: Databases) -> Self {
        let Databases { coordinator, eligibility, purchasing, mapping, suspension } = databases;
        Self { coordinator, eligibility, purchasing, mapping, suspension, gateway: None, lock: None }
    }

    /// And the gateway's.
    #[must_use]
    pub fn with_gateway(self, gateway: Database) -> Self {
        Self { gateway: Some(gateway), ..self }
    }

    /// Opens what the options name. Of an embedded store nothing but reading is done, whether or not services are at work there.
    ///
    /// # Errors
    /// Usage: there is no such folder, a URL is none. Program: a server or a file is not reached, a schema is not at this version.
    pub async fn open(args: &VerifyArgs, environment: Environment<'_>) -> Result<Self, Failure> {
        match settings::secret(args.database.as_deref(), "PLANSHIFT_DATABASE_URL", environment)? {
            Some(common) => Self::on_postgres(common.expose(), environment).await,
            // who comes back again and again must never stand in the way of services that are started meanwhile
            None if args.every.is_some() => Self::in_folder(&args.data, false).await,
            None => Self::in_folder(&args.data, true).await,
        }
    }

    /// The files of an embedded store. Where nobody else has the folder and it `may_lock`, it takes it, so that nothing is in
    /// motion; else it reads beside whoever has it.
    ///
    /// # Errors
    /// As [`Stores::open`].
    pub async fn in_folder(folder: &Path, may_lock: bool) -> Result<Self, Failure> {
        if !folder.is_dir() {
            return Err(Failure::usage(format!("there is no data folder {}", folder.display())).advise("name it with --data DIR"));
        }
        let lock = match may_lock.then(|| lock_data_folder(folder)) {
            None | Some(Err(FolderLockError::InUse { .. })) => None,
            Some(Ok(lock)) => Some(lock),
            Some(Err(error)) => return Err(Failure::program(error.to_string()).because(error)),
        };
        Ok(Self {
            coordinator: file(folder, Service::Coordinator).await?,
            eligibility: file(folder, Service::Eligibility).await?,
            purchasing: file(folder, Service::Purchasing).await?,
            mapping: file(folder, Service::Mapping).await?,
            suspension: file(folder, Service::Suspension).await?,
            gateway: Some(file(folder, Service::Gateway).await?),
            lock,
        })
    }

    async fn on_postgres(common: &str, environment: Environment<'_>) -> Result<Self, Failure> {
        Ok(Self {
            coordinator: schema(common, Service::Coordinator, environment).await?,
            eligibility: schema(common, Service::Eligibility, environment).await?,
            purchasing: schema(common, Service::Purchasing, environment).await?,
            mapping: schema(common, Service::Mapping, environment).await?,
            suspension: schema(common, Service::Suspension, environment).await?,
            gateway: Some(schema(common, Service::Gateway, environment).await?),
            lock: None,
        })
    }

    /// May services be running on it?
    pub const fn may_be_live(&self) -> bool {
        self.lock.is_none()
    }

    /// Closes the databases; a folder is free afterwards.
    pub async fn close(self) {
        for database in
            [&self.coordinator, &self.eligibility, &self.purchasing, &self.mapping, &self.suspension].into_iter().chain(&self.gateway)
        {
            database.close().await;
        }
    }
}

async fn file(folder: &Path, service: Service) -> Result<Database, Failure> {
    let path = folder.join(format!("{}.db", service.name()));
    if !path.is_file() {
        return Err(
            Failure::program(format!("{} is missing", path.display())).advise("is this the data folder of a `planshift run` or `serve`?")
        );
    }
    let database = Database::open_sqlite_to_read(&path).await;
    checked(service, database.map_err(|error| Failure::program(format!("cannot open {}", path.display())).because(error))?).await
}

async fn schema(common: &str, service: Service, environment: Environment<'_>) -> Result<Database, Failure> {
    let own = settings::secret(None, &format!("PLANSHIFT_{}_DATABASE_URL", service.name().to_uppercase()), environment)?;
    let url = own.as_ref().map_or(common, |own| own.expose());
    let database = Database::connect_postgres(url, service.name(), POOL_SIZE).await;
    // the URL is at fault, and what is told of it does not hold its password
    checked(service, database.map_err(|error| Failure::usage(format!("the database of {}", service.name())).because(error))?).await
}

async fn checked(service: Service, database: Database) -> Result<Database, Failure> {
    match database.check(migrations(service)).await {
        Ok(()) => Ok(database),
        Err(error) => Err(Failure::program(format!("the database of {}", service.name())).because(error)),
    }
}
