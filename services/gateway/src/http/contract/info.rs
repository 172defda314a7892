//! What stands at the head of the document.

use crate::auth::Right;
use serde_json::{Value, json};

const TEXT: &str = "Moves customers' Azure subscriptions from the legacy CSP offer to the Azure plan. What Partner Center has too is as \
    Partner Center has it: paths are matched without regard to case, properties of requests are read in either spelling (`customerId`, \
    `CustomerId`), and properties and parameters that are not known are passed over. Times are RFC 3339 in UTC. Every GET may be asked \
    as HEAD. Clients must accept properties that are not listed here: a later version may add some.";

/// Everything but paths and components.
pub(super) fn info() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Planshift",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "From the legacy Azure offer to the Azure plan.",
            "description": TEXT,
            "license": { "name": "See the file LICENSE" },
        },
        "servers": [{ "url": "/" }],
    })
}

/// How a request says who asks.
pub(super) fn security_schemes() -> Value {
    let text = "A token of the OpenID provider, whose roles say what it is good for; or the local token of an installation on one \
                machine, which is good for everything.";
    json!({ "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text } })
}

/// The roles that have this right, each by itself: one of them is enough.
pub(super) fn security(right: Right) -> Value {
    let roles: &[&str] = match right {
        Right::Open => &[],
        Right::Read => &["ReadOnlyAgent", "SalesAgent", "AdminAgent", "Operator"],
        Right::Sell => &["SalesAgent", "AdminAgent", "Operator"],
        Right::Manage => &["AdminAgent", "Operator"],
        Right::Operate => &["Operator"],
    };
    roles.iter().map(|role| json!({ "token": [role] })).collect()
}
