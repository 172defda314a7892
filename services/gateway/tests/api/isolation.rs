//! A partner sees its own customers and nothing else, on every path.
//!
//! Two partners have each imported an account and moved a customer. With the other one's token and ids every route is asked. What
//! it answers must be what it answers about ids that nobody has: a partner cannot even find out that there is such a transition.

use crate::{provider::Provider, world::*};
use planshift_domain::{
    account::{
        facts::PlanStatus,
        sample::{self, SampleOptions},
    },
    message::{
        Body as _,
        event::TransitionChanged,
        operator::{ListStuck, StuckListed, StuckTransition},
        request::{AssessCustomer, CustomersImported, ImportCustomers},
    },
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, Findings, ItemError, PacketRow, PlanRow, State},
};
use planshift_gateway::{RULES, Right, Rule, Settings};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use uuid::Uuid;

/// How long an answer that has begun may take to go on.
const MOMENT: Duration = Duration::from_millis(500);

/// Lists of what the caller itself has, whatever it asks for: nothing in their paths names anybody.
const OF_THE_CALLER: [&str; 21] = [
    "/v1/productupgrades/batches",
    "/v1/productupgrades/schedules",
    "/v1/customers",
    "/v1/budgets",
    "/v1/customers/usagerecords",
    "/v1/relationships",
    "/v1/agreements",
    "/v1/auditrecords",
    "/webhooks/v1/registration/events",
    "/webhooks/v1/deliveries",
    "/portal/customers",
    "/portal/customers/look",
    "/portal/blockers",
    "/portal/transitions",
    "/portal/batches",
    "/portal/batches/new",
    "/portal/schedules",
    "/portal/schedules/new",
    "/portal/operations",
    "/portal/operations/now",
    "/portal/audit",
];

/// A time that is not past while this is tested, nor beyond the horizon of a schedule.
fn later() -> String {
    planshift_worker::Ports::system().clock.now().plus_seconds(300 * 24 * 3600).to_string()[..16].to_owned()
}

/// A partner, the customer that it moves, and what others must not read.
struct Partner {
    id: Uuid,
    document: Value,
    customer: Uuid,
    transition: u128,
}

impl Partner {
    fn new(seed: u64, transition: u128) -> Self {
        let mut document = Vec::new();
        sample::write(SampleOptions { customers: 2, subscriptions: 2, seed, resellers: 1 }, &mut document).unwrap();
        let mut document: Value = serde_json::from_slice(&document).unwrap();
        document["partner"]["name"] = json!(format!("secret-partner-{transition}"));
        for customer in document["customers"].as_array_mut().unwrap() {
            customer["companyProfile"]["companyName"] = json!(format!("secret-company-{transition}"));
            customer["companyProfile"]["domain"] = json!(format!("secret-domain-{transition}.example"));
        }
        let guid = |value: &Value| value.as_str().unwrap().parse().unwrap();
        Self { id: guid(&document["partner"]["id"]), customer: guid(&document["customers"][0]["id"]), document, transition }
    }

    /// Its transition, with a marked text wherever there is one.
    fn event(&self) -> TransitionChanged {
        let n = self.transition;
        let mut event = changed(n, 9, State::Compensated);
        let row = &mut event.transition;
        (row.partner_id, row.customer_id, row.lines, row.plans, row.history) = (self.id.into(), self.customer.into(), 1, 1, 3);
        row.started_by = format!("secret-actor-{n}");
        let told = |what: &str| format!("secret-{what}-{n}");
        row.failure = Some(Failure { step: Step::Mapping, resource_id: guid(n + 10), code: "2012".into(), description: told("failure") });
        event.lines = vec![line(n + 10)];
        event.lines[0].error = Some((Step::Mapping, ItemError { code: "2012".into(), description: told("line") }));
        let reseller = event.lines[0].reseller.clone();
        let (plan_id, status) = (Some(id(n + 20)), Some(PlanStatus::Active));
        event.plans = vec![PlanRow { reseller, plan_id, reused: false, status, error: None, undo: None, version: 1 }];
        let packet = |step| PacketRow {
            step,
            action: Action::Do,
            packet: 0,
            attempt: 1,
            good: 1,
            refused: 0,
            findings: Findings::default(),
            version: 1,
        };
        event.packets = vec![packet(Step::Eligibility), packet(Step::Mapping)];
        event.history = entries(n, 3);
        event
    }

    /// What nobody else may read, but for the ids that were asked with.
    fn secrets(&self) -> Vec<String> {
        let n = self.transition;
        vec![guid(n + 10), guid(n + 20), guid(n + 500_010), format!("-{n}")]
    }
}

/// The coordinator: it tells whatever it is asked for, and keeps what it was asked.
fn coordinator(partners: &[Partner], asked: Arc<Mutex<Vec<(String, String)>>>) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    let stuck: Vec<_> = partners
        .iter()
        .map(|partner| StuckTransition {
            transition_id: id(partner.transition),
            partner_id: partner.id.into(),
            customer_id: partner.customer.into(),
            state: State::MappingSubscriptions,
            changed_at: Timestamp::from_micros(0),
            waits_for: format!("secret-wait-{}", partner.transition),
        })
        .collect();
    move |delivery| {
        let message = &delivery.message;
        asked.lock().unwrap().push((message.kind.clone(), String::from_utf8_lossy(&message.body).into_owned()));
        match message.kind.as_str() {
            ImportCustomers::TYPE => {
                let chunk: ImportCustomers = codec::body(message).unwrap();
                let imported = chunk.customers.iter().map(|part| part.customer_id).collect();
                let taken = CustomersImported { import_id: chunk.import_id, chunk: chunk.chunk, imported, refused: Vec::new() };
                vec![answer(delivery, &taken)]
            }
            ListStuck::TYPE => {
                let question: ListStuck = codec::body(message).unwrap();
                let of = |stuck: &&StuckTransition| question.partner_id.is_none_or(|partner| partner == stuck.partner_id);
                let transitions: Vec<_> = stuck.iter().filter(of).cloned().collect();
                let total = u32::try_from(transitions.len()).unwrap();
                vec![answer(delivery, &StuckListed { request_id: question.request_id, transitions, total })]
            }
            _ => Vec::new(),
        }
    }
}

/// A path with the ids of what is to be asked about.
///
/// # Panics
/// On a name that it does not know: say here what stands there, so that the path is tested too.
fn filled(rule: &Rule, about: About) -> String {
    let part = |part: &str| match part {
        "{id}"
            if [
                "/v1/productupgrades/",
                "/portal/transitions/",
                "/portal/operations/",
                "/portal/billing/",
                "/v1/usage/",
                "/v1/invoices/",
                "/v1/deadletters/",
                "/webhooks/v1/",
            ]
            .iter()
            .any(|top| rule.path.starts_with(top)) =>
        {
            about.transition.to_string()
        }
        "{batch}" => about.batch.to_string(),
        "{schedule}" => about.schedule.to_string(),
        "{key}" if rule.path.starts_with("/v1/deadletters/") || rule.path.starts_with("/portal/operations/letters/") => {
            about.transition.as_simple().to_string()
        }
        "{customer}" | "{customerId}" => about.customer.to_string(),
        "{subscription}" | "{entitlement}" | "{cart}" | "{order}" => about.transition.to_string(),
        "{product}" => "DZH318Z0BPS6".to_owned(),
        "{sku}" => "0001".to_owned(),
        "{availability}" => "DZH318Z0BML6".to_owned(),
        "{step}" => "mapping".to_owned(),
        "{*file}" => "nothing".to_owned(),
        other => {
            assert!(!other.contains('{'), "{} {}: what stands for {other}?", rule.method, rule.path);
            other.to_owned()
        }
    };
    rule.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What is asked: whose, by which ids.
#[derive(Clone, Copy)]
struct About {
    partner: Uuid,
    customer: Uuid,
    transition: Uuid,
    batch: Uuid,
    schedule: Uuid,
}

impl About {
    /// These ids are in no answer any more, and neither are those that differ every time.
    fn unnamed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let named = [
            ("PARTNER", self.partner),
            ("CUSTOMER", self.customer),
            ("TRANSITION", self.transition),
            ("BATCH", self.batch),
            ("SCHEDULE", self.schedule),
        ];
        for (name, id) in named {
            text = text.replace(&id.to_string(), name).replace(&id.as_simple().to_string(), name);
        }
        // made anew with each form
        if let Some((before, rest)) = text.split_once("name=\"key\" value=\"") {
            text = format!("{before}{}", &rest[36..]);
        }
        match text.find("\"correlationId\":\"") {
            Some(at) => format!("{}{}", &text[..at], &text[at + "\"correlationId\":\"".len() + 36..]),
            None => text,
        }
    }
}

async fn ask(world: &World, client: &Client, rule: &Rule, about: About, document: &Value) -> (StatusCode, String) {
    let About { partner, customer, transition, .. } = about;
    let url = format!("{}{}?partnerId={partner}&customerId={customer}&id={transition}", world.base, filled(rule, about));
    let request = client.request(rule.method.parse::<Method>().unwrap(), url);
    let body = if rule.path == "/v1/accounts" {
        document.clone()
    } else {
        json!({ "customerId": customer, "productFamily": "Azure", "partnerId": partner, "reason": "I want it", "at": later(), "timeZone": "UTC" })
    };
    let request = if rule.method == "GET" { request } else { request.json(&body) };
    let mut response = request.send().await.unwrap();
    let (status, headers, mut body) = (response.status(), format!("{:?}", response.headers()), Vec::new());
    // a stream of events has no end: what it says within a moment
    while let Ok(Some(piece)) = tokio::time::timeout(MOMENT, response.chunk()).await.map(Result::unwrap) {
        body.extend_from_slice(&piece);
    }
    (status, format!("{}\n{}", String::from_utf8_lossy(&body), headers.split("\"date\"").next().unwrap_or_default()))
}

/// The answer's body alone.
fn body(answer: &str) -> &str {
    answer.rsplit_once('\n').map_or(answer, |(body, _)| body)
}

#[tokio::test]
async fn a_partner_sees_nothing_of_another_on_any_path() {
    let partners = [Partner::new(1, 7_700_000_001), Partner::new(2, 7_700_000_002)];
    assert_ne!(partners[0].id, partners[1].id);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Provider::start().await;
    let limits = Settings { request_burst: 10_000, answer: Duration::from_millis(300), ..settings() };
    let world = World::for_whom(provider.auth(), limits, coordinator(&partners, asked.clone())).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let clients = partners.each_ref().map(|partner| client(&provider.token(partner.id, &["AdminAgent"])));
    for (partner, client) in partners.iter().zip(&clients) {
        let imported = client.post(format!("{}/v1/accounts", world.base)).json(&partner.document).send().await.unwrap();
        assert_eq!(imported.json::<Value>().await.unwrap()["imported"], 2);
        world.tell(partner.event()).await;
    }
    let [owner, _] = &partners;
    let rows = json!({ "rows": [{ "customerId": owner.document["customers"][1]["id"], "externalReferenceId": owner.secrets()[3] }] });
    let batch = clients[0].post(format!("{}/v1/productUpgrades/batches", world.base)).json(&rows).send().await.unwrap();
    let batch: Value = batch.json().await.unwrap();
    let batch: Uuid = batch["batchId"].as_str().expect("a batch").parse().unwrap();
    let planned = json!({ "batchId": batch, "at": later(), "timeZone": "UTC", "externalReferenceId": owner.secrets()[3] });
    let schedule = clients[0].post(format!("{}/v1/productUpgrades/schedules", world.base)).json(&planned).send().await.unwrap();
    let schedule: Value = schedule.json().await.unwrap();
    let schedule: Uuid = schedule["scheduleId"].as_str().expect("a schedule").parse().unwrap();
    let own = About { partner: owner.id, customer: owner.customer, transition: Uuid::from_u128(owner.transition), batch, schedule };
    // what is asked for is there: its owner gets it, or none of this would show anything
    let mut shown = String::new();
    for rule in RULES.iter().filter(|rule| rule.right <= Right::Read) {
        shown += &ask(&world, &clients[0], rule, own, &owner.document).await.1;
    }
    for secret in owner.secrets() {
        assert!(shown.contains(&secret), "{secret} is shown to its owner nowhere");
    }

    asked.lock().unwrap().clear();
    let [partner, customer, transition, batch, schedule] = std::array::from_fn(|_| Uuid::new_v4());
    let nobodys = About { partner, customer, transition, batch, schedule };
    let mut nobodys_document = owner.document.clone();
    nobodys_document["partner"]["id"] = json!(nobodys.partner);
    for rule in RULES {
        let what = format!("{} {}", rule.method, rule.path);
        let (status, answered) = ask(&world, &clients[1], rule, own, &owner.document).await;
        for secret in owner.secrets() {
            assert!(!answered.contains(&secret), "{what} tells {secret}: {answered}");
        }
        // a list of nothing, or a stream in which nothing is told
        let is_empty = serde_json::from_str::<Value>(body(&answered)).is_ok_and(|body| body["totalCount"] == 0)
            || (body(&answered).starts_with("retry:") && !answered.contains("data:"));
        // the other one's own transition may be listed; a page is for everybody
        let is_own = body(&answered).contains(&guid(partners[1].transition)) || OF_THE_CALLER.contains(&rule.path);
        let is_fine = matches!(status.as_u16(), 400 | 403 | 404) || (status == 200 && (is_empty || is_own || rule.right == Right::Open));
        assert!(is_fine, "{what} answers {status}: {answered}");
        let (other_status, other_answer) = ask(&world, &clients[1], rule, nobodys, &nobodys_document).await;
        assert_eq!(
            (status, own.unnamed(body(&answered))),
            (other_status, nobodys.unnamed(body(&other_answer))),
            "{what} answers otherwise about what another partner has than about what nobody has"
        );
    }
    // nothing was done and nothing was asked in another's name
    for (kind, body) in asked.lock().unwrap().iter() {
        // what is stuck of its own, and what stands in the way of its own customers
        assert!([ListStuck::TYPE, AssessCustomer::TYPE].contains(&kind.as_str()), "{kind} {body}");
        assert!(body.contains(&partners[1].id.to_string()) && !body.contains(&owner.id.to_string()), "{body}");
    }
    let now: Value =
        clients[0].get(format!("{}/v1/productUpgrades/{}", world.base, own.transition)).send().await.unwrap().json().await.unwrap();
    assert_eq!((&now["version"], &now["state"]), (&json!(9), &json!("Compensated")));
}

#[tokio::test]
async fn the_same_request_id_of_two_partners_is_not_the_same_request() {
    let partners = [Partner::new(1, 7_700_000_001), Partner::new(2, 7_700_000_002)];
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Provider::start().await;
    let limits = Settings { answer: Duration::from_millis(100), ..settings() };
    let world = World::for_whom(provider.auth(), limits, coordinator(&partners, asked.clone())).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let key = guid(0);
    for partner in &partners {
        let client = client(&provider.token(partner.id, &["AdminAgent"]));
        let send = |path: &str, body: &Value| client.post(format!("{}{path}", world.base)).header("MS-RequestId", &key).json(body).send();
        let response = send("/v1/accounts", &partner.document).await.unwrap();
        assert_eq!(response.headers()["ms-requestid"], key.as_str(), "it is handed back as it came");
        assert_eq!(response.status(), 200);
        let body = json!({ "customerId": partner.customer, "productFamily": "Azure" });
        assert_eq!(send("/v1/productUpgrades/eligibility", &body).await.unwrap().status(), 503, "nobody answers");
    }
    let asked = asked.lock().unwrap();
    let ids: std::collections::BTreeSet<_> = asked
        .iter()
        .filter(|(kind, _)| kind.starts_with("AssessCustomer"))
        .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["requestId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
}
