//! Usage that is brought before and after a transition moves with it, and back when it is undone; and the sums agree all the time.

use planshift_tests::{accounts, outcome::Ran, place::Place, program::Program, wait};
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
