//! Limits, each with its reason. Every one is a setting so that tests and operators can change it.

use crate::hooks::{Reachable, SigningKey};
use planshift_billing::spending::Thresholds;
use std::{path::PathBuf, time::Duration};

/// What the gateway takes, and how long it waits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest request body but for account documents: the requests have a handful of short fields.
    pub body_bytes: usize,
    /// The longest account document: 100,000 customers with some subscriptions each.
    pub document_bytes: u64,
    /// Where account documents lie while they are read; the system's folder for temporary files where not set.
    pub document_folder: Option<PathBuf>,
    /// How many documents are read at once; others wait.
    pub documents_at_once: usize,
    /// How many dossiers are made at once: each holds a customer's chain and the largest of its transitions.
    pub dossiers_at_once: usize,
    /// How many chunks of a document are on their way to the coordinator at once: enough to keep four workers busy.
    pub chunks_in_flight: usize,
    /// How long a chunk may take until all four workers have it.
    pub chunk_answer: Duration,
    /// How long the coordinator, or eligibility, may take to answer.
    pub answer: Duration,
    /// After how long the same question is sent again; doubled each time.
    pub first_resend: Duration,
    /// How many questions may be open at once.
    pub open_questions: usize,
    /// How long a create waits for eligibility to speak.
    pub eligibility_wait: Duration,
    /// How long an act that was accepted waits until it shows in the read model.
    pub act_wait: Duration,
    /// The pause between two looks at the read model for all who wait: another replica may have got the event.
    pub look: Duration,
    /// How long somebody who waits goes without a look of his own: the hub has a limit, and a gap may close without a new version.
    pub poll: Duration,
    /// The longest long poll.
    pub longest_wait: Duration,
    /// How many may wait for events at once; those beyond look instead.
    pub waiters: usize,
    /// How many readers of events may be here at once: each has a task and some kilobytes, and reads the database when something happens.
    pub streams: usize,
    /// How long a stream of events is silent at most: proxies cut what says nothing for a minute.
    pub heartbeat: Duration,
    /// How long a reader of events that was woken waits, so that what comes at the same time is read at once.
    pub stream_pause: Duration,
    /// How long an answer may take; more than the longest long poll.
    pub request_time: Duration,
    /// How long an import may take.
    pub import_time: Duration,
    /// How long the next piece of a body may take to come, and how long a client may take nothing of what it is sent.
    pub piece_time: Duration,
    /// After how long something that is missing in the read model is asked for.
    pub gap: Duration,
    /// How often the read model is looked over.
    pub housekeeping: Duration,
    /// How long an idempotency key is remembered.
    pub key_life: Duration,
    /// How many requests a minute a partner may make, of this replica. Source: Partner Center's limit for customers, orders and
    /// subscriptions.
    pub requests_per_minute: u32,
    /// How many of them may come at once: as many as in a minute.
    pub request_burst: u32,
    /// How many connections there may be: one for everybody who waits. Those beyond are not taken before another one ends.
    pub connections: usize,
    /// How long a client may take to send a request's headers, and how long a connection stays that nothing is asked on.
    pub header_time: Duration,
    /// How long a shutdown waits for requests under way.
    pub grace: Duration,
    /// At which percentages of its budget somebody is warned of a customer's spending.
    pub budget_thresholds: Thresholds,
    /// Webhooks.
    pub webhooks: WebhookSettings,
    /// Where Jaeger is, as people reach it: the portal's pages link to traces there. Without it they show a trace's id alone.
    pub jaeger_url: Option<String>,
}

/// How webhooks are sent.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Whether deliveries are made and sent here; else that is left to another replica, or to the next start.
    pub sends: bool,
    /// What receivers reach this gateway by, as `https://moves.example`: URIs in events begin with it. Where it is not set, the address
    /// that the gateway listens at.
    pub public_url: Option<String>,
    /// `http` URLs and addresses that are not public are called too: for trials. A partner could then have requests made to whatever
    /// this machine reaches.
    pub allow_internal: bool,
    /// What events are signed with; where it is not set, a key is made once and kept in the gateway's database.
    pub signing: Option<SigningKey>,
    /// How long a receiver may take to answer.
    pub answer: Duration,
    /// The pause between two looks for what another replica has made, or what is due again.
    pub look: Duration,
    /// For how long what was delivered is kept. What is dead is kept until it is delivered.
    pub keep_delivered: Duration,
}

impl WebhookSettings {
    pub(crate) const fn reachable(&self) -> Reachable {
        if self.allow_internal { Reachable::Anything } else { Reachable::Public }
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            sends: true,
            public_url: None,
            allow_internal: false,
            signing: None,
            answer: Duration::from_secs(10),
            look: Duration::from_millis(500),
            keep_delivered: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            document_bytes: 1024 * 1024 * 1024,
            document_folder: None,
            documents_at_once: 2,
            dossiers_at_once: 8,
            chunks_in_flight: 8,
            chunk_answer: Duration::from_secs(120),
            answer: Duration::from_secs(10),
            first_resend: Duration::from_secs(3),
            open_questions: 10_000,
            eligibility_wait: Duration::from_secs(2),
            act_wait: Duration::from_secs(2),
            look: Duration::from_millis(100),
            poll: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            waiters: 10_000,
            streams: 1_000,
            heartbeat: Duration::from_secs(15),
            stream_pause: Duration::from_millis(50),
            request_time: Duration::from_secs(75),
            import_time: Duration::from_secs(30 * 60),
            piece_time: Duration::from_secs(30),
            gap: Duration::from_secs(10),
            housekeeping: Duration::from_secs(2),
            key_life: Duration::from_secs(7 * 24 * 3600),
            requests_per_minute: 500,
            request_burst: 500,
            connections: 10_000,
            header_time: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            budget_thresholds: Thresholds::default(),
            webhooks: WebhookSettings::default(),
            jaeger_url: None,
        }
    }
}
