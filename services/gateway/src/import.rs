//! An import: a document that is checked whole, then cut into chunks that the coordinator takes, a few at a time.

use crate::{app::App, ask::AskError, http::Context, model::Changes};
use futures::{StreamExt as _, TryStreamExt as _};
use planshift_domain::{
    account::{
        self, DocumentError, Format,
        facts::{CustomerPart, PART_SUBSCRIPTIONS, PartnerFacts, ResellerFacts},
    },
    ids::{CustomerId, ImportId, PartnerId},
    message::{
        event::{AccountImported, ImportedCustomer, resellers_of},
        request::{CustomersImported, ImportCustomers, ImportedBy, OnlyIf, RefusedCustomer},
    },
};
use planshift_storage::StorageError;
use planshift_telemetry::TraceContext;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Seek as _, Write},
    ops::ControlFlow,
};
use tokio::sync::mpsc;

/// A chunk has no more than this, unless a single part has: small enough for a message, full enough to be worth one.
const CHUNK_BYTES: usize = 200_000;
/// At most so many parts of customers in a chunk: each is a row in four databases.
const CHUNK_CUSTOMERS: usize = 100;
/// At most so many resellers in a chunk; the first ones are in the first chunk of customers.
const CHUNK_RESELLERS: usize = 200;
/// The number of the first chunk of the others: beyond those of customers, however many there are.
const RESELLERS_FROM: usize = 1 << 30;
/// How many chunks are read ahead.
const READ_AHEAD: usize = 2;

/// What became of an import.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many customers were taken.
    pub(crate) imported: usize,
    /// Those that were not, by customer.
    pub(crate) refused: Vec<RefusedCustomer>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the document is of the partner {0}")]
    AnotherPartner(PartnerId),
    #[error("reading the document ended early")]
    Stopped,
}

/// Imports the document in `file`, where the caller may see its partner. The same import again is recognised, chunk by chunk.
pub(crate) async fn import(
    app: &App,
    context: &Context,
    (import_id, by): (ImportId, ImportedBy),
    mut file: File,
    format: Format,
) -> Result<Outcome, ImportError> {
    let checked = tokio::task::spawn_blocking(move || {
        file.rewind().map_err(DocumentError::Io)?;
        let checked = account::check_as(format, &file)?;
        file.rewind().map_err(DocumentError::Io)?;
        Ok::<_, DocumentError>((checked, file))
    });
    let (checked, file) = checked.await.map_err(|_| ImportError::Stopped)??;
    if !context.caller.sees(checked.partner.id) {
        return Err(ImportError::AnotherPartner(checked.partner.id));
    }
    let trace = &context.trace;
    let (partner, begun_at) = (checked.partner.clone(), app.ports.clock.now());
    // also those that are on record nowhere: what is known of them must not grow old
    let resellers: Vec<ResellerFacts> = checked.resellers.values().cloned().collect();
    let (first, further) = resellers.split_at(resellers.len().min(CHUNK_RESELLERS));

    let (give, chunks) = mpsc::channel::<Vec<CustomerPart>>(READ_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let mut chunker = Chunker::default();
        // a receiver that is gone has failed already, and says why
        let read = account::read(&file, &checked, |parts| {
            match parts.into_iter().filter_map(|part| chunker.add(part)).try_for_each(|full| give.blocking_send(full)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        if read.is_continue() && !chunker.parts.is_empty() {
            let _ = give.blocking_send(chunker.parts);
        }
        Ok::<_, DocumentError>(())
    });
    let chunks = futures::stream::unfold(chunks, async |mut chunks| chunks.recv().await.map(|chunk| (chunk, chunks)));
    let chunk = |chunk: usize, customers: Vec<CustomerPart>, resellers: Vec<ResellerFacts>| ImportCustomers {
        import_id,
        chunk: u32::try_from(chunk).unwrap_or(u32::MAX),
        begun_at,
        by: by.clone(),
        partner: partner.clone(),
        customers,
        resellers,
        only_if: None,
    };
    let mut of_resellers = Vec::new();
    for (number, some) in further.chunks(CHUNK_RESELLERS).enumerate() {
        of_resellers.push(chunk(RESELLERS_FROM + number, Vec::new(), some.to_vec()));
    }
    let mut first = first.to_vec();
    let of_customers = chunks.enumerate().map(|(number, customers)| chunk(number, customers, std::mem::take(&mut first)));
    let answers = futures::stream::iter(of_resellers).chain(of_customers).map(|chunk| take(app, trace, chunk));
    let answers: Result<Vec<CustomersImported>, ImportError> = answers.buffer_unordered(app.settings.chunks_in_flight).try_collect().await;
    let read = reading.await.map_err(|_| ImportError::Stopped)?;
    let answers = answers?;
    read?;
    Ok(outcome(answers))
}

/// Imports one customer that was changed, if what it was made of has not changed meanwhile. It is one message: taken whole, or not at all.
pub(crate) async fn import_change(
    app: &App,
    trace: &TraceContext,
    (import_id, by): (ImportId, ImportedBy),
    partner: PartnerFacts,
    only_if: OnlyIf,
    changed: CustomerPart,
) -> Result<Option<RefusedCustomer>, ImportError> {
    let (begun_at, customers, only_if) = (app.ports.clock.now(), vec![changed], Some(only_if));
    let chunk = ImportCustomers { import_id, chunk: 0, begun_at, by, partner, customers, resellers: Vec::new(), only_if };
    Ok(take(app, trace, chunk).await?.refused.pop())
}

/// Has a chunk taken, and writes its customers to the read model, so that whoever was told of the import can start them.
async fn take(app: &App, trace: &TraceContext, chunk: ImportCustomers) -> Result<CustomersImported, ImportError> {
    let answer = app.asker.ask(&chunk, trace, app.settings.chunk_answer).await?;
    let changes = known_customers(&chunk, &answer);
    let (model, now, gap) = (app.model.clone(), app.ports.clock.now(), app.settings.gap);
    model.apply(&changes, now, gap).await?;
    Ok(answer)
}

/// The customers that were taken, as version 0: the event that tells of them has the true version, and is never overwritten.
fn known_customers(chunk: &ImportCustomers, answer: &CustomersImported) -> Changes {
    let ImportCustomers { partner, customers: parts, resellers, begun_at, only_if, .. } = chunk;
    let imported: BTreeSet<CustomerId> = answer.imported.iter().copied().collect();
    let taken = || parts.iter().filter(|part| imported.contains(&part.customer_id));
    let mut changes = Changes::default();
    changes.account(AccountImported {
        partner_id: partner.id,
        partner_name: partner.name.clone(),
        begun_at: Some(*begun_at),
        customers: taken().map(|part| ImportedCustomer::of(part, 0)).collect(),
        resellers: if only_if.is_some() { Vec::new() } else { resellers_of(resellers, taken()) },
        audit: Vec::new(),
    });
    changes
}

/// A customer is imported when each of its parts was, and refused when one of them was.
fn outcome(answers: Vec<CustomersImported>) -> Outcome {
    let mut imported = BTreeSet::new();
    let mut refused = BTreeMap::new();
    for answer in answers {
        imported.extend(answer.imported);
        for customer in answer.refused {
            refused.entry(customer.customer_id).or_insert(customer);
        }
    }
    imported.retain(|customer| !refused.contains_key(customer));
    Outcome { imported: imported.len(), refused: refused.into_values().collect() }
}

/// Puts parts of customers together into chunks.
#[derive(Default)]
struct Chunker {
    parts: Vec<CustomerPart>,
    bytes: usize,
    subscriptions: usize,
}

impl Chunker {
    /// Adds a part; gives the chunk before it where there is no more room in that.
    fn add(&mut self, part: CustomerPart) -> Option<Vec<CustomerPart>> {
        let (bytes, subscriptions) = (json_bytes(&part), part.subscriptions.len());
        let full = self.bytes + bytes > CHUNK_BYTES
            || self.subscriptions + subscriptions > PART_SUBSCRIPTIONS
            || self.parts.len() >= CHUNK_CUSTOMERS;
        let before = if full && !self.parts.is_empty() { std::mem::take(self).parts } else { Vec::new() };
        self.bytes += bytes;
        self.subscriptions += subscriptions;
        self.parts.push(part);
        (!before.is_empty()).then_some(before)
    }
}

/// How long a part is in a message.
fn json_bytes(part: &CustomerPart) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // a part is made of texts and numbers: it can be written, and if it could not, sending it would say so
    let _ = serde_json::to_writer(&mut count, part);
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::account::sample::{self, SampleOptions};
    use uuid::Uuid;

    fn answer(imported: &[u128], refused: &[u128]) -> CustomersImported {
        let id = |n: &u128| CustomerId(Uuid::from_u128(*n));
        let refused = refused.iter().map(|n| RefusedCustomer {
            customer_id: id(n),
            code: "UpgradeInProgress".into(),
            description: String::new(),
            transition_id: None,
        });
        CustomersImported {
            import_id: ImportId(Uuid::nil()),
            chunk: 0,
            imported: imported.iter().map(id).collect(),
            refused: refused.collect(),
        }
    }

    #[test]
    fn a_customer_of_several_chunks_counts_once_and_is_refused_when_one_is() {
        let outcome = outcome(vec![answer(&[1, 2, 3], &[]), answer(&[2, 3], &[4]), answer(&[], &[3, 4])]);
        assert_eq!(outcome.imported, 2);
        assert_eq!(outcome.refused.iter().map(|r| r.customer_id.0.as_u128()).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn chunks_are_full_but_never_too_full() {
        let mut document = Vec::new();
        sample::write(SampleOptions { customers: 250, subscriptions: 7, seed: 1, resellers: 3 }, &mut document).unwrap();
        let checked = account::check(&document[..]).unwrap();
        let (mut chunker, mut chunks) = (Chunker::default(), Vec::new());
        let _: ControlFlow<()> = account::read(&document[..], &checked, |parts| {
            chunks.extend(parts.into_iter().filter_map(|part| chunker.add(part)));
            ControlFlow::Continue(())
        })
        .unwrap();
        chunks.push(chunker.parts);
        assert_eq!(chunks.iter().map(Vec::len).sum::<usize>(), 250);
        for chunk in &chunks {
            assert!(chunk.len() <= CHUNK_CUSTOMERS && chunk.iter().map(json_bytes).sum::<usize>() <= CHUNK_BYTES);
        }
        assert!(chunks.len() < 30, "{} chunks", chunks.len());
    }
}
