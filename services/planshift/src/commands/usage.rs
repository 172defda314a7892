//! `usage`: records brought, listed, added up, and who owns them.

use crate::{
    cli::{UsageArgs, UsageCommand, UsageImportArgs, UsageSampleArgs},
    client::Api,
    document,
    exit::{Exit, Failure, Outcome},
    output::{self, json},
};
use planshift_billing::{Format, sample};
use planshift_domain::account;
use serde_json::Value;
use std::{
    io::{self, BufWriter, ErrorKind, Write},
    ops::ControlFlow,
    os::fd::AsFd as _,
    path::Path,
};
use uuid::Uuid;

/// Does what is asked about usage.
///
/// # Errors
/// Usage: a file that cannot be read, or is at fault. The API's.
pub async fn usage(args: UsageArgs) -> Outcome {
    match args.what {
        UsageCommand::Import(args) => import(&args).await,
        UsageCommand::Imports(args) => {
            let imports = Api::from_args(&args.api)?.usage_imports(&args).await?;
            shown(args.api.json, &imports, |all| {
                lines(&all["items"], &["importId", "state", "createdAt", "records", "added", "repeated", "corrected"])
            })
        }
        UsageCommand::List(args) => {
            let records = Api::from_args(&args.api)?.usage(&args, false).await?;
            shown(args.api.json, &records, |all| {
                let more = if all["links"]["next"].is_null() {
                    ""
                } else {
                    "there are more: narrow it with --from and --to, or take --json and its links\n"
                };
                lines(&all["items"], &["usageStart", "usageEnd", "azureSubscriptionId", "owner", "quantity", "unit", "kind", "revision"])
                    + more
            })
        }
        UsageCommand::Totals(args) => {
            let totals = Api::from_args(&args.api)?.usage(&args, true).await?;
            shown(args.api.json, &totals, |all| {
                lines(&all["items"], &["owner", "planId", "kind", "unit", "records", "quantity"])
                    + &lines(&all["invoices"], &["kind", "unit", "metered", "d", "g", "difference", "agrees"])
            })?;
            Ok(if totals["agrees"] == false { Exit::EndedOtherwise } else { Exit::Done })
        }
        UsageCommand::Owner(args) => {
            let ownership = Api::from_args(&args.api)?.ownership(&args).await?;
            shown(args.api.json, &ownership, |all| lines(&all["intervals"], &["from", "to", "owner", "planId"]))
        }
        UsageCommand::Sample(args) => write_sample(&args),
    }
}

async fn import(args: &UsageImportArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let format =
        args.format.map(Into::into).or_else(|| format_of(&args.file)).ok_or_else(|| {
            Failure::usage(format!("{} does not say how it is written: --format csv, json or ndjson", args.file.display()))
        })?;
    let request = Uuid::new_v4();
    let import = if args.file == Path::new("-") {
        // standard input as a file: it is read by a thread of the runtime, as files are
        let cannot = |error| Failure::usage("cannot read standard input").because(error);
        let stdin = std::fs::File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?);
        api.import_usage(args, format, tokio::fs::File::from_std(stdin), request).await?
    } else {
        let cannot = |error| Failure::usage(format!("cannot read the file of usage {}", args.file.display())).because(error);
        let file = tokio::fs::File::open(&args.file).await.map_err(cannot)?;
        api.import_usage(args, format, file, request).await?
    };
    shown(args.api.json, &import, |import| {
        let same = import["sameFileAs"].as_str().map(|first| format!("the same file was brought before, as {first}\n"));
        let (records, added, repeated, corrected) = (&import["records"], &import["added"], &import["repeated"], &import["corrected"]);
        format!("{records} records: {added} new, {repeated} here already, {corrected} corrected\n{}", same.unwrap_or_default())
    })
}

/// How a file is written, as its name says.
pub(super) fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

fn write_sample(args: &UsageSampleArgs) -> Outcome {
    let source = document::Source::open(&args.accounts)?;
    let broken = |error: account::DocumentError| Failure::usage(format!("{} is at fault", args.accounts.display())).because(error);
    let unread = |error| Failure::usage(format!("cannot read {}", args.accounts.display())).because(error);
    let checked = account::check_as(source.format(), source.reader().map_err(unread)?).map_err(broken)?;
    let mut subscriptions = Vec::new();
    let _: ControlFlow<()> = account::read(source.reader().map_err(unread)?, &checked, |parts| {
        for part in parts {
            subscriptions.extend(part.subscriptions.iter().filter_map(|one| Some((part.customer_id, one.azure_subscription_id?))));
        }
        ControlFlow::Continue(())
    })
    .map_err(broken)?;
    let options = sample::SampleOptions {
        partner: checked.partner.id,
        subscriptions: &subscriptions,
        records: args.records,
        from: args.from,
        kind: args.kind.into(),
        format: args.format.into(),
    };
    let mut out = BufWriter::with_capacity(256 * 1024, io::stdout().lock());
    match sample::write(&options, &mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Done),
        // a reader that has seen enough is no failure
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(Failure::usage(error.to_string())),
        Err(error) => Err(output::broken(error)),
    }
}

fn shown(as_json: bool, value: &Value, for_people: impl Fn(&Value) -> String) -> Outcome {
    if as_json {
        json::print_line(value)?;
    } else {
        output::print(&for_people(value))?;
    }
    Ok(Exit::Done)
}

/// Properties of each of these, a line each.
fn lines(items: &Value, names: &[&str]) -> String {
    let mut table = names.join("\t") + "\n";
    for item in items.as_array().into_iter().flatten() {
        let cells = names.iter().map(|name| match &item[*name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        table.push_str(&(cells.collect::<Vec<_>>().join("\t") + "\n"));
    }
    table
}
