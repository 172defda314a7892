//! What is stored, read past the services with plain SQL: the evidence that every effect happened exactly once.

use crate::{block_on, outcome::Ran};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The databases of all services.
#[derive(Clone, Debug)]
pub enum Stored {
    /// A file for each service.
    Folder(PathBuf),
    /// A schema for each service.
    Postgres(String),
}

enum Open {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The steps whose ledgers hold an effect for each item.
const STEPS: [&str; 3] = ["purchasing", "mapping", "suspension"];

impl Stored {
    /// In a data folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }

    /// In a database.
    pub fn in_postgres(url: &str) -> Self {
        Self::Postgres(url.to_owned())
    }

    /// The number that a query on a service's tables gives.
    ///
    /// # Errors
    /// The database's; a folder or table that is not there yet.
    pub fn try_number(&self, service: &str, query: &str) -> Result<i64, sqlx::Error> {
        let query = AssertSqlSafe(query.to_owned());
        block_on(async {
            match self.open(service).await? {
                Open::Sqlite(mut connection) => {
                    let number = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
                    connection.close().await?;
                    Ok(number)
                }
                Open::Postgres(mut connection) => {
                    let number = sqlx::query_scalar(query).fetch_one(&mut connection).await?;
                    connection.close().await?;
                    Ok(number)
                }
            }
        })
    }

    /// Changes a service's tables behind its back.
    ///
    /// # Panics
    /// Where that is not possible.
    pub fn change(&self, service: &str, statement: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let changed = block_on(async {
            match self.open(service).await? {
                Open::Sqlite(mut connection) => statement.execute(&mut connection).await.map(drop),
                Open::Postgres(mut connection) => statement.execute(&mut connection).await.map(drop),
            }
        });
        changed.unwrap_or_else(|error| panic!("{service}: {error}"));
    }

    async fn open(&self, service: &str) -> Result<Open, sqlx::Error> {
        match self {
            Self::Folder(folder) => {
                let file = folder.join(format!("{service}.db"));
                let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10));
                options.disable_statement_logging().connect().await.map(Open::Sqlite)
            }
            Self::Postgres(url) => {
                let options: PgConnectOptions = url.parse()?;
                let options = options.options([("search_path", service)]).disable_statement_logging();
                options.connect().await.map(Open::Postgres)
            }
        }
    }

    /// The number that a query on a service's tables gives.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn number(&self, service: &str, query: &str) -> i64 {
        self.try_number(service, query).unwrap_or_else(|error| panic!("{service}: {query}: {error}"))
    }

    /// How many effects a worker has, the coordinator transitions, the gateway rows of its own copy of them: how far a service
    /// is with a run. 0 where nothing is there yet.
    pub fn progress(&self, service: &str) -> i64 {
        let query = match service {
            "coordinator" | "gateway" => "SELECT count(*) FROM transitions",
            _ => "SELECT count(*) FROM ledger",
        };
        self.try_number(service, query).unwrap_or(0)
    }

    /// How many transitions have ended.
    pub fn ended(&self) -> i64 {
        self.try_number("coordinator", "SELECT count(*) FROM transitions WHERE ended_at IS NOT NULL").unwrap_or(0)
    }

    /// Exactly what runs of generated documents must leave behind, all of whose customers have completed: one plan bought for
    /// each (customer, reseller), one change of owner for each Azure subscription, every effect done, and done once.
    ///
    /// # Panics
    /// Where something is missing, or was done twice.
    #[track_caller]
    pub fn assert_exactly_once(&self, runs: &[Ran]) {
        let count = |of: fn(&Ran) -> usize| i64::try_from(runs.iter().map(of).sum::<usize>()).expect("a number of lines");
        let (customers, plans, lines) = (count(|ran| ran.customers.len()), count(Ran::plans), count(Ran::lines));
        for ran in runs {
            assert_eq!(ran.count("Completed"), ran.customers.len(), "all completed: {}", ran.summary);
        }

        let check = |what: &str, service: &str, query: &str, expected: i64| {
            assert_eq!(self.number(service, query), expected, "{what} ({service}: {query})");
        };
        check("one completed for each customer", "coordinator", "SELECT count(*) FROM transitions WHERE state = 'Completed'", customers);
        // a run that is repeated asks again for a customer that has completed, and adopts what it is told
        let others = "SELECT count(*) FROM transitions WHERE state NOT IN ('Completed', 'Ineligible')";
        check("none ended otherwise", "coordinator", others, 0);

        check("plans bought", "purchasing", "SELECT count(*) FROM plans WHERE origin = 'bought' AND status = 'active'", plans);
        let twice = "SELECT count(*) FROM (SELECT 1 FROM plans GROUP BY partner_id, customer_id, reseller HAVING count(*) > 1) AS twice";
        check("no second plan", "purchasing", twice, 0);

        check("under a plan", "mapping", "SELECT count(*) FROM azure_subscriptions WHERE plan_id IS NOT NULL", lines);
        check("changes of owner", "mapping", "SELECT count(*) FROM ownership", lines);
        check("each of its own subscription", "mapping", "SELECT count(DISTINCT azure_subscription_id) FROM ownership", lines);
        check("at whole hours", "mapping", "SELECT count(*) FROM ownership WHERE from_at % 3600000000 <> 0", 0);

        check("suspended", "suspension", "SELECT count(*) FROM commerce_subscriptions WHERE status = 'suspended'", lines);
        check("left active", "suspension", "SELECT count(*) FROM commerce_subscriptions WHERE status = 'active'", 0);

        for (step, expected) in STEPS.into_iter().zip([plans, lines, lines]) {
            check("effects done", step, "SELECT count(*) FROM ledger WHERE state = 'done'", expected);
            check("effects otherwise", step, "SELECT count(*) FROM ledger WHERE state <> 'done'", 0);
        }
    }
}
