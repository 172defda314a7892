//! The effects, counted in every service's tables, past the services.

use super::tables::Tables;
use std::collections::BTreeMap;

/// How many of something a transition that completes leaves behind, by its plans and its subscriptions.
type Each = fn(usize, usize) -> usize;

/// What is counted, and how many of it each transition leaves behind. Those of the ledgers are the effects themselves.
const COUNTED: [(&str, &str, Each); 16] = [
    ("transitions", "coordinator.transitions", |_, _| 1),
    ("transitions completed", "coordinator.transitions WHERE state = 'Completed'", |_, _| 1),
    ("ledger: checks", "eligibility.ledger WHERE state = 'done'", |_, _| 1),
    ("lines marked", "eligibility.lines", |_, s| s),
    ("ledger: purchases", "purchasing.ledger WHERE state = 'done'", |p, _| p),
    ("plans bought", "purchasing.plans WHERE origin = 'bought' AND status = 'active'", |p, _| p),
    ("ledger: mappings", "mapping.ledger WHERE state = 'done'", |_, s| s),
    ("Azure subscriptions under a plan", "mapping.azure_subscriptions WHERE plan_id IS NOT NULL", |_, s| s),
    ("changes of owner", "mapping.ownership", |_, s| s),
    ("ledger: suspensions", "suspension.ledger WHERE state = 'done'", |_, s| s),
    ("commerce subscriptions suspended", "suspension.commerce_subscriptions WHERE status = 'suspended'", |_, s| s),
    ("effects of eligibility otherwise", "eligibility.ledger WHERE state <> 'done'", |_, _| 0),
    ("effects of purchasing otherwise", "purchasing.ledger WHERE state <> 'done'", |_, _| 0),
    ("effects of mapping otherwise", "mapping.ledger WHERE state <> 'done'", |_, _| 0),
    ("effects of suspension otherwise", "suspension.ledger WHERE state <> 'done'", |_, _| 0),
    (WHOLE, "gateway.transitions WHERE state = 'Completed' AND whole", |_, _| 1),
];
const WHOLE: &str = "completed and whole in the read model";

/// One connection to everything that is stored, kept as long as it is measured.
pub struct Counts {
    tables: Tables,
    /// The server's process that serves this connection.
    process: Option<u32>,
}

/// How many there are of each.
pub type Found = BTreeMap<String, i64>;

impl Counts {
    /// Of these tables.
    pub fn of(mut tables: Tables) -> Self {
        let process = tables.is_postgres().then(|| tables.number("SELECT pg_backend_pid()::bigint"));
        Self { tables, process: process.and_then(|process| process.try_into().ok()) }
    }

    /// The server's process that works for this connection alone: what it uses is the measuring's, not the system's.
    pub const fn process(&self) -> Option<u32> {
        self.process
    }

    /// Everything that is counted.
    pub fn all(&mut self) -> Found {
        let counts = COUNTED.map(|(what, from, _)| format!("SELECT '{what}', count(*) FROM {from}"));
        self.tables.rows::<(String, i64)>(&counts.join(" UNION ALL ")).into_iter().collect()
    }

    /// How many transitions the read model shows completed, with everything beneath them.
    pub fn whole(&mut self) -> i64 {
        let from = COUNTED.iter().find_map(|(what, from, _)| (*what == WHOLE).then_some(*from)).unwrap_or_default();
        self.tables.number(&format!("SELECT count(*) FROM {from}"))
    }
}

/// How many transitions the read model showed completed, with everything beneath them.
pub fn whole_of(found: &Found) -> i64 {
    found.get(WHOLE).copied().unwrap_or_default()
}

/// How many rows of the ledgers so many transitions have left behind since `before`; or what is missing, or too many.
pub fn effects(before: &Found, after: &Found, sagas: usize, plans: usize, subscriptions: usize) -> Result<i64, String> {
    let count = |found: &Found, what: &str| found.get(what).copied().unwrap_or_default();
    let (mut effects, mut wrong) = (0, Vec::new());
    for (what, _, each) in COUNTED {
        let (there, expected) = (count(after, what) - count(before, what), (sagas * each(plans, subscriptions)) as i64);
        if there != expected {
            wrong.push(format!("{what}: {there}, not {expected}"));
        }
        if what.starts_with("ledger") {
            effects += there;
        }
    }
    if wrong.is_empty() { Ok(effects) } else { Err(wrong.join("; ")) }
}
