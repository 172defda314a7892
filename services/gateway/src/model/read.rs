//! One transition and what is beneath it; who has which customer.

use super::{ReadModel, from_json};
use planshift_domain::{
    history::HistoryEntry,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, Reseller, TransitionId},
    transition::{Evidence, LineRow, PacketRow, PlanRow, State, TransitionRow},
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::collections::HashMap;
use uuid::Uuid;

/// How often the coordinator is asked for what is missing before a settled transition is shown as it is here.
const ASKED_ENOUGH: u32 = 2;

static TRANSITION: Statement = Statement::new("SELECT whole, asked, body FROM transitions WHERE id = $1");
static VERSIONS: Statement = Statement::new("SELECT t.id, t.version FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id");
// One statement, so that all of it is of one version.
static PARTS: Statement = Statement::new(
    "SELECT 0 AS part, body, whole, asked, NULL::uuid AS azure_id, NULL::uuid AS commerce_id, NULL::text AS reseller, NULL::bigint AS packet,
            NULL::text AS error, NULL::text AS undo, version FROM transitions WHERE id = $1
     UNION ALL SELECT 1, NULL, NULL, NULL, azure_id, commerce_id, reseller, packet, error, undo, version FROM lines WHERE transition_id = $1
     UNION ALL SELECT 2, body, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, version FROM plans WHERE transition_id = $1
     UNION ALL SELECT 3, body, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, version FROM packets WHERE transition_id = $1",
);
static HISTORY: Statement = Statement::new("SELECT body FROM history WHERE transition_id = $1 AND number > $2 ORDER BY number LIMIT $3");
static PARTNERS: Statement = Statement::new("SELECT partner_id FROM customers WHERE customer_id = $1 ORDER BY partner_id LIMIT 10");
static ONLY_PARTNER: Statement = Statement::new(
    "SELECT f.partner_id, l.partner_id
     FROM (SELECT partner_id FROM customers ORDER BY partner_id, sort_name, customer_id LIMIT 1) AS f
     CROSS JOIN (SELECT partner_id FROM customers ORDER BY partner_id DESC, sort_name DESC, customer_id DESC LIMIT 1) AS l",
);
static BEFORE: Statement = Statement::new(
    "SELECT t.customer_id, t.id, t.state FROM {2: customer_id uuid} AS r CROSS JOIN transitions AS t
     WHERE t.customer_id = r.customer_id AND t.partner_id = $1 AND t.state NOT IN ('Ineligible', 'Compensated')
     ORDER BY t.started_at, t.id",
);
static NEWEST_OF_CUSTOMER: Statement = Statement::new(
    "SELECT whole, asked, body FROM transitions WHERE customer_id = $1 AND partner_id = $2 AND settled = $3
     ORDER BY started_at DESC, id DESC LIMIT 1",
);
static OPEN_OF_CUSTOMER: Statement = Statement::new(
    "SELECT whole, asked, body FROM transitions WHERE customer_id = $1 AND partner_id = $2
       AND state NOT IN ('Completed', 'Ineligible', 'Compensated')
     ORDER BY started_at DESC, id DESC LIMIT 1",
);

static LATER: Statement = Statement::new(
    "SELECT id FROM transitions WHERE customer_id = $1 AND partner_id = $2 AND started_at > $3 AND lines > 0 ORDER BY started_at, id",
);

/// A transition's row, and whether everything beneath it is here.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) row: TransitionRow,
    pub(crate) whole: bool,
    asked: u32,
}

impl Known {
    /// As an event tells of it: whether everything beneath it is here is not known, and taken for granted.
    pub(crate) const fn told(row: TransitionRow) -> Self {
        Self { row, whole: true, asked: 0 }
    }

    /// Nothing more happens by itself, and it can be shown: everything is here, or was asked for often enough.
    pub(crate) fn settled(&self) -> bool {
        self.row.state.is_settled() && (self.whole || self.asked >= ASKED_ENOUGH)
    }
}

/// A transition with everything beneath it but its history.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) known: Known,
    pub(crate) lines: Vec<LineRow>,
    pub(crate) plans: Vec<PlanRow>,
    pub(crate) packets: Vec<PacketRow>,
    /// The customer's later transitions that had lines, the oldest first: what they did to the same plans and subscriptions.
    pub(crate) later: Vec<Self>,
}

impl ReadModel {
    /// The transition, where there is one.
    pub(crate) async fn transition(&self, id: TransitionId) -> Result<Option<Known>, StorageError> {
        let rows = self.database.query(&TRANSITION, Args::new().value(id.0)).await?;
        rows.first().map(known).transpose()
    }

    /// Of these transitions, those that there are, with their versions.
    pub(crate) async fn versions(&self, ids: &[TransitionId]) -> Result<Vec<(TransitionId, u32)>, StorageError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.database.query(&VERSIONS, Args::new().rows(ids.iter().map(|id| vec![id.0.into()]).collect())).await?;
        rows.iter().map(|row| Ok((TransitionId(row.get(0)?), row.get(1)?))).collect()
    }

    /// The transition with everything beneath it, and with what came after it.
    pub(crate) async fn parts(&self, id: TransitionId) -> Result<Option<Parts>, StorageError> {
        let Some(mut parts) = self.parts_alone(id).await? else { return Ok(None) };
        let row = &parts.known.row;
        let args = Args::new().value(row.customer_id.0).value(row.partner_id.0).value(row.started_at.as_micros());
        for row in self.database.query(&LATER, args).await? {
            parts.later.extend(self.parts_alone(TransitionId(row.get(0)?)).await?);
        }
        Ok(Some(parts))
    }

    /// The transition with everything beneath it.
    pub(super) async fn parts_alone(&self, id: TransitionId) -> Result<Option<Parts>, StorageError> {
        let (mut found, mut lines, mut plans, mut packets) = (None, Vec::new(), Vec::new(), Vec::new());
        for row in self.database.query(&PARTS, Args::new().value(id.0)).await? {
            match row.get::<i64>(0)? {
                0 => {
                    found = Some(Known { row: from_json("a transition", &row.get::<String>(1)?)?, whole: row.get(2)?, asked: row.get(3)? });
                }
                1 => lines.push(line_from(&row, 4)?),
                2 => plans.push(from_json("a plan", &row.get::<String>(1)?)?),
                _ => packets.push(from_json("a packet", &row.get::<String>(1)?)?),
            }
        }
        lines.sort_unstable_by_key(|line: &LineRow| line.azure_subscription_id);
        Ok(found.map(|known| Parts { known, lines, plans, packets, later: Vec::new() }))
    }

    /// Its history after entry number `after`, at most `limit` entries.
    pub(crate) async fn history(&self, id: TransitionId, after: u32, limit: u32) -> Result<Vec<HistoryEntry>, StorageError> {
        let rows = self.database.query(&HISTORY, Args::new().value(id.0).value(after).value(limit)).await?;
        rows.iter().map(|row| body("a history entry", row)).collect()
    }

    /// The partners that have imported this customer.
    pub(crate) async fn partners_of(&self, customer: CustomerId) -> Result<Vec<PartnerId>, StorageError> {
        let rows = self.database.query(&PARTNERS, Args::new().value(customer.0)).await?;
        rows.iter().map(|row| row.get(0).map(PartnerId)).collect()
    }

    /// The customer's transition that is not at an end, where there is one.
    pub(crate) async fn open_of(&self, partner: PartnerId, customer: CustomerId) -> Result<Option<Known>, StorageError> {
        let rows = self.database.query(&OPEN_OF_CUSTOMER, Args::new().value(customer.0).value(partner.0)).await?;
        rows.first().map(known).transpose()
    }

    /// The partner that has customers, where there is but one.
    pub(crate) async fn only_partner(&self) -> Result<Option<PartnerId>, StorageError> {
        let rows = self.database.query(&ONLY_PARTNER, Args::new()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (first, last): (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
        Ok((first == last).then_some(PartnerId(first)))
    }

    /// Of each of these customers, the newest transition that is not at an end, and the newest that has completed; of those alone that
    /// have one.
    pub(crate) async fn transitions_before(
        &self,
        partner: PartnerId,
        customers: &[CustomerId],
    ) -> Result<HashMap<CustomerId, (Option<TransitionId>, Option<TransitionId>)>, StorageError> {
        let ids = customers.iter().map(|id| vec![id.0.into()]).collect();
        let mut found: HashMap<CustomerId, (Option<TransitionId>, Option<TransitionId>)> = HashMap::new();
        for row in self.database.query(&BEFORE, Args::new().value(partner.0).rows(ids)).await? {
            let (customer, id, state): (Uuid, Uuid, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let of_customer = found.entry(CustomerId(customer)).or_default();
            if state == State::Completed.name() {
                of_customer.1 = Some(TransitionId(id));
            } else {
                of_customer.0 = Some(TransitionId(id));
            }
        }
        Ok(found)
    }

    /// The customer's newest transition that has completed.
    pub(crate) async fn completed_of(&self, partner: PartnerId, customer: CustomerId) -> Result<Option<Known>, StorageError> {
        let rows = self.database.query(&NEWEST_OF_CUSTOMER, Args::new().value(customer.0).value(partner.0).value("Completed")).await?;
        rows.first().map(known).transpose()
    }
}

fn known(row: &Row) -> Result<Known, StorageError> {
    known_at(row, 0)
}

/// From the columns `whole`, `asked` and `body` that begin at `first`.
pub(super) fn known_at(row: &Row, first: usize) -> Result<Known, StorageError> {
    let body: String = row.get(first + 2)?;
    Ok(Known { whole: row.get(first)?, asked: row.get(first + 1)?, row: from_json("a transition", &body)? })
}

fn body<T: serde::de::DeserializeOwned>(what: &str, row: &Row) -> Result<T, StorageError> {
    from_json(what, &row.get::<String>(0)?)
}

/// A line: Azure id, commerce id, reseller, packet, error, undo and version, from this column on.
pub(super) fn line_from(row: &Row, column: usize) -> Result<LineRow, StorageError> {
    let reseller: String = row.get(column + 2)?;
    let error: Option<String> = row.get(column + 4)?;
    let undo: Option<String> = row.get(column + 5)?;
    Ok(LineRow {
        azure_subscription_id: AzureSubscriptionId(row.get(column)?),
        commerce_subscription_id: CommerceSubscriptionId(row.get(column + 1)?),
        reseller: Reseller::from_key(&reseller).map_err(|error| StorageError::Statement(error.to_string()))?,
        packet: row.get(column + 3)?,
        error: error.as_deref().map(|text| from_json("a line's error", text)).transpose()?,
        undo: undo.as_deref().and_then(Evidence::from_name),
        version: row.get(column + 6)?,
    })
}
