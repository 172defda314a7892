//! Every metric there is. What is not in this list cannot be counted; docs/metrics.md is made of it.

use super::described::{By, Counter, Described, Gauge, Histogram, Kind, Label, Values};
use crate::provisioner;

/// From a millisecond, which is as fast as a message goes, to hours: some messages wait for people.
const TO_HOURS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0];
/// Of what is done at once, or else has failed.
const TO_A_MINUTE: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// From what takes no time to the longest that a connection is waited for.
const TO_FIVE_SECONDS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0];
/// Up to the largest batch, 200 messages.
const MESSAGES_AT_ONCE: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 150.0, 200.0];
/// Up to 200 packets of 50 items.
const LINES_AT_ONCE: &[f64] = &[1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0];

const fn label(name: &'static str, values: Values) -> Label {
    Label { name, values }
}
const fn one_of(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values: Values::These(values) }
}
const SERVICE: Label = label("service", Values::Services);
const STEP: Label = label("step", Values::Steps);
const TYPE: Label = label("type", Values::MessageTypes);
const QUEUE: Label = label("queue", Values::Queues);
const STATE: Label = label("state", Values::States);
const INVARIANT: Label = label("invariant", Values::Invariants);
const ACTION: Label = one_of("action", &["do", "undo"]);
const PRIORITY: Label = one_of("priority", &["interactive", "background"]);
const ROUTE: Label = label("route", Values::Routes);
const METHOD: Label = one_of("method", &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"]);

macro_rules! catalogue {
    ($($id:ident: $kind:ident$(($buckets:expr))? $name:literal [$($label:expr),*] $by:ident, $help:literal;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the constants, numbered")]
        #[derive(Clone, Copy)]
        enum Place { $($id),* }
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub const $id: $kind = $kind(Place::$id as usize);
        )*
        /// Every metric, in the order of the constants.
        pub const CATALOGUE: &[Described] = &[
            $(Described { name: $name, kind: Kind::$kind$(($buckets))?, labels: &[$($label),*], help: $help, by: By::$by }),*
        ];
    };
}

catalogue! {
    // messages
    MESSAGES: Counter "planshift_messages_total" [SERVICE, TYPE, one_of("outcome", &["done", "retry", "later", "dead"])] Services,
        "Messages that were taken, by what became of them: done, to be tried again, to come again once a system outside has time, dead letters.";
    CRITICAL_TIME: Histogram(TO_HOURS) "planshift_message_critical_seconds" [SERVICE, TYPE] Services,
        "From the first sending of a message until it was done: its waits and all attempts are in it. Redriven dead letters are not counted.";
    PROCESSING_TIME: Histogram(TO_A_MINUTE) "planshift_message_processing_seconds" [SERVICE, TYPE] Services,
        "From when a service took a message until what came of it was stored, sent and confirmed: as long as its batch took.";
    BATCHES: Counter "planshift_batches_total" [SERVICE, one_of("outcome", &["done", "failed"])] Services,
        "Batches by outcome. One that failed is taken apart, or waits for the database.";
    BATCH_MESSAGES: Histogram(MESSAGES_AT_ONCE) "planshift_batch_messages" [SERVICE] Services,
        "Messages in a batch.";
    BATCH_LINES: Histogram(LINES_AT_ONCE) "planshift_batch_lines" [STEP] Workers,
        "Items of packets in a batch.";
    REDELIVERED: Counter "planshift_redelivered_total" [SERVICE] Services,
        "Messages that the broker had delivered before without having been told what became of them.";
    GIVEN_UP: Counter "planshift_given_up_total" [SERVICE, TYPE] Services,
        "Messages whose attempts are used up.";
    DEAD_LETTERS: Counter "planshift_dead_letters_total" [SERVICE, one_of("reason", crate::codec::REASONS)] Services,
        "Messages that a service gave up, by reason (docs/errors.md). What the broker itself gives up shows in planshift_queue_ready of planshift.dead alone.";
    // effects
    EFFECTS: Counter "planshift_effects_total" [STEP, ACTION, one_of("evidence", &["done", "refused", "undone", "fenced"])] Workers,
        "Effects and their undos by evidence, each counted once however often it was commanded.";
    REPEATED: Counter "planshift_repeated_total" [STEP, ACTION] Workers,
        "Commands and undos that were recognised as done before.";
    FENCE_HITS: Counter "planshift_fence_hits_total" [STEP] Workers,
        "Commands that came after their undo and had no effect.";
    STALE_WRITES: Counter "planshift_stale_writes_total" [STEP] MappingAndSuspension,
        "Writes that met a version that had changed since it was read, and were read again.";
    FACTS: Counter "planshift_facts_total" [SERVICE, one_of("outcome", &["taken", "stale"])] Workers,
        "Parts of customers' facts that were taken, or were older than what is there.";
    INVARIANT_CHECKS: Counter "planshift_invariant_checks_total" [INVARIANT] ServicesAndVerify,
        "How often an invariant was checked.";
    INVARIANT_VIOLATIONS: Counter "planshift_invariant_violations_total" [INVARIANT] ServicesAndVerify,
        "How often an invariant was found violated: an alert for anything but 0.";
    // systems outside
    PROVISIONER_CALLS: Counter "planshift_provisioner_calls_total" [STEP, one_of("outcome", provisioner::OUTCOMES)] WorkersWithAProvisioner,
        "Calls of the system outside by outcome.";
    PROVISIONER_CALL_TIME: Histogram(TO_A_MINUTE) "planshift_provisioner_call_seconds" [STEP] WorkersWithAProvisioner,
        "How long a call of the system outside took, whatever came of it.";
    PROVISIONER_IN_FLIGHT: Gauge "planshift_provisioner_in_flight" [STEP] WorkersWithAProvisioner,
        "Calls of the system outside in flight.";
    PROVISIONER_BREAKER: Gauge "planshift_provisioner_breaker" [STEP] WorkersWithAProvisioner,
        "Whether the system outside is called: 0 closed (it is), 1 half open (one call tries), 2 open (it is left alone for a while).";
    PROVISIONER_THROTTLED: Counter "planshift_provisioner_throttled_total" [STEP] WorkersWithAProvisioner,
        "Items put off because their partner has had its share of calls.";
    // transitions
    TRANSITIONS_MOVED: Counter "planshift_transitions_moved_total" [STATE] Coordinator,
        "Transitions that came to a state.";
    TRANSITIONS_ACTIVE: Gauge "planshift_transitions_active" [STATE] Coordinator,
        "Transitions under way, and those that wait for an operator. Every coordinator shows the same: take the maximum.";
    TRANSITIONS_OLDEST: Gauge "planshift_transitions_oldest_seconds" [STATE] Coordinator,
        "How long ago the oldest transition of that state was started; 0 where there is none. Take the maximum.";
    TRANSITIONS_UNMOVED: Gauge "planshift_transitions_unmoved_seconds" [STATE] Coordinator,
        "How long the transition of that state that has stood still for the longest has not moved; those held at a paused step do not count. Take the maximum.";
    TRANSITIONS_HELD: Gauge "planshift_transitions_held" [STEP] Coordinator,
        "Transitions that are held at a paused step. Take the maximum.";
    TRANSITIONS_WAITING: Gauge "planshift_transitions_waiting" [PRIORITY] Coordinator,
        "Transitions that wait in line to begin: interactive ones, which come first, and those in the background. Take the maximum of each.";
    TRANSITIONS_WAITING_OLDEST: Gauge "planshift_transitions_waiting_oldest_seconds" [PRIORITY] Coordinator,
        "How long the first in line of that priority has waited; 0 where nobody waits. Take the maximum.";
    TRANSITIONS_UNSENT: Gauge "planshift_transitions_unsent" [] Coordinator,
        "Transitions whose last output may not have been sent: some are on their way. Take the maximum.";
    TRANSITIONS_UNSENT_OLDEST: Gauge "planshift_transitions_unsent_oldest_seconds" [] Coordinator,
        "For how long the oldest of them has been so; 0 where there is none. Take the maximum.";
    // broker
    PUBLISHED: Counter "planshift_published_total" [SERVICE] Services,
        "Messages that were sent and that the broker has confirmed.";
    PUBLISH_TIME: Histogram(TO_A_MINUTE) "planshift_publish_seconds" [SERVICE] Services,
        "How long the broker took to confirm all messages of one sending.";
    PUBLISH_FAILURES: Counter "planshift_publish_failures_total" [SERVICE, one_of("reason", &["unavailable", "refused", "store"])] Services,
        "Sendings that failed and are tried again.";
    BROKER_REACHED: Gauge "planshift_broker_reached" [SERVICE] Services,
        "1 where the broker is reached, else 0.";
    BROKER_CONNECTED: Gauge "planshift_broker_connected" [SERVICE, one_of("connection", &["publishing", "consuming"])] Services,
        "1 where the connection is up and the broker does not block it, else 0. Not shown on the embedded broker.";
    BROKER_CONNECTIONS: Counter "planshift_broker_connections_total" [SERVICE, one_of("connection", &["publishing", "consuming"])] Services,
        "How often the connection was made: every one after the first is a reconnect. Not shown on the embedded broker.";
    QUEUE_READY: Gauge "planshift_queue_ready" [QUEUE] Services,
        "Messages in the queue that can be delivered. Each service asks for its own queue, the gateway for the dead letters too, the coordinator for all: take the maximum. What was delivered and is not settled cannot be asked for over AMQP.";
    QUEUE_CONSUMERS: Gauge "planshift_queue_consumers" [QUEUE] Services,
        "Consumers of the queue. Take the maximum.";
    // database
    DATABASE_REACHED: Gauge "planshift_database_reached" [SERVICE] Services,
        "1 where the database answers, else 0.";
    DATABASE_CONNECTIONS: Gauge "planshift_database_connections" [SERVICE, one_of("state", &["idle", "used"])] Services,
        "Open connections of the service's pool. Not shown on SQLite.";
    DATABASE_CONNECTIONS_MAX: Gauge "planshift_database_connections_max" [SERVICE] Services,
        "How many connections the pool may have. Not shown on SQLite.";
    DATABASE_ACQUIRE: Histogram(TO_FIVE_SECONDS) "planshift_database_acquire_seconds" [SERVICE] Services,
        "How long a connection of the pool was waited for, whether it came or not. Not shown on SQLite.";
    // the API
    HTTP_REQUESTS: Counter "planshift_http_requests_total" [METHOD, ROUTE, one_of("status", &["1xx", "2xx", "3xx", "4xx", "5xx"])] Gateway,
        "Requests of the API that were answered, by the class of the status.";
    HTTP_TIME: Histogram(TO_A_MINUTE) "planshift_http_request_seconds" [METHOD, ROUTE] Gateway,
        "From when a request's head was read until its answer's head was ready. A request with waitSeconds waits as long as it is told to.";
    HTTP_IN_FLIGHT: Gauge "planshift_http_in_flight" [] Gateway,
        "Requests of the API that are being answered.";
    REFUSED_REQUESTS: Counter "planshift_http_refused_total" [one_of("status", &["401", "429"]), one_of("reason", REFUSED_REASONS)] Gateway,
        "Requests of the API that were refused for their token, or for the pace of their partner, before anything else of them was looked at.";
    // read model and webhooks
    COUNTS_BEHIND: Gauge "planshift_counts_behind" [] Gateway,
        "Batches of events that the counts of lists have not followed yet. Take the maximum.";
    WEBHOOKS: Counter "planshift_webhook_attempts_total" [one_of("outcome", &["delivered", "failed", "dead"])] Gateway,
        "Attempts to deliver a webhook: delivered, failed (again later), dead (the last one failed).";
    WEBHOOK_DELIVERIES: Gauge "planshift_webhook_deliveries" [one_of("state", &["pending", "dead"])] Gateway,
        "Deliveries that wait for their next attempt, and those whose attempts are used up. 10000 means that many or more. Take the maximum.";
    WEBHOOK_OLDEST: Gauge "planshift_webhook_oldest_seconds" [one_of("state", &["pending", "dead"])] Gateway,
        "How old the oldest of them is; 0 where there is none. Take the maximum.";
    UPGRADE_BATCHES: Gauge "planshift_upgrade_batches"
        [one_of("state", &["Draft", "Planning", "Planned", "Running", "Pausing", "Paused", "Stopped", "Cancelling", "Cancelled", "Completed"])] Gateway,
        "Batches of upgrades by state. Take the maximum.";
    UPGRADE_BATCH_ROWS: Gauge "planshift_upgrade_batch_rows"
        [one_of("state", &["Waiting", "Starting", "Running", "Completed", "Ineligible", "Failed", "NeedsOperator", "Refused", "Cancelled"])] Gateway,
        "Rows of batches that are at work, by state. Take the maximum.";
    SCHEDULES: Gauge "planshift_schedules" [one_of("state", &["Waiting", "Running", "Completed", "Cancelled"])] Gateway,
        "Schedules by state. Take the maximum.";
    SCHEDULE_LATE: Gauge "planshift_schedule_late_seconds" [] Gateway,
        "For how long something that has a schedule should have begun and has not: the latest of all; 0 where nothing is late. Take the maximum.";
    BUDGET_WARNINGS: Gauge "planshift_budget_warnings" [] Gateway,
        "Warnings of budgets that nobody has seen to. 10000 means that many or more. Take the maximum.";
    SPENDING_DUE: Gauge "planshift_spending_due" [] Gateway,
        "Months of Azure subscriptions whose usage has changed and is not reckoned yet. 10000 means that many or more. Take the maximum.";
    FILES: Counter "planshift_files_total" [one_of("kind", &["usage", "invoice"]), one_of("outcome", &["taken", "refused", "underWay", "broken"])] Gateway,
        "Files of usage and of invoices that were brought: taken, refused for their faults, not looked at because another one of the partner was under way, broken off.";
    SUM_CHECKS: Counter "planshift_sum_checks_total" [one_of("outcome", &["agrees", "disagrees"])] Gateway,
        "Subscriptions, or what somebody asked to be added up, whose usage was held against both invoices: whether what was metered is what belongs on D and on G. An alert for anything that disagrees.";
    WEBHOOKS_BEHIND: Gauge "planshift_webhooks_behind" [] Gateway,
        "Batches of events of which no deliveries have been made yet. Take the maximum.";
    // verify
    VERIFY_PASSES: Counter "planshift_verify_passes_total" [one_of("outcome", &["clean", "violated", "failed"])] Verify,
        "Passes over what is stored by outcome.";
    VERIFY_CHECKED: Gauge "planshift_verify_checked" [INVARIANT] Verify,
        "What the last whole pass over what is stored has looked at.";
    VERIFY_VIOLATIONS: Gauge "planshift_verify_violations" [INVARIANT] Verify,
        "Violations that the last whole pass over what is stored has found.";
    VERIFY_LAST_PASS: Gauge "planshift_verify_last_pass_timestamp_seconds" [] Verify,
        "When the last whole pass over what is stored ended.";
    VERIFY_DURATION: Gauge "planshift_verify_last_pass_duration_seconds" [] Verify,
        "How long the last whole pass over what is stored took.";
    // the process
    READY: Gauge "planshift_ready" [SERVICE] Services,
        "1 where the service is ready, as /readyz has it, else 0.";
    BUILD_INFO: Gauge "planshift_build_info" [label("version", Values::Version)] Processes,
        "1, with the version of the program.";
}

/// Why a request was refused before it was looked at: as the gateway names it.
const REFUSED_REASONS: &[&str] =
    &["missing", "pace", "malformed", "algorithm", "unknown_key", "signature", "issuer", "audience", "expired", "not_yet", "tenant"];

/// What the library shows of the process itself ([`prometheus::process_collector`]), on Linux.
pub const OF_THE_PROCESS: &[(&str, &str, &str)] = &[
    ("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds."),
    ("process_max_fds", "gauge", "Maximum number of open file descriptors."),
    ("process_open_fds", "gauge", "Number of open file descriptors."),
    ("process_resident_memory_bytes", "gauge", "Resident memory size in bytes."),
    ("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds."),
    ("process_threads", "gauge", "Number of OS threads in the process."),
    ("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes."),
];
