//! The system outside: `planshift provisioner-simulator` as a process, and its own account.

use crate::{
    http,
    place::free_port,
    program::{PATIENCE, Program, Running},
    stored::Stored,
    wait,
};
use serde_json::Value;
use std::{collections::BTreeMap, net::TcpStream};

/// The simulator, running.
#[derive(Debug)]
pub struct Outside {
    url: String,
    _process: Running,
}

impl Outside {
    /// With these options, ready.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start(options: &[&str]) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let process = Program::planshift(["provisioner-simulator", "--listen", &address]).args(options).start();
        wait::until("the simulator listens", PATIENCE, || TcpStream::connect(&address).is_ok());
        Self { url: format!("http://{address}"), _process: process }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The variables that have a step's effects had here first; more of them behind.
    pub fn variables<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = [("PLANSHIFT_MAPPING_PROVISIONER_URL", self.url.as_str()), ("PLANSHIFT_MAPPING_PROVISIONER_ALLOW_HTTP", "true")];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    /// Its counts.
    pub fn account(&self) -> Value {
        http::get(&format!("{}/account", self.url)).expect(200).json()
    }

    /// How many effects stand so.
    pub fn count(&self, state: &str) -> u64 {
        self.account()["effects"][state].as_u64().unwrap_or_default()
    }

    /// What is there is what the ledger says is done, key by key; each was had once.
    ///
    /// # Panics
    /// Where it is not.
    pub fn assert_equals_ledger(&self, stored: &Stored) {
        let all = http::get(&format!("{}/effects", self.url)).expect(200).json();
        let all: BTreeMap<String, Value> = serde_json::from_value(all).expect("effects by their keys");
        let mut there = 0;
        for (key, entry) in &all {
            let had = entry["had"].as_u64().unwrap_or_default();
            assert!(had <= 1, "{key} was had {had} times: {entry}");
            let parts: Vec<&str> = key.split('.').collect();
            let [transition, step, item, attempt] = parts[..] else { panic!("{key} is no key") };
            let query = format!(
                "SELECT count(*) FROM ledger WHERE transition_id = '{transition}' AND step = '{step}' AND item = '{item}'
                 AND attempt = {attempt} AND state = 'done'"
            );
            if entry["state"] == "done" {
                there += 1;
                assert_eq!(stored.number("mapping", &query), 1, "{key} is there outside, and the ledger does not say so: {entry}");
            }
        }
        let done = stored.number("mapping", "SELECT count(*) FROM ledger WHERE state = 'done'");
        assert_eq!(there, done, "as many are there outside as the ledger says are done");
        assert_eq!(stored.number("mapping", "SELECT count(*) FROM ledger WHERE state = 'intent'"), 0, "no intent is left");
    }
}
