//! What is stored at the end, read past the services with plain SQL; and what the API shows of every transition.

use super::{client::Api, history::View};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, FromRow, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Views that are asked for at a time.
const VIEWS_AT_ONCE: usize = 8;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The coordinator's transitions.
    pub transitions: Vec<Transition>,
    /// Their lines.
    pub lines: Vec<Line>,
    /// The states that each has been in.
    pub reached: BTreeSet<(Uuid, String)>,
    /// Purchasing's plans.
    pub plans: Vec<Plan>,
    /// Mapping's attachments: of each Azure subscription that is under a plan, the plan and the transition.
    pub attached: BTreeMap<Uuid, (Uuid, Uuid)>,
    /// Mapping's change points: subscription, transition, and the plan (none: given back).
    pub points: Vec<(Uuid, Uuid, Option<Uuid>)>,
    /// Suspension's commerce subscriptions that are not as they were imported.
    pub suspended: BTreeMap<Uuid, Suspended>,
    /// The workers' ledgers: (transition, step, item) with state and attempt.
    pub ledger: BTreeMap<(Uuid, String, String), (String, u32)>,
    /// How many transitions had commands sent again because a deadline came.
    pub resent: i64,
    /// What the API shows.
    pub views: BTreeMap<Uuid, View>,
}

/// A transition.
#[derive(Clone, Debug)]
pub struct Transition {
    /// Its id.
    pub id: Uuid,
    /// The start's request id.
    pub request_id: Uuid,
    /// Who moves.
    pub customer_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// It has ended.
    pub has_ended: bool,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its transition.
    pub transition_id: Uuid,
    /// What is mapped.
    pub azure_subscription_id: Uuid,
    /// What is suspended.
    pub commerce_subscription_id: Uuid,
    /// Whose plan.
    pub reseller: String,
}

/// A plan that was bought.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub plan_id: Uuid,
    /// Whose.
    pub customer_id: Uuid,
    /// The reseller.
    pub reseller: String,
    /// Is it active?
    pub is_active: bool,
    /// The transition that bought it or made it active again.
    pub activated_by: Option<Uuid>,
}

/// A commerce subscription that was suspended.
#[derive(Clone, Debug)]
pub struct Suspended {
    /// Which.
    pub commerce_subscription_id: Uuid,
    /// By which transition.
    pub suspended_by: Option<Uuid>,
    /// How often its row has changed since the import.
    pub changes: i64,
}

const TRANSITIONS: &str = "SELECT id, request_id, customer_id, state, ended_at IS NOT NULL AS has_ended FROM coordinator.transitions";
const LINES: &str = "SELECT transition_id, azure_subscription_id, commerce_subscription_id, reseller FROM coordinator.lines";
const REACHED: &str = "SELECT DISTINCT transition_id, state FROM coordinator.history";
const RESENT: &str = "SELECT count(DISTINCT transition_id) FROM coordinator.history WHERE event = 'Resent'";
const PLANS: &str =
    "SELECT plan_id, customer_id, reseller, status = 'active' AS is_active, activated_by FROM purchasing.plans WHERE origin = 'bought'";
const ATTACHED: &str = "SELECT azure_subscription_id, plan_id, attached_by FROM mapping.azure_subscriptions WHERE plan_id IS NOT NULL";
const POINTS: &str = "SELECT azure_subscription_id, transition_id, plan_id FROM mapping.ownership";
// the row's version is 1 after its import
const SUSPENDED: &str = "SELECT commerce_subscription_id, suspended_by, version - 1 AS changes FROM suspension.commerce_subscriptions WHERE status = 'suspended' OR version > 1";

impl Evidence {
    /// Reads it, with every transition as the API shows it.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(database: &str, api: &Api) -> Result<Self, String> {
        let mut evidence = Self::stored(database).await.map_err(|error| error.to_string())?;
        for chunk in evidence.transitions.chunks(VIEWS_AT_ONCE) {
            let views = futures::future::join_all(chunk.iter().map(|transition| api.wait(transition.id, |_| false))).await;
            // one that the API does not show is missed by the judge
            evidence.views.extend(views.into_iter().flatten().map(|view| (view.transition_id, view)));
        }
        Ok(evidence)
    }

    async fn stored(database: &str) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = database.parse()?;
        let mut connection = options.disable_statement_logging().connect().await?;
        let db = &mut connection;
        let mut ledger = BTreeMap::new();
        for step in ["purchasing", "mapping", "suspension"] {
            let query = format!("SELECT transition_id, item, state, attempt FROM {step}.ledger WHERE step = '{step}'");
            for (transition, item, state, attempt) in rows::<(Uuid, String, String, i64)>(db, &query).await? {
                ledger.insert((transition, step.to_owned(), item), (state, u32::try_from(attempt).unwrap_or(u32::MAX)));
            }
        }
        let attached = rows::<(Uuid, Uuid, Uuid)>(db, ATTACHED).await?;
        let suspended = rows::<Suspended>(db, SUSPENDED).await?;
        let evidence = Self {
            transitions: rows(db, TRANSITIONS).await?,
            lines: rows(db, LINES).await?,
            reached: rows(db, REACHED).await?.into_iter().collect(),
            plans: rows(db, PLANS).await?,
            attached: attached.into_iter().map(|(azure, plan, by)| (azure, (plan, by))).collect(),
            points: rows(db, POINTS).await?,
            suspended: suspended.into_iter().map(|row| (row.commerce_subscription_id, row)).collect(),
            ledger,
            resent: sqlx::query_scalar(RESENT).fetch_one(&mut *db).await?,
            views: BTreeMap::new(),
        };
        connection.close().await?;
        Ok(evidence)
    }
}

macro_rules! from_row {
    ($($row:ident: $($column:ident)*;)*) => { $(
        impl FromRow<'_, PgRow> for $row {
            fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
                Ok(Self { $($column: row.try_get(stringify!($column))?,)* })
            }
        }
    )* };
}
from_row! {
    Transition: id request_id customer_id state has_ended;
    Line: transition_id azure_subscription_id commerce_subscription_id reseller;
    Plan: plan_id customer_id reseller is_active activated_by;
    Suspended: commerce_subscription_id suspended_by changes;
}

async fn rows<T: for<'r> FromRow<'r, PgRow> + Send + Unpin>(connection: &mut PgConnection, query: &str) -> Result<Vec<T>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(query.to_owned())).fetch_all(connection).await
}
