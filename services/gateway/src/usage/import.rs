//! A file, from its bytes to records with owners: all of it is taken, or nothing.
//!
//! The bytes come from a client and are read in a thread of their own; a batch is given its owners while the one before it is written, and
//! one is written at a time. Each stage waits for the next one, so that a file of any length needs the room of a few batches. What is written
//! is seen when the whole file was.

use super::{
    Usage,
    batch::{Batch, Owned, Written},
    imports::Import,
    owners::Owners,
};
use crate::files::{FileError, Reading};
use bytes::Bytes;
use planshift_billing::{
    Defaults, Format, UsageError, UsageRecord,
    owned::owner_in,
    parse::{Faults, read},
};
use planshift_domain::ids::{AzureSubscriptionId, PartnerId};
use planshift_storage::StorageError;
use planshift_telemetry::TraceContext;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, Read},
};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

/// How many subscriptions' owners, and how many resources, are remembered at once: so that the memory of an import has a limit. What is
/// forgotten is looked up again.
const REMEMBERED: usize = 100_000;

/// What is brought.
#[derive(Clone, Debug)]
pub(crate) struct Bringing {
    /// The import's id: the request's, so that the same request again is the same import.
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) format: Format,
    pub(crate) defaults: Defaults,
    pub(crate) actor: String,
}

/// A record with its row, and what it and its resource are known by.
struct Found {
    row: u64,
    record: UsageRecord,
    identity: Uuid,
    resource: Uuid,
}

impl Usage {
    /// Takes a file whose pieces come through `pieces`; `document` is asked for the file's hash when they have ended.
    pub(crate) async fn bring(
        &self,
        bringing: &Bringing,
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        document: impl Future<Output = Option<String>> + Send,
        trace: &TraceContext,
    ) -> Result<Import, FileError> {
        if !self.begin(bringing.id, bringing.partner, bringing.format.name(), &bringing.actor).await? {
            return Err(FileError::UnderWay);
        }
        let taken = self.take(bringing, pieces, document, trace).await;
        self.files.ended(bringing.id, taken).await
    }

    async fn take(
        &self,
        bringing: &Bringing,
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        document: impl Future<Output = Option<String>> + Send,
        trace: &TraceContext,
    ) -> Result<Import, FileError> {
        let (format, defaults, partner) = (bringing.format, bringing.defaults, bringing.partner);
        let mut reading = Reading::begin(move |give| {
            read(Pieces { pieces, piece: Bytes::new() }, format, &defaults, |row, record| {
                let (identity, resource) = (record.identity(partner), record.resource.key());
                give(Found { row, record, identity, resource })
            })
        });
        let (mut owning, mut writing) = (Owning::new(self, partner, trace), Writing::default());
        let mut written = Ok(());
        while written.is_ok()
            && let Some(batch) = reading.batch().await
        {
            let owned = owning.batch(batch).await;
            written = writing.ended(&mut owning.faults).await;
            match owned {
                // after the first fault nothing more is written: it would be taken out again
                Ok(batch) if written.is_ok() && owning.faults.is_empty() => writing.begin(self, bringing.id, batch),
                Ok(_) => {}
                Err(error) => written = written.and(Err(error)),
            }
        }
        written = written.and(writing.ended(&mut owning.faults).await);
        let (read, mut faults) = (reading.end().await, owning.faults);
        written?;
        match read {
            Err(UsageError::Faults(more)) => faults.append(more),
            other => other?,
        }
        if !faults.is_empty() {
            return Err(FileError::Faults(faults));
        }
        let document = document.await.ok_or_else(|| FileError::BrokeOff(io::ErrorKind::UnexpectedEof.into()))?;
        let import = self.files.find(bringing.id).await?.ok_or(FileError::TakenAway)?;
        if !self.done(&import, &document).await? {
            return Err(FileError::TakenAway);
        }
        self.files.find(bringing.id).await?.ok_or(FileError::TakenAway)
    }
}

/// The batch that is written, in a task of its own.
#[derive(Default)]
struct Writing(Option<JoinHandle<Result<Written, StorageError>>>);

impl Writing {
    fn begin(&mut self, usage: &Usage, import: Uuid, batch: Batch) {
        if !batch.records.is_empty() {
            let usage = usage.clone();
            self.0 = Some(tokio::spawn(async move { usage.write(import, &batch).await }));
        }
    }

    /// Waits until it is written. Nothing where there is none.
    async fn ended(&mut self, faults: &mut Faults) -> Result<(), FileError> {
        let Some(task) = self.0.take() else { return Ok(()) };
        match task.await.map_err(|error| FileError::BrokeOff(io::Error::other(error)))?? {
            Written::Yes(contradictions) => {
                faults.append(contradictions);
                Ok(())
            }
            Written::TakenAway => Err(FileError::TakenAway),
        }
    }
}

/// Gives records their owners, and remembers what it has looked up for them.
struct Owning<'a> {
    usage: &'a Usage,
    partner: PartnerId,
    trace: &'a TraceContext,
    owners: HashMap<AzureSubscriptionId, Owners>,
    /// Those that batches before have described.
    resources: HashSet<Uuid>,
    faults: Faults,
}

impl<'a> Owning<'a> {
    fn new(usage: &'a Usage, partner: PartnerId, trace: &'a TraceContext) -> Self {
        Self { usage, partner, trace, owners: HashMap::new(), resources: HashSet::new(), faults: Faults::default() }
    }

    async fn batch(&mut self, batch: Vec<Found>) -> Result<Batch, FileError> {
        self.look_up(&batch).await?;
        let partner = self.partner;
        let mut records = Vec::with_capacity(batch.len());
        let mut new_resources = BTreeSet::new();
        for Found { row, record, identity, resource } in batch {
            if record.partner_id.is_some_and(|of| of != partner) {
                let of = record.partner_id.map(|of| of.to_string()).unwrap_or_default();
                self.faults.add(row, "PartnerId", of, format!("{partner}, whose file it is"));
                continue;
            }
            let azure = record.azure_subscription_id;
            let Some(owners) = self.owners.get(&azure) else {
                let expected = "one of the partner's: its customer's account document must have been imported";
                self.faults.add(row, "EntitlementId", format!("the Azure subscription {azure}"), expected);
                continue;
            };
            let owner = owner_in(&owners.intervals, record.usage_start);
            if !self.resources.contains(&resource) {
                new_resources.insert(resource);
            }
            records.push(Owned { row, record, owner, identity, resource });
        }
        if self.resources.len() + new_resources.len() > REMEMBERED {
            self.resources.clear();
        }
        // they are written before the next batch is, or nothing is written any more
        self.resources.extend(&new_resources);
        Ok(Batch { partner, records, new_resources })
    }

    /// The owners of what the batch is of.
    async fn look_up(&mut self, batch: &[Found]) -> Result<(), FileError> {
        let of_batch = batch.iter().map(|found| found.record.azure_subscription_id);
        let unknown: BTreeSet<AzureSubscriptionId> = of_batch.clone().filter(|azure| !self.owners.contains_key(azure)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let wanted = if self.owners.len() + unknown.len() > REMEMBERED {
            self.owners.clear();
            of_batch.collect()
        } else {
            unknown
        };
        let wanted: Vec<AzureSubscriptionId> = wanted.into_iter().collect();
        self.owners.extend(self.usage.owners(self.partner, &wanted, self.trace).await?);
        Ok(())
    }
}

/// Pieces as a reader.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
