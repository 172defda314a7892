//! Audit records, and the dossier of a customer.

use crate::world::*;
use planshift_domain::{
    audit::{self, CustomerEntry, Seal, event},
    message::{
        Body,
        event::{AccountImported, TransitionChanged},
        request::TellAgain,
    },
    time::Timestamp,
    transition::State,
};
use planshift_gateway::Settings;
use planshift_messaging::{Destination, Outgoing};
use planshift_storage::{Args, Statement};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Seconds before now.
fn ago(seconds: i64) -> Timestamp {
    planshift_worker::Ports::system().clock.now().plus_seconds(-seconds)
}

const DAY: i64 = 24 * 3600;

/// A chain of customer `n` of a partner; the entry at each time is of this event.
fn chain(partner: u128, n: u128, events: &[(&str, Timestamp, Option<Seal>)]) -> Vec<CustomerEntry> {
    let mut entries: Vec<CustomerEntry> = Vec::new();
    for (number, (event, at, transition)) in (1..).zip(events) {
        let previous = entries.last().map_or(String::new(), |entry| entry.hash.clone());
        let entry = CustomerEntry {
            partner_id: id(partner),
            customer_id: id(n),
            number,
            at: *at,
            event: (*event).into(),
            text: "<b>in words</b>".into(),
            actor: "maria".into(),
            transition: transition.clone(),
            request_id: Some(Uuid::from_u128(9)),
            correlation_id: Some(Uuid::from_u128(8)),
            old_value: None,
            new_value: Some(r#"{"state":"Completed"}"#.into()),
            hash: String::new(),
        };
        entries.push(entry.sealed(&previous));
    }
    entries
}

fn audited(entries: &[CustomerEntry]) -> Outgoing {
    let (partner_name, begun_at, customers, resellers) = (String::new(), None, Vec::new(), Vec::new());
    let event = AccountImported { partner_id: id(1), partner_name, begun_at, customers, resellers, audit: entries.to_vec() };
    message(Destination::Event("customer.audited".into()), &event)
}

async fn tell(world: &World, entries: &[CustomerEntry]) {
    static COUNT: Statement =
        Statement::new("SELECT count(*) FROM customer_audit WHERE partner_id = $1 AND customer_id = $2 AND number = $3");
    world.coordinator.publish(vec![audited(entries)]).await.unwrap();
    for entry in entries {
        world
            .eventually(async || {
                let args = Args::new().value(entry.partner_id.0).value(entry.customer_id.0).value(entry.number);
                world.database.query(&COUNT, args).await.unwrap()[0].get::<i64>(0).unwrap() == 1
            })
            .await;
    }
}

/// Completed, with one line, and everything that it says is there.
fn completed(n: u128) -> TransitionChanged {
    let mut told = changed(n, 9, State::Ineligible);
    told.history = entries(n, 3);
    told.history[2].state = State::Ineligible;
    told.history[2].at = told.transition.ended_at.unwrap();
    let previous = told.history[1].hash.clone();
    told.history[2] = told.history[2].clone().sealed(id(n), &previous);
    told.transition.history = 3;
    told
}

fn seal(told: &TransitionChanged) -> Seal {
    Seal { transition_id: told.transition.id, entries: 3, hash: told.history[2].hash.clone() }
}

async fn get(world: &World, path: &str, query: &[(&str, &str)]) -> reqwest::Response {
    let url = Url::parse_with_params(&format!("{}{path}", world.base), query).unwrap();
    world.client.get(url).send().await.unwrap()
}

async fn records(world: &World, query: &[(&str, &str)]) -> Value {
    let response = get(world, "/v1/auditRecords", query).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn operations(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["operationType"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn records_are_listed_newest_first_by_key_and_filtered() {
    let world = World::new(silence).await;
    for (partner, n) in [(1, 2_001), (1, 2_002), (2, 2_003)] {
        world.tell_customer(partner, n).await;
    }
    // five in one microsecond: the key tells them apart
    let at = ago(60);
    tell(
        &world,
        &chain(
            1,
            2_001,
            &[
                (event::IMPORTED, ago(31 * DAY), None),
                (event::STARTED, at, None),
                (event::MAPPED, at, None),
                (event::SUSPENDED, at, None),
                (event::ENDED, at, None),
            ],
        ),
    )
    .await;
    tell(&world, &chain(1, 2_002, &[(event::STARTED, at, None), (event::START_REFUSED, ago(30), None)])).await;
    tell(&world, &chain(2, 2_003, &[(event::CANCELLED, ago(10), None)])).await;

    let all = records(&world, &[]).await;
    let expected = [
        "cancel_product_upgrade",
        "create_product_upgrade",
        "create_product_upgrade",
        "complete_product_upgrade",
        "suspend_commerce_subscription",
        "map_azure_entitlement",
        "create_product_upgrade",
    ];
    assert_eq!(operations(&all), expected, "thirty days back, and not the import");
    let first = &all["items"][3];
    assert_eq!((&first["customerName"], &first["userPrincipalName"]), (&json!("Contoso"), &json!("maria")));
    assert_eq!((&first["resourceNewValue"], &first["resourceType"]), (&json!(r#"{"state":"Completed"}"#), &json!("product_upgrade")));
    assert_eq!(all["items"][1]["operationStatus"], "failed");

    // page after page, by the link and by the header
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut request = world.get("/v1/auditrecords?size=2&partnerId=00000000-0000-0000-0000-000000000001");
        if let Some(token) = &token {
            request = request.header("MS-ContinuationToken", token);
        }
        let response = request.send().await.unwrap();
        let next = response.headers().get("MS-ContinuationToken").map(|value| value.to_str().unwrap().to_owned());
        let page: Value = response.json().await.unwrap();
        assert_eq!(page["links"]["next"].is_null(), next.is_none(), "never cut short silently");
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        token = next;
        if token.is_none() {
            break;
        }
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (6, 6), "no record twice, none left out");
    let page = records(&world, &[("size", "3")]).await;
    let next = page["links"]["next"]["uri"].as_str().unwrap();
    let rest: Value = world.get(&format!("/v1{next}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(operations(&rest), expected[3..6]);

    let day = |at: Timestamp| at.to_string()[..10].to_owned();
    let (from, to) = (day(ago(40 * DAY)), day(ago(20 * DAY)));
    assert_eq!(operations(&records(&world, &[("startDate", &from), ("endDate", &to)]).await), ["import_customer"]);
    assert_eq!(operations(&records(&world, &[("startDate", &from)]).await).len(), 8);
    for (filter, found) in [
        (json!({ "Field": "CustomerId", "Value": guid(2_002), "Operator": "equals" }), 2),
        (json!({ "field": "customerid", "value": guid(404), "operator": "Equals" }), 0),
        (json!({ "Field": "ResourceType", "Value": "Azure_Entitlement", "Operator": "equals" }), 1),
        (json!({ "Field": "CompanyName", "Value": "TOSO", "Operator": "substring" }), 7),
        (json!({ "Field": "CompanyName", "Value": "%", "Operator": "substring" }), 0),
    ] {
        assert_eq!(operations(&records(&world, &[("filter", &filter.to_string())]).await).len(), found, "{filter}");
        let of_partner = [("filter", filter.to_string()), ("partnerId", guid(2))];
        let of_partner: Vec<(&str, &str)> = of_partner.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert!(operations(&records(&world, &of_partner).await).len() <= 1, "{filter}");
    }
}

#[tokio::test]
async fn what_a_list_of_records_cannot_be_asked_for() {
    let world = World::new(silence).await;
    let old = ago(8 * 366 * DAY).to_string();
    for (name, value, expected) in [
        ("startDate", &old[..10], "InvalidDateRange"),
        ("endDate", "2001-01-01", "InvalidDateRange"),
        ("startDate", "yesterday", "InvalidParameter"),
        ("startDate", "2026-13-01", "InvalidParameter"),
        ("size", "501", "InvalidParameter"),
        ("continuationToken", "1-2-3-4", "InvalidContinuationToken"),
        ("filter", "x", "InvalidFilter"),
        ("filter", r#"{"Field":"UserName","Value":"x","Operator":"equals"}"#, "InvalidFilter"),
        ("filter", r#"{"Field":"CustomerId","Value":"x","Operator":"equals"}"#, "InvalidFilter"),
        ("filter", r#"{"Field":"CompanyName","Value":"x","Operator":"equals"}"#, "InvalidFilter"),
    ] {
        let (status, body) = error(get(&world, "/v1/auditrecords", &[(name, value)]).await).await;
        assert_eq!((status, body["errorName"].as_str()), (400, Some(expected)), "{name}={value}");
    }
    // nearly seven years back is not too far
    let within = ago(2_550 * DAY).to_string();
    assert_eq!(get(&world, "/v1/auditrecords", &[("startDate", &within[..10])]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_dossier_holds_everything_and_is_intact() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_007).await;
    let told = completed(7);
    world.tell(told.clone()).await;
    tell(
        &world,
        &chain(
            1,
            2_007,
            &[(event::IMPORTED, ago(9), None), (event::STARTED, ago(8), Some(seal(&told))), (event::ENDED, ago(7), Some(seal(&told)))],
        ),
    )
    .await;
    let path = format!("/v1/customers/{}/dossier", guid(2_007));
    let response = world.get(&path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let dossier = response.bytes().await.unwrap();
    let checked = audit::check(&dossier).unwrap();
    assert_eq!(checked.faults, []);
    assert_eq!((checked.entries, checked.transitions, checked.history), (3, 1, 3));
    let value: Value = serde_json::from_slice(&dossier).unwrap();
    assert_eq!((value["customer"]["companyName"].as_str(), value["exported"]["by"].as_str()), (Some("Contoso"), Some("local")));

    // the same as a page: no script, nothing from elsewhere, and its one style is named in the policy
    let response = world.get(&path).header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = response.text().await.unwrap();
    assert!(
        page.contains("&lt;b&gt;in words&lt;/b&gt;") && !page.contains("<b>") && !page.contains("<script") && !page.contains("style=\"")
    );
    for part in ["Contoso", &guid(7), &told.history[2].hash, "@media print"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.ends_with("</html>\n"));

    // in French, too; what was recorded stays as it was recorded, and says in which language it is
    let response = world.get(&path).header("accept", "text/html").header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(response.headers()["content-language"], "fr-FR");
    let page = response.text().await.unwrap();
    for part in
        ["<html lang=\"fr\">", "Ce qui est arrivé au client", "Mise à niveau", "<td lang=\"en\">&lt;b&gt;in words", &told.history[2].hash]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let response = world.get(&path).header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(response.headers()["content-language"], "en-US", "the document is the same in every language");
}

#[tokio::test]
async fn there_are_only_so_many_dossiers_at_once() {
    for (dossiers_at_once, expected) in [(1, StatusCode::OK), (0, StatusCode::SERVICE_UNAVAILABLE)] {
        let world = World::with(Settings { dossiers_at_once, ..settings() }, silence).await;
        world.tell_customer(1, 2_007).await;
        let path = format!("/v1/customers/{}/dossier", guid(2_007));
        for _ in 0..2 {
            // one that was taken to its end makes room for the next
            world
                .eventually(async || {
                    let response = world.get(&path).send().await.unwrap();
                    response.status() == expected && response.bytes().await.is_ok()
                })
                .await;
        }
    }
}

#[tokio::test]
async fn a_dossier_of_nobody_and_one_that_is_not_whole() {
    let settings = Settings { act_wait: Duration::from_millis(50), ..settings() };
    let world = World::with(settings, silence).await;
    for wrong in ["x", &guid(404)] {
        let (status, body) = error(world.get(&format!("/v1/customers/{wrong}/dossier")).send().await.unwrap()).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("900118")), "{wrong}");
    }
    for partner in [1, 2] {
        world.tell_customer(partner, 2_007).await;
    }
    let path = format!("/v1/customers/{}/dossier", guid(2_007));
    let (status, body) = error(world.get(&path).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("PartnerRequired")));

    let of = |partner| format!("{path}?partnerId={}", guid(partner));
    let told = completed(7);
    let all = chain(
        1,
        2_007,
        &[(event::IMPORTED, ago(9), None), (event::STARTED, ago(8), Some(seal(&told))), (event::ENDED, ago(7), Some(seal(&told)))],
    );
    let incomplete = async |what: &str| {
        let response = world.get(&of(1)).send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"), "{what}");
        let (status, body) = error(response).await;
        assert_eq!((status, body["errorName"].as_str()), (503, Some("DossierIncomplete")), "{what}");
    };
    tell(&world, &[all[0].clone(), all[2].clone()]).await;
    incomplete("an entry between is missing").await;
    tell(&world, &all[1..2]).await;
    incomplete("the transition is missing").await;
    let mut early = told.clone();
    early.transition.version = 2;
    early.transition.history = 1;
    early.history.truncate(1);
    world.tell(early).await;
    incomplete("its history is shorter than what was sealed").await;
    world.tell(told).await;
    let dossier = world.get(&of(1)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(audit::check(&dossier).unwrap().faults, []);
    // the other partner has the same customer, and sees nothing of it
    let other = world.get(&of(2)).send().await.unwrap().bytes().await.unwrap();
    let other = audit::check(&other).unwrap();
    assert_eq!((other.faults.len(), other.entries, other.transitions), (0, 0, 0));
}

#[tokio::test]
async fn a_gap_in_a_chain_that_lasts_is_asked_for() {
    let short = Duration::from_millis(20);
    let all = chain(1, 2_001, &[(event::IMPORTED, ago(9), None), (event::STARTED, ago(8), None), (event::ENDED, ago(7), None)]);
    let answer = all.clone();
    let world = World::with(Settings { gap: short, housekeeping: short, ..settings() }, move |delivery| {
        assert_eq!(delivery.message.kind, TellAgain::TYPE);
        let asked = serde_json::from_slice::<TellAgain>(&delivery.message.body).unwrap().chain.unwrap();
        assert_eq!((asked.partner_id, asked.customer_id, asked.after), (id(1), id(2_001), 1), "after what is there");
        vec![audited(&answer[1..])]
    })
    .await;
    world.tell_customer(1, 2_001).await;
    tell(&world, &[all[0].clone(), all[2].clone()]).await;
    world.eventually(async || operations(&records(&world, &[]).await).len() == 3).await;
}
