//! What is read from an account document: defaults, odd spellings, joins, parts.

mod support;

use planshift_domain::{
    account::{
        self, Checked,
        facts::{Cloud, CustomerPart, PART_SUBSCRIPTIONS, PartnerType, PlanStatus, SubscriptionStatus},
        sample::{self, SampleOptions},
    },
    ids::{MpnId, Reseller},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, ops::ControlFlow};
use support::{ID, change, good, id};

fn read(text: &[u8]) -> (Checked, Vec<Vec<CustomerPart>>) {
    let checked = account::check(text).unwrap_or_else(|error| panic!("{error}"));
    let mut customers = Vec::new();
    let outcome = account::read(text, &checked, |parts| {
        customers.push(parts);
        ControlFlow::<()>::Continue(())
    });
    assert!(outcome.unwrap().is_continue());
    (checked, customers)
}

/// The only part of the only customer.
fn part(document: &Value) -> CustomerPart {
    let (_, mut customers) = read(document.to_string().as_bytes());
    assert_eq!((customers.len(), customers[0].len()), (1, 1));
    customers.remove(0).remove(0)
}

fn mpn(text: &str) -> MpnId {
    MpnId::try_new(text).unwrap()
}

#[test]
fn a_full_document_is_read() {
    let (checked, customers) = read(good().to_string().as_bytes());
    assert_eq!((checked.customers.len(), checked.subscriptions, checked.legacy_subscriptions), (1, 2, 1));
    assert_eq!(checked.partner.kind, PartnerType::IndirectProvider);
    assert_eq!(checked.partner.azure_plan_markets, Some(vec!["FR".to_owned(), "DE".to_owned()]));
    assert_eq!(checked.resellers[&mpn("4847383")].name, "First Up Consultants");

    let part = &customers[0][0];
    assert_eq!((part.customer_id.to_string(), part.part, part.parts), (id(1), 0, 1));
    assert_eq!((part.customer.country.as_str(), part.customer.currency_code.as_str()), ("FR", "EUR"));
    assert_eq!(part.customer.budget.as_deref(), Some("1500"));
    assert_eq!((part.customer.agreements.len(), part.customer.orders.len()), (1, 0), "only what a rule looks at");
    assert_eq!(part.resellers.len(), 1);
    assert_eq!((part.plans.len(), part.plans[0].status), (1, PlanStatus::Suspended));
    assert_eq!(part.subscriptions.len(), 1, "only those of the legacy offer");
    let subscription = &part.subscriptions[0];
    assert_eq!(subscription.commerce_subscription_id.to_string(), id(10));
    assert_eq!(subscription.resource_id(), id(20));
    assert_eq!(subscription.transfers, ["Completed"]);
    assert_eq!((subscription.roles.len(), subscription.roles[0].role.as_str()), (1, "Owner"));
}

#[test]
fn what_may_be_absent_has_its_default_and_null_is_absent() {
    let small = json!({
        "partner": {"id": ID, "name": "", "mpnId": "1", "type": "DirectBill"},
        "customers": [{
            "id": id(1),
            "companyProfile": {"tenantId": id(1), "domain": "", "companyName": ""},
            "billingProfile": {"defaultAddress": {"country": "FR"}},
            "relationshipToPartner": "none", "currencyCode": "EUR",
        }],
    });
    let mut nulls = small.clone();
    nulls["resellers"] = Value::Null;
    for name in ["isAgreementSigned", "programStatus", "azurePlanMarkets"] {
        nulls["partner"][name] = Value::Null;
    }
    let optional = [
        "isSharedServices",
        "cloud",
        "segment",
        "agreements",
        "directSignedMicrosoftCustomerAgreement",
        "usageBudget",
        "hasSupportPlan",
        "orders",
        "transfers",
        "azurePlans",
        "subscriptions",
        "roleAssignments",
    ];
    for name in optional {
        nulls["customers"][0][name] = Value::Null;
    }
    let got = read(small.to_string().as_bytes());
    assert_eq!(got, read(nulls.to_string().as_bytes()));
    assert!(got.0.partner.is_agreement_signed && got.0.partner.program_status == "Active" && got.0.partner.azure_plan_markets.is_none());
    let customer = &got.1[0][0].customer;
    assert_eq!((customer.cloud, customer.segment.as_str(), customer.budget.as_deref()), (Cloud::Public, "Commercial", None));
    assert!(!customer.is_shared_services && !customer.has_support_plan && !customer.has_signed_directly);
}

#[test]
fn an_empty_id_is_absent() {
    let mut document = good();
    for name in ["entitlementId", "partnerId", "tenantId", "orderId"] {
        document["customers"][0]["subscriptions"][0][name] = json!("");
    }
    document["customers"][0]["azurePlans"][0]["partnerId"] = json!("");
    document["customers"][0]["usageBudget"]["amount"] = Value::Null;
    let part = part(&document);
    let subscription = &part.subscriptions[0];
    assert_eq!((subscription.azure_subscription_id, subscription.tenant_id, &subscription.reseller), (None, None, &Reseller::NONE));
    assert_eq!((subscription.resource_id(), subscription.roles.len()), (id(10), 0));
    assert_eq!((&part.plans[0].reseller, part.customer.budget, part.resellers.len()), (&Reseller::NONE, None, 0));
}

#[test]
fn spelling_and_order_do_not_matter() {
    let plain = good();
    let expected = part(&plain);
    let text = plain.to_string();
    // every name and every closed value in another case, the lists of the document in another order, unknown properties twice
    let shouted = text
        .replace("\"offerId\":\"MS-AZR-0145P\"", "\"OFFERID\":\"ms-Azr-0145p\"")
        .replace("\"status\":\"active\"", "\"Status\":\"ACTIVE\"")
        .replace("\"subscriptions\"", "\"Subscriptions\"")
        .replace("\"cloud\":\"Public\"", "\"CLOUD\":\"public\"")
        .replace("\"type\":\"IndirectProvider\"", "\"Type\":\"indirectprovider\"")
        .replace(&id(1), &id(1).to_uppercase())
        .replace(&id(20), &id(20).to_uppercase())
        .replace("\"currencyCode\"", "\"etag\":1,\"eTag\":{\"deep\":[{}]},\"currencyCode\"");
    assert_ne!(text, shouted);
    let turned = {
        let document: Value = serde_json::from_str(&shouted).unwrap();
        let piece = |name: &str| format!("\"{name}\":{}", document[name]);
        format!("\u{feff}{{{},{},{}}}\r\n", piece("customers"), piece("resellers"), piece("partner"))
    };
    for text in [&shouted, &turned] {
        let (checked, customers) = read(text.as_bytes());
        assert_eq!(customers, [[expected.clone()]]);
        assert_eq!(checked, account::check(plain.to_string().as_bytes()).unwrap());
    }
}

#[test]
fn a_budget_keeps_its_digits() {
    for (written, read) in [
        ("0", "0"),
        ("-0.00", "0.00"),
        ("0.10", "0.10"),
        ("12345678901234567890123456.789", "12345678901234567890123456.789"),
        ("1.5e3", "1.5e3"),
    ] {
        let text = good().to_string().replace("\"amount\":1500", &format!("\"amount\": {written} "));
        assert_eq!(super_part(&text).customer.budget.as_deref(), Some(read));
    }
}

fn super_part(text: &str) -> CustomerPart {
    read(text.as_bytes()).1.remove(0).remove(0)
}

#[test]
fn transfers_and_roles_find_their_subscriptions() {
    let mut document = good();
    document["customers"][0]["transfers"] = json!([
        {"subscriptionId": id(10).to_uppercase(), "status": "Pending"},
        {"subscriptionId": id(99), "status": "Pending"},
        {"subscriptionId": id(10), "status": "Expired"},
    ]);
    document["customers"][0]["roleAssignments"] = json!([
        {"entitlementId": id(20), "mpnId": "2", "role": "Reader"},
        {"entitlementId": id(20), "mpnId": "1", "role": "Owner"},
        {"entitlementId": id(20), "mpnId": "2", "role": "Reader"},
        {"entitlementId": id(10), "mpnId": "3", "role": "Owner"},
    ]);
    let part = part(&document);
    let subscription = &part.subscriptions[0];
    assert_eq!(subscription.transfers, ["Pending", "Expired"]);
    let roles: Vec<_> = subscription.roles.iter().map(|r| format!("{} {}", r.mpn_id, r.role)).collect();
    assert_eq!(roles, ["1 Owner", "2 Reader"]);
}

#[test]
fn deleted_subscriptions_are_handed_on_and_not_in_scope() {
    let part = part(&change(good(), "/customers/0/subscriptions/0/status", json!("Deleted")));
    assert_eq!(part.subscriptions[0].status, SubscriptionStatus::Deleted);
    assert!(!part.subscriptions[0].is_in_scope());
}

#[test]
fn of_agreements_and_orders_the_ones_that_decide_are_kept() {
    let mut document = good();
    let agreement = |kind: &str, date: String| json!({"type": kind, "dateAgreed": date});
    let mut agreements: Vec<_> =
        (0..50).rev().map(|n| agreement("MICROSOFTCUSTOMERAGREEMENT", format!("20{:02}-01-01T00:00:00Z", n + 20))).collect();
    agreements.push(agreement("MicrosoftCloudAgreement", "2010-01-01T00:00:00Z".to_owned()));
    document["customers"][0]["agreements"] = Value::Array(agreements);
    document["customers"][0]["orders"] =
        Value::Array((0..50).map(|n| json!({"id": n.to_string(), "status": if n < 20 { "completed" } else { "Pending" }})).collect());
    let customer = part(&document).customer;
    assert_eq!((customer.agreements.len(), customer.agreements[0].date_agreed.to_string()), (10, "2020-01-01T00:00:00Z".to_owned()));
    assert_eq!((customer.orders.len(), customer.orders[0].id.as_str()), (10, "20"));
}

/// One customer with so many subscriptions, each with so many roles, sold by resellers in turn.
fn large(subscriptions: u32, roles: u32) -> Value {
    let mut document = good();
    document["resellers"] = json!([
        {"id": id(1), "name": "b", "mpnId": "2", "state": "Active"},
        {"id": id(2), "name": "a", "mpnId": "1", "state": "Inactive"},
        {"id": id(3), "name": "c", "mpnId": "3", "state": "Active"},
    ]);
    let customer = &mut document["customers"][0];
    let template = customer["subscriptions"][0].clone();
    let all = (0..subscriptions).map(|n| {
        let mut one = template.clone();
        one["id"] = json!(id(10_000 + n));
        one["entitlementId"] = json!(id(20_000 + n));
        one["partnerId"] = json!(["1", "2", "7"][n as usize % 3]);
        one
    });
    customer["subscriptions"] = all.collect();
    let roles = (0..subscriptions)
        .flat_map(|n| (0..roles).map(move |r| json!({"entitlementId": id(20_000 + n), "mpnId": r.to_string(), "role": "Owner"})));
    customer["roleAssignments"] = roles.collect();
    document
}

#[test]
fn a_large_customer_comes_in_parts() {
    let mut document = large(1201, 1);
    document["customers"][0]["azurePlans"] = (0..1501).map(|n| json!({"id": id(n), "status": "deleted"})).collect();
    let (_, customers) = read(document.to_string().as_bytes());
    let parts = &customers[0];
    assert_eq!(parts.iter().map(|p| p.subscriptions.len()).collect::<Vec<_>>(), [PART_SUBSCRIPTIONS, PART_SUBSCRIPTIONS, 201, 0]);
    assert_eq!(parts.iter().map(|p| p.plans.len()).collect::<Vec<_>>(), [500, 500, 500, 1]);
    let names: Vec<Vec<_>> = parts.iter().map(|p| p.resellers.iter().map(|r| r.mpn_id.as_str()).collect()).collect();
    assert_eq!(names, [vec!["1", "2"], vec!["1", "2"], vec!["1", "2"], vec![]], "those on record in the part that are known");
    for (number, part) in parts.iter().enumerate() {
        assert_eq!((part.part as usize, part.parts, &part.customer), (number, 4, &parts[0].customer));
    }
    let ids: Vec<_> = parts.iter().flat_map(|p| &p.subscriptions).map(|s| s.commerce_subscription_id.to_string()).collect();
    assert_eq!(ids, (0..1201).map(|n| id(10_000 + n)).collect::<Vec<_>>());
}

#[test]
fn many_roles_make_smaller_parts() {
    let (_, customers) = read(large(100, 99).to_string().as_bytes());
    assert_eq!(customers[0].iter().map(|p| p.subscriptions.len()).collect::<Vec<_>>(), [20; 5]);
}

#[test]
fn reading_ends_where_it_is_no_longer_wanted() {
    let mut text = Vec::new();
    sample::write(SampleOptions { customers: 5, subscriptions: 1, seed: 3, resellers: 1 }, &mut text).unwrap();
    let checked = account::check(&text[..]).unwrap();
    let mut seen = 0;
    let outcome = account::read(&text[..], &checked, |parts| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(parts[0].customer_id) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((outcome.unwrap(), seen), (ControlFlow::Break(checked.customers[1]), 2));
}

#[test]
fn a_document_that_changed_since_it_was_checked_is_refused() {
    let checked = account::check(good().to_string().as_bytes()).unwrap();
    let changed = change(good(), "/customers/0/cloud", json!("x")).to_string();
    let outcome = account::read(changed.as_bytes(), &checked, |_| -> ControlFlow<()> { panic!("a faulty customer was handed out") });
    assert!(outcome.unwrap_err().to_string().contains("customers[0].cloud"));
}

#[test]
fn a_generated_document_is_good_and_of_the_size_asked_for() {
    for (customers, subscriptions, seed, resellers) in [(1, 0, 0, 0), (1, 1, 1, 1), (3, 4, 1, 3), (200, 3, 2, 20), (2, 1500, u64::MAX, 3)] {
        let options = SampleOptions { customers, subscriptions, seed, resellers };
        let (mut text, mut again) = (Vec::new(), Vec::new());
        sample::write(options, &mut text).unwrap();
        sample::write(options, &mut again).unwrap();
        assert_eq!(text, again);
        let (checked, read) = read(&text);
        assert_eq!((read.len(), checked.resellers.len()), (customers as usize, resellers as usize));
        assert_eq!(checked.legacy_subscriptions, (customers * subscriptions) as usize);
        assert!(checked.subscriptions <= checked.legacy_subscriptions + 2 * customers as usize);
        for parts in &read {
            assert_eq!(parts.iter().map(|p| p.subscriptions.len()).sum::<usize>(), subscriptions as usize);
            let all = || parts.iter().flat_map(|p| &p.subscriptions);
            assert!(all().all(|s| s.status == SubscriptionStatus::Active && s.roles.len() == 1));
            if subscriptions >= 1000 {
                assert_eq!(all().map(|s| &s.reseller).collect::<BTreeSet<_>>().len(), resellers as usize);
                assert!(all().any(|s| s.azure_subscription_id.map(|id| id.0) != Some(s.commerce_subscription_id.0)));
            }
        }
    }
    let (mut one, mut other) = (Vec::new(), Vec::new());
    sample::write(SampleOptions { seed: 1, ..SampleOptions::default() }, &mut one).unwrap();
    sample::write(SampleOptions { seed: 2, ..SampleOptions::default() }, &mut other).unwrap();
    assert_ne!(one, other);
    assert!(sample::write(SampleOptions { customers: 0, ..SampleOptions::default() }, &mut one).is_err());
}
