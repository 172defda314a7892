//! The queues at the end, once nobody is there any more: what is left in them, and the dead letters taken out.

use super::poison::identity;
use crate::servers::close;
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use std::{collections::BTreeMap, net::SocketAddr};

const DEAD: &str = "planshift.dead";

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Of each queue but that of the dead letters: how many messages are in it.
    pub waiting: BTreeMap<String, u32>,
    /// By what they are known by: the reason of each dead letter of that name.
    pub dead: BTreeMap<String, Vec<String>>,
}

/// Looks into these queues, and takes out the dead letters.
///
/// # Errors
/// The broker's.
pub async fn look(broker: SocketAddr, queues: &[String]) -> Result<Left, lapin::Error> {
    let connection = Connection::connect(&format!("amqp://guest:guest@{broker}/%2f"), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut left = Left::default();
    for queue in queues.iter().filter(|queue| *queue != DEAD) {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let count = channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?.message_count();
        left.waiting.insert(queue.clone(), count);
    }
    while let Some(letter) = channel.basic_get(DEAD.into(), BasicGetOptions { no_ack: true }).await? {
        let properties = &letter.delivery.properties;
        let reason = properties.headers().as_ref().and_then(|headers| headers.inner().get("x-planshift-reason"));
        let reason = match reason {
            Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
            // the broker's own
            _ => "no reason of a service".to_owned(),
        };
        left.dead.entry(identity(properties, &letter.delivery.data)).or_default().push(reason);
    }
    close(&connection).await;
    Ok(left)
}
