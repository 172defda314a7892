//! `budget`: what customers may spend, and whether it is set in the Azure portal too.

use crate::{
    cli::{BudgetArgs, BudgetCommand},
    client::{Api, Budget},
    exit::{Exit, Failure, Outcome},
    output::{self, json, table, text},
};
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// Does what is asked about budgets.
///
/// # Errors
/// The API's; an amount that is none.
pub async fn budget(args: BudgetArgs) -> Outcome {
    let (as_json, budget) = match args.what {
        BudgetCommand::List(args) => {
            let budgets = Api::from_args(&args.api)?.budgets(&args).await?;
            if args.api.json {
                json::print_line(&budgets)?;
            } else if budgets.items.is_empty() {
                output::print("no budgets\n")?;
            } else {
                output::print(&table::budgets(&budgets.items))?;
            }
            return Ok(Exit::Done);
        }
        BudgetCommand::Show(args) => {
            let api = Api::from_args(&args.one.api)?;
            (args.one.api.json, api.budget_of_month(&args.one, args.month.as_deref()).await?)
        }
        BudgetCommand::Set(args) => {
            let amount = match args.amount.as_str() {
                "none" => None,
                amount => Some(read(amount)?),
            };
            let api = Api::from_args(&args.one.api)?;
            api.set_budget(&args.one, amount.as_deref()).await?;
            (args.one.api.json, api.budget(&args.one).await?)
        }
        BudgetCommand::Acknowledge(args) => (args.one.api.json, Api::from_args(&args.one.api)?.acknowledge_warnings(&args).await?),
        BudgetCommand::Done(args) => (args.one.api.json, Api::from_args(&args.one.api)?.budget_done(&args.one, &args.who).await?),
    };
    if as_json {
        json::print_line(&budget)?;
    } else {
        output::print(&for_people(&budget))?;
    }
    Ok(Exit::Done)
}

/// The amount as it was written, with every digit.
fn read(amount: &str) -> Result<Box<RawValue>, Failure> {
    let number = RawValue::from_string(amount.to_owned()).ok();
    number.filter(|number| number.get().starts_with(|first: char| first.is_ascii_digit())).ok_or_else(|| {
        Failure::usage(format!("{} is no amount", text::printable(amount)))
            .advise("an amount is written as 1250.50; none takes the budget away")
    })
}

fn for_people(budget: &Budget) -> String {
    let amount = budget.amount.as_ref().map_or("none".to_owned(), |amount| format!("{amount} {}", budget.currency_code));
    let mut out = format!("customer   {}\nbudget     {amount}\n", budget.customer_id);
    let portal = &budget.azure_portal;
    // writing to a string does not fail
    let _ = match portal.task.as_str() {
        "open" => writeln!(
            out,
            "to do      set it in the Azure portal too, and its alert: {}\n           then: planshift budget done --customer {}",
            portal.link, budget.customer_id
        ),
        "done" => writeln!(out, "in the Azure portal too"),
        _ => writeln!(out, "nothing to do in the Azure portal"),
    };
    if let Some(done) = &portal.last_done {
        let reason = if done.reason.is_empty() { String::new() } else { format!(": {}", text::printable(&done.reason)) };
        let (amount, at, by) = (&done.amount, text::moment(done.at), text::printable(&done.by));
        let _ = writeln!(out, "said       {amount} {} on {at} by {by}{reason}", done.currency_code);
    }
    spending(&mut out, budget);
    out
}

/// What is spent, what is not in that, and warnings.
fn spending(out: &mut String, budget: &Budget) {
    let spending = &budget.spending;
    let percent = spending.percent_used.as_ref().map_or_else(String::new, |percent| format!(", {percent} %"));
    let amount = match &spending.amount {
        Some(amount) => format!("{amount} {}{percent}", text::printable(&spending.currency_code)),
        None => "not known in the budget's currency".to_owned(),
    };
    // writing to a string does not fail
    let _ = writeln!(out, "spent      {amount} in {}", text::printable(&spending.month));
    let missing = [
        (spending.without_price, "records without a price"),
        (spending.in_other_currencies, "records in other currencies"),
        (if spending.rated_records == 0 { spending.utilization_records } else { 0 }, "utilisation records, which have no prices"),
    ];
    for (count, what) in missing.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(out, "           not in it: {count} {what}");
    }
    for stated in spending.amounts.iter().filter(|stated| stated.currency_code != spending.currency_code) {
        let _ = writeln!(out, "           stated: {} {}", text::printable(&stated.amount), text::printable(&stated.currency_code));
    }
    if spending.is_up_to_date == Some(false) {
        let _ = writeln!(out, "           usage that was brought is still being reckoned");
    }
    for warning in &budget.warnings {
        let seen = match &warning.acknowledged {
            Some(by) => format!("seen to by {} on {}", text::printable(&by.by), text::moment(by.at)),
            None => "open".to_owned(),
        };
        let _ = writeln!(
            out,
            "warning    {} % of {} {} on {}: {seen}",
            warning.threshold,
            text::printable(&warning.amount),
            text::printable(&warning.currency_code),
            text::moment(warning.at)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_digits_and_nonsense_is_refused() {
        for wrong in ["", "x", "-1", "1,5", "1.2.3", "null", "\"1\"", "NaN"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("1250.50").unwrap().get(), "1250.50");
    }

    #[test]
    fn what_is_to_be_done_is_said() {
        let told = |task: &str, done: &str| {
            let text = format!(
                r#"{{"customerId":"c501c3c4-d776-40ef-9ecf-9cefb59442c1","partnerId":"c501c3c4-d776-40ef-9ecf-9cefb59442c2","amount":"12.50",
                    "currencyCode":"EUR","azurePortal":{{"task":"{task}","transitionId":null,"since":null,"link":"https://x","lastDone":{done}}},
                    "spending":{{"month":"2026-11","amount":"10.5","currencyCode":"EUR","percentUsed":"84","isComplete":false,"ratedRecords":3,
                      "withoutPrice":1,"inOtherCurrencies":0,"utilizationRecords":9,"amounts":[{{"currencyCode":"USD","amount":"12","records":1}}],
                      "reckonedAt":null,"isUpToDate":false}},
                    "warnings":[{{"threshold":80,"amount":"12.5","currencyCode":"EUR","spent":"10.5","percentUsed":"84","at":"2026-11-18T10:00:00Z",
                      "acknowledged":null}}]}}"#
            );
            for_people(&serde_json::from_str(&text).unwrap())
        };
        let open = told("open", "null");
        assert!(open.contains("12.50 EUR") && open.contains("https://x") && open.contains("budget done --customer c501"), "{open}");
        let done = told("done", r#"{"amount":"10","currencyCode":"EUR","at":"2026-09-18T10:00:00Z","by":"Nadia","reason":"r"}"#);
        assert!(done.contains("in the Azure portal too") && done.contains("by Nadia: r"), "{done}");
        let told = told("notNeeded", "null");
        for part in [
            "nothing to do",
            "10.5 EUR, 84 % in 2026-11",
            "not in it: 1 records without",
            "stated: 12 USD",
            "still being",
            "80 % of 12.5 EUR",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("utilisation"), "another view of what is in it: {told}");
    }
}
