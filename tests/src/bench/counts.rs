//! The effects, counted in every service's tables, past the services.

use crate::block_on;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Each service's schema, or file.
const SERVICES: [&str; 6] = ["coordinator", "eligibility", "purchasing", "mapping", "suspension", "gateway"];

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
pub enum Counts {
    /// A schema for each service, and the server's process that serves this connection.
    Postgres(PgConnection, u32),
    /// A file for each service.
    Sqlite(SqliteConnection),
}

/// How many there are of each.
pub type Found = BTreeMap<String, i64>;

impl Counts {
    /// Of a database.
    ///
    /// # Panics
    /// Where it is not reached.
    pub fn of_database(url: &str) -> Self {
        let connected = block_on(async {
            let options: PgConnectOptions = url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, process))
        });
        let (connection, process) = connected.unwrap_or_else(|error| panic!("the database: {error}"));
        Self::Postgres(connection, u32::try_from(process).expect("a process id"))
    }

    /// Of a data folder.
    ///
    /// # Panics
    /// Where a file is missing.
    pub fn of_folder(folder: &Path) -> Self {
        let connected = block_on(async {
            let options = SqliteConnectOptions::new().in_memory(true).busy_timeout(Duration::from_secs(10));
            let mut connection = options.disable_statement_logging().connect().await?;
            for service in SERVICES {
                let file = folder.join(format!("{service}.db")).display().to_string();
                let statement = format!("ATTACH DATABASE 'file:{file}?mode=rw' AS {service}");
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            }
            sqlx::raw_sql("PRAGMA query_only = 1").execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        });
        Self::Sqlite(connected.unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
    }

    /// The server's process that works for this connection alone: what it uses is the measuring's, not the system's.
    pub const fn process(&self) -> Option<u32> {
        match self {
            Self::Postgres(_, process) => Some(*process),
            Self::Sqlite(_) => None,
        }
    }

    /// Everything that is counted.
    pub fn all(&mut self) -> Found {
        let counts = COUNTED.map(|(what, from, _)| format!("SELECT '{what}', count(*) FROM {from}"));
        self.rows(counts.join(" UNION ALL ")).into_iter().collect()
    }

    /// How many transitions the read model shows completed, with everything beneath them.
    pub fn whole(&mut self) -> i64 {
        let from = COUNTED.iter().find_map(|(what, from, _)| (*what == WHOLE).then_some(*from)).unwrap_or_default();
        self.rows(format!("SELECT '{WHOLE}', count(*) FROM {from}")).first().map_or(0, |(_, count)| *count)
    }

    fn rows(&mut self, query: String) -> Vec<(String, i64)> {
        let query = sqlx::AssertSqlSafe(query);
        let rows = block_on(async {
            match self {
                Self::Postgres(connection, _) => sqlx::query_as(query).fetch_all(connection).await,
                Self::Sqlite(connection) => sqlx::query_as(query).fetch_all(connection).await,
            }
        });
        rows.unwrap_or_else(|error| panic!("the effects cannot be counted: {error}"))
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
