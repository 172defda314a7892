//! `/v1/invoices`: files of invoices. Source: `docs/reconciliation.md`.
//!
//! | file | holds |
//! |---|---|
//! | `bring` | a file is brought |
//! | `files` | how files are, and were; one is withdrawn |

mod bring;
mod files;

pub(super) use bring::bring;
pub(super) use files::{file, files, withdraw};

use super::{context::Context, errors::ApiError};
use crate::{app::App, invoices::InvoiceFile, words::words};
use axum::http::StatusCode;
use planshift_domain::ids::parse_guid;
use serde_json::{Value, json};

/// The file of that id, where the caller may see it.
pub(in crate::http) async fn find(app: &App, context: &Context, id: &str) -> Result<InvoiceFile, ApiError> {
    let found = match parse_guid(id) {
        Some(id) => app.invoices.file(id).await?,
        None => None,
    };
    found.filter(|file| context.caller.sees(file.partner)).ok_or_else(|| {
        let text = words!("There is no invoice {id}.", "Il n’existe pas de facture {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "InvoiceNotFound", text)
    })
}

fn shown(file: &InvoiceFile) -> Value {
    let (from, to) = file.window;
    let is_known = file.lines > 0;
    json!({
        "invoiceId": file.id,
        "partnerId": file.partner,
        "series": file.series,
        "state": file.state.name(),
        "format": file.format,
        "actor": file.actor,
        "document": file.document,
        "createdAt": file.created_at,
        "endedAt": file.ended_at,
        "lines": file.lines,
        "unbilled": file.unbilled,
        "numbers": file.numbers,
        "from": is_known.then(|| super::reconciliation::began(file.series, from)),
        "to": is_known.then(|| super::reconciliation::began(file.series, to)),
        "faults": file.faults.as_ref().map(|faults| faults.total),
        "listedFaults": file.faults.as_ref().map(|faults| &faults.listed),
        "withdrawn": file.withdrawn.as_ref().map(|withdrawn| json!({
            "by": withdrawn.by,
            "at": withdrawn.at,
            "reason": withdrawn.why,
            "replacedBy": withdrawn.replaced_by,
        })),
    })
}
