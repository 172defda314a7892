//! The servers that distributed tests use, from the environment. `tests/servers start DIR` starts private ones and writes their
//! addresses to `DIR/env`; `tests/run system` does all of it.

use crate::{block_on, letters, wait};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicGetOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{collections::BTreeMap, env, time::Duration};

/// How long a message that is on its way may take to be in its queue.
const APPEARS_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection may take to be closed politely.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// The addresses.
#[derive(Clone, Debug)]
pub struct Servers {
    postgres: Url,
    rabbitmq: Url,
    management: Url,
}

impl Servers {
    /// From the environment.
    ///
    /// # Panics
    /// Where an address is missing.
    pub fn from_env() -> Self {
        let address = |name: &str| {
            let text = env::var(name).unwrap_or_else(|_| {
                panic!(
                    "{name} is not set: this test needs RabbitMQ and PostgreSQL. `tests/run system` starts them; by hand: \
                     `tests/servers start DIR`, then `set -a; . DIR/env`"
                )
            });
            Url::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        Self {
            postgres: address("PLANSHIFT_TEST_POSTGRES_URL"),
            rabbitmq: address("PLANSHIFT_TEST_RABBITMQ_URL"),
            management: address("PLANSHIFT_TEST_RABBITMQ_MANAGEMENT"),
        }
    }

    /// The URL of a database.
    pub fn database_url(&self, name: &str) -> String {
        let mut url = self.postgres.clone();
        url.set_path(name);
        url.to_string()
    }

    /// The URL of a virtual host.
    pub fn broker_url(&self, vhost: &str) -> String {
        let mut url = self.rabbitmq.clone();
        url.set_path(vhost);
        url.to_string()
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) {
        self.sql(&format!("CREATE DATABASE {name}")).unwrap_or_else(|error| panic!("cannot make a database: {error}"));
    }

    /// Removes a database, whoever is connected to it.
    ///
    /// # Errors
    /// The server's.
    pub fn drop_database(&self, name: &str) -> Result<(), sqlx::Error> {
        self.sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    }

    fn sql(&self, statement: &str) -> Result<(), sqlx::Error> {
        block_on(async {
            let options: PgConnectOptions = self.postgres.as_str().parse()?;
            let mut connection = PgConnection::connect_with(&options.disable_statement_logging()).await?;
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
            connection.close().await
        })
    }

    /// Makes an empty virtual host.
    pub fn create_vhost(&self, name: &str) {
        self.manage(Method::PUT, &["vhosts", name]).unwrap_or_else(|error| panic!("cannot make a virtual host: {error}"));
    }

    /// Users, permissions and whatever else there is in RabbitMQ's definitions.
    ///
    /// # Panics
    /// Where they are not taken.
    pub fn import_definitions(&self, definitions: &Value) {
        let done = self.manage_with(Method::POST, &["definitions"], definitions);
        done.unwrap_or_else(|error| panic!("the definitions are not taken: {error}"));
    }

    /// How many messages wait in each queue of a virtual host. The names are from the management API; the numbers are asked of
    /// the queues themselves, since the management API's are some seconds old.
    pub fn waiting(&self, vhost: &str) -> BTreeMap<String, u32> {
        let queues = self.manage(Method::GET, &["queues", vhost]).unwrap_or_else(|error| panic!("cannot list the queues: {error}"));
        let names = queues.as_array().into_iter().flatten().filter(|queue| queue["exclusive"] != Value::Bool(true));
        let names: Vec<String> = names.filter_map(|queue| queue["name"].as_str().map(str::to_owned)).collect();
        let url = self.broker_url(vhost);
        block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("a connection to RabbitMQ");
            let mut counts = BTreeMap::new();
            for name in names {
                // one channel for each: asking for a queue that is gone closes the channel
                let Ok(channel) = connection.create_channel().await else { break };
                let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                if let Ok(queue) = channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await {
                    counts.insert(name, queue.message_count());
                }
            }
            close(&connection).await;
            counts
        })
    }

    /// How many messages a queue has, those that were delivered and not settled among them, as somebody sees it who may only look: the
    /// management API as an autoscaler asks it. (Its numbers are some seconds old.)
    ///
    /// # Panics
    /// Where such a user cannot be made.
    pub(crate) fn seen_by_a_scaler(&self, vhost: &str, queue: &str) -> Result<i64, String> {
        let (name, password) = (format!("scaler-{vhost}"), "aaaa");
        let made = || {
            self.manage_with(Method::PUT, &["users", &name], &json!({ "password": password, "tags": "monitoring" }))?;
            let nothing = json!({ "configure": "^$", "write": "^$", "read": "^$" });
            self.manage_with(Method::PUT, &["permissions", vhost, &name], &nothing)
        };
        made().unwrap_or_else(|error| panic!("cannot make a user: {error}"));
        let mut scaler = self.clone();
        scaler.rabbitmq.set_username(&name).and_then(|()| scaler.rabbitmq.set_password(Some(password))).expect("a user of a URL");
        let seen = scaler.manage(Method::GET, &["queues", vhost, queue]);
        self.manage(Method::DELETE, &["users", &name]).unwrap_or_else(|error| panic!("cannot remove a user: {error}"));
        Ok(seen?["messages"].as_i64().unwrap_or(-1))
    }

    /// The routing keys under which queues of a virtual host are bound to an exchange.
    pub fn routing_keys(&self, vhost: &str, exchange: &str) -> Vec<String> {
        let path = ["exchanges", vhost, exchange, "bindings", "source"];
        let bindings = self.manage(Method::GET, &path).unwrap_or_else(|error| panic!("cannot list the bindings: {error}"));
        bindings.as_array().into_iter().flatten().filter_map(|binding| Some(binding["routing_key"].as_str()?.to_owned())).collect()
    }

    /// Takes the first message of a queue, and gives what it stays unsettled on.
    pub(crate) fn hold(&self, vhost: &str, queue: &str) -> Held {
        let url = self.broker_url(vhost);
        let connection = block_on(Connection::connect(&url, ConnectionProperties::default())).expect("a connection to RabbitMQ");
        let channel = block_on(connection.create_channel()).expect("a channel");
        let mut taken = None;
        wait::until(&format!("there is a message in {queue}"), APPEARS_WITHIN, || {
            let got = block_on(channel.basic_get(queue.into(), BasicGetOptions { no_ack: false }));
            taken = got.expect("a message of the queue").map(|message| message.delivery);
            taken.is_some()
        });
        let message = taken.expect("it was waited for");
        Held { connection, channel, message, queue: queue.to_owned() }
    }

    /// Empties a queue of a virtual host, as a broker that is made anew has it.
    pub(crate) fn empty(&self, vhost: &str, queue: &str) {
        let path = ["queues", vhost, queue, "contents"];
        self.manage(Method::DELETE, &path).unwrap_or_else(|error| panic!("cannot empty {queue}: {error}"));
    }

    fn manage(&self, method: Method, path: &[&str]) -> Result<Value, String> {
        self.manage_with(method, path, &Value::Null)
    }

    fn manage_with(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, String> {
        let mut url = self.management.clone();
        url.path_segments_mut().expect("an address of a server").pop_if_empty().push("api").extend(path);
        let (user, password) = (self.rabbitmq.username().to_owned(), self.rabbitmq.password().map(str::to_owned));
        block_on(async {
            let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().map_err(|error| error.to_string())?;
            let request = client.request(method, url).basic_auth(user, password).header("content-type", "application/json");
            let request = if body.is_null() { request } else { request.body(body.to_string()) };
            let response = request.send().await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = response.text().await.unwrap_or_default();
            if status.is_success() { Ok(serde_json::from_str(&body).unwrap_or_default()) } else { Err(format!("HTTP {status}: {body}")) }
        })
    }
}

/// Closes a connection. The library may wait for ever for the broker's word where both have something to say at once; dropped, the
/// connection is gone as well.
pub(crate) async fn close(connection: &Connection) {
    let _ = tokio::time::timeout(CLOSED_WITHIN, connection.close(200, "OK".into())).await;
}

/// A message that was taken and not settled.
#[derive(Debug)]
pub struct Held {
    connection: Connection,
    /// Dropped, it would be closed, and the message given to another one.
    channel: Channel,
    message: lapin::message::Delivery,
    queue: String,
}

impl Held {
    /// Gone without a word: the broker gives the message to another one.
    pub fn release(self) {
        block_on(close(&self.connection));
    }

    /// Given up, as a worker does whose attempts are used up: to the dead letters, and only then settled.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn give_up(self) {
        block_on(async {
            self.channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
            letters::bury(&self.channel, &self.message.properties, &self.message.data, &self.queue).await;
            self.message.ack(BasicAckOptions::default()).await.expect("settled");
            close(&self.connection).await;
        });
    }
}
