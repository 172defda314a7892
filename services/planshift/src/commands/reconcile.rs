//! `reconcile`: what belongs on which invoice, and whether that is all that was metered; what is wrong with the invoices that came.

use crate::{
    cli::ReconcileArgs,
    client::{Api, ApiError},
    exit::{Exit, Outcome},
    output::{self, json, table},
};
use serde_json::{Value, json};

/// Prints it. Ends with 3 where the sums do not agree, or an invoice has a fault.
///
/// # Errors
/// The API's.
pub async fn reconcile(args: ReconcileArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let what = if args.credit { "/credit" } else { "" };
    let totals = api.reconciliation("/totals", &args, None).await?;
    if args.csv {
        api.export_reconciliation(what, &args, &mut std::io::stdout().lock()).await?;
        return verdict(&totals, &first_findings(&api, &args).await?);
    }
    if args.credit {
        let items = pages(&api, &args, "/credit", |page| if args.api.json { json::print_line(page) } else { Ok(()) }).await?;
        if !args.api.json {
            output::print(&table::values(&items, &CREDIT))?;
        }
        return Ok(Exit::Done);
    }
    let findings = first_findings(&api, &args).await?;
    if args.api.json {
        pages(&api, &args, "", json::print_line).await?;
        json::print_line(
            &json!({ "totals": totals, "findings": findings["items"], "moreFindings": !findings["links"]["next"].is_null() }),
        )?;
        return verdict(&totals, &findings);
    }
    let items = pages(&api, &args, "", |_| Ok(())).await?;
    output::print(&table::values(&rows(&items, &args.by), columns(&args.by)))?;
    output::print(&format!("\nin all, {} subscriptions in {}:\n", totals["subscriptions"], totals["month"].as_str().unwrap_or_default()))?;
    output::print(&table::values(totals["units"].as_array().map_or(&[], Vec::as_slice), &SUMS))?;
    for (name, what) in [
        ("unprovenDays", "days of meters that nothing splits at the change of owners"),
        ("otherwiseDays", "days of meters of which the daily rated file says something else"),
    ] {
        if totals[name].as_u64().is_some_and(|count| count > 0) {
            output::print(&format!("{} {what}: see --by day\n", totals[name]))?;
        }
    }
    let wrong = findings["items"].as_array().map_or(&[][..], Vec::as_slice);
    if !wrong.is_empty() {
        output::print("\nwrong on the invoices that were brought:\n")?;
        output::print(&super::invoices::findings_for_people(wrong))?;
        if !findings["links"]["next"].is_null() {
            output::print("there are more: planshift invoice findings ID --csv\n")?;
        }
    }
    verdict(&totals, &findings)
}

const SUMS: [&str; 6] = ["unit", "metered", "d", "g", "difference", "agrees"];
const CREDIT: [&str; 7] = ["azureSubscriptionId", "day", "credit", "reason", "resellerMpnId", "records", "amounts"];

fn columns(by: &str) -> &'static [&'static str] {
    match by {
        "meter" => &["azureSubscriptionId", "meterId", "unit", "d", "g", "amountsD", "amountsG"],
        "day" => &["azureSubscriptionId", "day", "meterId", "unit", "d", "g", "basis", "ratedSays", "amountsD", "amountsG"],
        _ => &["azureSubscriptionId", "effectiveAt", "unit", "metered", "d", "g", "difference", "agrees", "amountsD", "amountsG"],
    }
}

/// A row for each unit, meter or day of each subscription.
fn rows(items: &[Value], by: &str) -> Vec<Value> {
    let name = match by {
        "meter" => "meters",
        "day" => "days",
        _ => "units",
    };
    let mut rows = Vec::new();
    for item in items {
        for (place, part) in item[name].as_array().into_iter().flatten().enumerate() {
            let mut row = part.clone();
            row["azureSubscriptionId"] = item["azureSubscriptionId"].clone();
            row["effectiveAt"] = item["effectiveAt"].clone();
            // a subscription's amounts are those of all its units: once
            let amounts = if name != "units" {
                &part["amounts"]
            } else if place == 0 {
                &item["amounts"]
            } else {
                &Value::Null
            };
            (row["amountsD"], row["amountsG"]) = (amounts["d"].clone(), amounts["g"].clone());
            rows.push(row);
        }
    }
    rows
}

/// All pages, each told to `each`; their items.
async fn pages(
    api: &Api,
    args: &ReconcileArgs,
    what: &str,
    each: impl Fn(&Value) -> Result<(), crate::exit::Failure>,
) -> Result<Vec<Value>, crate::exit::Failure> {
    let (mut items, mut token): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let page = api.reconciliation(what, args, token.as_deref()).await?;
        each(&page)?;
        if !args.api.json {
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
        }
        token = super::invoices::next(&page);
        if token.is_none() {
            return Ok(items);
        }
    }
}

async fn first_findings(api: &Api, args: &ReconcileArgs) -> Result<Value, ApiError> {
    api.reconciliation("/findings", args, None).await
}

fn verdict(totals: &Value, findings: &Value) -> Outcome {
    let agrees = totals["agrees"] == true && findings["items"].as_array().is_none_or(Vec::is_empty);
    Ok(if agrees { Exit::Done } else { Exit::EndedOtherwise })
}
