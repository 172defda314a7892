//! A batch of events, written in one transaction with one statement for each table.

use super::{Changes, ReadModel, audit, budgets::spelled, feed, overview, partners, to_json};
use crate::{batches, letters, spending};
use planshift_domain::{account::facts::Relationship, time::Timestamp, transition::Evidence};
use planshift_storage::{Args, Statement, StorageError, Value};
use std::time::Duration;

static TRANSITIONS: Statement = Statement::new(
    "INSERT INTO transitions (id, version, partner_id, customer_id, state, settled, started_at, lines, plans, history, whole, ask_at, asked, body)
     SELECT r.id, r.version, r.partner_id, r.customer_id, r.state, r.settled, r.started_at, r.lines, r.plans, r.history, true, 0, 0, r.body
     FROM {1: id uuid, version bigint, partner_id uuid, customer_id uuid, state text, settled text, started_at bigint, lines bigint,
              plans bigint, history bigint, body text} AS r
     WHERE true
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state, settled = excluded.settled,
         started_at = excluded.started_at,
         lines = excluded.lines, plans = excluded.plans, history = excluded.history, body = excluded.body
     WHERE excluded.version > transitions.version",
);
static LINES: Statement = Statement::new(
    "INSERT INTO lines (transition_id, azure_id, commerce_id, reseller, packet, error, undo, version, change)
     SELECT r.transition_id, r.azure_id, r.commerce_id, r.reseller, r.packet, r.error, r.undo, r.version, $2::bigint
     FROM {1: transition_id uuid, azure_id uuid, commerce_id uuid, reseller text, packet bigint, error text, undo text, version bigint} AS r
     WHERE true
     ON CONFLICT (transition_id, azure_id) DO UPDATE SET commerce_id = excluded.commerce_id, reseller = excluded.reseller,
         packet = excluded.packet, error = excluded.error, undo = excluded.undo, version = excluded.version,
         change = excluded.change
     WHERE excluded.version > lines.version",
);
static PLANS: Statement = Statement::new(
    "INSERT INTO plans (transition_id, reseller, plan_id, version, body)
     SELECT r.transition_id, r.reseller, r.plan_id, r.version, r.body
     FROM {1: transition_id uuid, reseller text, plan_id uuid, version bigint, body text} AS r
     WHERE true
     ON CONFLICT (transition_id, reseller) DO UPDATE SET plan_id = excluded.plan_id, version = excluded.version, body = excluded.body
     WHERE excluded.version > plans.version",
);
static PACKETS: Statement = Statement::new(
    "INSERT INTO packets (transition_id, step, action, packet, version, body, change, told_at)
     SELECT r.transition_id, r.step, r.action, r.packet, r.version, r.body, $2::bigint, $3::bigint
     FROM {1: transition_id uuid, step text, action text, packet bigint, version bigint, body text} AS r
     WHERE true
     ON CONFLICT (transition_id, step, action, packet) DO UPDATE SET version = excluded.version, body = excluded.body,
         change = excluded.change, told_at = excluded.told_at
     WHERE excluded.version > packets.version",
);
static HISTORY: Statement = Statement::new(
    "INSERT INTO history (transition_id, number, body, change)
     SELECT r.transition_id, r.number, r.body, $2::bigint
     FROM {1: transition_id uuid, number bigint, body text} AS r
     WHERE true
     ON CONFLICT (transition_id, number) DO NOTHING",
);
static CUSTOMERS: Statement = Statement::new(
    "INSERT INTO customers (partner_id, customer_id, version, company_name, domain, country, relationship, sort_name, budget, currency)
     SELECT r.partner_id, r.customer_id, r.version, r.company_name, r.domain, r.country, r.relationship, r.sort_name, r.budget, r.currency
     FROM {1: partner_id uuid, customer_id uuid, version bigint, company_name text, domain text, country text, relationship text,
              sort_name text, budget text, currency text} AS r
     WHERE true
     ON CONFLICT (partner_id, customer_id) DO UPDATE SET version = excluded.version, company_name = excluded.company_name,
         domain = excluded.domain, country = excluded.country, relationship = excluded.relationship, sort_name = excluded.sort_name,
         budget = excluded.budget, currency = excluded.currency, blockers = -1
     WHERE excluded.version > customers.version",
);
static ON_RECORD: Statement = Statement::new(
    "INSERT INTO customer_resellers (partner_id, customer_id, mpn_id, version)
     SELECT r.partner_id, r.customer_id, r.mpn_id, r.version
     FROM {1: partner_id uuid, customer_id uuid, mpn_id text, version bigint} AS r
     WHERE true
     ON CONFLICT (partner_id, customer_id, mpn_id) DO UPDATE SET version = excluded.version
     WHERE excluded.version > customer_resellers.version",
);
static RESELLERS: Statement = Statement::new(
    "INSERT INTO resellers (partner_id, mpn_id, reseller_id, at, body)
     SELECT r.partner_id, r.mpn_id, r.reseller_id, r.at, r.body
     FROM {1: partner_id uuid, mpn_id text, reseller_id uuid, at bigint, body text} AS r
     WHERE true
     ON CONFLICT (partner_id, mpn_id) DO UPDATE SET reseller_id = excluded.reseller_id, at = excluded.at, body = excluded.body
     WHERE excluded.at > resellers.at",
);
/// Is all there that the transition says is there? While it is under way, only its history is counted: with 100,000 lines,
/// counting them at each of 2,000 packets would cost more than everything else. Once it has settled, its lines, its plans (unless
/// it needs an operator because nobody has answered for them), eligibility's packets (unless it was cancelled before all had come) and, where it completed, those of mapping and suspension
/// are counted too.
///
/// Only a row that this changes is written: as a rule it was whole, and is.
static WHOLE: Statement = Statement::new(
    "UPDATE transitions SET whole = c.whole,
         ask_at = CASE WHEN c.whole THEN transitions.ask_at ELSE $2::bigint END, asked = CASE WHEN c.whole THEN transitions.asked ELSE 0 END
     FROM (SELECT t.id, CASE WHEN
             (SELECT count(*) FROM history h WHERE h.transition_id = t.id) >= t.history
         AND (t.settled IS NULL OR (
             (SELECT count(*) FROM lines l WHERE l.transition_id = t.id) >= t.lines
         AND (t.settled = 'NeedsOperator' OR (SELECT count(*) FROM plans p WHERE p.transition_id = t.id) >= t.plans)
         AND ((t.settled <> 'Ineligible' AND t.lines = 0) OR (SELECT count(*) = coalesce(max(k.packet) + 1, 0) FROM packets k
              WHERE k.transition_id = t.id AND k.step = 'eligibility' AND k.action = 'do'))
         AND (t.settled <> 'Completed' OR (SELECT count(DISTINCT l.packet) * 2 FROM lines l WHERE l.transition_id = t.id)
             <= (SELECT count(*) FROM packets k
                 WHERE k.transition_id = t.id AND k.step IN ('mapping', 'suspension') AND k.action = 'do'))))
         THEN true ELSE false END AS whole
       FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id) AS c
     WHERE transitions.id = c.id AND transitions.whole <> c.whole",
);

impl ReadModel {
    /// Writes a batch's changes, all or nothing. What is missing afterwards is asked for when `gap` has passed.
    pub(crate) async fn apply(&self, changes: &Changes, now: Timestamp, gap: Duration) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        let writes = [
            // in whatever order the database takes them, it is the same for all: no two batches wait for each other
            (&TRANSITIONS, transitions(changes)?),
            (&PLANS, plans(changes)?),
            (&CUSTOMERS, customers(changes)),
            (&ON_RECORD, on_record(changes)),
            (&overview::PARTS, overview::part_rows(changes)),
            (&RESELLERS, resellers(changes)?),
            (&partners::PARTNERS, partners::partner_rows(changes)),
            (&audit::ENTRIES, audit::entry_rows(&changes.entries)?),
            (&audit::CHAINS, audit::chain_rows(&changes.entries)),
            (&letters::ENDED, letters::ended_rows(&changes.ended)),
        ];
        let writes = writes.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(statement, rows)| (statement, Args::new().rows(rows)));
        let mut transaction = self.database.begin().await?;
        transaction.execute_all(writes).await?;
        if !changes.customers.is_empty() {
            // a budget that has changed is held against what was spent; customers without usage cost a look-up each
            let rows = changes.customers.keys().map(|(partner, customer)| vec![Value::Uuid(partner.0), customer.0.into()]);
            transaction.execute(&spending::CHECK, Args::new().rows(rows.collect()).value(spending::this_month(now))).await?;
            transaction.execute(&overview::SUMS, Args::new().rows(overview::customer_keys(changes))).await?;
            // what is told of a customer may come after what is told of its transition
            transaction.execute(&overview::STANDINGS, Args::new().rows(overview::customer_keys(changes))).await?;
        }
        let ask_at = now.as_micros() + i64::try_from(gap.as_micros()).unwrap_or(i64::MAX / 2);
        if !changes.transitions.is_empty() {
            // Every transition of the batch is locked by now, also those whose rows stay as they are, and what follows writes beneath
            // those alone: whoever has the clock waits for nobody, and the others wait for the rest of one batch.
            let ticked = transaction.query(&feed::TICK, Args::new()).await?;
            let change: i64 = ticked.first().map_or(Ok(0), |row| row.get(0))?;
            let of_batches = batches::follow_rows(changes.rows());
            if !of_batches.is_empty() {
                transaction.execute(&batches::FOLLOW, Args::new().rows(of_batches)).await?;
            }
            let beneath = [(&LINES, lines(changes)?, false), (&PACKETS, packets(changes)?, true), (&HISTORY, history(changes)?, false)];
            let beneath = beneath.into_iter().filter(|(_, rows, _)| !rows.is_empty()).map(|(statement, rows, has_time)| {
                let args = Args::new().rows(rows).value(change);
                (statement, if has_time { args.value(now.as_micros()) } else { args })
            });
            transaction.execute_all(beneath).await?;
            let ids: Vec<Vec<Value>> = changes.transitions.keys().map(|id| vec![Value::Uuid(id.0)]).collect();
            transaction.execute(&feed::CHANGED, Args::new().rows(ids.clone()).value(change)).await?;
            transaction.execute(&WHOLE, Args::new().rows(ids).value(ask_at)).await?;
        }
        audit::mark_gaps(&mut transaction, &changes.entries, ask_at).await?;
        transaction.commit().await
    }
}

fn transitions(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.transitions.values().map(|row| {
        Ok(vec![
            row.id.0.into(),
            row.version.into(),
            row.partner_id.0.into(),
            row.customer_id.0.into(),
            row.state.name().into(),
            row.state.is_settled().then(|| row.state.name()).into(),
            row.started_at.as_micros().into(),
            row.lines.into(),
            row.plans.into(),
            row.history.into(),
            to_json(row)?.into(),
        ])
    });
    rows.collect()
}

fn lines(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.lines.iter().map(|((id, _), row)| {
        Ok(vec![
            id.0.into(),
            row.azure_subscription_id.0.into(),
            row.commerce_subscription_id.0.into(),
            row.reseller.key().into(),
            row.packet.into(),
            row.error.as_ref().map(to_json).transpose()?.into(),
            row.undo.map(Evidence::name).into(),
            row.version.into(),
        ])
    });
    rows.collect()
}

fn plans(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.plans.iter().map(|((id, _), row)| {
        let plan_id = row.plan_id.map(|plan| plan.0);
        Ok(vec![id.0.into(), row.reseller.key().into(), plan_id.into(), row.version.into(), to_json(row)?.into()])
    });
    rows.collect()
}

fn packets(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.packets.iter().map(|((id, ..), row)| {
        Ok(vec![id.0.into(), row.step.name().into(), row.action.name().into(), row.packet.into(), row.version.into(), to_json(row)?.into()])
    });
    rows.collect()
}

fn history(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.history.iter().map(|((id, number), entry)| Ok(vec![id.0.into(), (*number).into(), to_json(entry)?.into()]));
    rows.collect()
}

fn customers(changes: &Changes) -> Vec<Vec<Value>> {
    let rows = changes.customers.iter().map(|((partner, customer), row)| {
        let (name, domain) = (&row.company_name, &row.domain);
        let relationship = row.relationship_to_partner.map_or("", Relationship::text);
        vec![
            partner.0.into(),
            customer.0.into(),
            row.version.into(),
            name.into(),
            domain.into(),
            (&row.country).into(),
            relationship.into(),
            name.to_lowercase().into(),
            row.budget.as_deref().map(spelled).into(),
            (&row.currency_code).into(),
        ]
    });
    rows.collect()
}

fn on_record(changes: &Changes) -> Vec<Vec<Value>> {
    let rows = changes.on_record.iter();
    rows.map(|((partner, customer, mpn_id), version)| vec![partner.0.into(), customer.0.into(), mpn_id.as_str().into(), (*version).into()])
        .collect()
}

fn resellers(changes: &Changes) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = changes.resellers.iter().map(|((partner, mpn_id), (at, facts))| {
        Ok(vec![partner.0.into(), mpn_id.as_str().into(), facts.id.into(), at.as_micros().into(), to_json(facts)?.into()])
    });
    rows.collect()
}
