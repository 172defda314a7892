//! Entries of customers' chains as Partner Center's audit records. Source: the domain's section 6.7.
//!
//! Partner Center has no operation for an upgrade: those with `product_upgrade` in their names, and the imports, are ours, beside its
//! own and in its style. A change through the API has its own names. Times, ids and values are those of the entry; values are JSON as
//! text, as it has them.

use crate::model::Record;
use planshift_domain::{
    audit::{CustomerEntry, Operation, event},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// From the year 1 to 1970, in the ticks (100 ns) that Partner Center's ids end with.
const TICKS_BEFORE_1970: i128 = 621_355_968_000_000_000;

/// What an entry is about, as Partner Center names it.
pub(crate) fn resource_type(entry: &CustomerEntry) -> &'static str {
    match entry.event.as_str() {
        event::IMPORTED | event::IMPORT_REFUSED => change(entry).map_or("customer", Operation::resource_type),
        event::MAPPED => "azure_entitlement",
        event::SUSPENDED => "subscription",
        _ => "product_upgrade",
    }
}

/// What somebody has changed through the API, where that is what an entry tells. Those of versions before did not say: they are imports.
fn change(entry: &CustomerEntry) -> Option<Operation> {
    Operation::from_name(value(entry.new_value.as_ref())["operation"].as_str()?)
}

/// The operation, and how it went.
fn operation(entry: &CustomerEntry) -> (&'static str, &'static str) {
    const GOOD: &str = "succeeded";
    const BAD: &str = "failed";
    match entry.event.as_str() {
        event::IMPORTED => (change(entry).map_or("import_customer", Operation::name), GOOD),
        event::IMPORT_REFUSED => (change(entry).map_or("import_customer", Operation::name), BAD),
        event::STARTED => ("create_product_upgrade", GOOD),
        event::START_REFUSED => ("create_product_upgrade", BAD),
        event::MAPPED => ("map_azure_entitlement", GOOD),
        event::SUSPENDED => ("suspend_commerce_subscription", GOOD),
        event::ENDED => match value(entry.new_value.as_ref())["state"].as_str() {
            Some("Completed") => ("complete_product_upgrade", GOOD),
            Some("Compensated") => ("compensate_product_upgrade", GOOD),
            _ => ("fail_product_upgrade", GOOD),
        },
        event::OPERATOR_NEEDED => ("fail_product_upgrade", "progress"),
        event::CANCELLED => ("cancel_product_upgrade", GOOD),
        event::RESUMED => ("resume_product_upgrade", GOOD),
        event::CLOSED => ("close_product_upgrade", GOOD),
        event::ACT_REFUSED => match value(entry.new_value.as_ref())["act"].as_str() {
            Some("cancel") => ("cancel_product_upgrade", BAD),
            Some("resume") => ("resume_product_upgrade", BAD),
            _ => ("close_product_upgrade", BAD),
        },
        // whatever a later version writes
        _ => ("update_product_upgrade", GOOD),
    }
}

fn value(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// The record.
pub(crate) fn audit_record(record: &Record) -> Value {
    let Record { entry, resource_type, company_name } = record;
    let (operation, status) = operation(entry);
    let (mut old_value, mut new_value) = (entry.old_value.clone(), entry.new_value.clone());
    let mut data = vec![("ChainNumber", entry.number.to_string()), ("ChainHash", entry.hash.clone()), ("Text", entry.text.clone())];
    if let Some(seal) = &entry.transition {
        data.push(("ProductUpgradeId", seal.transition_id.to_string()));
        data.push(("HistoryEntries", seal.entries.to_string()));
        data.push(("HistoryHash", seal.hash.clone()));
    }
    if let Some(id) = entry.request_id {
        data.push(("RequestId", id.as_hyphenated().to_string()));
    }
    let mut of_change = BTreeMap::new();
    if change(entry).is_some() {
        // the resource alone, as whoever reads Partner Center's records expects it; what else the entry says stands beside it
        let [old, new] = [&entry.old_value, &entry.new_value].map(|text| value(text.as_ref()));
        let resource = |value: &Value| value["resource"].as_str().map(str::to_owned);
        (old_value, new_value) = (resource(&old), resource(&new));
        of_change = serde_json::from_value::<BTreeMap<String, String>>(new["data"].clone()).unwrap_or_default();
        data.extend(new["factsVersion"].as_u64().map(|version| ("FactsVersion", version.to_string())));
        data.extend(new["refused"].as_str().map(|code| ("Refused", code.to_owned())));
    }
    data.extend(of_change.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let data: Vec<Value> = data.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({
        "id": format!("{}_{}_{operation}_{}_{}", entry.partner_id, entry.customer_id, ticks(entry.at), entry.number),
        "partnerId": entry.partner_id,
        "customerId": entry.customer_id,
        "customerName": company_name,
        "userPrincipalName": entry.actor,
        "applicationId": Value::Null,
        "resourceType": resource_type,
        "resourceOldValue": old_value,
        "resourceNewValue": new_value,
        "operationType": operation,
        "originalCorrelationId": entry.correlation_id,
        "operationDate": entry.at,
        "operationStatus": status,
        "customizedData": data,
        "attributes": { "objectType": "AuditRecord" },
    })
}

/// As .NET counts. Entries of one microsecond are told apart by their numbers.
pub(crate) fn ticks(at: Timestamp) -> i128 {
    TICKS_BEFORE_1970 + i128::from(at.as_micros()) * 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::ids::{CustomerId, PartnerId};
    use uuid::Uuid;

    fn entry(event: &str, new_value: &str) -> CustomerEntry {
        CustomerEntry {
            partner_id: PartnerId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            number: 3,
            at: Timestamp::from_micros(0),
            event: event.into(),
            text: "t".into(),
            actor: "maria".into(),
            transition: None,
            request_id: None,
            correlation_id: None,
            old_value: None,
            new_value: Some(new_value.into()),
            hash: "h".into(),
        }
    }

    #[test]
    fn a_record_has_partner_centers_shape() {
        let entry = entry(event::ENDED, r#"{"state":"Completed"}"#);
        let record = audit_record(&Record { entry, resource_type: "product_upgrade".into(), company_name: Some("Contoso".into()) });
        let (partner, customer) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(record["id"], format!("{partner}_{customer}_complete_product_upgrade_621355968000000000_3"));
        assert_eq!(record["resourceNewValue"], r#"{"state":"Completed"}"#, "JSON as text");
        assert_eq!((&record["userPrincipalName"], &record["customerName"]), (&json!("maria"), &json!("Contoso")));
    }

    #[test]
    fn operations_are_in_snake_case_and_say_how_it_went() {
        for (event, value, expected) in [
            (event::STARTED, "{}", ("create_product_upgrade", "succeeded")),
            (event::START_REFUSED, "{}", ("create_product_upgrade", "failed")),
            (event::ENDED, r#"{"state":"Compensated"}"#, ("compensate_product_upgrade", "succeeded")),
            (event::ENDED, r#"{"state":"Ineligible"}"#, ("fail_product_upgrade", "succeeded")),
            (event::ACT_REFUSED, r#"{"act":"cancel"}"#, ("cancel_product_upgrade", "failed")),
            (event::IMPORTED, "", ("import_customer", "succeeded")),
        ] {
            assert_eq!(operation(&entry(event, value)), expected);
        }
    }

    #[test]
    fn a_change_is_called_what_partner_center_calls_it_and_shows_the_resource_alone() {
        let new = json!({ "factsVersion": 7, "operation": "update_customer_spending_budget", "resource": "{\"amount\":1.10}", "data": { "K": "v" } });
        let mut changed = entry(event::IMPORTED, &new.to_string());
        changed.old_value = Some(json!({ "factsVersion": 6, "resource": "{\"amount\":null}" }).to_string());
        assert_eq!(resource_type(&changed), "spending_limit");
        let shown = |entry| audit_record(&Record { entry, resource_type: "spending_limit".into(), company_name: None });
        let record = shown(changed.clone());
        assert_eq!(
            (&record["operationType"], &record["operationStatus"]),
            (&json!("update_customer_spending_budget"), &json!("succeeded"))
        );
        assert_eq!((&record["resourceOldValue"], &record["resourceNewValue"]), (&json!("{\"amount\":null}"), &json!("{\"amount\":1.10}")));
        let data = record["customizedData"].as_array().unwrap();
        for expected in [json!({ "key": "FactsVersion", "value": "7" }), json!({ "key": "K", "value": "v" })] {
            assert!(data.contains(&expected), "{expected}: {data:?}");
        }
        changed.event = event::IMPORT_REFUSED.into();
        assert_eq!(shown(changed)["operationStatus"], "failed");
        // of a version before, or a later one
        for other in ["", "{}", r#"{"operation":"sell_customer"}"#, r#"{"operation":7}"#] {
            let other = entry(event::IMPORTED, other);
            assert_eq!((resource_type(&other), operation(&other).0), ("customer", "import_customer"));
        }
    }
}
