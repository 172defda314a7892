//! What makes messages retried and dead, and RabbitMQ's own metrics.

use crate::{
    block_on,
    place::{Distributed, free_port},
    servers::close,
};
use lapin::{BasicProperties, Connection, ConnectionProperties, options::BasicPublishOptions};
use std::{env, process::Command};

/// Sends a command to a service in the coordinator's name, as where all services are one user of the broker.
///
/// # Panics
/// Where the broker does not take it.
pub fn send(place: &Distributed, service: &str, kind: &str, body: &serde_json::Value) {
    block_on(async {
        let connection = Connection::connect(&place.broker_url(), ConnectionProperties::default()).await.expect("a connection");
        let channel = connection.create_channel().await.expect("a channel");
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_type(kind.to_owned().into())
            .with_message_id(uuid::Uuid::new_v4().to_string().into())
            .with_user_id("guest".into())
            .with_app_id("coordinator".into());
        let body = body.to_string().into_bytes();
        let key = service.to_owned().into();
        let sent = channel.basic_publish("planshift.commands".into(), key, BasicPublishOptions::default(), &body, properties);
        sent.await.expect("it is sent");
        close(&connection).await;
    });
}

/// Has RabbitMQ show its own metrics, with its plugin rabbitmq_prometheus, on a port of this machine.
///
/// # Panics
/// Where it does not.
pub fn rabbitmq_metrics() -> u16 {
    let control = env::var("PLANSHIFT_TEST_RABBITMQ_CTL").expect("PLANSHIFT_TEST_RABBITMQ_CTL: see tests/servers");
    let port = free_port();
    // the plugin was not switched on when the server was started: its code is beside the server's own
    let switch_on = format!(
        "_ = application:stop(rabbitmq_prometheus),
         ok = application:set_env(rabbitmq_prometheus, tcp_config, [{{port, {port}}}, {{ip, \"127.0.0.1\"}}]),
         [code:add_pathz(P) || P <- filelib:wildcard(filename:join([code:lib_dir(rabbit), \"..\", \"*\", \"ebin\"]))],
         {{ok, _}} = application:ensure_all_started(rabbitmq_prometheus)."
    );
    let output = Command::new(control).args(["eval", &switch_on]).output().expect("rabbitmqctl");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    port
}
