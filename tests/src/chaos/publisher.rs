//! Publishes poison, each message until it is confirmed, through a way to the broker that no fault of the test is on.

use super::{fleet::PASSWORD, poison::Poison};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

/// A confirm that does not come by then is not waited for: the broker may be gone, or block publishers.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);
/// How long a message is published again and again.
const PATIENCE: Duration = Duration::from_secs(240);
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Publishes as any user.
pub struct Publisher {
    broker: SocketAddr,
    channels: Mutex<HashMap<String, (Connection, Channel)>>,
}

impl Publisher {
    /// To the broker at this address.
    pub fn new(broker: SocketAddr) -> Self {
        Self { broker, channels: Mutex::default() }
    }

    /// Publishes until it is confirmed: once or, where a confirm is lost, several times.
    ///
    /// # Errors
    /// It was not confirmed in a long time.
    pub async fn publish(&self, poison: &Poison) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let outcome = timeout(CONFIRMED_WITHIN, self.try_once(poison)).await.unwrap_or_else(|_| Err("no confirm in time".to_owned()));
            let Err(reason) = outcome else { return Ok(()) };
            self.channels.lock().await.remove(&poison.user);
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} is not published: {reason}", poison.id));
            }
            sleep(TRY_AGAIN).await;
        }
    }

    async fn try_once(&self, poison: &Poison) -> Result<(), String> {
        let channel = self.channel(&poison.user).await.map_err(|error| error.to_string())?;
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let queue = format!("planshift.{}", poison.service);
        let publishing = channel.basic_publish("".into(), queue.as_str().into(), options, &poison.body, poison.properties.clone());
        let confirm = publishing.await.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())?;
        if confirm.is_nack() {
            return Err("nack".to_owned());
        }
        if confirm.take_message().is_some() { Err("returned".to_owned()) } else { Ok(()) }
    }

    async fn channel(&self, user: &str) -> Result<Channel, lapin::Error> {
        let mut channels = self.channels.lock().await;
        if let Some((_, channel)) = channels.get(user)
            && channel.status().connected()
        {
            return Ok(channel.clone());
        }
        let url = format!("amqp://{user}:{PASSWORD}@{}/%2f", self.broker);
        let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        channels.insert(user.to_owned(), (connection, channel.clone()));
        Ok(channel)
    }

    /// Leaves in good order.
    pub async fn close(self) {
        for (connection, _) in self.channels.into_inner().into_values() {
            let _ = timeout(CONFIRMED_WITHIN, connection.close(200, "OK".into())).await;
        }
    }
}
