//! Usage that is brought before and after a transition moves with it, and back when it is undone; and the sums agree all the time.

use planshift_tests::{
    accounts,
    outcome::{self, Ran},
    place::Place,
    program::Program,
    wait,
};
use serde_json::Value;
use std::{io::Write as _, time::Duration};
use tempfile::NamedTempFile;

/// How long a record may take to follow its owner: a round of the gateway's housekeeping, and mapping's answer.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(60);
const METERED: usize = 6;

/// Hours of a machine, the first of them that of `from`: `2026-09-18T10`.
fn usage(azure: &[String], hours: &[String]) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    writeln!(file, "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri").unwrap();
    for azure in azure {
        for hour in hours {
            writeln!(file, "{hour}:00:00Z,{hour}:59:59Z,meter,1,Hours,/subscriptions/{azure}/vm").unwrap();
        }
    }
    file.flush().unwrap();
    file
}

/// What the transition's customer has on D and on G in these months, and whether all sums agree.
fn reconciled(api: &str, customer: &str, months: &[String]) -> (usize, usize, bool) {
    let (mut d, mut g, mut agrees) = (0, 0, true);
    for month in months {
        let outcome = Program::planshift(["reconcile", "--json", "--api", api, "--month", month, "--customer", customer]).run().expect(0);
        let last = outcome.json().pop().unwrap();
        let sum = |name: &str| -> usize {
            let units = last["totals"]["units"].as_array().unwrap().iter();
            units.map(|unit| unit[name].as_str().unwrap().parse::<usize>().unwrap()).sum()
        };
        (d, g) = (d + sum("d"), g + sum("g"));
        agrees &= last["totals"]["agrees"] == true;
    }
    (d, g, agrees)
}

fn bring(api: &str, file: &NamedTempFile, added: usize) {
    let path = file.path().display().to_string();
    let import: Value = Program::planshift(["usage", "import", &path, "--json", "--api", api]).run().expect(0).json().remove(0);
    assert_eq!(import["added"], added);
}

/// `place` has moved the customer of the sample with `fault`; hours of today's past and of the next days are used.
fn usage_moves_with_a_transition(place: &Place, fault: bool) {
    let sample = accounts::sample("direct-one-plan");
    let document = accounts::read(&sample);
    let customer = document["customers"][0]["companyProfile"]["tenantId"].as_str().unwrap().to_owned();
    let subscriptions = document["customers"][0]["subscriptions"].as_array().unwrap();
    let azure: Vec<String> = subscriptions.iter().map(|one| one["entitlementId"].as_str().unwrap().to_owned()).collect();
    // three hours of a month that is long past, and three of one that is far ahead of any change of owners
    let past: Vec<String> = (10..13).map(|hour| format!("2020-01-15T{hour}")).collect();
    let ahead: Vec<String> = (10..13).map(|hour| format!("2090-01-15T{hour}")).collect();
    let months = ["2020-01".to_owned(), "2090-01".to_owned()];
    let (count, half) = (azure.len(), azure.len() * METERED / 2);
    let served = place.serve();
    let path = sample.display().to_string();
    Program::planshift(["import", &path, "--api", &served.api]).run().expect(0);
    bring(&served.api, &usage(&azure, &[past.clone(), ahead[..2].to_vec()].concat()), count * 5);
    assert_eq!(reconciled(&served.api, &customer, &months), (count * 5, 0, true), "before: all of it is the legacy offer's");
    served.stop();
    let item = format!("mapping={}", azure[count - 1]);
    let more: Vec<&str> = if fault { vec!["--fail", &item] } else { Vec::new() };
    let ended = place.program(&["run", &path, "--json"]).args(more).run().expect(if fault { 3 } else { 0 });
    let transition = Ran::of(&ended).only().clone();
    let served = place.serve();
    // late usage, of the time before and after the change
    bring(&served.api, &usage(&azure, &ahead[2..]), count);
    let expected = if fault { (half * 2, 0, true) } else { (half, half, true) };
    wait::until("records follow their owners", FOLLOWS_WITHIN, || reconciled(&served.api, &customer, &months) == expected);
    let id = transition["transitionId"].as_str().unwrap();
    let page = Program::planshift(["reconcile", "--json", "--api", &served.api, "--transition", id, "--month", "2090-01"]).run().expect(0);
    let page = page.json().remove(0);
    let one = &page["items"][0];
    assert_eq!((page["items"].as_array().unwrap().len(), &one["transitionIds"][0]), (count, &id.into()), "{one}");
    assert!(one["commerceSubscriptionId"].is_string() && one["agrees"] == true, "{one}");
    served.stop();
    place.assert_verified();
}

#[test]
fn usage_moves_with_a_transition_embedded() {
    usage_moves_with_a_transition(&Place::embedded(), false);
}

#[test]
fn usage_comes_back_with_one_that_is_undone_embedded() {
    usage_moves_with_a_transition(&Place::embedded(), true);
}

#[test]
fn usage_comes_back_with_one_that_is_undone_distributed() {
    usage_moves_with_a_transition(&Place::distributed(), true);
}

/// A file of a test's own.
fn file(text: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.flush().unwrap();
    file
}

/// After a transfer of the billing ownership the commerce subscription has another id than the Azure subscription, and daily rated files have
/// a third one: example B of the domain. Everything joins by the Azure subscription's id, and by no other.
#[test]
fn three_ids_of_a_subscription_whose_billing_owner_has_changed() {
    const COMMERCE: &str = "a356ac8c-e310-44f4-bf85-c7f29044af99";
    const AZURE: &str = "42226ed6-070a-4e0f-b80c-4cdfb3e97aa7";
    const BILLING: &str = "usCBMgAAAAAAAAIA";
    let place = Place::embedded();
    let sample = accounts::sample("moved-billing-owner");
    let path = sample.display().to_string();
    let customer = accounts::read(&sample)["customers"][0]["companyProfile"]["tenantId"].as_str().unwrap().to_owned();
    let utilization = file(
        "usageStartTime,usageEndTime,resource.id,quantity,unit\n\
         2020-01-15T10:00:00Z,2020-01-15T11:00:00Z,meter,1,Hours\n2020-01-15T11:00:00Z,2020-01-15T12:00:00Z,meter,1,Hours\n",
    );
    let rated = file(&format!(
        "CustomerId,EntitlementId,SubscriptionId,UsageDate,MeterId,ResourceURI,Quantity,Unit,InvoiceNumber,UnitPrice,EffectiveUnitPrice,\
         PCToBCExchangeRate,BillingPreTaxTotal,BillingCurrency,PricingCurrency,PartnerEarnedCreditPercentage\n\
         {customer},{AZURE},{BILLING},2090-01-19,meter,/vm,24,1 Hour,G1,0.868,0.7378,0.846202666,14.97,EUR,USD,15\n"
    ));
    let legacy = file(&format!(
        "CustomerId,InvoiceNumber,ChargeStartDate,ChargeEndDate,SubscriptionId,ResourceGUID,DetailLineItemId,OverageQuantity,ListPrice,\
         PretaxCharges\n{customer},D1,1/1/2020,1/31/2020,{BILLING},meter,1,2,$0.868,1.74\n"
    ));
    let served = place.serve();
    let planshift = |args: &[&str]| Program::planshift(args).args(["--api", &served.api]).run();
    planshift(&["import", &path]).expect(0);
    let brought =
        |id: &str| planshift(&["usage", "import", &utilization.path().display().to_string(), "--json", "--azure-subscription", id]);
    let refused = brought(COMMERCE);
    assert!(refused.code != 0 && refused.stderr.contains(COMMERCE), "a commerce id is no Azure subscription's: {refused}");
    assert_eq!(brought(AZURE).expect(0).json()[0]["added"], 2);
    served.stop();
    let transition = Ran::of(&place.run(&sample, &[])).only().clone();
    let line = outcome::line(&transition, AZURE);
    assert_eq!((&line["commerceSubscriptionId"], &line["commerceStatus"]), (&COMMERCE.into(), &"suspended".into()));

    let served = place.serve();
    let planshift = |args: &[&str]| Program::planshift(args).args(["--json", "--api", &served.api]).run().expect(0).json();
    let rated = rated.path().display().to_string();
    planshift(&["usage", "import", &rated]);
    let reconciled = |month: &str| planshift(&["reconcile", "--month", month, "--customer", &customer]).remove(0)["items"][0].clone();
    wait::until("the gateway knows its plan", FOLLOWS_WITHIN, || reconciled("2020-01")["planIds"][0] == line["planId"]);
    for (month, owner) in [("2020-01", "d"), ("2090-01", "g")] {
        let one = reconciled(month);
        assert_eq!((&one["azureSubscriptionId"], &one["commerceSubscriptionId"]), (&AZURE.into(), &COMMERCE.into()), "{month}");
        assert_eq!((&one["planIds"][0], &one["transitionIds"][0]), (&line["planId"], &transition["transitionId"]));
        assert_eq!((&one["units"][0][owner], &one["agrees"]), (&one["units"][0]["metered"], &true.into()), "{one}");
        let billing: &[Value] = if owner == "g" { &[BILLING.into()] } else { &[] };
        assert_eq!(one["billingSubscriptionIds"], Value::from(billing.to_vec()));
    }
    // lines of both invoices are found, though neither names the commerce subscription: nothing is missing, and nothing is too much
    for (invoice, series) in [(legacy.path().display().to_string(), "D"), (rated, "G")] {
        let taken = planshift(&["invoice", "import", &invoice, "--series", series]).remove(0);
        let findings = planshift(&["invoice", "findings", taken["invoiceId"].as_str().unwrap()]);
        assert!(findings[0]["items"].as_array().is_some_and(Vec::is_empty), "{series}: {findings:?}");
    }
    served.stop();
    place.assert_verified();
}
