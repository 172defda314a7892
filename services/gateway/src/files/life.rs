//! Files: found, begun, seen to be alive; and what one that ended badly has left, taken out again.

use super::{Brought, File, FileError};
use crate::model::to_json;
use planshift_billing::parse::Faults;
use planshift_domain::ids::PartnerId;
use planshift_storage::{Args, Database, Statement, StorageError, Transaction};
use planshift_worker::Ports;
use std::marker::PhantomData;
use uuid::Uuid;

/// For how long a file may be silent: more than a client may take for its next piece, mapping for an answer, and a batch to be written.
const SILENT: i64 = 60;

/// Files of a kind, of all partners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files<T> {
    database: Database,
    ports: Ports,
    kind: PhantomData<fn() -> T>,
}

impl<T: Brought> Files<T> {
    pub(crate) fn new(database: Database, ports: Ports) -> Self {
        Self { database, ports, kind: PhantomData }
    }

    /// A file.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<File<T>>, StorageError> {
        self.database.query(&T::table().one, Args::new().value(id)).await?.first().map(File::of).transpose()
    }

    /// The first file with the same content that counts.
    pub(crate) async fn same(&self, partner: PartnerId, document: &str) -> Result<Option<File<T>>, StorageError> {
        self.database.query(&T::table().same, Args::new().value(partner.0).value(document)).await?.first().map(File::of).transpose()
    }

    /// All files of a partner that count. Not for kinds of which there are many.
    pub(crate) async fn done(&self, partner: PartnerId) -> Result<Vec<File<T>>, StorageError> {
        self.database.query(&T::table().done, Args::new().value(partner.0)).await?.iter().map(File::of).collect()
    }

    /// Files of a partner, or of all, the newest first.
    pub(crate) async fn newest(
        &self,
        partner: Option<PartnerId>,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<File<T>>, StorageError> {
        let (at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let args = Args::new().value(at).value(id).value(limit);
        let rows = match partner {
            Some(partner) => self.database.query(&T::table().newest, args.value(partner.0)).await?,
            None => self.database.query(&T::table().newest_of_all, args).await?,
        };
        rows.iter().map(File::of).collect()
    }

    /// Begins one, by the statement that adds its row where nothing stands in the way. One that broke may be begun again.
    pub(crate) async fn begin(&self, id: Uuid, insert: &Statement, args: Args) -> Result<bool, StorageError> {
        self.undo_silent_ones().await?;
        self.database.execute(&T::table().forget_broken, Args::new().value(id)).await?;
        Ok(self.database.execute(insert, args).await? == 1)
    }

    /// Says that whoever takes the file is still there: first of all in each of his transactions. False where somebody has taken him for
    /// dead.
    pub(crate) async fn alive(&self, tx: &mut Transaction, id: Uuid) -> Result<bool, StorageError> {
        Ok(tx.execute(&T::table().alive, Args::new().value(id).value(self.now())).await? == 1)
    }

    /// What became of taking it. Where it is at fault, or broke off, what it has brought is taken out again.
    pub(crate) async fn ended<R>(&self, id: Uuid, taken: Result<R, FileError>) -> Result<R, FileError> {
        if let Err(error) = &taken {
            let faults = if let FileError::Faults(faults) = error { Some(faults) } else { None };
            if let Err(error) = self.undo(id, faults).await {
                tracing::warn!(file = %id, %error, "what a file has left is taken out later");
            }
        }
        taken
    }

    async fn undo(&self, id: Uuid, faults: Option<&Faults>) -> Result<(), StorageError> {
        let args = Args::new().value(id).value(self.now()).value(faults.map(to_json).transpose()?);
        if self.database.execute(&T::table().undo, args).await? == 1 {
            self.take_out(id).await?;
        }
        Ok(())
    }

    /// Undoes those that nobody has been seen at for long. How many.
    pub(crate) async fn undo_silent_ones(&self) -> Result<usize, StorageError> {
        let now = self.ports.clock.now();
        let args = Args::new().value(now.as_micros()).value(now.plus_seconds(-SILENT).as_micros());
        let silent = self.database.query(&T::table().silent, args).await?;
        for row in &silent {
            self.take_out(row.get(0)?).await?;
        }
        Ok(silent.len())
    }

    /// Piece by piece, each in a transaction of its own: a crash in between is gone on from.
    async fn take_out(&self, id: Uuid) -> Result<(), StorageError> {
        let table = T::table();
        loop {
            let (mut tx, mut taken) = (self.database.begin().await?, 0);
            tx.execute(&table.undoing, Args::new().value(id).value(self.now())).await?;
            for statement in table.take_out {
                taken = tx.execute(statement, Args::new().value(id)).await?;
            }
            if taken > 0 {
                tx.commit().await?;
                continue;
            }
            for statement in table.forget {
                tx.execute(statement, Args::new().value(id)).await?;
            }
            tx.execute(&table.undone, Args::new().value(id).value(self.now())).await?;
            return tx.commit().await;
        }
    }

    fn now(&self) -> i64 {
        self.ports.clock.now().as_micros()
    }
}
