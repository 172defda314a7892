//! `invoice`: files brought, listed, withdrawn; what is wrong with them.

use super::usage::format_of;
use crate::{
    cli::{ImportInvoiceArgs, InvoiceArgs, InvoiceCommand, InvoiceFindingsArgs},
    client::Api,
    exit::{Exit, Failure, Outcome},
    output::{self, json, table},
};
use serde_json::Value;
use uuid::Uuid;

const COLUMNS: [&str; 8] = ["invoiceId", "series", "state", "numbers", "from", "to", "lines", "createdAt"];

/// Does what is asked about invoices.
///
/// # Errors
/// Usage: a file that cannot be read, or is at fault. The API's.
pub async fn invoice(args: InvoiceArgs) -> Outcome {
    match args.what {
        InvoiceCommand::Import(args) => import(&args).await,
        InvoiceCommand::List(args) => {
            let all = Api::from_args(&args.api)?.list_invoices(&args).await?;
            shown(args.api.json, &all, |all| table::values(items(all), &COLUMNS))
        }
        InvoiceCommand::Show(args) => {
            let one = Api::from_args(&args.api)?.invoice(args.id).await?;
            shown(args.api.json, &one, |one| table::values(std::slice::from_ref(one), &COLUMNS))
        }
        InvoiceCommand::Withdraw(args) => {
            let one = Api::from_args(&args.one.api)?.withdraw_invoice(&args).await?;
            shown(args.one.api.json, &one, |one| table::values(std::slice::from_ref(one), &COLUMNS))
        }
        InvoiceCommand::Findings(args) => findings(&args).await,
    }
}

async fn import(args: &ImportInvoiceArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let format =
        args.format.map(Into::into).or_else(|| format_of(&args.file)).ok_or_else(|| {
            Failure::usage(format!("{} does not say how it is written: --format csv, json or ndjson", args.file.display()))
        })?;
    let cannot = |error| Failure::usage(format!("cannot read the invoice {}", args.file.display())).because(error);
    let file = tokio::fs::File::open(&args.file).await.map_err(cannot)?;
    let one = api.import_invoice(args, format, file, Uuid::new_v4()).await?;
    shown(args.api.json, &one, |one| {
        let was_here = if one["wasHere"] == true { "the same file is here already: nothing has changed\n" } else { "" };
        table::values(std::slice::from_ref(one), &COLUMNS) + was_here
    })
}

/// All of them; 3 where there are any.
async fn findings(args: &InvoiceFindingsArgs) -> Outcome {
    let api = Api::from_args(&args.one.api)?;
    let (id, customer) = (args.one.id, args.customer);
    if args.csv {
        let any = !items(&api.invoice_findings(id, customer, None).await?).is_empty();
        api.export_invoice_findings(id, customer, &mut std::io::stdout().lock()).await?;
        return Ok(if any { Exit::EndedOtherwise } else { Exit::Done });
    }
    let (mut token, mut any): (Option<String>, bool) = (None, false);
    loop {
        let page = api.invoice_findings(id, customer, token.as_deref()).await?;
        any |= !items(&page).is_empty();
        if args.one.api.json {
            json::print_line(&page)?;
        } else if !items(&page).is_empty() {
            output::print(&findings_for_people(items(&page)))?;
        }
        token = next(&page);
        if token.is_none() {
            break;
        }
    }
    if !any && !args.one.api.json {
        output::print("nothing is missing, doubled, or on the wrong invoice\n")?;
    }
    Ok(if any { Exit::EndedOtherwise } else { Exit::Done })
}

/// A line for each finding, with the first of its file's rows.
pub(super) fn findings_for_people(findings: &[Value]) -> String {
    let with_line = |finding: &Value| {
        let mut finding = finding.clone();
        let line = finding["lines"][0].clone();
        (finding["invoice"], finding["row"]) = (line["invoice"].clone(), line["row"].clone());
        finding
    };
    let rows: Vec<Value> = findings.iter().map(with_line).collect();
    table::values(&rows, &["fault", "series", "invoice", "row", "azureSubscriptionId", "meterId", "from", "expected", "found"])
}

/// The token of the next page, where there is one.
pub(super) fn next(page: &Value) -> Option<String> {
    let uri = page["links"]["next"]["uri"].as_str()?;
    Some(uri.rsplit_once("continuationToken=")?.1.to_owned())
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}

fn shown(as_json: bool, value: &Value, for_people: impl Fn(&Value) -> String) -> Outcome {
    if as_json {
        json::print_line(value)?;
    } else {
        output::print(&for_people(value))?;
    }
    Ok(Exit::Done)
}
