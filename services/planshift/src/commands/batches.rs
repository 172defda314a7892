//! `batch`: many customers moved in one go.

use crate::{
    cli::{ActOnBatchArgs, ApiArgs, BatchArgs, BatchCommand, CreateBatchArgs, WhichCustomers},
    client::{Api, Batch, BatchRow, streamed},
    exit::{Exit, Failure, Outcome},
    output::{self, json, table, text},
};
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, io, os::fd::AsFd as _, path::Path, time::Duration};
use uuid::Uuid;

/// The pause between two looks at a batch that is followed.
const LOOK: Duration = Duration::from_millis(500);

/// Does what is asked.
///
/// # Errors
/// Usage: a file that cannot be read, or faults of its rows. The API's.
pub async fn batch(args: BatchArgs) -> Outcome {
    match args.what {
        BatchCommand::Create(args) => create(*args).await,
        BatchCommand::Plan(args) => act(args, "plan", &[]).await,
        BatchCommand::Start(args) => act(args.act, "start", &[("keepToPlan", args.keep_to_plan)]).await,
        BatchCommand::Pause(args) => act(args, "pause", &[]).await,
        BatchCommand::Resume(args) => act(args, "resume", &[]).await,
        BatchCommand::Cancel(args) => act(args.act, "cancel", &[("undo", args.undo)]).await,
        BatchCommand::Retry(args) => act(args, "retry", &[]).await,
        BatchCommand::Recheck(args) => act(args, "recheck", &[]).await,
        BatchCommand::Show(args) => {
            let batch = Api::from_args(&args.api)?.batch(args.id).await?;
            print(&args.api, &batch)
        }
        BatchCommand::List(args) => {
            let batches =
                Api::from_args(&args.api)?.list_batches(args.state.as_deref(), args.partner, args.reference.as_deref(), args.size).await?;
            if args.api.json {
                json::print_line(&batches)?;
            } else {
                output::print(&table::batches(&batches.items))?;
            }
            Ok(Exit::Done)
        }
        BatchCommand::Rows(args) => {
            let rows = Api::from_args(&args.one.api)?.batch_rows(args.one.id, args.state.as_deref(), args.size).await?;
            if args.one.api.json {
                json::print_line(&rows)?;
            } else {
                output::print(&rows_for_people(&rows.items))?;
            }
            Ok(Exit::Done)
        }
        BatchCommand::Export(args) => {
            let api = Api::from_args(&args.one.api)?;
            api.export_batch(args.one.id, args.format, &mut std::io::stdout().lock()).await?;
            Ok(Exit::Done)
        }
        BatchCommand::Watch(args) => watch(&Api::from_args(&args.api)?, &args.api, args.id).await,
    }
}

async fn act(args: ActOnBatchArgs, what: &str, more: &[(&str, bool)]) -> Outcome {
    let batch = Api::from_args(&args.one.api)?.act_on_batch(args.one.id, what, &args.who, more).await?;
    print(&args.one.api, &batch)
}

async fn create(args: CreateBatchArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let options = options(&args);
    let (kind, body, query) = match &args.file {
        None => ("application/json", Value::Object(options).to_string().into(), Vec::new()),
        Some(file) if is_table(file) => {
            let in_query = options.into_iter().map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name, text)
            });
            ("text/csv", streamed(open(file)?), in_query.collect::<Vec<_>>())
        }
        Some(file) if options.is_empty() => ("application/json", streamed(open(file)?), Vec::new()),
        // what is given beside the document takes the place of what stands in it, wherever that is
        Some(file) => ("application/json", with_options(&read(file)?, options)?.into(), Vec::new()),
    };
    let query: Vec<(&str, String)> = query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let batch = api.create_batch(kind, body, &query, Uuid::new_v4()).await?;
    print(&args.api, &batch)
}

/// The options as the API has them; those that are not given are the API's own.
fn options(args: &CreateBatchArgs) -> Map<String, Value> {
    let filter = args.filter.map(|which| {
        let customers = match which {
            WhichCustomers::All => "all",
            WhichCustomers::Eligible => "eligible",
        };
        json!({ "customers": customers, "reseller": args.reseller })
    });
    let flag = |flag: bool| flag.then_some(json!(true));
    let reason = (!args.who.reason.is_empty()).then(|| json!(args.who.reason));
    let given = [
        ("filter", filter),
        ("externalReferenceId", args.reference.as_ref().map(|text| json!(text))),
        ("partnerId", args.partner.map(|id| json!(id))),
        ("atOnce", args.at_once.map(|number| json!(number))),
        ("stopPercent", args.stop_percent.map(|number| json!(number))),
        ("stopMinimum", args.stop_minimum.map(|number| json!(number))),
        ("dryRun", flag(args.dry_run)),
        ("start", flag(args.start)),
        ("keepToPlan", flag(args.keep_to_plan)),
        ("reason", reason),
        ("actor", args.who.actor().map(|name| json!(name))),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn is_table(file: &Path) -> bool {
    file == Path::new("-") || file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn open(file: &Path) -> Result<tokio::fs::File, Failure> {
    let cannot = |error| Failure::usage(format!("cannot read the batch {}", file.display())).because(error);
    let opened = if file == Path::new("-") { stdin() } else { std::fs::File::open(file) };
    opened.map(tokio::fs::File::from_std).map_err(cannot)
}

/// The document with the options that were given beside it, which count more than its own.
fn with_options(document: &[u8], options: Map<String, Value>) -> Result<Vec<u8>, Failure> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let wrong = || Failure::usage("the batch is no object in JSON; a table needs a name that ends in .csv");
    let Value::Object(mut object) = serde_json::from_slice(document).map_err(|error| wrong().because(error))? else { return Err(wrong()) };
    for (name, value) in options {
        object.retain(|known, _| !known.eq_ignore_ascii_case(&name));
        object.insert(name, value);
    }
    Ok(Value::Object(object).to_string().into_bytes())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::usage(format!("cannot read the batch {}", file.display())).because(error))
}

fn stdin() -> io::Result<std::fs::File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Follows a batch until nothing more happens to it by itself and nothing of it is under way.
async fn watch(api: &Api, args: &ApiArgs, id: Uuid) -> Outcome {
    let mut told = String::new();
    loop {
        let batch = api.batch(id).await?;
        let line = progress(&batch);
        if line != told {
            eprintln!("{line}");
            told = line;
        }
        if batch.settled && batch.drained {
            print(args, &batch)?;
            return Ok(if batch.went_well() { Exit::Done } else { Exit::EndedOtherwise });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => {
                eprintln!("not followed any more: the batch goes on; `planshift batch watch {id}` follows it again");
                return Ok(Exit::Interrupted);
            }
        }
    }
}

fn progress(batch: &Batch) -> String {
    let mut line = format!("{} {} %", batch.state, batch.percent);
    for (state, count) in batch.counts.iter().filter(|(_, count)| **count > 0) {
        // writing to a string does not fail
        let _ = write!(line, ", {count} {state}");
    }
    line
}

fn print(args: &ApiArgs, batch: &Batch) -> Outcome {
    if args.json {
        json::print_line(batch)?;
    } else {
        output::print(&for_people(batch))?;
    }
    Ok(Exit::Done)
}

fn for_people(batch: &Batch) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<11}{value}");
    };
    line("batch", &batch.batch_id.to_string());
    line("reference", &text::printable(&batch.external_reference_id));
    line("state", &batch.state);
    if !batch.note.is_empty() {
        line("why", &text::printable(&batch.note));
    }
    line("rows", &batch.rows.to_string());
    if !batch.counts.is_empty() {
        line("progress", &progress(batch));
        line("drained", if batch.drained { "yes: nothing is under way" } else { "no" });
    }
    if let Some(end) = batch.expected_end {
        line("ends about", &text::moment(end));
    }
    if let Some(plan) = &batch.plan {
        let plans = format!("{} to buy, {} to reuse, {} to reactivate", plan.plans_to_buy, plan.plans_to_reuse, plan.plans_to_reactivate);
        line("dry run", &format!("{} may move, {} may not, {} not asked yet", plan.eligible, plan.refused, plan.wanted));
        line("", &format!("{} subscriptions; plans: {plans}", plan.subscriptions));
        for reason in &plan.reasons {
            line("", &format!("{} customers: {}", reason.customers, reason.code));
        }
    }
    out
}

fn rows_for_people(rows: &[BatchRow]) -> String {
    if rows.is_empty() { "no rows\n".to_owned() } else { table::batch_rows(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_beside_a_document_count_more_than_its_own() {
        let options = Map::from_iter([("start".to_owned(), json!(true))]);
        let body = with_options(b"\xef\xbb\xbf{\"rows\":[],\"START\":false,\"atOnce\":3}", options.clone()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "rows": [], "start": true, "atOnce": 3 }));
        for wrong in [&b"customerId\n1"[..], b"[]", b""] {
            assert_eq!(with_options(wrong, options.clone()).unwrap_err().exit(), Exit::Usage);
        }
    }

    #[test]
    fn a_batch_for_people_says_what_the_dry_run_came_to() {
        let batch: Batch = serde_json::from_value(json!({
            "batchId": Uuid::nil(), "externalReferenceId": "may\u{1b}[31m", "state": "Planned", "settled": true, "rows": 3,
            "createdAt": "2026-11-22T16:00:00Z", "createdBy": "ann", "counts": { "waiting": 2, "ineligible": 1 }, "percent": 33,
            "drained": true,
            "plan": { "wanted": 0, "eligible": 2, "refused": 1, "subscriptions": 5, "plansToBuy": 2, "plansToReuse": 0,
                      "plansToReactivate": 0, "reasons": [{ "code": "PendingOrder", "customers": 1 }] },
        }))
        .unwrap();
        let text = for_people(&batch);
        for said in ["2 may move, 1 may not", "5 subscriptions", "2 to buy", "1 customers: PendingOrder", "Planned 33 %"] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(!text.contains('\u{1b}') && batch.went_well());
    }
}
