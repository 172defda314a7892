//! Where a system keeps everything: on servers of its own, or in a folder.

use super::{
    counts::Counts,
    servers::Servers,
    settings::SystemName,
    tables::{Access, SERVICES, Tables},
};
use crate::program::{Outcome, Program};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// How long an import, or a look at every invariant, may take.
const LONGEST: Duration = Duration::from_secs(900);

/// Servers or a data folder, and a folder for logs. All of it is thrown away when this is dropped.
#[derive(Debug)]
pub struct Store {
    servers: Option<Servers>,
    folder: TempDir,
}

impl Store {
    /// With nothing in it.
    ///
    /// # Panics
    /// Where the servers do not start.
    pub fn empty(name: SystemName) -> Self {
        let folder = tempfile::tempdir().expect("a folder for data and logs");
        Self { servers: (name == SystemName::Distributed).then(Servers::start), folder }
    }

    /// With empty tables in it.
    ///
    /// # Panics
    /// Where they cannot be made.
    pub fn migrated(name: SystemName) -> Self {
        let store = Self::empty(name);
        store.planshift("migrate", &[]);
        store
    }

    /// The options that name it.
    pub fn options(&self) -> Vec<String> {
        match &self.servers {
            Some(servers) => vec!["--database".into(), servers.database_url(), "--broker".into(), servers.broker_url().to_owned()],
            None => vec!["--data".into(), self.data().display().to_string()],
        }
    }

    /// The servers, where there are any.
    pub const fn servers(&self) -> Option<&Servers> {
        self.servers.as_ref()
    }

    /// A folder for logs and documents.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command on what is stored, to its end.
    ///
    /// # Panics
    /// Where it fails.
    pub fn planshift(&self, command: &str, args: &[&str]) -> Outcome {
        Program::planshift([command]).args(self.options()).args(args).start().finish_within(LONGEST).expect(0)
    }

    /// So that what was written before is not written to its place within what is measured.
    pub fn checkpoint(&self) {
        match &self.servers {
            Some(servers) => servers.checkpoint(),
            None => {
                for service in SERVICES {
                    let file = File::open(self.data().join(format!("{service}.db")));
                    file.and_then(|file| file.sync_all()).unwrap_or_else(|error| panic!("the file of {service}: {error}"));
                }
            }
        }
    }

    /// What has been stored.
    pub fn tables(&self, access: Access) -> Tables {
        match &self.servers {
            Some(servers) => Tables::of_database(&servers.database_url()),
            None => Tables::of_folder(&self.data(), access),
        }
    }

    /// What has been stored, to be counted.
    pub fn counts(&self) -> Counts {
        Counts::of(self.tables(Access::Read))
    }

    /// The processes that all of the servers' descend from, by name.
    pub fn roots(&self) -> Vec<(String, u32)> {
        self.servers.iter().flat_map(Servers::roots).collect()
    }
}
