//! A gateway, and those it talks to.

pub use crate::client::{Client, RequestBuilder, client};
use planshift_domain::{
    history::HistoryEntry,
    ids::{MpnId, Reseller, TransitionId},
    message::{
        Body,
        event::{AccountImported, ImportedCustomer, TransitionChanged},
        operator::Explanation,
        request::{
            ActAnswered, ActOnTransition, ActOutcome, AssessCustomer, AssessOutcome, CustomerAssessed, StartAnswered, StartOutcome,
            StartTransition,
        },
    },
    time::Timestamp,
    transition::{LineRow, State, TransitionRow},
};
use planshift_gateway::{Auth, Gateway, LocalToken, MIGRATIONS, Options, Settings};
use planshift_messaging::{Delivery, Destination, EmbeddedBroker, Outgoing, Queue, Service, Settlement, SharedBroker};
use planshift_storage::Database;
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec, health::Readiness, metrics::Metrics};
use reqwest::Response;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What the coordinator and eligibility make of a message: what they send, each as the service that gets it would.
pub type Script = dyn FnMut(&Delivery) -> Vec<Outgoing> + Send;

/// The local token of every world.
pub const TOKEN: &str = "the-local-token-of-this-world-0123456789";

pub struct World {
    pub base: String,
    pub client: Client,
    pub coordinator: SharedBroker,
    /// Every message that the coordinator or eligibility got: its type and its id.
    pub got: Arc<Mutex<Vec<(String, String)>>>,
    pub database: Database,
    pub readiness: Readiness,
    pub metrics: Metrics,
    pub stop: CancellationToken,
    pub running: JoinHandle<()>,
    pub broker: EmbeddedBroker,
    _folder: tempfile::TempDir,
}

/// Short, so that what is tested to end in time does so quickly.
pub fn settings() -> Settings {
    Settings {
        answer: Duration::from_millis(1_500),
        first_resend: Duration::from_millis(60),
        eligibility_wait: Duration::from_millis(700),
        look: Duration::from_millis(20),
        document_bytes: 1_000_000,
        grace: Duration::from_secs(5),
        ..Settings::default()
    }
}

impl World {
    pub async fn new(script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static) -> Self {
        Self::with(settings(), script).await
    }

    pub async fn with(settings: Settings, script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static) -> Self {
        Self::for_whom(Auth::local(LocalToken::try_new(TOKEN).unwrap()), settings, script).await
    }

    /// With these tokens; the client has the local one.
    pub async fn for_whom(auth: Auth, settings: Settings, script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static) -> Self {
        Self::in_time(Ports::system(), auth, settings, script).await
    }

    /// The same, with a clock and chance of one's own.
    pub async fn in_time(
        ports: Ports,
        auth: Auth,
        settings: Settings,
        script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static,
    ) -> Self {
        let services = [Service::Coordinator, Service::Eligibility, Service::Mapping];
        Self::played(&services, ports, auth, settings, script).await
    }

    /// With a queue of mapping's that is left to the test.
    pub async fn without_mapping(settings: Settings, script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static) -> Self {
        let auth = Auth::local(LocalToken::try_new(TOKEN).unwrap());
        Self::played(&[Service::Coordinator, Service::Eligibility], Ports::system(), auth, settings, script).await
    }

    async fn played(
        services: &[Service],
        ports: Ports,
        auth: Auth,
        settings: Settings,
        script: impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static,
    ) -> Self {
        let readiness = Readiness::new();
        let token = auth.local.expose().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
        let database = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
            Ok(url) => Database::connect_postgres(&url, &format!("gateway_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
            Err(_) => Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap(),
        };
        database.migrate(MIGRATIONS).await.unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(script));
        for service in services.iter().copied() {
            let (end, script, got) = (broker.for_service(service), script.clone(), got.clone());
            tokio::spawn(async move {
                let mut consumer = end.consume(Queue::Service(service), 100).await.unwrap();
                while let Some(batch) = consumer.next(100).await {
                    for delivery in batch {
                        got.lock().unwrap().push((delivery.message.kind.clone(), delivery.message.message_id.clone()));
                        let out = script.lock().unwrap()(&delivery);
                        end.publish(out).await.unwrap();
                        consumer.settle(vec![(delivery.tag, Settlement::Ack)]).await.unwrap();
                    }
                }
            });
        }
        let mut options = Options::new(database.clone(), broker.for_service(Service::Gateway), ports);
        options.address.set_port(0);
        options.settings = settings;
        options.auth = auth;
        options.readiness = Some(readiness.clone());
        let metrics = options.metrics.clone();
        let gateway = Gateway::bind(options).await.unwrap();
        let base = format!("http://{}", gateway.address());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move { gateway.run(stopped).await.unwrap() });
        let coordinator = broker.for_service(Service::Coordinator);
        let client = client(&token);
        Self { base, client, coordinator, got, database, readiness, metrics, stop, running, broker, _folder: folder }
    }

    /// One more gateway beside it, which has the same database: it works until the test ends.
    pub async fn one_more(&self, ports: Ports) {
        self.one_more_for(Auth::local(LocalToken::random()), ports).await;
    }

    /// The same, with these tokens; where it is.
    pub async fn one_more_for(&self, auth: Auth, ports: Ports) -> String {
        let mut options = Options::new(self.database.clone(), self.broker.for_service(Service::Gateway), ports);
        options.address.set_port(0);
        options.settings = settings();
        options.auth = auth;
        let gateway = Gateway::bind(options).await.unwrap();
        let (stop, base) = (self.stop.clone(), format!("http://{}", gateway.address()));
        tokio::spawn(async move { gateway.run(stop).await.unwrap() });
        base
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub fn put(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.put(format!("{}{path}", self.base)).json(body)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).json(body)
    }

    /// Starts the transition of customer `n`.
    pub fn start(&self, n: u128) -> RequestBuilder {
        self.post("/v1/productUpgrades", &upgrade(n))
    }

    /// Tells an event, and waits until the gateway knows it.
    pub async fn tell(&self, event: TransitionChanged) {
        let (id, version) = (event.transition.id, event.transition.version);
        self.coordinator.publish(vec![told(&event)]).await.unwrap();
        self.eventually(async || {
            let answer = self.get(&format!("/v1/productUpgrades/{id}/progress")).send().await.unwrap();
            answer.status() == 200 && answer.json::<Value>().await.unwrap()["version"].as_u64() >= Some(version.into())
        })
        .await;
    }

    /// Tells of customer `n` of partner `partner`, and waits until the gateway knows it.
    pub async fn tell_customer(&self, partner: u128, n: u128) {
        let customer = ImportedCustomer {
            customer_id: id(n),
            version: 1,
            company_name: "Contoso".into(),
            domain: "c".into(),
            country: "FR".into(),
            relationship_to_partner: None,
            budget: None,
            part: 0,
            azure_subscriptions: None,
            currency_code: "EUR".into(),
            resellers: Vec::new(),
        };
        let (partner_name, begun_at, resellers) = ("P".into(), None, Vec::new());
        let event =
            AccountImported { partner_id: id(partner), partner_name, begun_at, customers: vec![customer], resellers, audit: Vec::new() };
        self.coordinator.publish(vec![message(Destination::Event("account.imported".into()), &event)]).await.unwrap();
        static COUNT: planshift_storage::Statement =
            planshift_storage::Statement::new("SELECT count(*) FROM customers WHERE partner_id = $1 AND customer_id = $2");
        self.eventually(async || {
            let args = planshift_storage::Args::new().value(Uuid::from_u128(partner)).value(Uuid::from_u128(n));
            self.database.query(&COUNT, args).await.unwrap()[0].get::<i64>(0).unwrap() == 1
        })
        .await;
    }

    pub async fn eventually(&self, is_so: impl AsyncFn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("it did not come about");
    }

    /// How often a message of this type was got, and how many different ones there were.
    pub fn count(&self, kind: &str) -> (usize, usize) {
        let got = self.got.lock().unwrap();
        let ids: Vec<_> = got.iter().filter(|(k, _)| k == kind).map(|(_, id)| id).collect();
        (ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len())
    }

    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.running).await.expect("it stops").unwrap();
    }
}

pub fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

pub fn guid(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

pub fn upgrade(customer: u128) -> Value {
    json!({ "customerId": guid(customer), "productFamily": "azure", "attributes": { "objectType": "ProductUpgradeRequest" } })
}

pub fn message<B: Body>(to: Destination, body: &B) -> Outgoing {
    let id = Uuid::new_v4().to_string();
    codec::outgoing(to, id, String::new(), &TraceContext::default(), Timestamp::from_micros(0), body)
}

pub fn told(event: &TransitionChanged) -> Outgoing {
    message(Destination::Event(format!("transition.{}", event.transition.state)), event)
}

/// The answer to whoever sent `question`.
pub fn answer<B: Body>(question: &Delivery, body: &B) -> Outgoing {
    message(Destination::Answer(question.message.reply_to.clone().expect("a question says where the answer goes")), body)
}

/// Whoever asks for a start gets the next of these, then the last for ever.
pub fn starts(outcomes: Vec<StartOutcome>, events: Vec<TransitionChanged>) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    let mut outcomes = VecDeque::from(outcomes);
    move |delivery| {
        if delivery.message.kind != StartTransition::TYPE {
            return Vec::new();
        }
        let question: StartTransition = codec::body(&delivery.message).unwrap();
        let outcome = if outcomes.len() > 1 { outcomes.pop_front().unwrap() } else { outcomes[0].clone() };
        let mut out: Vec<Outgoing> = events.iter().map(told).collect();
        out.push(answer(delivery, &StartAnswered { request_id: question.request_id, outcome }));
        out
    }
}

/// Whoever acts gets this.
pub fn acts(outcome: ActOutcome) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    move |delivery| {
        assert_eq!(delivery.message.kind, ActOnTransition::TYPE);
        let question: ActOnTransition = codec::body(&delivery.message).unwrap();
        vec![answer(delivery, &ActAnswered { request_id: question.request_id, outcome })]
    }
}

/// Whoever asks for an assessment gets this.
pub fn assesses(outcome: AssessOutcome) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    move |delivery| {
        assert_eq!(delivery.message.kind, AssessCustomer::TYPE);
        let question: AssessCustomer = codec::body(&delivery.message).unwrap();
        vec![answer(delivery, &CustomerAssessed { request_id: question.request_id, outcome: outcome.clone() })]
    }
}

/// Nobody answers.
pub fn silence(_: &Delivery) -> Vec<Outgoing> {
    Vec::new()
}

pub fn accepted(n: u128) -> StartOutcome {
    StartOutcome::Accepted { transition_id: id(n) }
}

/// Transition `n` of customer 2000 + `n` of partner 1.
pub fn changed(n: u128, version: u32, state: State) -> TransitionChanged {
    let transition = TransitionRow {
        id: TransitionId(Uuid::from_u128(n)),
        version,
        partner_id: id(1),
        customer_id: id(2_000 + n),
        state,
        left_state: None,
        facts_version: 1,
        failure: None,
        lines: 0,
        plans: 0,
        mapped: 0,
        suspended: 0,
        effective_at: None,
        started_at: Timestamp::from_micros(i64::try_from(n).unwrap() * 1_000_000),
        ended_at: state.is_end().then(|| Timestamp::from_micros(9_000_000)),
        started_by: "maria".into(),
        closed_at: None,
        history: 0,
        traceparent: String::new(),
        batch: None,
    };
    TransitionChanged { transition, plans: Vec::new(), lines: Vec::new(), packets: Vec::new(), history: Vec::new() }
}

pub fn line(azure: u128) -> LineRow {
    LineRow {
        azure_subscription_id: id(azure),
        commerce_subscription_id: id(azure + 500_000),
        reseller: Reseller(MpnId::try_new("4847383").ok()),
        packet: 0,
        error: None,
        undo: None,
        version: 1,
    }
}

pub fn entries(transition: u128, count: u32) -> Vec<HistoryEntry> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for number in 1..=count {
        let previous = entries.last().map_or(String::new(), |e| e.hash.clone());
        let entry = HistoryEntry {
            number,
            at: Timestamp::from_micros(0),
            state: State::Requested,
            event: "Moved".into(),
            text: "on".into(),
            actor: "coordinator".into(),
            hash: String::new(),
        };
        entries.push(entry.sealed(id(transition), &previous));
    }
    entries
}

/// Why the transition 7 is where it is, as the coordinator explains it.
pub fn explanation(rule: impl Into<String>, waits_for: impl Into<String>) -> Explanation {
    Explanation {
        transition_id: id(7),
        partner_id: id(1),
        customer_id: id(2_007),
        state: State::MappingSubscriptions,
        version: 3,
        sent: 3,
        changed_at: Timestamp::from_micros(0),
        rule: rule.into(),
        waits_for: waits_for.into(),
        before_it: None,
        held: None,
        packets: Vec::new(),
        packets_total: 0,
        resend_at: None,
        give_up_at: None,
        failure: None,
        history: entries(7, 1),
    }
}

/// An error's status and body; it has every field that an error must have.
pub async fn error(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let correlation = response.headers()["ms-correlationid"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    for field in ["code", "description", "data", "source", "errorName", "isRetryable", "correlationId"] {
        assert!(!body[field].is_null(), "{field} is missing in {body}");
    }
    assert!(body["code"].is_string() && body["data"].is_array(), "{body}");
    assert_eq!(body["correlationId"], correlation.as_str());
    (status, body)
}
