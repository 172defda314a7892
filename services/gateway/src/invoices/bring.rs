//! A file, from its bytes to lines: all of it is taken, or nothing.
//!
//! It lies in a file without a name while it is read: once for what is wrong with it, and once more to write its lines, batch by batch. They
//! are seen when all of them are written.

use super::{
    InvoiceFile, Invoices,
    invoice::{count, name_of},
    parse::{Whole, lines},
};
use crate::{
    files::{FileError, Reading},
    model::to_json,
};
use planshift_billing::{
    Format, UsageError,
    reconcile::{InvoiceLine, Series},
};
use planshift_domain::ids::PartnerId;
use planshift_storage::{Args, Statement, StorageError, Value};
use serde::{Deserialize, Serialize};
use std::{fs::File, io, ops::ControlFlow};
use uuid::Uuid;

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
    /// Takes a file that has been received whole. Says whether it was here already, and nothing has changed.
    pub(crate) async fn bring(&self, bring: &BringInvoice, file: File) -> Result<(InvoiceFile, bool), FileError> {
        if let Some(file) = self.files.same(bring.partner, &bring.document).await? {
            return Ok((file, true));
        }
        let (series, format) = (bring.series, bring.format);
        let reading = tokio::task::spawn_blocking(move || {
            let mut file = file;
            lines(&mut file, series, format, |_| ControlFlow::Continue(())).map(|whole| (file, whole))
        });
        let (file, whole) = match reading.await.map_err(|error| FileError::BrokeOff(io::Error::other(error)))? {
            Err(UsageError::Faults(faults)) => {
                self.put(bring, &Whole::default(), Some(&faults)).await?;
                return Err(FileError::Faults(faults));
            }
            read => read?,
        };
        if !self.put(bring, &whole, None).await? {
            // whoever was quicker may have brought the very same
            let same = self.files.same(bring.partner, &bring.document).await?;
            return same.map(|file| (file, true)).ok_or(FileError::UnderWay);
        }
        let written = self.write(bring, file).await;
        self.files.ended(bring.id, written).await?;
        Ok((self.files.find(bring.id).await?.ok_or(FileError::TakenAway)?, false))
    }

    async fn write(&self, bring: &BringInvoice, mut file: File) -> Result<(), FileError> {
        let (series, format) = (bring.series, bring.format);
        let mut reading = Reading::begin(move |give| lines(&mut file, series, format, give));
        let mut written = Ok(());
        while written.is_ok()
            && let Some(batch) = reading.batch().await
        {
            written = self.batch(bring, batch).await;
        }
        let read = reading.end().await;
        written?;
        read?;
        match self.done(bring.id, bring.partner, &bring.actor, bring.replaces).await? {
            true => Ok(()),
            false => Err(FileError::TakenAway),
        }
    }

    async fn batch(&self, bring: &BringInvoice, batch: Vec<InvoiceLine>) -> Result<(), FileError> {
        let lines = batch.len();
        let rows = batch.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.database.begin().await?;
        if !self.files.alive(&mut tx, bring.id).await? {
            tx.rollback().await?;
            return Err(FileError::TakenAway);
        }
        let args = Args::new().rows(rows).value(bring.id).value(bring.partner.0).value(name_of(bring.series));
        tx.execute(&INSERT, args).await?;
        count(&mut tx, bring.id, lines).await?;
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
