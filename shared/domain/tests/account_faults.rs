//! Every fault of an account document: where it is, what stood there, what was expected.

mod support;

use planshift_domain::account::{DocumentError, Fault, Faults, check};
use serde_json::{Value, json};
use std::io::{self, Read};
use support::{ID, change, good, id};

fn faults_of(text: &[u8]) -> Faults {
    match check(text) {
        Err(DocumentError::Faults(faults)) => faults,
        other => panic!("{other:?} is no fault of {}", String::from_utf8_lossy(text)),
    }
}

fn faults(document: &Value) -> Vec<String> {
    let faults = faults_of(document.to_string().as_bytes());
    assert_eq!(faults.total, faults.listed.len());
    faults.listed.iter().map(Fault::to_string).collect()
}

/// The one fault after a property was set.
fn fault(pointer: &str, value: Value) -> String {
    let mut faults = faults(&change(good(), pointer, value));
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn a_missing_property_is_named() {
    let required = [
        ("/partner", "partner: nothing, expected an object"),
        ("/partner/id", "partner.id: nothing, expected a GUID"),
        ("/partner/name", "partner.name: nothing, expected a string"),
        ("/partner/mpnId", "partner.mpnId: nothing, expected a string of digits"),
        ("/partner/type", "partner.type: nothing, expected one of DirectBill, IndirectProvider, IndirectReseller"),
        ("/resellers/0/id", "resellers[0].id: nothing, expected a GUID"),
        ("/resellers/0/name", "resellers[0].name: nothing, expected a string"),
        ("/resellers/0/mpnId", "resellers[0].mpnId: nothing, expected a string of digits"),
        ("/resellers/0/state", "resellers[0].state: nothing, expected a string"),
        ("/customers", "customers: nothing, expected a list of at least one customer"),
        ("/customers/0/id", "customers[0].id: nothing, expected a GUID"),
        ("/customers/0/companyProfile", "customers[0].companyProfile: nothing, expected an object"),
        ("/customers/0/companyProfile/tenantId", "customers[0].companyProfile.tenantId: nothing, expected a GUID"),
        ("/customers/0/companyProfile/domain", "customers[0].companyProfile.domain: nothing, expected a string"),
        ("/customers/0/companyProfile/companyName", "customers[0].companyProfile.companyName: nothing, expected a string"),
        ("/customers/0/billingProfile", "customers[0].billingProfile: nothing, expected an object"),
        ("/customers/0/billingProfile/defaultAddress", "customers[0].billingProfile.defaultAddress: nothing, expected an object"),
        (
            "/customers/0/billingProfile/defaultAddress/country",
            "customers[0].billingProfile.defaultAddress.country: nothing, expected an ISO 3166 country code of two letters",
        ),
        (
            "/customers/0/relationshipToPartner",
            "customers[0].relationshipToPartner: nothing, expected one of none, reseller, advisor, syndication, microsoft_support, unknown",
        ),
        ("/customers/0/currencyCode", "customers[0].currencyCode: nothing, expected an ISO 4217 currency code of three letters"),
        ("/customers/0/agreements/0/type", "customers[0].agreements[0].type: nothing, expected a string"),
        ("/customers/0/agreements/0/dateAgreed", "customers[0].agreements[0].dateAgreed: nothing, expected an RFC 3339 time"),
        (
            "/customers/0/directSignedMicrosoftCustomerAgreement/isSigned",
            "customers[0].directSignedMicrosoftCustomerAgreement.isSigned: nothing, expected true or false",
        ),
        ("/customers/0/orders/0/id", "customers[0].orders[0].id: nothing, expected a string"),
        ("/customers/0/orders/0/status", "customers[0].orders[0].status: nothing, expected a string"),
        ("/customers/0/transfers/0/subscriptionId", "customers[0].transfers[0].subscriptionId: nothing, expected a GUID"),
        ("/customers/0/transfers/0/status", "customers[0].transfers[0].status: nothing, expected a string"),
        ("/customers/0/azurePlans/0/id", "customers[0].azurePlans[0].id: nothing, expected a GUID"),
        ("/customers/0/azurePlans/0/status", "customers[0].azurePlans[0].status: nothing, expected one of active, suspended, deleted"),
        ("/customers/0/subscriptions/0/id", "customers[0].subscriptions[0].id: nothing, expected a GUID"),
        ("/customers/0/subscriptions/0/offerId", "customers[0].subscriptions[0].offerId: nothing, expected a string"),
        ("/customers/0/subscriptions/0/offerName", "customers[0].subscriptions[0].offerName: nothing, expected a string"),
        ("/customers/0/subscriptions/0/friendlyName", "customers[0].subscriptions[0].friendlyName: nothing, expected a string"),
        (
            "/customers/0/subscriptions/1/status",
            "customers[0].subscriptions[1].status: nothing, expected one of none, active, pending, suspended, expired, disabled, deleted",
        ),
        ("/customers/0/subscriptions/0/creationDate", "customers[0].subscriptions[0].creationDate: nothing, expected an RFC 3339 time"),
        ("/customers/0/roleAssignments/0/entitlementId", "customers[0].roleAssignments[0].entitlementId: nothing, expected a GUID"),
        ("/customers/0/roleAssignments/0/mpnId", "customers[0].roleAssignments[0].mpnId: nothing, expected a string of digits"),
        ("/customers/0/roleAssignments/0/role", "customers[0].roleAssignments[0].role: nothing, expected a string"),
    ];
    for (pointer, expected) in required {
        let mut document = good();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        assert_eq!(faults(&document), [expected]);
        // null is nothing else than absent where a property is required, but it is what stood there
        assert_eq!(fault(pointer, Value::Null), expected.replacen("nothing", "null", 1));
    }
}

#[test]
fn a_wrong_value_is_named_with_what_stood_there() {
    let cases = [
        ("/partner/id", json!("none"), r#"partner.id: "none", expected a GUID"#),
        ("/partner/id", json!("20ec31deef824c2e8f4b25c63d0e5f5c"), r#"partner.id: "20ec31deef824c2e8f4b25c63d0e5f5c", expected a GUID"#),
        ("/partner/mpnId", json!(4391227), "partner.mpnId: 4391227, expected a string of digits"),
        ("/partner/mpnId", json!(""), r#"partner.mpnId: "", expected a string of digits"#),
        ("/partner/mpnId", json!("48a"), r#"partner.mpnId: "48a", expected a string of digits"#),
        ("/partner/type", json!("Direct"), r#"partner.type: "Direct", expected one of DirectBill, IndirectProvider, IndirectReseller"#),
        ("/partner/isAgreementSigned", json!("true"), r#"partner.isAgreementSigned: "true", expected true or false"#),
        ("/partner/programStatus", json!(1), "partner.programStatus: 1, expected a string"),
        ("/partner/name", json!("a\0b"), r#"partner.name: "a\0b", expected a string without the character U+0000"#),
        ("/partner/azurePlanMarkets", json!("FR"), r#"partner.azurePlanMarkets: "FR", expected a list"#),
        (
            "/partner/azurePlanMarkets",
            json!(["FR", "FRA"]),
            r#"partner.azurePlanMarkets[1]: "FRA", expected an ISO 3166 country code of two letters"#,
        ),
        (
            "/partner/azurePlanMarkets",
            json!([["FR"]]),
            "partner.azurePlanMarkets[0]: an empty list, expected an ISO 3166 country code of two letters",
        ),
        ("/resellers", json!({}), "resellers: an object, expected a list"),
        ("/resellers", json!([null]), "resellers[0]: null, expected an object"),
        ("/resellers/0/location", json!(["US"]), "resellers[0].location: a list, expected a string"),
        ("/customers", json!([]), "customers: an empty list, expected a list of at least one customer"),
        ("/customers", json!("all"), r#"customers: "all", expected a list of at least one customer"#),
        ("/customers/0", json!(7), "customers[0]: 7, expected an object"),
        ("/customers/0/companyProfile", json!([1]), "customers[0].companyProfile: a list, expected an object"),
        (
            "/customers/0/currencyCode",
            json!("EU"),
            r#"customers[0].currencyCode: "EU", expected an ISO 4217 currency code of three letters"#,
        ),
        ("/customers/0/cloud", json!("Azure"), r#"customers[0].cloud: "Azure", expected one of Public, UsGov, China, Germany"#),
        ("/customers/0/isSharedServices", json!(0), "customers[0].isSharedServices: 0, expected true or false"),
        ("/customers/0/hasSupportPlan", json!("no"), r#"customers[0].hasSupportPlan: "no", expected true or false"#),
        ("/customers/0/segment", json!(true), "customers[0].segment: true, expected a string"),
        ("/customers/0/usageBudget", json!(5), "customers[0].usageBudget: 5, expected an object"),
        ("/customers/0/usageBudget/amount", json!(-1), "customers[0].usageBudget.amount: -1, expected a number that is not negative"),
        ("/customers/0/usageBudget/amount", json!(-0.01), "customers[0].usageBudget.amount: -0.01, expected a number that is not negative"),
        (
            "/customers/0/usageBudget/amount",
            json!("10"),
            r#"customers[0].usageBudget.amount: "10", expected a number that is not negative"#,
        ),
        (
            "/customers/0/usageBudget/amount",
            json!({}),
            "customers[0].usageBudget.amount: an object, expected a number that is not negative",
        ),
        ("/customers/0/agreements", json!({}), "customers[0].agreements: an object, expected a list"),
        (
            "/customers/0/agreements/0/dateAgreed",
            json!("2019-10-07"),
            r#"customers[0].agreements[0].dateAgreed: "2019-10-07", expected an RFC 3339 time"#,
        ),
        ("/customers/0/orders", json!(["o"]), r#"customers[0].orders[0]: "o", expected an object"#),
        ("/customers/0/transfers/0/subscriptionId", json!(""), r#"customers[0].transfers[0].subscriptionId: "", expected a GUID"#),
        (
            "/customers/0/azurePlans/0/status",
            json!("gone"),
            r#"customers[0].azurePlans[0].status: "gone", expected one of active, suspended, deleted"#,
        ),
        (
            "/customers/0/azurePlans/0/partnerId",
            json!(4847383),
            "customers[0].azurePlans[0].partnerId: 4847383, expected a string of digits",
        ),
        ("/customers/0/subscriptions", json!(1.5), "customers[0].subscriptions: 1.5, expected a list"),
        ("/customers/0/subscriptions/1", json!([]), "customers[0].subscriptions[1]: an empty list, expected an object"),
        ("/customers/0/subscriptions/0/entitlementId", json!("x"), r#"customers[0].subscriptions[0].entitlementId: "x", expected a GUID"#),
        ("/customers/0/subscriptions/1/entitlementId", json!("x"), r#"customers[0].subscriptions[1].entitlementId: "x", expected a GUID"#),
        (
            "/customers/0/subscriptions/0/creationDate",
            json!(1_500_000_000),
            "customers[0].subscriptions[0].creationDate: 1500000000, expected an RFC 3339 time",
        ),
        ("/customers/0/subscriptions/0/tenantId", json!("t"), r#"customers[0].subscriptions[0].tenantId: "t", expected a GUID"#),
        (
            "/customers/0/subscriptions/0/hasReservations",
            json!("y"),
            r#"customers[0].subscriptions[0].hasReservations: "y", expected true or false"#,
        ),
        (
            "/customers/0/subscriptions/0/partnerId",
            json!("none"),
            r#"customers[0].subscriptions[0].partnerId: "none", expected a string of digits"#,
        ),
        (
            "/customers/0/roleAssignments/0/mpnId",
            json!("-1"),
            r#"customers[0].roleAssignments[0].mpnId: "-1", expected a string of digits"#,
        ),
    ];
    for (pointer, value, expected) in cases {
        assert_eq!(fault(pointer, value), expected);
    }
}

#[test]
fn a_tenant_that_is_not_the_customer_is_a_fault() {
    let expected = format!("customers[0].companyProfile.tenantId: \"{}\", expected the customer's id, \"{}\"", id(99), id(1));
    assert_eq!(fault("/customers/0/companyProfile/tenantId", json!(id(99))), expected);
}

#[test]
fn an_id_that_stands_twice_is_a_fault_at_the_second_place() {
    let already = |at: &str| format!("expected an id that is not in the document already ({at})");

    let mut document = good();
    let mut second = document["customers"][0].clone();
    for list in ["subscriptions", "azurePlans"] {
        second[list] = json!([]);
    }
    document["customers"].as_array_mut().unwrap().push(second);
    assert_eq!(faults(&document), [format!("customers[1].id: \"{}\", {}", id(1), already("customers[0].id"))]);

    let commerce = fault("/customers/0/subscriptions/1/id", json!(id(10).to_uppercase()));
    assert_eq!(commerce, format!("customers[0].subscriptions[1].id: \"{}\", {}", id(10), already("customers[0].subscriptions[0].id")));

    let mut document = good();
    let mut azure = document["customers"][0]["subscriptions"][0].clone();
    azure["id"] = json!(id(12));
    azure["offerId"] = json!("ms-azr-0145p");
    document["customers"][0]["subscriptions"].as_array_mut().unwrap().push(azure.clone());
    let expected =
        format!("customers[0].subscriptions[2].entitlementId: \"{}\", {}", id(20), already("customers[0].subscriptions[0].entitlementId"));
    assert_eq!(faults(&document), [expected]);
    // another offer's is not an Azure id that could be moved twice
    azure["offerId"] = json!("other");
    document["customers"][0]["subscriptions"][2] = azure;
    check(document.to_string().as_bytes()).unwrap();

    let plan = json!([{"id": id(30), "status": "active"}, {"id": id(31), "status": "deleted"}, {"id": id(30), "status": "deleted"}]);
    let expected = format!("customers[0].azurePlans[2].id: \"{}\", {}", id(30), already("customers[0].azurePlans[0].id"));
    assert_eq!(fault("/customers/0/azurePlans", plan), expected);

    let mut document = good();
    let mut reseller = document["resellers"][0].clone();
    reseller["id"] = json!(ID);
    document["resellers"].as_array_mut().unwrap().push(reseller);
    assert_eq!(faults(&document), [format!("resellers[1].mpnId: \"4847383\", {}", already("resellers[0].mpnId"))]);
}

#[test]
fn an_id_that_stands_twice_is_found_also_beside_other_faults() {
    let mut document = good();
    document["resellers"] = json!([{"mpnId": "1"}, {"mpnId": "1"}]);
    document["customers"] = json!([
        {"id": id(1), "azurePlans": [{"id": id(2)}], "subscriptions": [{"id": id(3)}]},
        {"id": id(1), "azurePlans": [{"id": id(2)}], "subscriptions": [{"id": id(3)}]},
    ]);
    let twice: Vec<_> = faults(&document).into_iter().filter(|fault| fault.contains("already")).collect();
    assert_eq!(twice.len(), 4, "{twice:?}");
}

#[test]
fn a_document_that_is_cut_or_garbled_never_passes_for_good_or_breaks_the_reader() {
    let text = good().to_string();
    for end in 0..text.len() {
        assert!(faults_of(&text.as_bytes()[..end]).listed[0].path.starts_with("line "), "{end}");
    }
    for place in 0..text.len() {
        for byte in [b'"', b'[', b'}', b'0', b',', b' ', 0xff, 0] {
            let mut garbled = text.clone().into_bytes();
            garbled[place] = byte;
            assert!(!matches!(check(&garbled[..]), Err(DocumentError::Io(_))), "{byte} at {place}");
        }
    }
}

#[test]
fn a_property_in_two_spellings_is_a_fault() {
    let text = good().to_string();
    let twice = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let faults = faults_of(text.replacen(from, to, 1).as_bytes());
        assert_eq!(faults.total, 1, "{faults}");
        faults.listed[0].to_string()
    };
    let expected = "expected each property once, in one spelling";
    assert_eq!(
        twice(r#""currencyCode":"#, r#""CURRENCYCODE":"USD","currencyCode":"#),
        format!(r#"customers[0].currencyCode: once more, as "currencyCode", {expected}"#)
    );
    assert_eq!(
        twice(r#""currencyCode":"#, r#""currencyCode":"usd","currencyCode":"#),
        format!(r#"customers[0].currencyCode: once more, as "currencyCode", {expected}"#)
    );
}

#[test]
fn a_repeated_list_or_part_of_the_document_is_a_fault() {
    let text = good().to_string();
    let end = text.len() - 1;
    for (more, path) in [(r#""Customers":[]"#, "customers"), (r#""partner":null"#, "partner"), (r#""RESELLERS":[1]"#, "resellers")] {
        let faults = faults_of(format!("{},{more}}}", &text[..end]).as_bytes());
        assert_eq!((faults.total, faults.listed[0].path.as_str()), (1, path));
    }
    let faults = faults_of(text.replacen(r#""roleAssignments":["#, r#""Subscriptions":[],"roleAssignments":["#, 1).as_bytes());
    assert_eq!((faults.total, faults.listed[0].path.as_str()), (1, "customers[0].subscriptions"));
}

#[test]
fn what_is_not_json_is_named_with_its_place() {
    for (text, path, found) in [
        (&b""[..], "line 1, column 0", "EOF while parsing a value"),
        (b"{\n \"partner\": }", "line 2, column 13", "expected value"),
        (b"{\"customers\":[{\"x\":\"\\q\"}]}", "line 1, column 22", "invalid escape"),
        (b"{\"customers\":[{\"id\":tru}]}", "line 1, column 24", "expected ident"),
        (b"{\"unknown\":[1,2,}", "line 1, column 17", "expected value"),
        (b"{\"unknown\":01}", "line 1, column 13", "invalid number"),
        (b"{\"unknown\":\"\xff\"}", "line 1, column 13", "bytes that are no character"),
    ] {
        let faults = faults_of(text);
        let first = &faults.listed[0];
        assert_eq!((first.path.as_str(), first.found.as_str(), faults.total), (path, found, 1), "{}", String::from_utf8_lossy(text));
    }
    let mut after = good().to_string();
    after.push_str("\n{}");
    assert_eq!(faults_of(after.as_bytes()).listed[0].to_string(), "line 2, column 1: trailing characters, expected JSON");
    let deep = format!("{{\"unknown\":{}", "[".repeat(100_000));
    assert_eq!(faults_of(deep.as_bytes()).total, 1);
    let deep = format!("{{\"customers\":{}", "[".repeat(100_000));
    assert_eq!(faults_of(deep.as_bytes()).total, 1);
}

#[test]
fn a_document_that_is_no_object_is_named_as_a_whole() {
    for (text, found) in [("[]", "an empty list"), ("null", "null"), ("\"x\"", "\"x\""), ("5", "5")] {
        assert_eq!(faults_of(text.as_bytes()).listed[0].to_string(), format!("document: {found}, expected an object"));
    }
}

#[test]
fn a_syntax_error_comes_before_the_faults_met_until_then() {
    let text = change(good(), "/customers/0/cloud", json!("x")).to_string();
    let faults = faults_of(&text.as_bytes()[..text.len() - 1]);
    assert_eq!(faults.total, 2);
    assert!(faults.listed[0].path.starts_with("line 1,") && faults.listed[1].path == "customers[0].cloud", "{faults}");
}

#[test]
fn all_faults_are_found_and_past_a_hundred_they_are_counted() {
    let mut document = good();
    document["partner"]["id"] = json!(1);
    document["resellers"][0]["state"] = json!(1);
    let subscription =
        json!({"id": "x", "offerId": "MS-AZR-0145P", "offerName": "", "friendlyName": "", "status": "x", "creationDate": "x"});
    document["customers"][0]["subscriptions"] = Value::Array(vec![subscription; 40]);
    let faults = faults_of(document.to_string().as_bytes());
    assert_eq!((faults.total, faults.listed.len()), (122, 100));
    let message = faults.to_string();
    assert!(message.starts_with("the account document has 122 faults"), "{message}");
    assert!(message.ends_with("\n  and 22 more"), "{message}");
    assert!(message.contains("\n  customers[0].subscriptions[1].status: \"x\", expected one of none, active"), "{message}");
    let data = serde_json::to_value(&faults).unwrap();
    assert_eq!((&data["total"], data["listed"].as_array().unwrap().len()), (&json!(122), 100));
    assert!(data["listed"][0]["path"].is_string() && data["listed"][0]["found"].is_string() && data["listed"][0]["expected"].is_string());
}

#[test]
fn a_long_text_is_shortened() {
    let got = fault("/customers/0/cloud", json!("é".repeat(100)));
    assert_eq!(got, format!("customers[0].cloud: \"{}\"…, expected one of Public, UsGov, China, Germany", "é".repeat(60)));
}

#[test]
fn a_source_that_breaks_off_is_no_fault_of_the_document() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "gone"))
        }
    }
    let text = good().to_string();
    match check(text.as_bytes()[..50].chain(Broken)) {
        Err(DocumentError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
}
