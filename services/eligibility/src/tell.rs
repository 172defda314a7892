//! What the facts say of a customer, told to one who only wants to show it: a page at a time.

use crate::{check::count, read::json, store};
use planshift_domain::{
    account::facts::{PlanFacts, PlanStatus},
    ids::{PlanId, Reseller},
    message::request::{CustomerPage, READ_AT_MOST, ReadCustomer, ReadOutcome},
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use uuid::Uuid;

/// Tells, if the newest facts are whole.
pub(crate) async fn tell(tx: &mut Transaction, question: &ReadCustomer) -> Result<ReadOutcome, StorageError> {
    let customer = || Args::new().value(question.partner_id.0).value(question.customer_id.0);
    let Some(row) = tx.query(&store::LOCK_VERSION, customer()).await?.into_iter().next() else {
        return Ok(ReadOutcome::UnknownCustomer);
    };
    let (facts_version, complete): (u32, u32) = (row.get(0)?, row.get(1)?);
    if complete < facts_version {
        return Ok(ReadOutcome::ImportUnderWay);
    }
    let Some(head) = tx.query(&store::HEAD, customer()).await?.into_iter().next() else {
        return Err(StorageError::Statement("a customer without facts".to_owned()));
    };
    let version = || customer().value(facts_version);
    let resellers = tx.query(&store::ALL_RESELLERS, version()).await?;
    let found = match &question.wanted.ids {
        Some(ids) => by_id(tx, version(), ids).await?,
        None => page(tx, version(), question).await?,
    };
    let page = CustomerPage {
        facts_version,
        partner: json(&head, 0)?,
        customer: json(&head, 1)?,
        resellers: resellers.iter().map(|row| json(row, 0)).collect::<Result<_, _>>()?,
        subscriptions: found.subscriptions.iter().map(|row| json(row, 0)).collect::<Result<_, _>>()?,
        subscriptions_total: found.subscriptions_total,
        plans: found.plans.iter().map(plan).collect::<Result<_, _>>()?,
        plans_total: found.plans_total,
    };
    Ok(ReadOutcome::Read(Box::new(page)))
}

/// Rows, and how many there are in all.
struct Found {
    subscriptions: Vec<Row>,
    subscriptions_total: u32,
    plans: Vec<Row>,
    plans_total: u32,
}

/// Those with these ids, however many the customer has: the ids lead to their rows by key.
async fn by_id(tx: &mut Transaction, args: Args, ids: &[Uuid]) -> Result<Found, StorageError> {
    let args = args.rows(ids.iter().map(|id| vec![(*id).into()]).collect());
    let subscriptions = tx.query(&store::TOLD_BY_ID, args.clone()).await?;
    let plans = tx.query(&store::PLANS_BY_ID, args).await?;
    Ok(Found { subscriptions_total: count(subscriptions.len()), plans_total: count(plans.len()), subscriptions, plans })
}

/// The next ones along the key.
async fn page(tx: &mut Transaction, args: Args, question: &ReadCustomer) -> Result<Found, StorageError> {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let wanted = &question.wanted;
    let args = args.value(text(wanted.reseller.as_ref().map(Reseller::key))).value(text(wanted.order_id.as_deref()));
    let next = args.clone().value(question.after.unwrap_or(Uuid::nil())).value(question.limit.min(READ_AT_MOST));
    Ok(Found {
        subscriptions: tx.query(&store::TOLD, next.clone()).await?,
        subscriptions_total: total(tx, &store::COUNT_TOLD, args.clone()).await?,
        plans: tx.query(&store::TOLD_PLANS, next).await?,
        plans_total: total(tx, &store::COUNT_PLANS, args).await?,
    })
}

async fn total(tx: &mut Transaction, statement: &'static Statement, args: Args) -> Result<u32, StorageError> {
    tx.query(statement, args).await?.first().map_or(Ok(0), |row| row.get(0))
}

fn plan(row: &Row) -> Result<PlanFacts, StorageError> {
    let (reseller, status): (String, String) = (row.get(1)?, row.get(2)?);
    let wrong = |column, problem: String| StorageError::Decode { column, problem };
    Ok(PlanFacts {
        id: PlanId(row.get(0)?),
        reseller: Reseller::from_key(&reseller).map_err(|error| wrong(1, error.to_string()))?,
        status: PlanStatus::from_text(&status).ok_or_else(|| wrong(2, format!("{status} is no status of a plan")))?,
    })
}
