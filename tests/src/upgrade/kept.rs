//! What is kept of a version, read back.

use super::message::{self, KeptMessage};
use crate::{
    accounts,
    place::{Distributed, Embedded},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A version that was released, and what is kept of it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number.
    pub version: String,
    folder: PathBuf,
}

impl Kept {
    /// Every version that is kept.
    ///
    /// # Panics
    /// Where there is none.
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("upgrade");
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let kept = entries.map(|entry| entry.expect("a folder that can be read")).filter(|entry| entry.path().is_dir());
        let mut kept: Vec<Self> =
            kept.map(|entry| Self { version: entry.file_name().to_string_lossy().into_owned(), folder: entry.path() }).collect();
        kept.sort_by(|one, other| one.version.cmp(&other.version));
        assert!(!kept.is_empty(), "no version is kept in {}", folder.display());
        kept
    }

    /// Its programs, which `tests/run upgrade` has built.
    ///
    /// # Panics
    /// Where it has not.
    pub fn programs(&self) -> PathBuf {
        let folder = std::env::var_os("PLANSHIFT_TEST_RELEASES").expect("PLANSHIFT_TEST_RELEASES is not set: `tests/run upgrade` sets it");
        let folder = PathBuf::from(folder).join(&self.version);
        assert!(folder.join("planshift").is_file(), "{} has no programs", folder.display());
        folder
    }

    /// How many transitions it left in each state.
    pub fn states(&self) -> BTreeMap<String, i64> {
        let states = accounts::read(&self.folder.join("states.json"));
        serde_json::from_value(states).expect("numbers by state")
    }

    /// The document of its messages.
    pub fn asyncapi(&self) -> Value {
        accounts::read(&self.folder.join("asyncapi.json"))
    }

    /// A message of each type that it sent.
    pub fn messages(&self) -> Vec<KeptMessage> {
        message::read(&self.folder.join("messages.ndjson"))
    }

    /// What waited in its queues when it was stopped.
    pub fn queued(&self) -> Vec<KeptMessage> {
        message::read(&self.folder.join("queued.ndjson"))
    }

    /// Makes the database what it was.
    ///
    /// # Panics
    /// Where the database does not take it.
    pub fn restore(&self, place: &Distributed) {
        let psql = "\"$(ls -d /usr/lib/postgresql/*/bin | tail -1)/psql\" --quiet --no-psqlrc -v ON_ERROR_STOP=1 \"$2\" >/dev/null";
        let command = format!("xz -dc \"$1\" | {psql}");
        let mut restore = Command::new("bash");
        restore.args(["-o", "pipefail", "-c", &command, "restore"]).arg(self.folder.join("postgres.sql.xz")).arg(place.database_url());
        assert!(restore.status().is_ok_and(|status| status.success()), "the database of {} cannot be restored", self.version);
    }

    /// Makes the data folder what it was.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn unpack(&self, place: &Embedded) {
        fs::create_dir_all(place.data()).expect("a data folder");
        let unpacked = Command::new("tar").arg("-xJf").arg(self.folder.join("data.tar.xz")).arg("-C").arg(place.data()).status();
        assert!(unpacked.is_ok_and(|status| status.success()), "the data folder of {} cannot be unpacked", self.version);
    }
}
