//! A file, from its bytes to records with owners: all of it is taken, or nothing.
//!
//! The bytes come from a client, are read in a thread of their own, and are written batch by batch; each stage waits for the next one, so
//! that a file of any length needs the room of a few batches. What is written is seen when the whole file was.

use super::{
    Usage,
    batch::{Owned, Written},
    imports::Import,
    owners::{Owners, OwnersError},
};
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
    ops::ControlFlow,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many records are written at once.
const BATCH: usize = 4_000;
/// How many batches are read ahead of the one that is written.
const AHEAD: usize = 2;
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

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BringError {
    #[error("another file of usage of the partner is being read")]
    UnderWay,
    #[error(transparent)]
    Faults(Faults),
    /// The client's bytes ended early.
    #[error("the file broke off")]
    BrokeOff(#[source] io::Error),
    #[error(transparent)]
    Owners(#[from] OwnersError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the import was taken for dead, because nothing was heard of it for long")]
    TakenAway,
}

type Rows = Vec<(u64, UsageRecord)>;

impl Usage {
    /// Takes a file whose pieces come through `pieces`; `document` is asked for the file's hash when they have ended.
    pub(crate) async fn bring(
        &self,
        bringing: &Bringing,
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        document: impl Future<Output = Option<String>> + Send,
        trace: &TraceContext,
    ) -> Result<Import, BringError> {
        if !self.begin(bringing.id, bringing.partner, bringing.format.name(), &bringing.actor).await? {
            return Err(BringError::UnderWay);
        }
        let result = self.take(bringing, pieces, document, trace).await;
        if let Err(error) = &result {
            let faults = if let BringError::Faults(faults) = error { Some(faults) } else { None };
            if let Err(error) = self.undo(bringing.id, faults).await {
                tracing::warn!(import = %bringing.id, %error, "what a file of usage has left is taken out later");
            }
        }
        result
    }

    async fn take(
        &self,
        bringing: &Bringing,
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        document: impl Future<Output = Option<String>> + Send,
        trace: &TraceContext,
    ) -> Result<Import, BringError> {
        let (give, mut batches) = mpsc::channel::<Rows>(AHEAD);
        let (format, defaults) = (bringing.format, bringing.defaults);
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch: Rows = Vec::with_capacity(BATCH);
            let read = read(Pieces { pieces, piece: Bytes::new() }, format, &defaults, |row, record| {
                batch.push((row, record));
                if batch.len() < BATCH {
                    return ControlFlow::Continue(());
                }
                // whoever writes them may have found a fault
                match give.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            if read.is_ok() && !batch.is_empty() {
                let _ = give.blocking_send(batch);
            }
            read
        });
        let mut writer =
            Writer { usage: self, bringing, trace, owners: HashMap::new(), resources: HashSet::new(), faults: Faults::default() };
        let mut written = Ok(());
        while let Some(batch) = batches.recv().await {
            written = writer.batch(batch).await;
            if written.is_err() {
                break;
            }
        }
        drop(batches);
        let mut faults = writer.faults;
        let read = reading.await.map_err(|error| BringError::BrokeOff(io::Error::other(error)))?;
        written?;
        match read {
            Ok(_) => {}
            Err(UsageError::Faults(more)) => faults.append(more),
            Err(UsageError::Io(error)) => return Err(BringError::BrokeOff(error)),
        }
        if !faults.is_empty() {
            return Err(BringError::Faults(faults));
        }
        let document = document.await.ok_or_else(|| BringError::BrokeOff(io::ErrorKind::UnexpectedEof.into()))?;
        let import = self.import(bringing.id).await?.ok_or(BringError::TakenAway)?;
        if !self.done(&import, &document).await? {
            return Err(BringError::TakenAway);
        }
        self.import(bringing.id).await?.ok_or(BringError::TakenAway)
    }
}

/// Writes batches, and remembers what it has looked up for them.
struct Writer<'a> {
    usage: &'a Usage,
    bringing: &'a Bringing,
    trace: &'a TraceContext,
    owners: HashMap<AzureSubscriptionId, Owners>,
    resources: HashSet<Uuid>,
    faults: Faults,
}

impl Writer<'_> {
    async fn batch(&mut self, batch: Rows) -> Result<(), BringError> {
        self.look_up(&batch).await?;
        let partner = self.bringing.partner;
        let mut owned = Vec::with_capacity(batch.len());
        let mut new_resources = BTreeSet::new();
        for (row, record) in batch {
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
            let (owner, identity, resource) =
                (owner_in(&owners.intervals, record.usage_start), record.identity(partner), record.resource.key());
            if !self.resources.contains(&resource) {
                new_resources.insert(resource);
            }
            owned.push(Owned { row, record, owner, identity, resource });
        }
        // after the first fault nothing more is written: it would be taken out again
        if !self.faults.is_empty() || owned.is_empty() {
            return Ok(());
        }
        match self.usage.write(self.bringing.id, partner, &owned, &new_resources, &mut self.faults).await? {
            Written::Yes => {}
            Written::TakenAway => return Err(BringError::TakenAway),
        }
        if self.resources.len() + new_resources.len() > REMEMBERED {
            self.resources.clear();
        }
        self.resources.extend(new_resources);
        Ok(())
    }

    /// The owners of what the batch is of.
    async fn look_up(&mut self, batch: &Rows) -> Result<(), BringError> {
        let of_batch = batch.iter().map(|(_, record)| record.azure_subscription_id);
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
        self.owners.extend(self.usage.owners(self.bringing.partner, &wanted, self.trace).await?);
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
