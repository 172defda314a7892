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

use super::{context::Context, errors::ApiError, files::find as find_file};
use crate::{app::App, invoices::InvoiceFile, words::words};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The file of that id, where the caller may see it.
pub(in crate::http) async fn find(app: &App, context: &Context, id: &str) -> Result<InvoiceFile, ApiError> {
    find_file(&app.invoices.files, context, id).await?.ok_or_else(|| {
        let text = words!("There is no invoice {id}.", "Il n’existe pas de facture {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "InvoiceNotFound", text)
    })
}

fn shown(file: &InvoiceFile) -> Value {
    let (mut value, invoice) = (super::files::shown(file, "invoiceId"), &file.brought);
    let is_known = invoice.lines > 0;
    let began = |at| is_known.then(|| super::reconciliation::began(invoice.series, at));
    value["series"] = json!(invoice.series);
    value["lines"] = invoice.lines.into();
    value["unbilled"] = invoice.unbilled.into();
    value["numbers"] = json!(invoice.numbers);
    value["from"] = json!(began(invoice.window.0));
    value["to"] = json!(began(invoice.window.1));
    value["withdrawn"] = json!(invoice.withdrawn.as_ref().map(|withdrawn| json!({
        "by": withdrawn.by,
        "at": withdrawn.at,
        "reason": withdrawn.why,
        "replacedBy": withdrawn.replaced_by,
    })));
    value
}
