//! What is counted of the calls of an outside system.

/// Calls by `step` and `outcome`: `done`, `absent`, `refused`, `gone`, `pending`, `throttled`, `busy`, `unknown`.
pub const CALLS: &str = "planshift_provisioner_calls_total";
/// How long they took together, in milliseconds, by `step`: divided by the calls, the mean.
pub const CALL_TIME: &str = "planshift_provisioner_call_milliseconds_total";
/// Calls in flight now, by `step`.
pub const IN_FLIGHT: &str = "planshift_provisioner_in_flight";
/// The breaker, by `step`: 0 closed, 1 half open, 2 open.
pub const BREAKER: &str = "planshift_provisioner_breaker";
/// Items that were put off because their partner has had its share, by `step`.
pub const THROTTLED: &str = "planshift_provisioner_throttled_total";

/// For `# HELP`.
pub(crate) const HELP: [(&str, &str); 5] = [
    (BREAKER, "Whether the outside system is called: 0 closed (it is), 1 half open (one call tries), 2 open (it is not)."),
    (CALLS, "Calls of the outside system by outcome."),
    (CALL_TIME, "How long the calls of the outside system took together, in milliseconds."),
    (IN_FLIGHT, "Calls of the outside system in flight."),
    (THROTTLED, "Items put off because their partner has had its share of calls."),
];
