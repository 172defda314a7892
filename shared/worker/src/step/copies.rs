//! Copies of a message that is at hand already: under way in this process, or waiting in the broker because this process has put it
//! off. The coordinator sends an unanswered command again every few minutes; one that waits for an outside system, however long,
//! would wait there in more and more copies, each of which would call.
//!
//! A copy is let go of only where the other one is safe: a message that is under way is not acknowledged yet, and one that was put
//! off is in the broker's hands. What is delivered again, after a crash or a lost channel, is never taken for a copy.

use planshift_messaging::Delivery;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// So many are remembered before those that are over are looked for.
const MANY: usize = 10_000;

#[derive(Clone, Copy, Debug)]
enum Stand {
    UnderWay,
    /// It comes back no sooner, in microseconds since 1970.
    Waits(i64),
}

/// What is at hand, by the messages' ids.
#[derive(Default)]
pub(super) struct Copies(Mutex<HashMap<String, Stand>>);

impl Copies {
    /// Begins to handle it. False: it is a copy.
    pub(super) fn begin(&self, delivery: &Delivery, now: i64) -> bool {
        let id = &delivery.message.message_id;
        let mut all = self.all();
        let is_at_hand = match all.get(id) {
            None => false,
            Some(Stand::UnderWay) => true,
            Some(Stand::Waits(until)) => now < *until,
        };
        if is_at_hand && !delivery.redelivered && delivery.message.redrive.is_none() && !id.is_empty() {
            return false;
        }
        if all.len() >= MANY {
            all.retain(|_, stand| matches!(stand, Stand::UnderWay) || matches!(stand, Stand::Waits(until) if now < *until));
        }
        all.insert(id.clone(), Stand::UnderWay);
        true
    }

    /// It was handled, and is put off for so long, or not.
    pub(super) fn end(&self, delivery: &Delivery, put_off: Option<Duration>, now: i64) {
        let mut all = self.all();
        let id = &delivery.message.message_id;
        match put_off {
            Some(after) => {
                let after = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
                all.insert(id.clone(), Stand::Waits(now.saturating_add(after)));
            }
            None => drop(all.remove(id)),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Stand>> {
        // whole values are written, whatever panics
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use planshift_messaging::{DeliveryTag, Message};

    fn delivery(id: &str) -> Delivery {
        let message = Message {
            message_id: id.to_owned(),
            kind: String::new(),
            correlation_id: String::new(),
            reply_to: None,
            sent_micros: 0,
            traceparent: String::new(),
            tracestate: String::new(),
            redrive: None,
            body: Bytes::new(),
        };
        let tag = DeliveryTag { epoch: 0, wire: 0, part: 0 };
        Delivery { tag, message, content_type: None, sender: None, attempts: 0, redelivered: false, dead: None }
    }

    #[test]
    fn a_copy_is_let_go_of_while_the_other_one_is_under_way_or_waits() {
        let (copies, one) = (Copies::default(), delivery("a"));
        assert!(copies.begin(&one, 0) && !copies.begin(&one, 0) && copies.begin(&delivery("b"), 0));
        copies.end(&one, Some(Duration::from_secs(1)), 0);
        assert!(!copies.begin(&one, 999_999) && copies.begin(&one, 1_000_000), "it comes back then");
        copies.end(&one, None, 2_000_000);
        assert!(copies.begin(&one, 2_000_000));
    }

    #[test]
    fn what_is_delivered_again_and_what_an_operator_sends_is_no_copy() {
        let (copies, one) = (Copies::default(), delivery("a"));
        assert!(copies.begin(&one, 0));
        let again = Delivery { redelivered: true, ..delivery("a") };
        let redriven = Delivery { message: Message { redrive: Some("r".to_owned()), ..one.message.clone() }, ..delivery("a") };
        assert!(copies.begin(&again, 0) && copies.begin(&redriven, 0));
        assert!(copies.begin(&delivery(""), 0) && copies.begin(&delivery(""), 0), "without an id there is nothing to tell");
    }
}
