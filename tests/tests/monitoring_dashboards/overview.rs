//! Does it go on? What anybody looks at first.

use crate::shape::{
    Always::{No, Yes},
    Ask, Dashboard, Look, Panel, Row,
};

pub const OVERVIEW: Dashboard = Dashboard {
    name: "overview",
    title: "Planshift: overview",
    says: "Does it go on? What waits, what fails, how fast it is.",
    chosen: &[],
    asks_for_transition: false,
    rows: &[
        Row {
            title: "Now",
            panels: &[
                Panel { title: "Under way", look: Look::Number, unit: "short", width: 4, asks: &[Ask(r#"sum(max by (state) (planshift_transitions_active{state!="NeedsOperator"}))"#, "", Yes)], says: "Transitions under way." },
                Panel { title: "In line", look: Look::Number, unit: "short", width: 4, asks: &[Ask("max(planshift_transitions_waiting)", "", Yes)], says: "Transitions that wait to begin." },
                Panel { title: "Need an operator", look: Look::Trouble, unit: "short", width: 4, asks: &[Ask(r#"max(planshift_transitions_active{state="NeedsOperator"})"#, "", Yes)], says: "docs/runbooks/needs-operator.md" },
                Panel { title: "Dead letters", look: Look::Trouble, unit: "short", width: 4, asks: &[Ask(r#"max(planshift_queue_ready{queue="planshift.dead"})"#, "", Yes)], says: "docs/runbooks/dead-letters.md" },
                Panel { title: "Invariants violated", look: Look::Trouble, unit: "short", width: 4, asks: &[Ask("sum(planshift_invariant_violations_total)", "", Yes)], says: "docs/runbooks/invariant-violated.md" },
                Panel { title: "Processes not ready", look: Look::Trouble, unit: "short", width: 4, asks: &[Ask("count(planshift_ready) - sum(planshift_ready)", "", Yes)], says: "docs/runbooks/service-not-ready.md" },
            ],
        },
        Row {
            title: "Transitions",
            panels: &[
                Panel { title: "Came to an end, a minute", look: Look::Lines, unit: "short", width: 12, asks: &[Ask(r#"60 * sum by (state) (rate(planshift_transitions_moved_total{state=~"Completed|Compensated|Ineligible|NeedsOperator"}[$__rate_interval]))"#, "{{state}}", Yes)], says: "Completed, undone, refused by eligibility, stopped for an operator." },
                Panel { title: "Under way by state", look: Look::Lines, unit: "short", width: 12, asks: &[Ask("max by (state) (planshift_transitions_active)", "{{state}}", Yes), Ask("max(planshift_transitions_waiting)", "in line", Yes)], says: "Where transitions stand." },
                Panel { title: "Has not moved for", look: Look::Lines, unit: "s", width: 12, asks: &[Ask(r#"max by (state) (planshift_transitions_unmoved_seconds{state!="NeedsOperator"})"#, "{{state}}", Yes)], says: "Of each state the transition that has stood still for the longest. docs/runbooks/transitions-stuck.md" },
                Panel { title: "Effects a second", look: Look::Lines, unit: "short", width: 12, asks: &[Ask("sum by (step, evidence) (rate(planshift_effects_total[$__rate_interval]))", "{{step}}: {{evidence}}", Yes)], says: "Each effect once, however often it was commanded." },
            ],
        },
        Row {
            title: "The API",
            panels: &[
                Panel { title: "Requests a second", look: Look::Lines, unit: "reqps", width: 8, asks: &[Ask("sum by (status) (rate(planshift_http_requests_total[$__rate_interval]))", "{{status}}", Yes), Ask("sum by (reason) (rate(planshift_http_refused_total[$__rate_interval]))", "refused: {{reason}}", Yes)], says: "By class of status." },
                Panel { title: "Answered within (95 of 100)", look: Look::Lines, unit: "s", width: 8, asks: &[Ask(r#"topk(10, histogram_quantile(0.95, sum by (le, method, route) (rate(planshift_http_request_seconds_bucket{route!~".*/(progress|events)"}[5m]))))"#, "{{method}} {{route}}", Yes)], says: "The ten slowest paths; those that wait because they are told to are left out." },
                Panel { title: "Being answered", look: Look::Lines, unit: "short", width: 8, asks: &[Ask("sum by (instance) (planshift_http_in_flight)", "{{instance}}", Yes)], says: "Requests at a time." },
                Panel { title: "Webhooks a second", look: Look::Lines, unit: "short", width: 12, asks: &[Ask("sum by (outcome) (rate(planshift_webhook_attempts_total[$__rate_interval]))", "{{outcome}}", Yes)], says: "Attempts by outcome." },
                Panel { title: "Webhooks that wait, or are dead", look: Look::Lines, unit: "short", width: 12, asks: &[Ask("max by (state) (planshift_webhook_deliveries)", "{{state}}", Yes), Ask("max(planshift_webhooks_behind)", "events not read yet", Yes), Ask("max(planshift_counts_behind)", "changes not counted yet", Yes)], says: "docs/runbooks/webhooks-dead.md, docs/runbooks/followers-behind.md" },
            ],
        },
        Row {
            title: "Processes",
            panels: &[
                Panel { title: "Processors in use", look: Look::Lines, unit: "short", width: 8, asks: &[Ask(r#"sum by (instance) (rate(process_cpu_seconds_total{job="planshift"}[5m]))"#, "{{instance}}", Yes)], says: "1 is one processor." },
                Panel { title: "Memory", look: Look::Lines, unit: "bytes", width: 8, asks: &[Ask(r#"process_resident_memory_bytes{job="planshift"}"#, "{{instance}}", Yes)], says: "Resident." },
                Panel { title: "Versions", look: Look::Lines, unit: "short", width: 8, asks: &[Ask("count by (version) (planshift_build_info)", "{{version}}", Yes)], says: "How many processes of each: more than one version during an upgrade." },
                Panel { title: "Up since", look: Look::Lines, unit: "s", width: 12, asks: &[Ask(r#"time() - process_start_time_seconds{job="planshift"}"#, "{{instance}}", Yes)], says: "A line that falls is a process that was started again." },
                Panel { title: "Last verification ended ago", look: Look::Lines, unit: "s", width: 12, asks: &[Ask("time() - max(planshift_verify_last_pass_timestamp_seconds)", "ago", No), Ask("max(planshift_verify_last_pass_duration_seconds)", "took", No), Ask("sum(planshift_verify_violations)", "violations", No), Ask("sum(rate(planshift_invariant_checks_total[5m]))", "checks of services a second", Yes)], says: "docs/runbooks/verify-stale.md" },
            ],
        },
    ],
};
