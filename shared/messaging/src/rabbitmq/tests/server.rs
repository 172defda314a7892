//! The RabbitMQ under test, as its operator sees it.

use crate::rabbitmq::topology::topology;
use lapin::options::{QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What has not happened by then will not.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);
/// `guest:guest`.
const AUTHORIZATION: &str = "Basic Z3Vlc3Q6Z3Vlc3Q=";

/// The time until which something must have happened.
pub(super) fn patience() -> Instant {
    Instant::now() + PATIENCE
}

/// Waits, with a bound, until an expression is true.
macro_rules! eventually {
    ($what:expr, $is_so:expr) => {{
        let until = $crate::rabbitmq::tests::server::patience();
        while !$is_so {
            assert!(tokio::time::Instant::now() < until, "waited in vain: {}", $what);
            tokio::time::sleep($crate::rabbitmq::tests::server::LOOK_EVERY).await;
        }
    }};
}
pub(super) use eventually;

/// A broker that these tests may use, and stop and start.
#[derive(Clone)]
pub(super) struct Server {
    url: String,
    management: String,
    ctl: Option<String>,
}

impl Server {
    pub(super) fn from_environment() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(url) = variable("PLANSHIFT_TEST_RABBITMQ_URL") else {
            eprintln!("skipped: PLANSHIFT_TEST_RABBITMQ_URL is not set");
            return None;
        };
        let management = variable("PLANSHIFT_TEST_RABBITMQ_MANAGEMENT").expect("PLANSHIFT_TEST_RABBITMQ_MANAGEMENT goes with the URL");
        let host = |url: &str, scheme: &str| url.trim_start_matches(scheme).trim_end_matches('/').to_owned();
        let address = host(&url, "amqp://");
        // the cases choose their virtual host themselves
        let url = address.rsplit('@').next().and_then(|host| host.split('/').next()).unwrap_or_default().to_owned();
        Some(Self { url, management: host(&management, "http://"), ctl: variable("PLANSHIFT_TEST_RABBITMQ_CTL") })
    }

    /// A server that can be stopped and started.
    pub(super) fn with_ctl() -> Option<Self> {
        let server = Self::from_environment()?;
        if server.ctl.is_none() {
            eprintln!("skipped: PLANSHIFT_TEST_RABBITMQ_CTL is not set");
        }
        server.ctl.is_some().then_some(server)
    }

    pub(super) async fn ctl(&self, arguments: &[&str]) {
        let Some(ctl) = &self.ctl else { return };
        let output = tokio::process::Command::new(ctl).args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(super) async fn restart(&self) {
        self.ctl(&["stop_app"]).await;
        self.ctl(&["start_app"]).await;
        eventually!("the broker is back", self.call("GET", "/api/health/checks/alarms", "").await == 200);
    }

    /// A fresh vhost.
    pub(super) async fn vhost(&self) -> VHost {
        let vhost = VHost { server: self.clone(), name: format!("planshift-test-{}", uuid::Uuid::new_v4()) };
        assert!((200..300).contains(&self.call("PUT", &format!("/api/vhosts/{}", vhost.name), "{}").await));
        vhost.permit("guest", ".*", ".*", ".*").await;
        vhost
    }

    /// The status of a call to the management API; 0 where it is not reached.
    pub(super) async fn call(&self, method: &str, path: &str, body: &str) -> u16 {
        self.request(method, path, body).await.map_or(0, |(status, _)| status)
    }

    pub(super) async fn request(&self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.management).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {AUTHORIZATION}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.management,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok((status, answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())))
    }
}

/// A vhost of a test's own.
pub(super) struct VHost {
    server: Server,
    name: String,
}

impl VHost {
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn url(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@{}/{}", self.server.url, self.name)
    }

    pub(super) async fn permit(&self, user: &str, configure: &str, write: &str, read: &str) {
        let body = format!("{{\"configure\":\"{configure}\",\"write\":\"{write}\",\"read\":\"{read}\"}}");
        assert!((200..300).contains(&self.server.call("PUT", &format!("/api/permissions/{}/{user}", self.name), &body).await));
    }

    /// Empties the queues, once nobody consumes any more and what was unsettled is back.
    ///
    /// The vhost is not deleted: that of queues with at-least-once dead-lettering takes RabbitMQ 3.10's dead-lettering down, for
    /// every vhost, until it is started again.
    pub(super) async fn purge(&self) {
        let connection = Connection::connect(&self.url("guest", "guest"), ConnectionProperties::default()).await.unwrap();
        for queue in topology().queues {
            let (name, passive) = (queue.name.as_str(), QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() });
            let channel = connection.create_channel().await.unwrap();
            let Ok(mut found) = channel.queue_declare(name.into(), passive, FieldTable::default()).await else { continue };
            let until = patience();
            while found.consumer_count() > 0 || found.message_count() > 0 {
                assert!(Instant::now() < until, "{name} does not become empty");
                if found.consumer_count() == 0 {
                    channel.queue_purge(name.into(), QueuePurgeOptions::default()).await.unwrap();
                } else {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                found = channel.queue_declare(name.into(), passive, FieldTable::default()).await.unwrap();
            }
        }
        // Its channels may be closing already, of which it would complain.
        drop(connection);
    }
}
