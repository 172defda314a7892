//! Lists of transitions, newest first and by key: the millionth page costs what the first does.

use super::{ReadModel, from_json};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
    transition::{State, TransitionRow},
};
use planshift_storage::{Args, Statement, StorageError, Value};
use uuid::Uuid;

/// Which transitions are wanted: those that meet all that is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) state: Option<State>,
    /// The transition, its customer, one of its plans, or the Azure or commerce id of one of its lines.
    pub(crate) any_id: Option<Uuid>,
}

/// The key of the last transition of a page: the next one begins after it.
pub(crate) type Key = (Timestamp, TransitionId);

/// A page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) rows: Vec<TransitionRow>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// Where the next page begins, where there is one.
    pub(crate) next: Option<Key>,
}

// The first condition is what an index leads to; the others pick from what it finds. A statement for each, because one for
// all of them would have no index.
macro_rules! list {
    ($($list:ident, $count:ident: $first:literal, $count_first:literal;)*) => { $(
        static $list: Statement = Statement::new(concat!(
            "SELECT body FROM transitions WHERE ", $first,
            " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2) AND ($3::text IS NULL OR state = $3)
              AND (started_at, id) < ($4::bigint, $5::uuid) ORDER BY started_at DESC, id DESC LIMIT $6",
        ));
        static $count: Statement = Statement::new(concat!(
            "SELECT count(*) FROM transitions WHERE ", $count_first,
            " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2) AND ($3::text IS NULL OR state = $3)",
        ));
    )* };
}
list! {
    ALL, COUNT_ALL: "true", "true";
    OF_CUSTOMER, COUNT_OF_CUSTOMER: "customer_id = $2::uuid", "customer_id = $2::uuid";
    OF_PARTNER, COUNT_OF_PARTNER: "partner_id = $1::uuid", "partner_id = $1::uuid";
    UNDER_WAY, COUNT_UNDER_WAY: "settled IS NULL", "settled IS NULL";
    SETTLED_AS, COUNT_SETTLED_AS: "settled = $3::text", "settled = $3::text";
    WITH_ID, COUNT_WITH_ID:
        "id IN (SELECT $7::uuid UNION SELECT id FROM transitions WHERE customer_id = $7::uuid
                UNION SELECT transition_id FROM lines WHERE azure_id = $7::uuid
                UNION SELECT transition_id FROM lines WHERE commerce_id = $7::uuid
                UNION SELECT transition_id FROM plans WHERE plan_id = $7::uuid)",
        "id IN (SELECT $4::uuid UNION SELECT id FROM transitions WHERE customer_id = $4::uuid
                UNION SELECT transition_id FROM lines WHERE azure_id = $4::uuid
                UNION SELECT transition_id FROM lines WHERE commerce_id = $4::uuid
                UNION SELECT transition_id FROM plans WHERE plan_id = $4::uuid)";
}

impl Filter {
    fn statements(&self) -> (&'static Statement, &'static Statement) {
        match self {
            Self { any_id: Some(_), .. } => (&WITH_ID, &COUNT_WITH_ID),
            Self { customer: Some(_), .. } => (&OF_CUSTOMER, &COUNT_OF_CUSTOMER),
            Self { state: Some(state), .. } if state.is_settled() => (&SETTLED_AS, &COUNT_SETTLED_AS),
            // few transitions are under way, and a partner has many
            Self { state: Some(_), .. } => (&UNDER_WAY, &COUNT_UNDER_WAY),
            Self { partner: Some(_), .. } => (&OF_PARTNER, &COUNT_OF_PARTNER),
            _ => (&ALL, &COUNT_ALL),
        }
    }

    fn args(&self) -> Args {
        let text = |state: State| Value::Text(state.name().to_owned());
        Args::new().value(self.partner.map(|id| id.0)).value(self.customer.map(|id| id.0)).value(self.state.map_or(Value::Null, text))
    }
}

impl ReadModel {
    /// The page of at most `size` that begins after `after`.
    pub(crate) async fn list(&self, filter: &Filter, after: Option<Key>, size: u32) -> Result<Page, StorageError> {
        let (list, count) = filter.statements();
        let (started_at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_micros(), id.0));
        // one more than wanted tells whether there is a next page
        let mut args = filter.args().value(started_at).value(id).value(i64::from(size) + 1);
        let mut count_args = filter.args();
        if let Some(id) = filter.any_id {
            args = args.value(id);
            count_args = count_args.value(id);
        }
        let found = self.database.query(list, args).await?;
        let rows = found.iter().map(|row| from_json("a transition", &row.get::<String>(0)?));
        let mut rows: Vec<TransitionRow> = rows.collect::<Result<_, _>>()?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|row| (row.started_at, row.id));
        let total = self.database.query(count, count_args).await?.first().map(|row| row.get::<i64>(0)).transpose()?.unwrap_or_default();
        Ok(Page { rows, total: u64::try_from(total).unwrap_or_default(), next })
    }
}
