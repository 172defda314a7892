//! Warnings of a budget by the command line: seen to until a time, and what came later stays open.

use planshift_tests::{accounts, place::Place, program::Program, wait};
use serde_json::Value;
use std::{io::Write as _, time::Duration};

/// How long usage may take to be added up.
const RECKONED_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn warnings_are_seen_to_until_a_time_and_those_that_came_later_stay_open() {
    let sample = accounts::sample("direct-one-plan");
    let document = accounts::read(&sample);
    let customer = document["customers"][0]["companyProfile"]["tenantId"].as_str().unwrap().to_owned();
    let azure = document["customers"][0]["subscriptions"][0]["entitlementId"].as_str().unwrap().to_owned();
    let place = Place::embedded();
    let served = place.serve();
    let planshift = |args: &[&str]| Program::planshift(args).args(["--api", &served.api]).run();
    planshift(&["import", &sample.display().to_string()]).expect(0);
    let of = ["--json", "--customer", &customer];
    let budget = |args: &[&str]| -> Value { planshift(&[&["budget"], args, &of[..]].concat()).expect(0).json().remove(0) };
    wait::until("the budget is set", RECKONED_WITHIN, || planshift(&[&["budget", "set", "100"], &of[..]].concat()).code == 0);
    let shown = budget(&["show"]);
    let (currency, month) = (shown["currencyCode"].as_str().unwrap(), shown["spending"]["month"].as_str().unwrap());
    let spend = |resource: &str, amount: u32, reached: &[u64]| -> Value {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        write!(
            file,
            "CustomerId,EntitlementId,SubscriptionId,UsageDate,MeterId,ResourceURI,Quantity,Unit,UnitPrice,EffectiveUnitPrice,\
             PCToBCExchangeRate,BillingPreTaxTotal,BillingCurrency,PricingCurrency,PartnerEarnedCreditPercentage\n\
             {customer},{azure},,{month}-01,meter,/{resource},1,Hours,{amount},{amount},1,{amount},{currency},{currency},0\n"
        )
        .unwrap();
        file.flush().unwrap();
        planshift(&["usage", "import", &file.path().display().to_string()]).expect(0);
        wait::until_some("the warnings", RECKONED_WITHIN, || {
            let shown = budget(&["show"]);
            let thresholds =
                |shown: &Value| shown["warnings"].as_array().map(|all| all.iter().filter_map(|one| one["threshold"].as_u64()).collect());
            (thresholds(&shown) == Some(reached.to_vec())).then_some(shown)
        })
    };
    let first = spend("one", 85, &[80]);
    let seen = first["warnings"][0]["at"].as_str().unwrap().to_owned();
    spend("two", 20, &[100, 80]);

    let acknowledge = ["acknowledge", "--until", &seen, "--reason", "called them", "--actor", "Nadia"];
    let after = budget(&acknowledge);
    let by = |shown: &Value, at: usize| shown["warnings"][at]["acknowledged"]["reason"].clone();
    assert_eq!((by(&after, 0), by(&after, 1)), (Value::Null, "called them".into()), "{after}");
    assert_eq!(after["warnings"][1]["acknowledged"]["by"].as_str().map(|by| by.contains("Nadia")), Some(true), "{after}");
    assert_eq!(budget(&acknowledge)["warnings"], after["warnings"], "said twice, the first one counts");
    let text = planshift(&["budget", "show", "--customer", &customer]).expect(0).stdout;
    assert!(text.contains("100 % of 100") && text.contains(": open") && text.contains(": seen to by"), "{text}");
    // what is no time changes nothing
    let refused = planshift(&["budget", "acknowledge", "--until", "tomorrow", "--customer", &customer]);
    assert!(refused.code != 0 && refused.stderr.contains("until"), "{refused}");
    assert_eq!(budget(&["show"])["warnings"], after["warnings"]);
    let all = budget(&["acknowledge", "--reason", "the rest"]);
    assert_eq!((by(&all, 0), by(&all, 1)), ("the rest".into(), "called them".into()), "{all}");
    served.stop();
    place.assert_verified();
}
