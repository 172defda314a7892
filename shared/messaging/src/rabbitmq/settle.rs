//! Settling: what is to come again or is given up is published first, and acknowledged only then.

use super::consumer::{Source, Subscription};
use super::{Shared, wire};
use crate::{BrokerError, DeliveryTag, Settlement};
use lapin::options::BasicAckOptions;
use std::collections::HashSet;

pub(super) async fn settle(
    shared: &Shared,
    subscription: &mut Subscription,
    source: &Source,
    settlements: Vec<(DeliveryTag, Settlement)>,
) -> Result<(), BrokerError> {
    let mut done = Vec::new();
    let mut again = Vec::new();
    let mut parcels = Vec::new();
    let mut seen = HashSet::new();
    for (tag, settlement) in settlements {
        if tag.epoch != subscription.epoch || !seen.insert(tag) {
            continue;
        }
        let Some(held) = subscription.unsettled.get(tag.wire, tag.part) else { continue };
        match wire::again(held, source, &settlement, &shared.senders) {
            None => done.push(tag),
            Some(parcel) => {
                again.push(tag);
                parcels.push(parcel);
            }
        }
    }
    let ids: Vec<_> = parcels.iter().flat_map(|parcel| parcel.ids.clone()).collect();
    let outcome = shared.publisher.send(parcels).await;
    let failure = match outcome {
        Ok(outcomes) => {
            let mut refused = Vec::new();
            let mut first_reason = String::new();
            for ((tag, id), outcome) in again.into_iter().zip(ids).zip(outcomes) {
                match outcome {
                    None => done.push(tag),
                    Some(reason) => {
                        refused.push(id);
                        first_reason = reason;
                    }
                }
            }
            (!refused.is_empty()).then_some(BrokerError::Refused { ids: refused, reason: first_reason })
        }
        Err(error) => Some(error),
    };
    acknowledge(subscription, &done).await;
    failure.map_or(Ok(()), Err)
}

/// An acknowledgement that fails belongs to a channel that is lost: the broker delivers again, and the next `next` notices.
async fn acknowledge(subscription: &mut Subscription, tags: &[DeliveryTag]) {
    for tag in tags {
        if subscription.unsettled.settle(tag.wire, tag.part) {
            subscription.handed = subscription.handed.saturating_sub(1);
        }
    }
    let acknowledgements = subscription.unsettled.acknowledgements();
    let all = acknowledgements.up_to.into_iter().map(|tag| (tag, true)).chain(acknowledgements.alone.into_iter().map(|tag| (tag, false)));
    for (tag, multiple) in all {
        if let Err(error) = subscription.channel.basic_ack(tag, BasicAckOptions { multiple }).await {
            tracing::debug!(error = %error, "an acknowledgement was lost with its channel");
            return;
        }
    }
}
