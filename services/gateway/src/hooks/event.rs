//! Events: their names, what of a history is one, and what is told of it. Source: the domain's section 6.8.

use super::Reached;
use planshift_domain::{
    history::HistoryEntry,
    ids::{PartnerId, TransitionId},
    time::Timestamp,
    transition::State,
};
use serde::Serialize;
use uuid::Uuid;

/// The word of the history that tells of another state. Source: the coordinator's decisions.
const MOVED: &str = "Moved";

/// An event that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventName {
    /// A test, asked for by the partner.
    TestCreated,
    /// A transition was accepted.
    Created,
    /// It is in another state, and goes on.
    Progressed,
    /// It has ended well.
    Completed,
    /// It has ended otherwise, or an operator is needed.
    Failed,
    /// What a customer has spent has reached a threshold of its budget.
    ThresholdExceeded,
}

impl EventName {
    /// Every event.
    pub(crate) const ALL: [Self; 6] =
        [Self::TestCreated, Self::Created, Self::Progressed, Self::Completed, Self::Failed, Self::ThresholdExceeded];

    /// As it is told.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TestCreated => "test-created",
            Self::Created => "product-upgrade-created",
            Self::Progressed => "product-upgrade-progressed",
            Self::Completed => "product-upgrade-completed",
            Self::Failed => "product-upgrade-failed",
            // Partner Center's name, and its spelling
            Self::ThresholdExceeded => "usagerecords-thresholdExceeded",
        }
    }

    /// The event of that name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name().eq_ignore_ascii_case(name))
    }

    /// The event that an entry of a history is; none where it tells of no other state: a message, a close, a pause.
    pub(crate) fn of(entry: &HistoryEntry) -> Option<Self> {
        if entry.number == 1 {
            return Some(Self::Created);
        }
        if entry.event != MOVED {
            return None;
        }
        Some(match entry.state {
            State::Completed => Self::Completed,
            State::Ineligible | State::Compensated | State::NeedsOperator => Self::Failed,
            State::Requested
            | State::CheckingEligibility
            | State::PurchasingPlans
            | State::MappingSubscriptions
            | State::SuspendingCommerce
            | State::Compensating => Self::Progressed,
        })
    }
}

/// A delivery that is to be made.
#[derive(Clone, Debug)]
pub(super) struct NewDelivery {
    pub(super) id: Uuid,
    pub(super) partner: PartnerId,
    pub(super) event: EventName,
    pub(super) transition: Option<TransitionId>,
    pub(super) number: u32,
    pub(super) happened_at: Timestamp,
    pub(super) body: String,
}

/// As Partner Center tells of a change.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    event_name: &'a str,
    resource_uri: String,
    resource_name: &'a str,
    audit_uri: Option<String>,
    resource_change_utc_date: Timestamp,
}

impl NewDelivery {
    /// That of an entry, with URIs under `base`; none where the entry is no event.
    pub(super) fn of(base: &str, partner: PartnerId, transition: TransitionId, entry: &HistoryEntry) -> Option<Self> {
        let event = EventName::of(entry)?;
        let uri = format!("{base}/v1/productUpgrades/{transition}");
        let body = Body {
            event_name: event.name(),
            audit_uri: Some(format!("{uri}/history")),
            resource_uri: uri,
            resource_name: "product-upgrade",
            resource_change_utc_date: entry.at,
        };
        // of the partner too: what a partner could choose of it never meets another's
        let id = Uuid::new_v5(&partner.0, format!("{transition}/{}", entry.number).as_bytes());
        let transition = Some(transition);
        Some(Self { id, partner, event, transition, number: entry.number, happened_at: entry.at, body: text(&body) })
    }

    /// That of a threshold of a budget.
    pub(super) fn reached(base: &str, reached: &Reached) -> Self {
        let Reached { partner, customer, month, amount, currency, threshold, at } = reached;
        let event = EventName::ThresholdExceeded;
        let body = Body {
            event_name: event.name(),
            resource_uri: format!("{base}/v1/customers/{customer}/usagesummary"),
            resource_name: "usagerecords",
            audit_uri: Some(format!("{base}/v1/customers/{customer}/budget")),
            resource_change_utc_date: *at,
        };
        let id = Uuid::new_v5(&partner.0, format!("{customer}/{month}/{amount} {currency}/{threshold}").as_bytes());
        Self { id, partner: *partner, event, transition: None, number: *threshold, happened_at: *at, body: text(&body) }
    }

    /// That of a test, which is also known by its id.
    pub(super) fn test(base: &str, partner: PartnerId, id: Uuid, now: Timestamp) -> Self {
        let event = EventName::TestCreated;
        let body = Body {
            event_name: event.name(),
            resource_uri: format!("{base}/webhooks/v1/registration/validationEvents/{id}"),
            resource_name: "test",
            audit_uri: None,
            resource_change_utc_date: now,
        };
        Self { id, partner, event, transition: None, number: 0, happened_at: now, body: text(&body) }
    }
}

/// Texts and a time always become JSON.
fn text(body: &Body<'_>) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{entry, id};

    fn moved(number: u32, event: &str, state: State) -> Option<EventName> {
        EventName::of(&HistoryEntry { event: event.into(), state, ..entry(number) })
    }

    #[test]
    fn the_first_entry_and_each_other_state_are_events_and_nothing_else() {
        assert_eq!(moved(1, "Started", State::Requested), Some(EventName::Created));
        for state in State::ALL {
            let expected = match state {
                State::Completed => EventName::Completed,
                State::Ineligible | State::Compensated | State::NeedsOperator => EventName::Failed,
                _ => EventName::Progressed,
            };
            assert_eq!(moved(4, "Moved", state), Some(expected), "{state}");
            for event in ["Exchanged", "Closed", "Refused", "Held", "Released", "Resent", "Waiting", "MovedUp"] {
                assert_eq!(moved(4, event, state), None, "{event}");
            }
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        for event in EventName::ALL {
            assert_eq!(EventName::from_name(&event.name().to_uppercase()), Some(event));
        }
        assert_eq!(EventName::from_name("product-upgrade"), None);
        assert_eq!(EventName::from_name("usagerecords-thresholdExceeded"), Some(EventName::ThresholdExceeded));
    }

    #[test]
    fn the_same_entry_is_the_same_delivery_and_another_is_another() {
        let of = |partner, transition, number| NewDelivery::of("https://x", id(partner), id(transition), &entry(number)).unwrap();
        assert_eq!(of(1, 2, 3).id, of(1, 2, 3).id);
        for other in [of(2, 2, 3), of(1, 3, 3), of(1, 2, 4)] {
            assert_ne!(of(1, 2, 3).id, other.id);
        }
        let body: serde_json::Value = serde_json::from_str(&of(1, 2, 1).body).unwrap();
        let uri = format!("https://x/v1/productUpgrades/{}", TransitionId(Uuid::from_u128(2)));
        let expected = serde_json::json!({
            "EventName": "product-upgrade-created", "ResourceUri": uri, "ResourceName": "product-upgrade",
            "AuditUri": format!("{uri}/history"), "ResourceChangeUtcDate": "1970-01-01T00:00:00Z",
        });
        assert_eq!(body, expected);
    }
}
