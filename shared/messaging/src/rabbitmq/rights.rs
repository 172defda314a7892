//! What the user of each service may do on the broker: its own queue, the exchanges that it sends to, and nothing else.
//!
//! Nobody here may declare, purge or delete: the topology is declared beforehand by a user of its own ([`MIGRATOR`], as
//! `planshift migrate` connects). Only the gateway declares something: its queues for answers, exclusive and gone with it.
//! Beyond what is here the broker refuses a message whose `user_id` is another user's.
//!
//! [`definitions`] is the same as RabbitMQ reads it; `deploy/rabbitmq/definitions.json` is that text, kept current by a test.

use super::topology::{ANSWERS, COMMANDS, DEAD, EVENTS, REPLIES};
use crate::{Queue, Service};
use serde_json::{Value, json};

/// The virtual host of these definitions.
pub const VHOST: &str = "planshift";
/// The user that declares the topology. It may do so for everything that bears the name, and has no part in the management.
pub const MIGRATOR: &str = "planshift-migrate";
/// The user of people who look at the console.
pub const CONSOLE: &str = "planshift-console";

/// The routing key of a worker's only event: it has handled a message that was redriven.
const ENDED: &str = "message.ended";

/// Regular expressions over the names of exchanges and queues, as RabbitMQ matches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What may be declared and deleted.
    pub configure: String,
    /// Where messages may be sent to, and what may be bound.
    pub write: String,
    /// What may be consumed (and purged), and bound to.
    pub read: String,
    /// The routing keys under which events may be sent.
    pub events: String,
}

/// The name of a service's own user.
pub fn user(service: Service) -> String {
    format!("planshift-{}", service.name())
}

/// What a service's user may do.
pub fn rights(service: Service) -> Rights {
    // whoever consumes retries (delay exchanges) and gives up (dead letters); whoever is asked answers
    let consumer = [DEAD, r"planshift.delay\.[0-9a-z]+", ANSWERS, EVENTS];
    let own = Queue::Service(service).name();
    let answers = format!(r"{ANSWERS}\.[0-9a-f-]+");
    match service {
        Service::Gateway => Rights {
            configure: one_of(&[&answers]),
            write: one_of(&[&consumer[..], &[COMMANDS, &answers]].concat()),
            read: one_of(&[own, DEAD, ANSWERS, &answers]),
            events: one_of(&[ENDED]),
        },
        Service::Coordinator => Rights {
            configure: NOTHING.to_owned(),
            write: one_of(&[&consumer[..], &[COMMANDS]].concat()),
            read: one_of(&[own]),
            events: one_of(&[ENDED, r"transition\..+", "account.imported", "customer.audited"]),
        },
        Service::Eligibility | Service::Purchasing | Service::Mapping | Service::Suspension => Rights {
            configure: NOTHING.to_owned(),
            write: one_of(&[&consumer[..], &[REPLIES]].concat()),
            read: one_of(&[own]),
            events: one_of(&[ENDED]),
        },
    }
}

/// Matches no name.
const NOTHING: &str = "^$";

/// Matches these names, whose plain dots are dots.
fn one_of(names: &[&str]) -> String {
    let escaped = names.iter().map(|name| name.replace(r"\.", ".").replace('.', r"\.").replace(r"\.+", ".+"));
    format!("^({})$", escaped.collect::<Vec<_>>().join("|"))
}

/// Virtual host, permissions and topic permissions, in the shape of RabbitMQ's definitions. Users, with their passwords, are whoever's
/// who installs it.
pub fn definitions() -> Value {
    let mut permissions = vec![
        permission(CONSOLE, ".*", ".*", ".*"),
        // a delay queue leads back through the default exchange, and whoever declares it must be one who may write there
        permission(MIGRATOR, r"^planshift\..+$", r"^(planshift\..+|amq\.default)$", r"^planshift\..+$"),
    ];
    let mut topics = Vec::new();
    for service in Service::ALL {
        let (user, rights) = (user(service), rights(service));
        permissions.push(permission(&user, &rights.configure, &rights.write, &rights.read));
        topics.push(json!({ "user": user, "vhost": VHOST, "exchange": EVENTS, "write": rights.events, "read": NOTHING }));
    }
    json!({ "vhosts": [{ "name": VHOST }], "permissions": permissions, "topic_permissions": topics })
}

fn permission(user: &str, configure: &str, write: &str, read: &str) -> Value {
    json!({ "user": user, "vhost": VHOST, "configure": configure, "write": write, "read": read })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_whole_and_dots_are_dots() {
        let mapping = rights(Service::Mapping);
        assert_eq!(mapping.read, r"^(planshift\.mapping)$");
        assert_eq!(
            mapping.write,
            r"^(planshift\.dead|planshift\.delay\.[0-9a-z]+|planshift\.answers|planshift\.events|planshift\.replies)$"
        );
        assert_eq!(rights(Service::Gateway).configure, r"^(planshift\.answers\.[0-9a-f-]+)$");
        assert_eq!(rights(Service::Coordinator).events, r"^(message\.ended|transition\..+|account\.imported|customer\.audited)$");
    }

    /// Current, or rewritten with `PLANSHIFT_UPDATE_DOCS=1`.
    #[test]
    fn the_file_that_is_shipped_says_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rabbitmq/definitions.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&definitions()).unwrap());
        if std::env::var_os("PLANSHIFT_UPDATE_DOCS").is_some_and(|value| value == "1") {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "stale: run this test with PLANSHIFT_UPDATE_DOCS=1");
    }
}
