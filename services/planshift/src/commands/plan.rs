//! `plan`: what the transition of a customer would do. Nothing is changed.

use crate::{
    cli::PlanArgs,
    client::{Api, Plan, PlanGroup},
    exit::{Exit, Outcome},
    output::{self, json, style::To, table, text},
};
use std::fmt::Write as _;

/// Prints the plan, or the API's answer for programs.
///
/// # Errors
/// The API's.
pub async fn plan(args: PlanArgs) -> Outcome {
    let answer = Api::from_args(&args.api)?.plan(args.customer.customer, args.partner.partner).await?;
    if args.api.json {
        json::print_line(&answer.whole)?;
    } else {
        output::print(&for_people(&answer.plan))?;
    }
    Ok(Exit::Done)
}

fn for_people(plan: &Plan) -> String {
    let mut out = String::new();
    let width = usize::from(To::Out.width());
    // writing to a string does not fail
    let subscriptions = text::count(plan.subscriptions_total as usize, "subscription");
    let groups = text::count(plan.groups_total as usize, "group");
    let _ = writeln!(out, "customer   {}", plan.customer_id);
    let _ = writeln!(out, "would move {subscriptions} in {groups}");
    if !plan.groups.is_empty() {
        out.push_str(&table::plan(&plan.groups));
    }
    if plan.groups.len() < plan.groups_total as usize {
        let _ = writeln!(out, "{} of {} groups are shown", plan.groups.len(), plan.groups_total);
    }
    for PlanGroup { partner_id, plan, .. } in &plan.groups {
        let whose = partner_id.as_deref().unwrap_or("none");
        let _ = writeln!(out, "  {whose}: {}", text::wrapped(&plan.why, width, whose.len() + 4));
    }
    let at = text::moment(plan.invoices.effective_at.earliest);
    let _ = writeln!(out, "billing    the plans own the usage from {at} on at the earliest");
    if let Some(budget) = &plan.budget {
        let _ = writeln!(out, "budget     {} {}: it does not carry over", budget.amount, budget.currency_code);
    }
    for (what, findings, total) in [("blocks", &plan.reasons, plan.reasons_total), ("warning", &plan.warnings, plan.warnings_total)] {
        for finding in findings {
            let _ = writeln!(out, "{what:<10} {}", text::wrapped(&format!("{}: {}", finding.code, finding.description), width, 11));
        }
        if findings.len() < total as usize {
            let _ = writeln!(out, "{:<10} {} of {total} are shown", "", findings.len());
        }
    }
    let _ = writeln!(out, "hash       {}", plan.plan_hash);
    if plan.is_eligible {
        let start = format!("planshift start --customer {} --plan-hash {}", plan.customer_id, plan.plan_hash);
        let _ = writeln!(out, "{} does exactly this, or nothing", To::Out.command(&start));
    } else {
        let _ = writeln!(out, "a start would end Ineligible, and change nothing");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_for_people_says_what_is_bought_what_blocks_and_how_to_start() {
        let mut plan: Plan = serde_json::from_str(
            r#"{"customerId":"01a204fa-f9bc-71b5-b5a9-32cc283a2266","isEligible":true,"planHash":"ab12","subscriptionsTotal":3,"groupsTotal":2,
                "groups":[{"partnerId":"4847383","resellerName":"R","subscriptionsTotal":2,"plan":{"action":"buy","planId":null,"why":"None is there."}},
                          {"partnerId":null,"subscriptionsTotal":1,"plan":{"action":"reuse","planId":"01a204fa-f9bc-71b5-b5a9-32cc283a2267","why":"It is there."}}],
                "reasons":[],"reasonsTotal":0,"warnings":[{"code":"ReportingWillChange","description":"D"}],"warningsTotal":5,
                "budget":{"amount":"12.50","currencyCode":"EUR"},"invoices":{"effectiveAt":{"earliest":"2026-11-22T16:00:00Z"}}}"#,
        )
        .unwrap();
        let text = for_people(&plan);
        for said in
            ["3 subscriptions in 2 groups", "4847383", "buy", "reuse", "12.50 EUR", "2026-11-22 16:00", "1 of 5", "--plan-hash ab12"]
        {
            assert!(text.contains(said), "{said} in {text}");
        }
        plan.is_eligible = false;
        assert!(!for_people(&plan).contains("--plan-hash"));
    }
}
