//! A transition's journey: how long each message on its way takes, and where it waits.

use crate::shape::{
    Always::{No, Yes},
    Ask, Dashboard, Look, Panel, Row,
};

pub const JOURNEY: Dashboard = Dashboard {
    name: "transition-journey",
    title: "Planshift: a transition's journey",
    says: "How long each message on a transition's way takes, where transitions wait, and the traces of one.",
    chosen: &[("type", "planshift_messages_total")],
    asks_for_transition: true,
    rows: &[
        Row {
            title: "One transition",
            panels: &[Panel {
                title: "Its traces",
                look: Look::Traces,
                unit: "short",
                width: 24,
                asks: &[],
                says: "From Jaeger, by planshift.transition.id. Type the transition's id above.",
            }],
        },
        Row {
            title: "Where they are",
            panels: &[
                Panel {
                    title: "By state",
                    look: Look::Lines,
                    unit: "short",
                    width: 8,
                    asks: &[Ask("max by (state) (planshift_transitions_active)", "{{state}}", Yes)],
                    says: "Under way.",
                },
                Panel {
                    title: "The oldest",
                    look: Look::Lines,
                    unit: "s",
                    width: 8,
                    asks: &[
                        Ask("max by (state) (planshift_transitions_oldest_seconds)", "{{state}}", Yes),
                        Ask("max(planshift_transitions_waiting_oldest_seconds)", "in line", Yes),
                    ],
                    says: "Since it was started.",
                },
                Panel {
                    title: "Held, or not sent",
                    look: Look::Lines,
                    unit: "short",
                    width: 8,
                    asks: &[
                        Ask("max by (step) (planshift_transitions_held)", "held at {{step}}", Yes),
                        Ask("max(planshift_transitions_unsent)", "output that may not have been sent", Yes),
                    ],
                    says: "docs/runbooks/step-paused-long.md, docs/runbooks/output-unsent.md",
                },
                Panel {
                    title: "Moves a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 24,
                    asks: &[Ask("sum by (state) (rate(planshift_transitions_moved_total[$__rate_interval]))", "{{state}}", Yes)],
                    says: "To which state.",
                },
            ],
        },
        Row {
            title: "Messages",
            panels: &[
                Panel {
                    title: "Critical time (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 12,
                    asks: &[Ask(
                        r#"histogram_quantile(0.95, sum by (le, type) (rate(planshift_message_critical_seconds_bucket{type=~"$type"}[5m])))"#,
                        "{{type}}",
                        Yes,
                    )],
                    says: "From the first sending to the end of processing: queue, retries and work.",
                },
                Panel {
                    title: "Processing time (95 of 100)",
                    look: Look::Lines,
                    unit: "s",
                    width: 12,
                    asks: &[Ask(
                        r#"histogram_quantile(0.95, sum by (le, type) (rate(planshift_message_processing_seconds_bucket{type=~"$type"}[5m])))"#,
                        "{{type}}",
                        Yes,
                    )],
                    says: "The work alone, with storing and confirming.",
                },
                Panel {
                    title: "Waited, in the mean",
                    look: Look::Lines,
                    unit: "s",
                    width: 12,
                    asks: &[
                        Ask(
                            r#"sum by (type) (rate(planshift_message_critical_seconds_sum{type=~"$type"}[5m])) / sum by (type) (rate(planshift_message_critical_seconds_count{type=~"$type"}[5m]))"#,
                            "{{type}}: critical",
                            Yes,
                        ),
                        Ask(
                            r#"sum by (type) (rate(planshift_message_processing_seconds_sum{type=~"$type"}[5m])) / sum by (type) (rate(planshift_message_processing_seconds_count{type=~"$type"}[5m]))"#,
                            "{{type}}: processing",
                            Yes,
                        ),
                    ],
                    says: "Means of both: what is between them is waiting.",
                },
                Panel {
                    title: "Handled a second",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[Ask(
                        r#"sum by (type, outcome) (rate(planshift_messages_total{type=~"$type"}[$__rate_interval]))"#,
                        "{{type}}: {{outcome}}",
                        Yes,
                    )],
                    says: "By what became of them.",
                },
                Panel {
                    title: "Put off, or given up",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[
                        Ask(
                            r#"sum by (service) (rate(planshift_messages_total{outcome="retry"}[$__rate_interval]))"#,
                            "{{service}} retries",
                            No,
                        ),
                        Ask("sum by (type) (rate(planshift_given_up_total[$__rate_interval]))", "{{type}} given up", No),
                        Ask(
                            "sum by (service, reason) (rate(planshift_dead_letters_total[$__rate_interval])) > 0",
                            "{{service}}: {{reason}}",
                            No,
                        ),
                    ],
                    says: "docs/runbooks/retries.md, docs/runbooks/dead-letters.md",
                },
                Panel {
                    title: "Came again",
                    look: Look::Lines,
                    unit: "short",
                    width: 12,
                    asks: &[
                        Ask("sum by (service) (rate(planshift_redelivered_total[$__rate_interval]))", "{{service}} delivered again", Yes),
                        Ask(
                            "sum by (step, action) (rate(planshift_repeated_total[$__rate_interval]))",
                            "{{step}}: {{action}} recognised",
                            No,
                        ),
                        Ask("sum by (step) (rate(planshift_fence_hits_total[$__rate_interval]))", "{{step}}: fenced", No),
                        Ask("sum by (step) (rate(planshift_stale_writes_total[$__rate_interval]))", "{{step}}: read again", No),
                    ],
                    says: "Normal after a process or a connection was lost; each has its effect once.",
                },
            ],
        },
    ],
};
