//! Budgets, and who has set them in the Azure portal too.
//!
//! A budget of Partner Center is not carried over by a transition (the domain's section 8): once one has completed, somebody has to set it
//! in the Azure portal, and until he says so that is an open task. It opens again when the amount changes.

use super::{CustomerKey, ListKey, ReadModel, from_json};
use crate::spending::Spent;
use planshift_billing::month::Month;
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
    transition::TransitionRow,
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use uuid::Uuid;

/// What a customer's budget is, in one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    /// A decimal without zeros at its end.
    pub(crate) amount: String,
    /// ISO 4217.
    pub(crate) currency: String,
}

impl Amount {
    /// As a document or a request has it.
    pub(crate) fn new(amount: &str, currency: &str) -> Self {
        Self { amount: spelled(amount), currency: currency.to_owned() }
    }
}

/// A decimal in one spelling: `7.50` is `7.5`. Others than plain decimals stay as they are, and are the same only where they look the same.
pub(super) fn spelled(amount: &str) -> String {
    match amount.split_once('.') {
        Some((_, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            amount.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => amount.to_owned(),
    }
}

/// That a budget was set in the Azure portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) amount: Amount,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) reason: String,
}

/// The transition that has moved a customer: the last one that completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) transition_id: TransitionId,
    pub(crate) ended_at: Option<Timestamp>,
}

/// Which budgets are wanted: those that meet all that is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BudgetFilter {
    pub(crate) partner: Option<PartnerId>,
    /// Of those that have moved: whose budget is set in the Azure portal too, or is not.
    pub(crate) done: Option<bool>,
    /// Whose spending is told.
    pub(crate) month: Month,
    /// Those that have spent so many percent in it, or more.
    pub(crate) over: Option<u32>,
}

/// A customer that has a budget, in a list.
#[derive(Clone, Debug)]
pub(crate) struct BudgetRow {
    pub(crate) partner_id: PartnerId,
    pub(crate) customer_id: CustomerId,
    pub(crate) company_name: String,
    pub(crate) budget: Amount,
    pub(crate) moved: Option<Moved>,
    pub(crate) tick: Option<Tick>,
    /// In the month that was asked for.
    pub(crate) spent: Spent,
    sort_name: String,
}

/// A page of them.
#[derive(Debug)]
pub(crate) struct BudgetsPage {
    pub(crate) rows: Vec<BudgetRow>,
    pub(crate) total: u64,
    pub(crate) next: Option<ListKey>,
}

// the last transition that completed, and the last tick
macro_rules! joined {
    () => {
        " FROM customers AS c
          LEFT JOIN transitions AS t ON t.id = (
              SELECT x.id FROM transitions AS x
              WHERE x.customer_id = c.customer_id AND x.partner_id = c.partner_id AND x.state = 'Completed'
              ORDER BY x.started_at DESC, x.id DESC LIMIT 1)
          LEFT JOIN budget_ticks AS k ON k.partner_id = c.partner_id AND k.customer_id = c.customer_id AND k.number = (
              SELECT max(y.number) FROM budget_ticks AS y WHERE y.partner_id = c.partner_id AND y.customer_id = c.customer_id)
          LEFT JOIN customer_spending AS s ON s.partner_id = c.partner_id AND s.customer_id = c.customer_id AND s.month = $3::bigint
          WHERE c.budget IS NOT NULL AND ($1::uuid IS NULL OR c.partner_id = $1) AND ($4::bigint IS NULL OR s.percent >= $4)
            AND ($2::boolean IS NULL OR (t.id IS NOT NULL AND (k.amount IS NOT NULL AND k.amount = c.budget AND k.currency = c.currency) = $2)) "
    };
}
static LIST: Statement = Statement::new(concat!(
    "SELECT c.partner_id, c.customer_id, c.company_name, c.sort_name, c.budget, c.currency, t.body, k.amount, k.currency, k.at, k.actor, k.reason,
            s.body, s.at",
    joined!(),
    "AND (c.sort_name, c.customer_id, c.partner_id) > ($5::text, $6::uuid, $7::uuid)
     ORDER BY c.sort_name, c.customer_id, c.partner_id LIMIT $8",
));
static COUNT: Statement = Statement::new(concat!("SELECT count(*)", joined!()));

static MOVED: Statement = Statement::new(
    "SELECT body FROM transitions WHERE customer_id = $1 AND partner_id = $2 AND state = 'Completed' ORDER BY started_at DESC, id DESC LIMIT 1",
);
static TICKED: Statement = Statement::new(
    "SELECT amount, currency, at, actor, reason FROM budget_ticks WHERE partner_id = $1 AND customer_id = $2 ORDER BY number DESC LIMIT 1",
);
static TICK: Statement = Statement::new(
    "INSERT INTO budget_ticks (partner_id, customer_id, number, amount, currency, at, actor, reason)
     SELECT r.partner_id, r.customer_id, coalesce((SELECT max(number) FROM budget_ticks AS b WHERE b.partner_id = r.partner_id AND b.customer_id = r.customer_id), 0) + 1,
            r.amount, r.currency, r.at, r.actor, r.reason
     FROM {1: partner_id uuid, customer_id uuid, amount text, currency text, at bigint, actor text, reason text} AS r
     WHERE true
     ON CONFLICT (partner_id, customer_id, number) DO NOTHING",
);

impl ReadModel {
    /// The page of at most `size` customers with budgets after `after`.
    pub(crate) async fn budgets(
        &self,
        filter: BudgetFilter,
        after: Option<ListKey>,
        size: u32,
        counted: Option<u64>,
    ) -> Result<BudgetsPage, StorageError> {
        let narrowed = || {
            let args = Args::new().value(filter.partner.map(|id| id.0)).value(filter.done.map_or(Value::Null, Value::from));
            args.value(filter.month.begins().as_micros()).value(filter.over.map(|percent| i64::from(percent) * 100))
        };
        let (name, customer, whose) = after.map_or((String::new(), Uuid::nil(), Uuid::nil()), |(name, c, p)| (name, c.0, p.0));
        // one more than wanted tells whether there is a next page
        let args = narrowed().value(name).value(customer).value(whose).value(i64::from(size) + 1);
        let mut rows: Vec<BudgetRow> = self.database.query(&LIST, args).await?.iter().map(budget_row).collect::<Result<_, _>>()?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|row| (row.sort_name.clone(), row.customer_id, row.partner_id));
        if let Some(total) = counted {
            return Ok(BudgetsPage { rows, total, next });
        }
        let total = self.database.query(&COUNT, narrowed()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(BudgetsPage { rows, total: u64::try_from(total).unwrap_or_default(), next })
    }

    /// The transition that has moved this customer, if one has.
    pub(crate) async fn moved(&self, (partner, customer): CustomerKey) -> Result<Option<Moved>, StorageError> {
        let rows = self.database.query(&MOVED, Args::new().value(customer.0).value(partner.0)).await?;
        rows.first().map(|row| moved(&row.get::<String>(0)?)).transpose()
    }

    /// Who has said last that the budget is set in the Azure portal.
    pub(crate) async fn budget_tick(&self, (partner, customer): CustomerKey) -> Result<Option<Tick>, StorageError> {
        let rows = self.database.query(&TICKED, Args::new().value(partner.0).value(customer.0)).await?;
        rows.first().map(|row| tick(row, 0)).transpose()
    }

    /// Keeps that it is. Of two at once one is kept: they say the same.
    pub(crate) async fn tick_budget(&self, (partner, customer): CustomerKey, tick: &Tick) -> Result<(), StorageError> {
        let Tick { amount: Amount { amount, currency }, at, actor, reason } = tick;
        let row =
            vec![partner.0.into(), customer.0.into(), amount.into(), currency.into(), at.as_micros().into(), actor.into(), reason.into()];
        self.database.execute(&TICK, Args::new().rows(vec![row])).await?;
        Ok(())
    }
}

fn moved(body: &str) -> Result<Moved, StorageError> {
    let TransitionRow { id, ended_at, .. } = from_json("a transition", body)?;
    Ok(Moved { transition_id: id, ended_at })
}

fn tick(row: &Row, first: usize) -> Result<Tick, StorageError> {
    Ok(Tick {
        amount: Amount { amount: row.get(first)?, currency: row.get(first + 1)? },
        at: Timestamp::from_micros(row.get(first + 2)?),
        actor: row.get(first + 3)?,
        reason: row.get(first + 4)?,
    })
}

fn budget_row(row: &Row) -> Result<BudgetRow, StorageError> {
    Ok(BudgetRow {
        partner_id: PartnerId(row.get(0)?),
        customer_id: CustomerId(row.get(1)?),
        company_name: row.get(2)?,
        sort_name: row.get(3)?,
        budget: Amount { amount: row.get(4)?, currency: row.get(5)? },
        moved: row.get::<Option<String>>(6)?.map(|body| moved(&body)).transpose()?,
        tick: row.get::<Option<String>>(7)?.map(|_| tick(row, 7)).transpose()?,
        spent: Spent::of(row, 12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_same_value_are_the_same_text() {
        for (written, one) in [
            ("7.50", "7.5"),
            ("7.0", "7"),
            ("7", "7"),
            ("100", "100"),
            ("0.00", "0"),
            ("1000000000000.10", "1000000000000.1"),
            ("1e2", "1e2"),
            ("1.0e2", "1.0e2"),
        ] {
            assert_eq!(spelled(written), one, "{written}");
        }
    }
}
