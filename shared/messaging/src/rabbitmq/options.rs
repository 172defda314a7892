//! How a service connects.

use crate::Service;
use std::time::Duration;

/// Messages on their way without a confirm. Windows of a few cut a quorum queue's throughput sevenfold; beyond some hundreds
/// nothing is gained.
pub const CONFIRM_WINDOW: usize = 300;
/// A window that is not confirmed by then counts as unreachable: a blocked connection does not answer at all.
pub const PUBLISH_DEADLINE: Duration = Duration::from_secs(15);
/// A connection without any sign of life for twice this time is lost.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages in one pack, at most.
pub const PACK_MESSAGES: usize = 64;
/// Bytes of bodies in one pack, at most: a consumer's prefetch counts packs.
pub const PACK_BYTES: usize = 256 * 1024;

/// How a service connects to RabbitMQ.
#[derive(Clone)]
pub struct RabbitMqOptions {
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://` for TLS; the default vhost `/` is written `%2f`. With TLS it may name
    /// files, as RabbitMQ's own clients have it: `?cacertfile=` for whose certificates count beside the system's, `certfile=` and
    /// `keyfile=` for a certificate of this client.
    pub url: String,
    /// Whose messages these are: `app_id`.
    pub service: Service,
    /// Do all services connect as one user? Then the user says nothing, and `app_id` counts as the sender.
    /// `None`: yes, unless the URL's user bears the name of a service. For development only.
    pub shared_user: Option<bool>,
    /// Messages on their way without a confirm, at most ([`CONFIRM_WINDOW`]).
    pub confirm_window: usize,
    /// How long a window may take, connecting included ([`PUBLISH_DEADLINE`]).
    pub publish_deadline: Duration,
    /// The interval of heartbeats, whole seconds ([`HEARTBEAT`]).
    pub heartbeat: Duration,
    /// Messages in one pack ([`PACK_MESSAGES`]); 1 = messages travel alone. Packs are read in any case.
    pub pack_messages: usize,
    /// Bytes of bodies in one pack ([`PACK_BYTES`]).
    pub pack_bytes: usize,
    /// Services whose messages travel alone: a pack goes to one consumer as a whole, and where each message takes long, the others
    /// would have nothing to do.
    pub unpacked: Vec<Service>,
}

impl RabbitMqOptions {
    /// The defaults for a service at a broker.
    pub fn new(url: impl Into<String>, service: Service) -> Self {
        Self {
            url: url.into(),
            service,
            shared_user: None,
            confirm_window: CONFIRM_WINDOW,
            publish_deadline: PUBLISH_DEADLINE,
            heartbeat: HEARTBEAT,
            pack_messages: PACK_MESSAGES,
            pack_bytes: PACK_BYTES,
            unpacked: Vec::new(),
        }
    }
}

/// Without the URL: it may hold a password.
impl std::fmt::Debug for RabbitMqOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitMqOptions")
            .field("service", &self.service)
            .field("shared_user", &self.shared_user)
            .field("confirm_window", &self.confirm_window)
            .field("publish_deadline", &self.publish_deadline)
            .field("heartbeat", &self.heartbeat)
            .field("pack_messages", &self.pack_messages)
            .field("pack_bytes", &self.pack_bytes)
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}

/// The broker's URL cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the broker's URL is not of the form amqp://USER:PASSWORD@HOST:PORT/VHOST or amqps://…: {0}")]
pub struct InvalidUrl(pub(super) String);
