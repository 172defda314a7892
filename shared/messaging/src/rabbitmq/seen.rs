//! A look at a broker that changes nothing there: what is missing, and what queues hold.

use super::{
    DeclareError, HEARTBEAT, PUBLISH_DEADLINE,
    address::Address,
    link,
    topology::{is_refusal, topology},
};
use crate::{Depth, Looked};
use lapin::{
    Channel, Connection, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
    protocol::AMQPSoftError,
    types::FieldTable,
};

/// What a user of a broker sees of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Exchanges and queues that are promised and are not there.
    pub missing: Vec<String>,
    /// Those that this user may not ask for.
    pub hidden: Vec<String>,
    /// What the queues hold that it may ask for.
    pub queues: Vec<(String, Depth)>,
}

/// Asks for every exchange and queue, and declares nothing. One attempt.
///
/// # Errors
/// [`DeclareError`]: the URL is none, the broker is not reached or does not let this user in, or something else than "not there" was said.
pub async fn look(url: &str) -> Result<Seen, DeclareError> {
    let address = Address::parse(url, HEARTBEAT)?;
    let looking = async {
        let connection = address.connect("doctor").await.map_err(DeclareError::Away)?;
        let seen = ask(&connection).await.map_err(|error| DeclareError::Refused(error.to_string()));
        // dropped, it is closed as well
        let _ = tokio::time::timeout(link::CLOSE_DEADLINE, connection.close(200, "OK".into())).await;
        seen
    };
    tokio::time::timeout(PUBLISH_DEADLINE, looking).await.unwrap_or_else(|_| Err(DeclareError::Away("no answer in time".to_owned())))
}

async fn ask(connection: &Connection) -> Result<Seen, lapin::Error> {
    let (mut seen, topology) = (Seen::default(), topology());
    let mut channel = connection.create_channel().await?;
    let exchanges = topology.exchanges.iter().map(|exchange| (exchange.name.clone(), Some(exchange.kind)));
    for (name, kind) in exchanges.chain(topology.queues.iter().map(|queue| (queue.name.clone(), None))) {
        let asked = match kind {
            Some(kind) => {
                let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
                let kind = ExchangeKind::Custom(kind.to_owned());
                channel.exchange_declare(name.as_str().into(), kind, options, FieldTable::default()).await.map(|()| None)
            }
            None => hold(&channel, &name).await.map(Some),
        };
        match asked {
            Ok(None) => {}
            Ok(Some(depth)) => seen.queues.push((name, depth)),
            Err(error) => {
                match refusal(&error) {
                    Some(Looked::Missing) => seen.missing.push(name),
                    Some(_) => seen.hidden.push(name),
                    None => return Err(error),
                }
                // a refusal closes the channel
                channel = connection.create_channel().await?;
            }
        }
    }
    Ok(seen)
}

/// How much a queue holds. Passive: it declares nothing, and needs no right.
pub(super) async fn hold(channel: &Channel, name: &str) -> Result<Depth, lapin::Error> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
    let queue = channel.queue_declare(name.into(), options, FieldTable::default()).await?;
    Ok(Depth { ready: queue.message_count().into(), consumers: queue.consumer_count().into() })
}

/// What a refusal says of a queue; `None` where it is another fault.
pub(super) fn refusal(error: &lapin::Error) -> Option<Looked> {
    if is_refusal(error, AMQPSoftError::NOTFOUND) {
        Some(Looked::Missing)
    } else if is_refusal(error, AMQPSoftError::ACCESSREFUSED) {
        Some(Looked::Hidden)
    } else {
        None
    }
}
