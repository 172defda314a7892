//! A file as it is kept, and where it stands.

use super::Table;
use crate::model::from_json;
use planshift_billing::parse::Faults;
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Row, StorageError};
use serde::Serialize;
use uuid::Uuid;

/// How many columns every table of files has.
const COLUMNS: usize = 9;

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) enum FileState {
    /// What it brings is being written. Nothing of it is seen yet.
    Running,
    /// What is there of it is being taken out again.
    Undoing,
    /// All of it is here.
    Done,
    /// It is at fault, and nothing of it is here.
    Refused,
    /// It broke off, and nothing of it is here.
    Broken,
    /// It was wrong, and is compared with nothing any more.
    Withdrawn,
}

impl FileState {
    const ALL: [Self; 6] = [Self::Running, Self::Undoing, Self::Done, Self::Refused, Self::Broken, Self::Withdrawn];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Undoing => "Undoing",
            Self::Done => "Done",
            Self::Refused => "Refused",
            Self::Broken => "Broken",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// What files of a kind have brought, beside what all files have.
pub(crate) trait Brought: Sized + Send + Sync + 'static {
    /// Where they are.
    fn table() -> &'static Table;

    /// From the columns of its own, the first of which is `first`.
    fn of(row: &Row, first: usize) -> Result<Self, StorageError>;
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File<T> {
    /// The request's, so that the same request again is the same file.
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) state: FileState,
    pub(crate) format: String,
    pub(crate) actor: String,
    /// Its SHA-256, hexadecimal; empty until it was read to its end.
    pub(crate) document: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) faults: Option<Faults>,
    pub(crate) brought: T,
}

impl<T: Brought> File<T> {
    pub(super) fn of(row: &Row) -> Result<Self, StorageError> {
        let state: String = row.get(2)?;
        let known = FileState::ALL.into_iter().find(|one| one.name() == state);
        Ok(Self {
            id: row.get(0)?,
            partner: PartnerId(row.get(1)?),
            state: known.ok_or_else(|| StorageError::Statement(format!("a file is {state}, and that is nothing")))?,
            format: row.get(3)?,
            actor: row.get(4)?,
            document: row.get(5)?,
            created_at: Timestamp::from_micros(row.get(6)?),
            ended_at: row.get::<Option<i64>>(7)?.map(Timestamp::from_micros),
            faults: row.get::<Option<String>>(8)?.map(|text| from_json("the faults of a file", &text)).transpose()?,
            brought: T::of(row, COLUMNS)?,
        })
    }
}
