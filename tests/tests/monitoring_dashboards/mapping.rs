//! Mapping workers: is one more of use?

use crate::shape::{
    Always::{No, Yes},
    Ask, Dashboard, Look, Panel, Row,
};

pub const MAPPING: Dashboard = Dashboard {
    name: "mapping-workers",
    title: "Planshift: mapping workers",
    says: "How much mapping workers do, each of them; whether one more is of use; and the systems outside.",
    chosen: &[("instance", r#"planshift_ready{service="mapping"}"#)],
    asks_for_transition: false,
    rows: &[
        Row {
            title: "Work",
            panels: &[
                Panel {
                    title: "Workers",
                    look: Look::Number,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"sum(planshift_ready{service="mapping"})"#, "", Yes)],
                    says: "Those that are ready.",
                },
                Panel {
                    title: "Wait in the queue",
                    look: Look::Number,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"max(planshift_queue_ready{queue="planshift.mapping"})"#, "", Yes)],
                    says: "Messages that can be delivered; what was delivered and is not settled is not among them.",
                },
                Panel {
                    title: "Consumers",
                    look: Look::Number,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"max(planshift_queue_consumers{queue="planshift.mapping"})"#, "", Yes)],
                    says: "Of planshift.mapping.",
                },
                Panel {
                    title: "Mapped a second",
                    look: Look::Number,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"sum(rate(planshift_effects_total{step="mapping", action="do", evidence="done"}[5m]))"#, "", Yes)],
                    says: "Azure subscriptions.",
                },
                Panel {
                    title: "Undone a second",
                    look: Look::Number,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"sum(rate(planshift_effects_total{step="mapping", action="undo"}[5m]))"#, "", No)],
                    says: "Azure subscriptions.",
                },
                Panel {
                    title: "Refused a second",
                    look: Look::Trouble,
                    unit: "short",
                    width: 4,
                    asks: &[Ask(r#"sum(rate(planshift_effects_total{step="mapping", evidence="refused"}[5m]))"#, "", No)],
                    says: "Azure subscriptions.",
                },
                Panel {
                    title: "Mapped a second, by worker",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[Ask(
                        r#"sum by (instance) (rate(planshift_effects_total{step="mapping", instance=~"$instance"}[$__rate_interval]))"#,
                        "{{instance}}",
                        Yes,
                    )],
                    says: "Alike, where nobody starves.",
                },
                Panel {
                    title: "Share of the time at work",
                    look: Look::Lines,
                    unit: "percentunit",
                    width: 12,
                    asks: &[Ask(
                        r#"sum by (instance) (rate(process_cpu_seconds_total{job="planshift", instance=~"$instance"}[5m]))"#,
                        "{{instance}}",
                        Yes,
                    )],
                    says: "Processor time: a worker near 1 has no more to give.",
                },
                Panel {
                    title: "Packets: critical and processing time (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 12,
                    asks: &[
                        Ask(
                            r#"histogram_quantile(0.95, sum by (le) (rate(planshift_message_critical_seconds_bucket{service="mapping", type="MapSubscriptions.v1"}[5m])))"#,
                            "critical",
                            Yes,
                        ),
                        Ask(
                            r#"histogram_quantile(0.95, sum by (le) (rate(planshift_message_processing_seconds_bucket{service="mapping", type="MapSubscriptions.v1"}[5m])))"#,
                            "processing",
                            Yes,
                        ),
                    ],
                    says: "Far apart: they wait in the queue, and more workers help.",
                },
                Panel {
                    title: "Batches",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[
                        Ask(
                            r#"sum(rate(planshift_batch_messages_sum{service="mapping"}[5m])) / sum(rate(planshift_batch_messages_count{service="mapping"}[5m]))"#,
                            "messages in a batch",
                            Yes,
                        ),
                        Ask(
                            r#"sum(rate(planshift_batch_lines_sum{step="mapping"}[5m])) / sum(rate(planshift_batch_lines_count{step="mapping"}[5m]))"#,
                            "lines in a transaction",
                            Yes,
                        ),
                        Ask(r#"sum(rate(planshift_batches_total{service="mapping", outcome="failed"}[5m]))"#, "failed a second", No),
                    ],
                    says: "In the mean. Larger batches: more waits than is taken.",
                },
            ],
        },
        Row {
            title: "Systems outside (where a provisioner is configured)",
            panels: &[
                Panel {
                    title: "Calls a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 8,
                    asks: &[Ask(
                        "sum by (step, outcome) (rate(planshift_provisioner_calls_total[$__rate_interval]))",
                        "{{step}}: {{outcome}}",
                        No,
                    )],
                    says: "By outcome.",
                },
                Panel {
                    title: "How long they take (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 8,
                    asks: &[Ask(
                        "histogram_quantile(0.95, sum by (le, step) (rate(planshift_provisioner_call_seconds_bucket[5m])))",
                        "{{step}}",
                        No,
                    )],
                    says: "Each call.",
                },
                Panel {
                    title: "In flight",
                    look: Look::Lines,
                    unit: "short",
                    width: 8,
                    asks: &[Ask("sum by (step) (planshift_provisioner_in_flight)", "{{step}}", No)],
                    says: "Of all workers.",
                },
                Panel {
                    title: "Breaker",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[Ask("max by (step) (planshift_provisioner_breaker)", "{{step}}", No)],
                    says: "0 closed, 1 half open, 2 open. docs/runbooks/provisioner-breaker-open.md",
                },
                Panel {
                    title: "Throttled a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[Ask("sum by (step) (rate(planshift_provisioner_throttled_total[$__rate_interval]))", "{{step}}", No)],
                    says: "Calls that waited because a partner asks too fast.",
                },
            ],
        },
    ],
};
