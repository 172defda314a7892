//! A good document with every property that is known, and ways to spoil it.
#![allow(dead_code, reason = "each test program uses some of it")]

use serde_json::{Value, json};

/// Some GUID that is not in the good document.
pub const ID: &str = "ffffffff-ffff-4fff-8fff-ffffffffffff";

/// GUIDs that can be told apart, in lower case.
pub fn id(number: u32) -> String {
    format!("{number:08}-abcd-4abc-8abc-abcdefabcdef")
}

/// A good document.
pub fn good() -> Value {
    json!({
        "partner": {
            "id": id(90), "name": "Wide World Distribution", "mpnId": "4391227", "type": "IndirectProvider",
            "isAgreementSigned": true, "programStatus": "Active", "azurePlanMarkets": ["FR", "de"],
        },
        "resellers": [{
            "id": id(91), "name": "First Up Consultants", "mpnId": "4847383", "state": "Active",
            "relationshipType": "is_indirect_cloud_solution_provider_of", "location": "US", "isAgreementSigned": true,
        }],
        "customers": [{
            "id": id(1),
            "companyProfile": {"tenantId": id(1), "domain": "contoso.example", "companyName": "Contoso SA"},
            "billingProfile": {"defaultAddress": {"country": "fr"}},
            "relationshipToPartner": "reseller", "isSharedServices": false, "cloud": "Public", "segment": "Commercial",
            "agreements": [{
                "type": "MicrosoftCustomerAgreement", "dateAgreed": "2019-10-07T09:00:00Z",
                "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9", "primaryContact": {"firstName": "Marie"},
            }],
            "directSignedMicrosoftCustomerAgreement": {"isSigned": false},
            "usageBudget": {"amount": 1500},
            "currencyCode": "eur", "hasSupportPlan": false,
            "orders": [{"id": "o1", "status": "completed"}],
            "transfers": [{"subscriptionId": id(10), "status": "Completed"}],
            "azurePlans": [{"id": id(30), "partnerId": "4847383", "status": "suspended"}],
            "subscriptions": [
                {
                    "id": id(10), "entitlementId": id(20), "offerId": "MS-AZR-0145P", "offerName": "Microsoft Azure",
                    "friendlyName": "Production", "status": "active", "creationDate": "2017-11-02T10:15:00Z",
                    "partnerId": "4847383", "orderId": "o1", "tenantId": id(1), "hasReservations": false,
                },
                {
                    "id": id(11), "entitlementId": null, "offerId": "796b6b5f-613c-4e24-a17c-eba730d49c02", "offerName": "Office 365 E3",
                    "friendlyName": "Office", "status": "suspended", "creationDate": "2018-01-15T00:00:00",
                },
            ],
            "roleAssignments": [{"entitlementId": id(20), "mpnId": "4391227", "role": "Owner"}],
        }],
    })
}

/// The document with another value at a place.
pub fn change(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    document
}
