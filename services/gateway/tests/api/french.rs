//! `X-Locale`: people are told in their language, and programs are told the same in every one.

use crate::{holder::*, provider::Provider, world::*};
use planshift_domain::{
    account::codes::{Blocking, Warning},
    message::Body as _,
    message::{
        operator::{ExplainTransition, Explanation, ListStuck, StuckListed, StuckTransition, TransitionExplained},
        request::{ActOutcome, AssessOutcome, StartOutcome},
    },
    said::{Said, failures, nouns, story},
    step::Step,
    time::Timestamp,
    transition::{Failure, Finding, Findings, ItemError, State},
};
use planshift_gateway::Settings;
use planshift_messaging::Delivery;
use planshift_worker::codec;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// What stands in an answer for programs.
fn for_programs(body: &Value) -> Value {
    let mut body = body.clone();
    for text in ["description", "message", "correlationId", "reason"] {
        body.as_object_mut().unwrap().remove(text);
    }
    for list in ["reasons", "warnings"] {
        for one in body[list].as_array_mut().into_iter().flatten() {
            one.as_object_mut().unwrap().remove("description");
        }
    }
    if body["reasons"].is_null() {
        body.as_object_mut().unwrap().remove("reasons");
        body.as_object_mut().unwrap().remove("warnings");
    }
    body
}

fn language(response: &Response) -> String {
    response.headers().get("content-language").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Asks in both languages, and gives both answers.
async fn in_both(ask: impl Fn() -> RequestBuilder) -> [(u16, String, Value); 2] {
    let mut answers = Vec::new();
    for locale in ["en-US", "fr-FR"] {
        let response = ask().header("X-Locale", locale).send().await.unwrap();
        let (status, language) = (response.status().as_u16(), language(&response));
        assert_eq!(language, locale, "{status}");
        answers.push((status, language, response.json().await.unwrap()));
    }
    answers.try_into().unwrap()
}

/// The error differs in its words alone.
async fn differs_in_words(what: &str, ask: impl Fn() -> RequestBuilder) {
    let [(status, _, english), (in_french, _, french)] = in_both(ask).await;
    assert!(status >= 400 && status == in_french, "{what}: {status} {in_french}");
    let text = |body: &Value| body["description"].as_str().or(body["message"].as_str()).expect(what).to_owned();
    assert_ne!(text(&english), text(&french), "{what}");
    assert_eq!(for_programs(&english), for_programs(&french), "{what}");
}

#[tokio::test]
async fn every_error_is_told_in_french_and_is_the_same_to_programs() {
    let holder = Holder::default();
    let world = World::with(Settings { answer: Duration::from_millis(1_500), ..settings() }, holder.script()).await;
    let (document, customer) = one_customer(2);
    import(&world, &document).await;
    let nobody = Uuid::new_v4();
    let encoded = |filter: &str| filter.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace(' ', "%20");
    let gets = [
        "/nowhere".to_owned(),
        format!("/v1/productUpgrades/{nobody}"),
        "/v1/productUpgrades/x".to_owned(),
        "/v1/productUpgrades?partnerId=x".to_owned(),
        "/v1/productUpgrades?state=x".to_owned(),
        "/v1/productUpgrades?status=x".to_owned(),
        "/v1/productUpgrades?startedAfter=x".to_owned(),
        "/v1/productUpgrades?olderThan=x".to_owned(),
        "/v1/productUpgrades?size=0".to_owned(),
        "/v1/productUpgrades?continuationToken=x".to_owned(),
        "/v1/productUpgrades?q=a&Q=b".to_owned(),
        "/v1/productUpgrades?q=%00".to_owned(),
        format!("/v1/productUpgrades?q={}", "x".repeat(201)),
        "/v1/productUpgrades/events?lastEventId=x".to_owned(),
        "/v1/productUpgrades/stuck?longerThan=x".to_owned(),
        "/v1/auditrecords?startDate=x".to_owned(),
        "/v1/auditrecords?startDate=1999-01-01".to_owned(),
        "/v1/auditrecords?startDate=2999-01-01".to_owned(),
        "/v1/auditrecords?filter=x".to_owned(),
        format!("/v1/auditrecords?filter={}", encoded(r#"{"Field":"CustomerId","Value":"x","Operator":"equals"}"#)),
        format!("/v1/auditrecords?filter={}", encoded(r#"{"Field":"Size","Value":"x","Operator":"equals"}"#)),
        "/v1/customers/x/dossier".to_owned(),
        format!("/v1/customers/{nobody}/dossier"),
        format!("/v1/customers/{nobody}"),
        "/v1/customers?filter=x".to_owned(),
        format!("/v1/customers?filter={}", encoded(r#"{"Field":"Size","Value":"x","Operator":"equals"}"#)),
        format!("/v1/customers?filter={}", encoded(r#"{"Field":"Domain","Value":"x","Operator":"like"}"#)),
        format!("/v1/customers?filter={}", encoded(r#"{"Field":"Domain","Value":"x"}"#)),
        "/v1/relationships?relationship_type=x".to_owned(),
        "/v1/profiles/mpn".to_owned(),
        "/v1/profiles/mpn?mpnId=1".to_owned(),
        "/v1/compliance/csp/agreementstatus".to_owned(),
        "/v1/compliance/csp/agreementstatus?mpnId=x".to_owned(),
        "/v1/compliance/csp/agreementstatus?tenantId=x".to_owned(),
        "/v1/compliance/csp/agreementstatus?mpnId=1".to_owned(),
        format!("/v1/customers/{customer}/products"),
        format!("/v1/customers/{customer}/products/x"),
        format!("/v1/customers/{customer}/products/DZH318Z0BPS6/skus/x"),
        format!("/v1/customers/{customer}/products/DZH318Z0BPS6/skus/0001/availabilities/x"),
        format!("/v1/customers/{customer}/subscriptions/{nobody}"),
        format!("/v1/customers/{customer}/subscriptions?mpn_id=x"),
        format!("/v1/customers/{customer}/orders/{nobody}"),
        format!("/v1/customers/{customer}/carts/{nobody}"),
        "/v1/deadLetters/x".to_owned(),
        "/v1/deadLetters/redrives/x".to_owned(),
    ];
    for path in &gets {
        differs_in_words(path, || world.get(path)).await;
    }
    differs_in_words("an id that is none", || world.get("/v1/productUpgrades").header("MS-RequestId", "x")).await;
    differs_in_words("another site", || world.get("/v1/productUpgrades").header("origin", "https://example.org")).await;

    let subscription = holder.subscription(&customer).commerce_subscription_id;
    let of = |path: &str| format!("/v1/customers/{customer}{path}");
    let contact = json!({ "firstName": "N", "lastName": "R", "email": "n@example.org" });
    let agreement = |field: &str, value: Value| {
        let mut body = json!({ "type": "MicrosoftCustomerAgreement", "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
            "dateAgreed": "2026-01-02T00:00:00Z", "primaryContact": contact });
        body[field] = value;
        body
    };
    let upgrade = |field: &str, value: Value| {
        let mut body = json!({ "customerId": customer, "productFamily": "Azure" });
        body[field] = value;
        body
    };
    let asks = [
        (Method::DELETE, "/v1/productUpgrades".to_owned(), json!({})),
        (Method::POST, "/v1/productUpgrades".to_owned(), json!([])),
        (Method::POST, "/v1/productUpgrades".to_owned(), json!({ "a": 1, "A": 2 })),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("customerId", Value::Null)),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("customerId", json!(7))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("customerId", json!("x"))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("customerId", json!(nobody))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("productFamily", json!("Office"))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("planHash", json!("x"))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("partnerId", json!("x"))),
        (Method::POST, "/v1/productUpgrades".to_owned(), upgrade("x", json!("y"))), // nobody answers
        (Method::PUT, "/v1/invariants".to_owned(), json!({})),
        (Method::PUT, "/v1/invariants".to_owned(), json!({ "endedAt": "soon" })),
        (Method::PUT, "/v1/invariants".to_owned(), json!({ "reporter": "r".repeat(200), "endedAt": "2026-01-02T00:00:00Z" })),
        (Method::PUT, "/v1/invariants".to_owned(), json!({ "reporter": "r", "endedAt": "2026-01-02T00:00:00Z", "tookMillis": -1 })),
        (Method::POST, "/v1/steps/x/pause".to_owned(), json!({})),
        (Method::POST, "/v1/steps/mapping/pause".to_owned(), json!({})),
        (Method::POST, "/v1/deadLetters/drop".to_owned(), json!({})),
        (Method::POST, "/v1/deadLetters/drop".to_owned(), json!({ "transitionId": "x" })),
        (Method::POST, "/v1/deadLetters/redrives".to_owned(), json!({ "all": true })),
        (Method::POST, "/v1/deadLetters/redrives".to_owned(), json!({ "all": 1 })),
        (Method::POST, "/v1/accounts".to_owned(), json!({ "partner": {}, "customers": [] })),
        (Method::PATCH, of("/usagebudget"), json!({ "amount": -1 })),
        (Method::PATCH, of(&format!("/subscriptions/{subscription}")), json!({ "status": "gone" })),
        (Method::PATCH, of(&format!("/subscriptions/{subscription}")), json!({ "status": "deleted" })),
        (Method::PATCH, of(&format!("/subscriptions/{subscription}")), json!({ "id": nobody })),
        (Method::PATCH, of(&format!("/subscriptions/{subscription}")), json!({ "friendlyName": "x".repeat(300) })),
        (Method::PATCH, of(&format!("/subscriptions/{subscription}")), json!({ "attributes": { "etag": "x" } })),
        (Method::POST, of("/agreements"), agreement("type", Value::Null)),
        (Method::POST, of("/agreements"), agreement("type", json!("x"))),
        (Method::POST, of("/agreements"), agreement("templateId", json!("x"))),
        (Method::POST, of("/agreements"), agreement("dateAgreed", json!("x"))),
        (Method::POST, of("/agreements"), agreement("dateAgreed", json!("2999-01-01T00:00:00Z"))),
        (Method::POST, of("/agreements"), agreement("primaryContact", json!({ "firstName": "x" }))),
        (Method::POST, of("/carts"), json!({ "lineItems": [] })),
        (Method::POST, of("/carts"), json!({ "lineItems": [{ "catalogItemId": "x" }] })),
        (Method::POST, of("/carts"), json!({ "lineItems": [{ "catalogItemId": "MS-AZR-0145P", "quantity": 2 }] })),
        (Method::POST, of("/carts"), json!({ "lineItems": [{ "catalogItemId": "MS-AZR-0145P", "billingCycle": "x" }] })),
        (Method::POST, of("/carts"), json!({ "lineItems": 7 })),
    ];
    for (method, path, body) in &asks {
        let ask = || world.client.request(method.clone(), format!("{}{path}", world.base)).json(body);
        differs_in_words(&format!("{method} {path} {body}"), ask).await;
    }
    differs_in_words("no JSON", || world.client.post(format!("{}/v1/productUpgrades", world.base)).body("{")).await;
    differs_in_words("too large", || world.client.post(format!("{}/v1/productUpgrades", world.base)).body("x".repeat(70_000))).await;
}

#[tokio::test]
async fn tokens_roles_and_limits_too() {
    let provider = Provider::start().await;
    let limits = Settings { request_burst: 5, requests_per_minute: 1, ..settings() };
    let world = World::for_whom(provider.auth(), limits, silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let list = format!("{}/v1/productUpgrades", world.base);
    let without = Client::without_token();
    differs_in_words("no token", || without.get(&list)).await;
    differs_in_words("a token that is none", || without.get(&list).header("authorization", "Bearer x")).await;
    let partner = |n: u128, role: &str| client(&provider.token(Uuid::from_u128(n), &[role]));
    let (nobody, reader) = (partner(1, "Stranger"), partner(2, "ReadOnlyAgent"));
    differs_in_words("no role", || nobody.get(&list)).await;
    differs_in_words("to sell", || reader.post(&list).json(&json!({}))).await;
    differs_in_words("to operate", || reader.get(format!("{}/v1/steps", world.base))).await;
    for _ in 0..2 {
        let _ = reader.get(&list).send().await.unwrap();
    }
    let response = reader.get(&list).header("X-Locale", "fr-CA").send().await.unwrap();
    assert_eq!((response.status().as_u16(), language(&response).as_str()), (429, "fr-FR"));
    let text = response.json::<Value>().await.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(text.starts_with("La limite de débit est dépassée."), "{text}");
}

#[tokio::test]
async fn a_language_that_is_not_spoken_here_is_answered_in_english() {
    let world = World::new(silence).await;
    for locale in [&b"de-DE"[..], b"", b"x", b"\xff\xfe", b"en-GB"] {
        let request = world.get("/v1/productUpgrades/x").header("X-Locale", locale);
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), language(&response).as_str()), (404, "en-US"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["description"], "There is no upgrade x.");
    }
    let page = world.get("/").header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(language(&page), "en-US", "pages are in English");
    let list = world.get("/v1/productUpgrades").header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(language(&list), "fr-FR");
}

#[tokio::test]
async fn what_was_answered_once_is_answered_the_same_in_whatever_language_it_is_asked_again() {
    let world = World::new(starts(vec![StartOutcome::InProgress { transition_id: id(7) }], vec![])).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    let ask = |locale: &'static str| world.start(2_007).header("MS-RequestId", &key).header("X-Locale", locale).send();
    let first = ask("fr-FR").await.unwrap();
    assert_eq!((first.status().as_u16(), language(&first).as_str()), (409, "fr-FR"));
    let first = first.bytes().await.unwrap();
    let again = ask("en-US").await.unwrap();
    assert_eq!((again.status().as_u16(), language(&again).as_str()), (409, "fr-FR"), "it says in which language it is");
    assert_eq!(again.bytes().await.unwrap(), first);
}

#[tokio::test]
async fn reasons_and_warnings_are_in_french() {
    let finding = |code: &str| Finding { code: code.into(), resource_id: guid(5), description: "in English".into() };
    let findings = Findings {
        reasons: Blocking::ALL.iter().map(|code| finding(code.name())).collect(),
        warnings: Warning::ALL.iter().map(|code| finding(code.name())).collect(),
    };
    let outcome = AssessOutcome::Assessed {
        facts_version: 1,
        checked_at: Timestamp::from_micros(0),
        nothing_in_scope: false,
        findings,
        reasons_total: 19,
        warnings_total: 7,
    };
    let world = World::new(assesses(outcome)).await;
    world.tell_customer(1, 2_007).await;
    let [(_, _, english), (_, _, french)] = in_both(|| world.post("/v1/productUpgrades/eligibility", &upgrade(2_007))).await;
    assert_eq!(for_programs(&english), for_programs(&french));
    for list in ["reasons", "warnings"] {
        let (english, french) = (english[list].as_array().unwrap(), french[list].as_array().unwrap());
        assert!(!french.is_empty());
        for (english, french) in english.iter().zip(french) {
            assert_eq!(english["description"], "in English");
            assert_ne!(french["description"], "in English", "{french}");
        }
    }
    assert!(french["reason"].as_str().unwrap().contains("(Et 14 de plus.)"), "{french}");
}

#[tokio::test]
async fn acts_are_refused_in_french() {
    let world = World::new(acts(ActOutcome::NotAllowedInState(State::Completed))).await;
    world.tell(changed(7, 3, State::Completed)).await;
    for act in ["cancel", "resume", "close"] {
        differs_in_words(act, || world.post(&format!("/v1/productUpgrades/{}/{act}", Uuid::from_u128(7)), &json!({}))).await;
    }
}

#[tokio::test]
async fn reports_failures_and_what_is_waited_for_are_in_french_and_histories_stay_as_they_were_written() {
    let explains = |delivery: &Delivery| match delivery.message.kind.as_str() {
        ExplainTransition::TYPE => {
            let question: ExplainTransition = codec::body(&delivery.message).unwrap();
            vec![answer(
                delivery,
                &TransitionExplained { request_id: question.request_id, explanation: Some(explanation(story::MAPS, waits())) },
            )]
        }
        ListStuck::TYPE => {
            let question: ListStuck = codec::body(&delivery.message).unwrap();
            let Explanation { transition_id, partner_id, customer_id, state, changed_at, waits_for, .. } =
                explanation(story::MAPS, waits());
            let stuck = StuckTransition { transition_id, partner_id, customer_id, state, changed_at, waits_for };
            vec![answer(delivery, &StuckListed { request_id: question.request_id, transitions: vec![stuck], total: 1 })]
        }
        _ => Vec::new(),
    };
    let world = World::new(explains).await;
    let mut event = changed(7, 5, State::Compensated);
    event.transition.lines = 1;
    let gone: String = failures::NO_AZURE_SUBSCRIPTION.with(&[&guid(11)]).into();
    event.transition.failure =
        Some(Failure { step: Step::Mapping, resource_id: guid(11), code: "SubscriptionNotFound".into(), description: gone.clone() });
    event.lines = vec![line(11)];
    event.lines[0].error = Some((Step::Mapping, ItemError { code: "SubscriptionNotFound".into(), description: gone.clone() }));
    event.history = entries(7, 2);
    world.tell(event).await;

    let in_french = format!("le client n’a plus d’abonnement Azure {} (Microsoft 800111)", guid(11));
    let of = |path: &str| format!("/v1/productUpgrades/{}{path}", guid(7));
    let read = async |path: &str| in_both(|| world.get(path).header("accept", "application/json")).await;
    for (path, at) in [
        (of(""), "/failure/description"),
        (of(""), "/lines/0/error/description"),
        (of("/progress"), "/failure/description"),
        ("/v1/productUpgrades".to_owned(), "/items/0/failure/description"),
        (of("/report"), "/failed/0/description"),
    ] {
        let [english, french] = read(&path).await;
        assert_eq!((english.2.pointer(at), french.2.pointer(at)), (Some(&json!(gone)), Some(&json!(in_french))), "{path}");
    }
    let [_, (_, _, report)] = read(&of("/report")).await;
    assert_eq!(report["summary"], "Elle a échoué avant le pivot, et ce qu’elle avait fait a été défait.");
    let text = world.get(&of("/report")).header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(language(&text), "fr-FR");
    let text = text.text().await.unwrap();
    assert!(text.contains("Que faire ensuite") && !text.contains("What"), "{text}");

    let [english, french] = read(&of("/why")).await;
    assert_eq!((&english.2["rule"], &english.2["waitsFor"]), (&json!(story::MAPS.english()), &json!(waits().to_string())));
    assert!(french.2["rule"].as_str().unwrap().starts_with("le pivot est franchi"), "{}", french.2);
    let waits_in_french = "les réponses de l’étape mapping : 1 sans réponse sur 2 paquets";
    assert_eq!(french.2["waitsFor"], waits_in_french);
    let [_, (_, _, stuck)] = read("/v1/productUpgrades/stuck").await;
    assert_eq!(stuck["items"][0]["waitsFor"], waits_in_french);

    let response = world.get(&of("/history")).header("X-Locale", "fr").send().await.unwrap();
    assert_eq!(language(&response), "en-US", "hashes are over its words");
    assert_eq!(response.json::<Value>().await.unwrap()["items"][0]["text"], "on");
}

fn waits() -> Said {
    story::WAITS_FOR_ANSWERS.with(&[&Step::Mapping, &1, &nouns::PACKET.in_words(2)])
}
