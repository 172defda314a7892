//! A file, from its bytes to lines: all of it is taken, or nothing.
//!
//! It lies in a file without a name while it is read: once for what is wrong with it, and once more to write its lines, batch by batch. They
//! are seen when all of them are written.

use super::{
    FileState, InvoiceFile, Invoices,
    files::{alive, name_of},
    parse::lines,
};
use crate::model::to_json;
use planshift_billing::{
    Format, UsageError,
    parse::Faults,
    reconcile::{InvoiceLine, Series},
};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Statement, StorageError, Value};
use serde::{Deserialize, Serialize};
use std::{fs::File, io, ops::ControlFlow};
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many lines are written at once.
const BATCH: usize = 4_000;
/// How many batches are read ahead of the one that is written.
const AHEAD: usize = 2;

static INSERT: Statement = Statement::new(
    "INSERT INTO invoice_lines (file_id, number, partner_id, customer_id, series, azure_id, meter, from_at, to_at, invoice, whole, high, low, body)
     SELECT $2::uuid, r.number, $3::uuid, r.customer, $4::text, r.azure, r.meter, r.from_at, r.to_at, r.invoice, r.whole, r.high, r.low, r.body
     FROM {1: number bigint, customer uuid, azure uuid, meter text, from_at bigint, to_at bigint, invoice text, whole bigint, high bigint,
              low bigint, body text} AS r",
);

/// What is brought.
#[derive(Debug)]
pub(crate) struct BringInvoice {
    /// The file's id: the request's, so that the same request again is the same file.
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) series: Series,
    pub(crate) format: Format,
    pub(crate) actor: String,
    /// Its SHA-256.
    pub(crate) document: String,
    /// The file that it takes the place of.
    pub(crate) replaces: Option<Uuid>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) file: InvoiceFile,
    /// It was here already, and nothing has changed.
    pub(crate) was_here: bool,
}

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvoiceError {
    #[error("another invoice of the partner is being taken")]
    UnderWay,
    #[error(transparent)]
    Faults(Faults),
    #[error("the file that lies here could not be read")]
    Unreadable(#[source] io::Error),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("writing took too long, or the file that is replaced was withdrawn meanwhile")]
    TakenAway,
}

/// What of a line is in no column of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rest {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) charged: Option<planshift_billing::Decimal>,
    /// Rounded as the invoice rounds, and exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reckoned: Option<[planshift_billing::Decimal; 2]>,
}

impl Invoices {
    /// Takes a file that has been received whole.
    pub(crate) async fn bring(&self, bring: &BringInvoice, file: File) -> Result<Brought, InvoiceError> {
        if let Some(file) = self.same(bring.partner, &bring.document).await? {
            return Ok(Brought { file, was_here: true });
        }
        let (series, format) = (bring.series, bring.format);
        let reading = tokio::task::spawn_blocking(move || {
            let mut file = file;
            lines(&mut file, series, format, |_| ControlFlow::Continue(())).map(|whole| (file, whole))
        });
        let mut known = InvoiceFile {
            id: bring.id,
            partner: bring.partner,
            series,
            state: FileState::Running,
            format: format.name().to_owned(),
            actor: bring.actor.clone(),
            document: bring.document.clone(),
            created_at: self.ports.clock.now(),
            ended_at: None,
            lines: 0,
            unbilled: 0,
            numbers: Vec::new(),
            window: (Timestamp::from_micros(0), Timestamp::from_micros(0)),
            first: Timestamp::from_micros(0),
            faults: None,
            withdrawn: None,
        };
        let (file, whole) = match reading.await.map_err(|error| InvoiceError::Unreadable(io::Error::other(error)))? {
            Ok(read) => read,
            Err(UsageError::Io(error)) => return Err(InvoiceError::Unreadable(error)),
            Err(UsageError::Faults(faults)) => {
                self.refuse(&known, &faults).await?;
                return Err(InvoiceError::Faults(faults));
            }
        };
        (known.unbilled, known.numbers) = (whole.unbilled, whole.numbers.into_iter().collect());
        known.window = whole.window.unwrap_or(known.window);
        known.first = whole.first.unwrap_or(known.window.0);
        if !self.begin(&known).await? {
            // whoever was quicker may have brought the very same
            return match self.same(bring.partner, &bring.document).await? {
                Some(file) => Ok(Brought { file, was_here: true }),
                None => Err(InvoiceError::UnderWay),
            };
        }
        let written = self.write(bring, file).await;
        if let Err(error) = written {
            if let Err(error) = self.undo(bring.id).await {
                tracing::warn!(invoice = %bring.id, %error, "what an invoice's file has left is taken out later");
            }
            return Err(error);
        }
        let file = self.file(bring.id).await?.ok_or(InvoiceError::TakenAway)?;
        Ok(Brought { file, was_here: false })
    }

    async fn write(&self, bring: &BringInvoice, mut file: File) -> Result<(), InvoiceError> {
        let (give, mut batches) = mpsc::channel::<Vec<InvoiceLine>>(AHEAD);
        let (series, format) = (bring.series, bring.format);
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let read = lines(&mut file, series, format, |line| {
                batch.push(line);
                if batch.len() < BATCH {
                    return ControlFlow::Continue(());
                }
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
        let mut written = Ok(());
        while let Some(batch) = batches.recv().await {
            written = self.batch(bring, batch).await;
            if written.is_err() {
                break;
            }
        }
        drop(batches);
        let read = reading.await.map_err(|error| InvoiceError::Unreadable(io::Error::other(error)))?;
        written?;
        match read {
            Ok(_) => {}
            Err(UsageError::Faults(faults)) => return Err(InvoiceError::Faults(faults)),
            Err(UsageError::Io(error)) => return Err(InvoiceError::Unreadable(error)),
        }
        match self.done(bring.id, bring.partner, &bring.actor, bring.replaces).await? {
            true => Ok(()),
            false => Err(InvoiceError::TakenAway),
        }
    }

    async fn batch(&self, bring: &BringInvoice, batch: Vec<InvoiceLine>) -> Result<(), InvoiceError> {
        let lines = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        let rows = batch.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.database.begin().await?;
        if !alive(&mut tx, bring.id, lines, self.ports.clock.now()).await? {
            tx.rollback().await?;
            return Err(InvoiceError::TakenAway);
        }
        let args = Args::new().rows(rows).value(bring.id).value(bring.partner.0).value(name_of(bring.series));
        tx.execute(&INSERT, args).await?;
        Ok(tx.commit().await?)
    }
}

fn row(line: InvoiceLine) -> Result<Vec<Value>, StorageError> {
    let packed = line.quantity.packed().unwrap_or_default();
    let reckoned = line.reckoned.map(|reckoned| [reckoned.rounded, reckoned.exact]);
    let rest = Rest { detail: line.detail, charged: line.charged, reckoned };
    Ok(vec![
        i64::try_from(line.place.row).unwrap_or(i64::MAX).into(),
        line.customer_id.0.into(),
        line.azure_subscription_id.map(|azure| azure.0).into(),
        line.meter_id.into(),
        line.from.as_micros().into(),
        line.to.as_micros().into(),
        line.place.invoice.into(),
        packed.whole.into(),
        packed.high.into(),
        packed.low.into(),
        to_json(&rest)?.into(),
    ])
}
