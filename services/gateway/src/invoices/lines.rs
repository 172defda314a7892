//! Lines as they are compared: of files that count, and of no other.

use super::{Invoices, bring::Rest};
use crate::model::from_json;
use planshift_billing::{
    Packed,
    charge::Reckoned,
    reconcile::{InvoiceLine, LinePlace, Series},
};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use uuid::Uuid;

macro_rules! lines {
    ($from:literal, $rest:literal) => {
        Statement::new(concat!(
            "SELECT l.file_id, l.number, l.customer_id, l.azure_id, l.meter, l.from_at, l.to_at, l.invoice, l.whole, l.high, l.low, l.body, l.series
             FROM ",
            $from,
            " invoice_lines AS l CROSS JOIN invoice_files AS f
              WHERE l.partner_id = $2 AND l.customer_id = $3 AND f.id = l.file_id AND f.state = 'Done' ",
            $rest
        ))
    };
}
// in the order of their files, so that of two lines the one that came later is the one too many
static LEGACY: Statement = lines!(
    "",
    "AND l.series = 'D' AND l.from_at < $4::bigint AND l.to_at > $1::bigint ORDER BY l.meter, l.from_at, f.created_at, l.file_id, l.number"
);
static PLAN: Statement = lines!(
    "{1: azure uuid} AS r CROSS JOIN",
    "AND l.series = 'G' AND l.azure_id = r.azure AND l.from_at < $5::bigint AND l.to_at > $4::bigint
     ORDER BY l.azure_id, l.meter, l.from_at, f.created_at, l.file_id, l.number"
);
/// Customers that have lines in a time, after one.
static CUSTOMERS: Statement = Statement::new(
    "SELECT DISTINCT l.customer_id FROM invoice_lines AS l CROSS JOIN invoice_files AS f
     WHERE l.partner_id = $1 AND l.customer_id > $2 AND l.from_at < $4::bigint AND l.to_at > $3::bigint
       AND f.id = l.file_id AND f.state = 'Done' ORDER BY l.customer_id LIMIT $5",
);
/// Subscriptions of a customer that the plan's invoice has lines of.
static SUBSCRIPTIONS: Statement = Statement::new(
    "SELECT DISTINCT l.azure_id FROM invoice_lines AS l CROSS JOIN invoice_files AS f
     WHERE l.partner_id = $1 AND l.customer_id = $2 AND l.series = 'G' AND l.azure_id > $3 AND l.from_at < $5::bigint AND l.to_at > $4::bigint
       AND f.id = l.file_id AND f.state = 'Done' ORDER BY l.azure_id LIMIT $6",
);

fn line(row: &Row) -> Result<InvoiceLine, StorageError> {
    let rest: Rest = from_json("a line of an invoice", &row.get::<String>(11)?)?;
    let series: String = row.get(12)?;
    Ok(InvoiceLine {
        series: if series == "G" { Series::Plan } else { Series::Legacy },
        place: LinePlace { file: row.get(0)?, row: u64::try_from(row.get::<i64>(1)?).unwrap_or_default(), invoice: row.get(7)? },
        customer_id: CustomerId(row.get(2)?),
        azure_subscription_id: row.get::<Option<Uuid>>(3)?.map(AzureSubscriptionId),
        meter_id: row.get(4)?,
        from: Timestamp::from_micros(row.get(5)?),
        to: Timestamp::from_micros(row.get(6)?),
        detail: rest.detail,
        quantity: Packed { whole: row.get(8)?, high: row.get(9)?, low: row.get(10)? }.into(),
        charged: rest.charged,
        reckoned: rest.reckoned.map(|[rounded, exact]| Reckoned { rounded, exact }),
    })
}

/// A time: from then until then.
pub(crate) type Span = (Timestamp, Timestamp);

impl Invoices {
    /// Lines of a customer's legacy invoices that are for some of this time.
    pub(crate) async fn legacy_lines(&self, whose: (PartnerId, CustomerId), (from, to): Span) -> Result<Vec<InvoiceLine>, StorageError> {
        let args = Args::new().value(from.as_micros()).value(whose.0.0).value(whose.1.0).value(to.as_micros());
        self.database.query(&LEGACY, args).await?.iter().map(line).collect()
    }

    /// Lines of plans' invoices of these subscriptions of a customer that are for some of this time.
    pub(crate) async fn plan_lines(
        &self,
        whose: (PartnerId, CustomerId),
        azure: &[AzureSubscriptionId],
        (from, to): Span,
    ) -> Result<Vec<InvoiceLine>, StorageError> {
        let rows = azure.iter().map(|azure| vec![Value::Uuid(azure.0)]).collect();
        let args = Args::new().rows(rows).value(whose.0.0).value(whose.1.0).value(from.as_micros()).value(to.as_micros());
        self.database.query(&PLAN, args).await?.iter().map(line).collect()
    }

    /// Customers that have lines in this time, in the order of their ids.
    pub(crate) async fn customers(&self, partner: PartnerId, after: Uuid, (from, to): Span, limit: u32) -> Result<Vec<Uuid>, StorageError> {
        let args = Args::new().value(partner.0).value(after).value(from.as_micros()).value(to.as_micros()).value(limit);
        self.database.query(&CUSTOMERS, args).await?.iter().map(|row| row.get(0)).collect()
    }

    /// Subscriptions of a customer that a plan's invoice has lines of, in the order of their ids.
    pub(crate) async fn subscriptions(
        &self,
        whose: (PartnerId, CustomerId),
        after: Uuid,
        (from, to): Span,
        limit: u32,
    ) -> Result<Vec<Uuid>, StorageError> {
        let args = Args::new().value(whose.0.0).value(whose.1.0).value(after).value(from.as_micros()).value(to.as_micros()).value(limit);
        self.database.query(&SUBSCRIPTIONS, args).await?.iter().map(|row| row.get(0)).collect()
    }
}
