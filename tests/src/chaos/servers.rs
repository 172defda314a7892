//! A private RabbitMQ, of one node or three, and a private PostgreSQL, by `tests/servers` with its profile for chaos; and the levers
//! that it has for faults.

use crate::block_on;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use std::{
    collections::HashMap,
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The database that everything is in.
const DATABASE: &str = "planshift";
/// How long the management API may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The servers. They are stopped, and what they hold is thrown away, when this is dropped.
#[derive(Debug)]
pub struct Servers {
    folder: PathBuf,
    addresses: HashMap<String, String>,
    nodes: usize,
}

/// A queue of the cluster, as the management API tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// The node that leads it, from 1.
    pub leader: Option<usize>,
    /// How many nodes have it.
    pub members: usize,
}

impl Servers {
    /// Fresh ones, with so many nodes of RabbitMQ and an empty database.
    ///
    /// # Panics
    /// Where they do not start.
    pub fn start(nodes: usize) -> Self {
        // tests/run knows names that begin so: it stops what was left of a run that was killed
        let folder = env::temp_dir().join(format!("servers-chaos-{nodes}"));
        let mut start = script("start", &folder);
        start.env("PLANSHIFT_TEST_SERVERS_PROFILE", "chaos").env("PLANSHIFT_TEST_SERVERS_NODES", nodes.to_string());
        assert!(start.status().is_ok_and(|status| status.success()), "the servers do not start");
        let text = fs::read_to_string(folder.join("env")).expect("the servers' addresses");
        let addresses = text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned()));
        let servers = Self { folder, addresses: addresses.collect(), nodes };
        servers.sql("postgres", &format!("CREATE DATABASE {DATABASE}")).expect("a database");
        servers
    }

    /// How many nodes of RabbitMQ there are.
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    fn url(&self, name: &str, node: usize) -> Url {
        let key = if node == 1 { format!("PLANSHIFT_TEST_{name}") } else { format!("PLANSHIFT_TEST_{name}_{node}") };
        let text = self.addresses.get(&key).unwrap_or_else(|| panic!("{key} is missing"));
        Url::parse(text).unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    fn address(url: &Url) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], url.port().expect("a port")))
    }

    /// Where each node of RabbitMQ listens.
    pub fn rabbitmq(&self) -> Vec<SocketAddr> {
        (1..=self.nodes).map(|node| Self::address(&self.url("RABBITMQ_URL", node))).collect()
    }

    /// Where PostgreSQL listens.
    pub fn postgres(&self) -> SocketAddr {
        Self::address(&self.url("POSTGRES_URL", 1))
    }

    /// The URL of the database, at this address or straight at the server.
    pub fn database_url(&self, at: Option<SocketAddr>) -> String {
        format!("postgres://postgres@{}/{DATABASE}", at.unwrap_or_else(|| self.postgres()))
    }

    /// One statement, straight at the server.
    ///
    /// # Errors
    /// The server's.
    pub fn sql(&self, database: &str, statement: &str) -> Result<(), sqlx::Error> {
        block_on(async {
            let mut url = self.url("POSTGRES_URL", 1);
            url.set_path(database);
            let options: PgConnectOptions = url.as_str().parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
            connection.close().await
        })
    }

    /// A command of `tests/servers`.
    ///
    /// # Errors
    /// It says why.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let output = script(name, &self.folder).args(arguments).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("tests/servers {name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// A user of the broker that may do everything with queues and exchanges.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn create_user(&self, name: &str, password: &str) {
        let rights = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        let user = json!({ "password": password, "tags": "" });
        for (path, body) in [(vec!["users", name], user), (vec!["permissions", "/", name], rights)] {
            self.manage(&Method::PUT, &path, Some(&body)).unwrap_or_else(|error| panic!("the user {name}: {error}"));
        }
    }

    /// The queues that outlive their connections.
    ///
    /// # Errors
    /// No node's management API answers.
    pub fn queues(&self) -> Result<Vec<QueueState>, String> {
        let listed = self.manage(&Method::GET, &["queues", "/"], None)?;
        let queues = listed.as_array().into_iter().flatten().filter(|queue| queue["exclusive"] != Value::Bool(true));
        let state = |queue: &Value| {
            Some(QueueState {
                name: queue["name"].as_str()?.to_owned(),
                leader: queue["leader"].as_str().and_then(|name| self.node_of(name)),
                members: queue["members"].as_array().map_or(0, Vec::len),
            })
        };
        Ok(queues.filter_map(state).collect())
    }

    /// The queues, but that of the dead letters, in which messages are, delivered or not: each with how many. A moment old.
    ///
    /// # Errors
    /// As [`Servers::queues`].
    pub fn waiting(&self) -> Result<Vec<String>, String> {
        let listed = self.manage(&Method::GET, &["queues", "/"], None)?;
        let queues = listed.as_array().into_iter().flatten().filter(|queue| queue["name"] != "planshift.dead");
        // a queue that nothing was told of yet counts as one in which something may be
        let waiting = queues.filter(|queue| queue["messages"].as_u64() != Some(0));
        Ok(waiting.map(|queue| format!("{}: {}", queue["name"], queue["messages"])).collect())
    }

    /// A node's number from its name, `planshiftPORT@localhost`.
    fn node_of(&self, name: &str) -> Option<usize> {
        let port: u16 = name.strip_prefix("planshift")?.split('@').next()?.parse().ok()?;
        self.rabbitmq().iter().position(|address| address.port() == port).map(|index| index + 1)
    }

    /// Asks the first node that answers.
    fn manage(&self, method: &Method, path: &[&str], body: Option<&Value>) -> Result<Value, String> {
        let mut reason = String::new();
        for node in 1..=self.nodes {
            match self.manage_at(node, method.clone(), path, body) {
                Ok(answer) => return Ok(answer),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    fn manage_at(&self, node: usize, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value, String> {
        let mut url = self.url("RABBITMQ_MANAGEMENT", node);
        url.path_segments_mut().expect("an address of a server").pop_if_empty().push("api").extend(path);
        block_on(async {
            let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().map_err(|error| error.to_string())?;
            let mut request = client.request(method, url).basic_auth("guest", Some("guest"));
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(|error| error.to_string())?;
            let status = response.status();
            let text = response.text().await.map_err(|error| error.to_string())?;
            if status.is_success() { Ok(serde_json::from_str(&text).unwrap_or_default()) } else { Err(format!("HTTP {status}: {text}")) }
        })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Err(reason) = self.command("stop", &[]) {
            eprintln!("chaos: the servers were not stopped: {reason}");
        }
    }
}

fn script(command: &str, folder: &Path) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("servers"));
    script.arg(command).arg(folder).stdin(Stdio::null());
    script
}
