//! `audit`: fetches the dossier of a customer, or checks one.

use crate::{
    cli::AuditArgs,
    client::Api,
    exit::{Exit, Failure, Outcome},
    output::{self, json},
};
use planshift_domain::{
    audit::{self, Checked},
    ids::CustomerId,
};
use serde_json::json;
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// Fetches, or checks.
///
/// # Errors
/// Usage: the file cannot be read, or is no dossier; the customer is not known. Program: the file cannot be written; the API's.
pub async fn audit(args: AuditArgs) -> Outcome {
    if let Some(path) = &args.check {
        return check(path, args.api.json);
    }
    match args.customer {
        Some(customer) => fetch(&args, customer).await,
        None => Err(Failure::usage("say which customer's dossier with --customer, or which file to check with --check")),
    }
}

async fn fetch(args: &AuditArgs, customer: CustomerId) -> Outcome {
    let api = Api::from_args(&args.api)?;
    match &args.out {
        None => {
            let mut out = io::stdout().lock();
            api.dossier(customer, args.partner, &mut out).await?;
            out.write_all(b"\n")
                .and_then(|()| out.flush())
                .map_err(|error| Failure::program("cannot write to standard output").because(error))?;
            Ok(Exit::Done)
        }
        Some(path) => {
            // whole or not at all: under its name stands no part of a dossier
            let part = path.with_extension("part");
            let cannot = |error| Failure::program(format!("cannot write {}", path.display())).because(error);
            let mut file = File::create(&part).map_err(cannot)?;
            let fetched = api.dossier(customer, args.partner, &mut file).await;
            if let Err(error) = fetched {
                // it is of no use to anybody; where it cannot go, it says itself that it is a part
                let _ = fs::remove_file(&part);
                return Err(error.into());
            }
            file.sync_all().map_err(cannot)?;
            fs::rename(&part, path).map_err(cannot)?;
            check(path, args.api.json)
        }
    }
}

/// Checks a file, and says what was found.
fn check(path: &Path, as_json: bool) -> Outcome {
    let cannot = |error| Failure::usage(format!("cannot read {}", path.display())).because(error);
    let file = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(cannot)?;
        bytes
    } else {
        fs::read(path).map_err(cannot)?
    };
    let checked = audit::check(&file).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    if as_json {
        let faults: Vec<_> = checked.faults.iter().map(|fault| json!({ "path": fault.path, "text": fault.text })).collect();
        json::print_line(&json!({
            "file": path.display().to_string(),
            "intact": checked.faults.is_empty(),
            "faults": faults,
            "entries": checked.entries,
            "chainHash": checked.chain_hash,
            "transitions": checked.transitions,
            "historyEntries": checked.history,
            "unsealed": checked.unsealed,
            "sha256": checked.sha256,
        }))?;
    } else {
        output::print(&for_people(path, &checked))?;
    }
    Ok(if checked.faults.is_empty() { Exit::Done } else { Exit::ViolationFound })
}

fn for_people(path: &Path, checked: &Checked) -> String {
    let mut out = String::new();
    if !checked.faults.is_empty() {
        out.push_str(&format!("{} is not as it was written:\n", path.display()));
        for fault in &checked.faults {
            out.push_str(&format!("  {fault}\n"));
        }
        return out;
    }
    out.push_str(&format!("{} is intact\n", path.display()));
    out.push_str(&format!("  customer's chain  {} entries, last hash {}\n", checked.entries, checked.chain_hash));
    out.push_str(&format!("  transitions       {}, with {} entries in their histories\n", checked.transitions, checked.history));
    if checked.unsealed > 0 {
        out.push_str(&format!("  not sealed        {} older than the customer's chain\n", checked.unsealed));
    }
    out.push_str(&format!("  SHA-256           {}\n", checked.sha256));
    out
}
