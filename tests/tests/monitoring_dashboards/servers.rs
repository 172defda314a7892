//! Broker and database, as the services see them, and as RabbitMQ says itself.

use crate::shape::{
    Always::{No, Yes},
    Ask, Dashboard, Look, Panel, Row,
};

pub const SERVERS: Dashboard = Dashboard {
    name: "broker-and-database",
    title: "Planshift: broker and database",
    says: "RabbitMQ and Postgres, as the services see them; and what RabbitMQ says itself.",
    chosen: &[("service", "planshift_ready")],
    asks_for_transition: false,
    rows: &[
        Row {
            title: "The broker, as services see it",
            panels: &[
                Panel {
                    title: "Not reached by",
                    look: Look::Trouble,
                    unit: "short",
                    width: 4,
                    asks: &[Ask("count(planshift_broker_reached) - sum(planshift_broker_reached)", "", Yes)],
                    says: "docs/runbooks/broker-away.md",
                },
                Panel {
                    title: "Connections made",
                    look: Look::Lines,
                    unit: "short",
                    width: 10,
                    asks: &[
                        Ask(
                            r#"sum by (service, connection) (increase(planshift_broker_connections_total{service=~"$service"}[15m]))"#,
                            "{{service}}: {{connection}}",
                            Yes,
                        ),
                        Ask(r#"min by (service) (planshift_broker_connected{service=~"$service"})"#, "{{service}} is connected", Yes),
                    ],
                    says: "Within 15 minutes: reconnects. docs/runbooks/reconnects.md",
                },
                Panel {
                    title: "Confirmed within (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 10,
                    asks: &[Ask(
                        r#"histogram_quantile(0.95, sum by (le, service) (rate(planshift_publish_seconds_bucket{service=~"$service"}[5m])))"#,
                        "{{service}}",
                        Yes,
                    )],
                    says: "All messages of a sending. docs/runbooks/publish-slow.md",
                },
                Panel {
                    title: "Sent a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[
                        Ask(
                            r#"sum by (service) (rate(planshift_published_total{service=~"$service"}[$__rate_interval]))"#,
                            "{{service}}",
                            Yes,
                        ),
                        Ask(
                            r#"sum by (service, reason) (rate(planshift_publish_failures_total{service=~"$service"}[$__rate_interval])) > 0"#,
                            "{{service}} failed: {{reason}}",
                            No,
                        ),
                    ],
                    says: "Messages that were confirmed, and sendings that failed.",
                },
                Panel {
                    title: "Wait in queues",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[Ask("max by (queue) (planshift_queue_ready)", "{{queue}}", Yes)],
                    says: "Messages that can be delivered.",
                },
            ],
        },
        Row {
            title: "The database, as services see it",
            panels: &[
                Panel {
                    title: "Not reached by",
                    look: Look::Trouble,
                    unit: "short",
                    width: 4,
                    asks: &[Ask("count(planshift_database_reached) - sum(planshift_database_reached)", "", Yes)],
                    says: "docs/runbooks/database-away.md",
                },
                Panel {
                    title: "Connections",
                    look: Look::Lines,
                    unit: "short",
                    width: 10,
                    asks: &[
                        Ask(
                            r#"sum by (service, state) (planshift_database_connections{service=~"$service"})"#,
                            "{{service}}: {{state}}",
                            Yes,
                        ),
                        Ask(r#"sum by (service) (planshift_database_connections_max{service=~"$service"})"#, "{{service}}: at most", Yes),
                    ],
                    says: "Of all replicas.",
                },
                Panel {
                    title: "Waited for a connection (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 10,
                    asks: &[Ask(
                        r#"histogram_quantile(0.95, sum by (le, service) (rate(planshift_database_acquire_seconds_bucket{service=~"$service"}[5m])))"#,
                        "{{service}}",
                        Yes,
                    )],
                    says: "docs/runbooks/pool-exhausted.md",
                },
            ],
        },
        Row {
            title: "RabbitMQ itself (its plugin rabbitmq_prometheus)",
            panels: &[
                Panel {
                    title: "Alarms",
                    look: Look::Trouble,
                    unit: "short",
                    width: 4,
                    asks: &[Ask("max(rabbitmq_alarms_memory_used_watermark) + max(rabbitmq_alarms_free_disk_space_watermark)", "", Yes)],
                    says: "docs/runbooks/rabbitmq-alarm.md",
                },
                Panel {
                    title: "Ready and not settled",
                    look: Look::Lines,
                    unit: "short",
                    width: 10,
                    asks: &[
                        Ask("sum(rabbitmq_queue_messages_ready)", "ready", Yes),
                        Ask("sum(rabbitmq_queue_messages_unacked)", "delivered, not settled", Yes),
                    ],
                    says: "Of all queues.",
                },
                Panel {
                    title: "Messages a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 10,
                    asks: &[
                        Ask("sum(rate(rabbitmq_global_messages_received_total[$__rate_interval]))", "received", Yes),
                        Ask("sum(rate(rabbitmq_global_messages_delivered_total[$__rate_interval]))", "delivered", Yes),
                        Ask("sum(rate(rabbitmq_global_messages_redelivered_total[$__rate_interval]))", "delivered again", Yes),
                    ],
                    says: "As RabbitMQ counts: a pack of several is one.",
                },
                Panel {
                    title: "Memory",
                    look: Look::Lines,
                    unit: "bytes",
                    width: 8,
                    asks: &[
                        Ask("rabbitmq_process_resident_memory_bytes", "{{instance}}", Yes),
                        Ask("rabbitmq_resident_memory_limit_bytes", "{{instance}}: limit", Yes),
                    ],
                    says: "Above the limit publishers are blocked.",
                },
                Panel {
                    title: "Free disk",
                    look: Look::Lines,
                    unit: "bytes",
                    width: 8,
                    asks: &[
                        Ask("rabbitmq_disk_space_available_bytes", "{{instance}}", Yes),
                        Ask("rabbitmq_disk_space_available_limit_bytes", "{{instance}}: limit", Yes),
                    ],
                    says: "Below the limit publishers are blocked.",
                },
                Panel {
                    title: "Connections",
                    look: Look::Lines,
                    unit: "short",
                    width: 8,
                    asks: &[Ask("sum by (instance) (rabbitmq_connections)", "{{instance}}", Yes)],
                    says: "Two for each process of a service.",
                },
            ],
        },
    ],
};
