//! Headers: the project's own, and what the broker adds.

use crate::DeadLetter;
use lapin::types::{AMQPValue, FieldTable, LongString};

/// W3C trace context.
pub(super) const TRACEPARENT: &str = "traceparent";
/// W3C trace context.
pub(super) const TRACESTATE: &str = "tracestate";
/// When a message was first sent, in microseconds since 1970: the property `timestamp` has whole seconds alone.
pub(super) const SENT: &str = "x-planshift-sent";
/// How often a message was tried before (in a dead letter: altogether).
pub(super) const ATTEMPTS: &str = "x-planshift-attempts";
/// The first sender of a message that another one published again.
pub(super) const SENDER: &str = "x-planshift-sender";
/// The redrive that published a message.
pub(super) const REDRIVE: &str = "x-planshift-redrive";
/// A dead letter's reason, a code.
pub(super) const REASON: &str = "x-planshift-reason";
/// A dead letter's reason, in words.
pub(super) const DESCRIPTION: &str = "x-planshift-description";
/// The queue that a dead letter died in.
pub(super) const QUEUE: &str = "x-planshift-queue";
/// The broker's own record of where a message was dead-lettered, which waiting in a delay queue is too.
const DEATHS: &str = "x-death";
/// How often a quorum queue delivered the message before.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// What the broker writes for itself, and what would mislead it (or a reader) in a message that is published again.
const BROKERS_OWN: [&str; 4] = [DEATHS, DELIVERY_COUNT, "x-first-death-", "x-last-death-"];

/// The headers of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Headers(pub(super) FieldTable);

impl Headers {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        as_text(self.0.inner().get(name)?)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        as_number(self.0.inner().get(name)?)
    }

    /// How often the message was tried before.
    pub(super) fn attempts(&self) -> u32 {
        self.number(ATTEMPTS).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    }

    /// Did the broker deliver it before, to this or another consumer?
    pub(super) fn delivered_before(&self) -> bool {
        self.number(DELIVERY_COUNT).unwrap_or(0) > 0
    }

    pub(super) fn set_text(&mut self, name: &'static str, value: &str) {
        self.0.insert(name.into(), AMQPValue::LongString(LongString::from(value)));
    }

    pub(super) fn set_number(&mut self, name: &'static str, value: impl Into<i64>) {
        self.0.insert(name.into(), AMQPValue::LongLongInt(value.into()));
    }

    /// Without what the broker itself added.
    pub(super) fn without_the_brokers_own(&self) -> Self {
        let kept = self.0.into_iter().filter(|(name, _)| !BROKERS_OWN.iter().any(|own| name.as_str().starts_with(own)));
        let mut table = FieldTable::default();
        for (name, value) in kept {
            table.insert(name.clone(), value.clone());
        }
        Self(table)
    }

    /// What a dead letter's headers tell: the settling service's own, or else the broker's.
    pub(super) fn dead_letter(&self) -> Option<DeadLetter> {
        if let Some(reason) = self.text(REASON) {
            return Some(DeadLetter {
                reason,
                queue: self.text(QUEUE).unwrap_or_default(),
                attempts: self.attempts(),
                description: self.text(DESCRIPTION).unwrap_or_default(),
            });
        }
        let deaths = self.0.inner().get(DEATHS)?.as_array()?;
        deaths.as_slice().iter().filter_map(AMQPValue::as_field_table).find_map(|death| {
            let death = death.inner();
            let queue = as_text(death.get("queue")?)?;
            // Waiting for a retry is recorded as a death by expiry.
            if queue.starts_with(&super::topology::delay_name("")) {
                return None;
            }
            let reason = as_text(death.get("reason")?)?;
            // Deliveries that were never settled count as well; the record of them is the broker's.
            let deliveries = self.number(DELIVERY_COUNT).or_else(|| as_number(death.get("count")?)).unwrap_or(1);
            let attempts = self.attempts().saturating_add(u32::try_from(deliveries).unwrap_or(1));
            Some(DeadLetter { reason, queue, attempts, description: String::new() })
        })
    }
}

fn as_text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn as_number(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::LongLongInt(n) => Some(*n),
        AMQPValue::LongInt(n) => Some(i64::from(*n)),
        AMQPValue::LongUInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortUInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortShortInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortShortUInt(n) => Some(i64::from(*n)),
        AMQPValue::LongString(_) | AMQPValue::ShortString(_) => as_text(value)?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::FieldArray;

    fn death(queue: &str, reason: &str, count: i64) -> AMQPValue {
        let mut table = FieldTable::default();
        table.insert("queue".into(), AMQPValue::LongString(queue.into()));
        table.insert("reason".into(), AMQPValue::LongString(reason.into()));
        table.insert("count".into(), AMQPValue::LongLongInt(count));
        AMQPValue::FieldTable(table)
    }

    #[test]
    fn a_letter_that_the_broker_gave_up_is_read_from_its_record() {
        let mut headers = Headers::default();
        headers.set_number(ATTEMPTS, 2);
        let mut deaths = FieldArray::default();
        deaths.push(death("planshift.delay.1s", "expired", 2));
        deaths.push(death("planshift.mapping", "delivery_limit", 1));
        headers.0.insert(DEATHS.into(), AMQPValue::FieldArray(deaths));
        let dead = headers.dead_letter().unwrap();
        assert_eq!((dead.reason.as_str(), dead.queue.as_str(), dead.attempts), ("delivery_limit", "planshift.mapping", 3));
        assert_eq!(headers.without_the_brokers_own().dead_letter(), None);
        assert_eq!(headers.without_the_brokers_own().attempts(), 2);
    }

    #[test]
    fn our_own_reason_comes_first_and_waiting_is_no_death() {
        let mut headers = Headers::default();
        let mut deaths = FieldArray::default();
        deaths.push(death("planshift.delay.250ms", "expired", 1));
        headers.0.insert(DEATHS.into(), AMQPValue::FieldArray(deaths));
        assert_eq!(headers.dead_letter(), None);
        headers.set_text(REASON, "UnknownType");
        headers.set_text(QUEUE, "planshift.purchasing");
        headers.set_number(ATTEMPTS, 4);
        let dead = headers.dead_letter().unwrap();
        assert_eq!((dead.reason.as_str(), dead.queue.as_str(), dead.attempts), ("UnknownType", "planshift.purchasing", 4));
    }
}
