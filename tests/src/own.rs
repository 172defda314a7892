//! Every service with a broker user and a database role of its own, with the rights that are shipped: `deploy/rabbitmq/definitions.json`
//! and `deploy/postgres/roles.sql`.

use crate::{cluster::SERVICES, place::Distributed, servers::Servers};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// The password of all of them. PostgreSQL under test trusts whoever comes from this machine; the broker does not.
pub const PASSWORD: &str = "secret-of-the-tests";
/// Users and roles are the servers', not a place's: they are made by one test at a time.
static MAKING: Mutex<()> = Mutex::new(());

/// Something that is shipped.
///
/// # Panics
/// Never: the tests are in the workspace.
pub fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder").join("deploy").join(path)
}

/// Makes roles and users, with rights on this place alone.
///
/// # Panics
/// Where they cannot be made.
pub fn make(place: &Distributed) {
    let _one = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    roles(&place.database_url());
    users(place.servers(), place.name());
}

/// The URL of a place's database for a role: `mapping`, `migrate`, `verify`.
pub fn database_url(place: &Distributed, role: &str) -> String {
    with_user(&place.database_url(), &format!("planshift_{role}"))
}

/// The URL of a place's broker for a user: `mapping`, `migrate`.
pub fn broker_url(place: &Distributed, user: &str) -> String {
    with_user(&place.broker_url(), &format!("planshift-{user}"))
}

fn with_user(url: &str, user: &str) -> String {
    let mut url = reqwest::Url::parse(url).expect("a server's URL");
    url.set_username(user).expect("a URL that may have a user");
    url.set_password(Some(PASSWORD)).expect("a URL that may have a password");
    url.to_string()
}

fn roles(database: &str) {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
    for role in SERVICES.into_iter().chain(["migrate", "verify"]) {
        psql.arg("-v").arg(format!("{role}={PASSWORD}"));
    }
    let outcome = psql.args(["-d", database, "-f"]).arg(shipped("postgres/roles.sql")).output().expect("psql starts");
    assert!(outcome.status.success(), "the roles cannot be made: {}", String::from_utf8_lossy(&outcome.stderr));
}

/// The definitions, on another virtual host than they are for, with the users that an installation adds.
fn users(servers: &Servers, vhost: &str) {
    let text = std::fs::read_to_string(shipped("rabbitmq/definitions.json")).expect("the definitions");
    let mut definitions: Value = serde_json::from_str(&text.replace("\"planshift\"", &format!("{vhost:?}"))).expect("definitions");
    let permissions = definitions["permissions"].as_array().expect("permissions");
    let named = permissions.iter().map(|one| json!({ "name": one["user"], "password": PASSWORD, "tags": "" })).collect::<Vec<_>>();
    definitions["users"] = named.into();
    servers.import_definitions(&definitions);
}
