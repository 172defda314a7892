//! Who sent a message.
//!
//! RabbitMQ refuses a message whose `user_id` is not the connection's own user: so the user is vouched for. A user named as a
//! service, with or without `planshift-` before it, is that service.
//!
//! A retry and a dead letter are published again by the consumer's own user, and a redrive by the gateway's. They name the first
//! sender in the header `x-planshift-sender`, which a reader believes only
//! - from its own service's user (its own retry),
//! - from the gateway's user (a redrive),
//! - and, of a dead letter, from the user of the service in whose queue it died.
//!
//! Where all services connect as one user (development), that user says nothing. Then, and only for that user's messages, the
//! publisher is whom `app_id` names. A retry keeps `app_id`, so that this is the first sender by itself.

use super::headers::{Headers, SENDER};
use crate::{Queue, Service};
use lapin::BasicProperties;

/// How this process decides who sent a message.
pub(super) struct Senders {
    /// The user that this process connects as.
    user: String,
    service: Service,
    shared_user: bool,
}

impl Senders {
    pub(super) fn new(user: String, service: Service, shared_user: Option<bool>) -> Self {
        let shared_user = shared_user.unwrap_or_else(|| service_of(&user).is_none());
        Self { user, service, shared_user }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn service(&self) -> Service {
        self.service
    }

    /// The sender of a message that was delivered from `queue` (an asker's own: `None`). `died_in` is a dead letter's queue.
    pub(super) fn sender(
        &self,
        properties: &BasicProperties,
        headers: &Headers,
        queue: Option<Queue>,
        died_in: Option<&str>,
    ) -> Option<Service> {
        let publisher = self.publisher(properties)?;
        let Some(named) = headers.text(SENDER) else { return Some(publisher) };
        let believed = match queue {
            _ if publisher == Service::Gateway => true,
            Some(Queue::Dead) => died_in.and_then(Queue::from_name) == Some(Queue::Service(publisher)),
            _ => publisher == self.service,
        };
        // A header without a service's name says that the first sender was nobody that is known.
        if believed { Service::from_name(&named) } else { Some(publisher) }
    }

    fn publisher(&self, properties: &BasicProperties) -> Option<Service> {
        if self.publishes_as_one(properties) {
            return properties.app_id().as_ref().and_then(|app| Service::from_name(app.as_str()));
        }
        service_of(properties.user_id().as_ref()?.as_str())
    }

    fn publishes_as_one(&self, properties: &BasicProperties) -> bool {
        self.shared_user && properties.user_id().as_ref().is_some_and(|user| user.as_str() == self.user)
    }
}

/// The service that a user is.
pub(super) fn service_of(user: &str) -> Option<Service> {
    Service::from_name(user.strip_prefix("planshift-").unwrap_or(user))
}
