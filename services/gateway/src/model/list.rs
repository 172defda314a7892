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
    /// In one of the states that Partner Center calls so.
    pub(crate) status: Option<Status>,
    /// Accepted after this instant.
    pub(crate) started_after: Option<Timestamp>,
    /// Accepted before this instant.
    pub(crate) started_before: Option<Timestamp>,
    /// The transition, its customer, one of its plans, or the Azure or commerce id of one of its lines.
    pub(crate) any_id: Option<Uuid>,
}

/// What Partner Center says of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Accepted, and not yet found eligible.
    Pending,
    /// Under way.
    InProgress,
    /// All went well.
    Completed,
    /// Any other end, and one that needs an operator.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::InProgress, Self::Completed, Self::Failed];

    /// Of a state.
    pub(crate) const fn of(state: State) -> Self {
        match state {
            State::Requested | State::CheckingEligibility => Self::Pending,
            State::PurchasingPlans | State::MappingSubscriptions | State::SuspendingCommerce | State::Compensating => Self::InProgress,
            State::Completed => Self::Completed,
            State::Ineligible | State::Compensated | State::NeedsOperator => Self::Failed,
        }
    }

    /// As it is printed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// The status of that name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name))
    }
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
// all of them would have no index. States come as ",A,B,".
macro_rules! list {
    ($($list:ident, $count:ident: $first:literal, $count_first:literal;)*) => { $(
        static $list: Statement = Statement::new(concat!(
            "SELECT body FROM transitions WHERE ", $first,
            " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
              AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
              AND (started_at, id) < ($4::bigint, $5::uuid) AND started_at > $6::bigint ORDER BY started_at DESC, id DESC LIMIT $7",
        ));
        static $count: Statement = Statement::new(concat!(
            "SELECT count(*) FROM transitions WHERE ", $count_first,
            " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
              AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
              AND started_at < $4::bigint AND started_at > $5::bigint",
        ));
    )* };
}
list! {
    ALL, COUNT_ALL: "true", "true";
    OF_CUSTOMER, COUNT_OF_CUSTOMER: "customer_id = $2::uuid", "customer_id = $2::uuid";
    OF_PARTNER, COUNT_OF_PARTNER: "partner_id = $1::uuid", "partner_id = $1::uuid";
    UNDER_WAY, COUNT_UNDER_WAY: "settled IS NULL", "settled IS NULL";
    SETTLED_AS, COUNT_SETTLED_AS: "settled = $8::text", "settled = $6::text";
    FAILED, COUNT_FAILED:
        "settled IN ('Ineligible', 'Compensated', 'NeedsOperator')", "settled IN ('Ineligible', 'Compensated', 'NeedsOperator')";
    WITH_ID, COUNT_WITH_ID:
        "id IN (SELECT $8::uuid UNION SELECT id FROM transitions WHERE customer_id = $8::uuid
                UNION SELECT transition_id FROM lines WHERE azure_id = $8::uuid
                UNION SELECT transition_id FROM lines WHERE commerce_id = $8::uuid
                UNION SELECT transition_id FROM plans WHERE plan_id = $8::uuid)",
        "id IN (SELECT $6::uuid UNION SELECT id FROM transitions WHERE customer_id = $6::uuid
                UNION SELECT transition_id FROM lines WHERE azure_id = $6::uuid
                UNION SELECT transition_id FROM lines WHERE commerce_id = $6::uuid
                UNION SELECT transition_id FROM plans WHERE plan_id = $6::uuid)";
}

impl Filter {
    /// The states that are wanted; all of them where nothing is said.
    pub(super) fn states(&self) -> Option<Vec<State>> {
        if self.state.is_none() && self.status.is_none() {
            return None;
        }
        let wanted = |state: &State| {
            self.state.is_none_or(|wanted| wanted == *state) && self.status.is_none_or(|wanted| wanted == Status::of(*state))
        };
        Some(State::ALL.into_iter().filter(wanted).collect())
    }

    /// Is there no state that meets what is asked for?
    pub(crate) fn states_are_none(&self) -> bool {
        self.states().is_some_and(|states| states.is_empty())
    }

    /// The statements, and the last argument of both where they have one.
    fn statements(&self, states: Option<&[State]>) -> (&'static Statement, &'static Statement, Option<Value>) {
        if let Some(id) = self.any_id {
            return (&WITH_ID, &COUNT_WITH_ID, Some(id.into()));
        }
        match (self.customer, states, self.partner) {
            (Some(_), ..) => (&OF_CUSTOMER, &COUNT_OF_CUSTOMER, None),
            (_, Some([state]), _) if state.is_settled() => (&SETTLED_AS, &COUNT_SETTLED_AS, Some(state.name().into())),
            (_, Some([first, ..]), _) if first.is_settled() => (&FAILED, &COUNT_FAILED, None),
            // few transitions are under way, and a partner has many
            (_, Some(_), _) => (&UNDER_WAY, &COUNT_UNDER_WAY, None),
            (.., Some(_)) => (&OF_PARTNER, &COUNT_OF_PARTNER, None),
            _ => (&ALL, &COUNT_ALL, None),
        }
    }

    /// Partner, customer and states.
    pub(super) fn args(&self, states: Option<&[State]>) -> Args {
        let text = |states: &[State]| states.iter().fold(",".to_owned(), |text, state| text + state.name() + ",");
        Args::new().value(self.partner.map(|id| id.0)).value(self.customer.map(|id| id.0)).value(states.map(text))
    }

    /// Where a page begins that comes after `after`: no later than what was asked for.
    pub(super) fn before(&self, after: Option<Key>) -> (i64, Uuid) {
        let latest = self.started_before.map_or((i64::MAX, Uuid::max()), |at| (at.as_micros(), Uuid::nil()));
        after.map_or(latest, |(at, id)| latest.min((at.as_micros(), id.0)))
    }

    /// What a transition must have been accepted after.
    pub(super) fn oldest(&self) -> i64 {
        self.started_after.map_or(i64::MIN, Timestamp::as_micros)
    }
}

impl ReadModel {
    /// The page of at most `size` that begins after `after`.
    pub(crate) async fn list(&self, filter: &Filter, after: Option<Key>, size: u32) -> Result<Page, StorageError> {
        let states = filter.states();
        let states = states.as_deref();
        let (list, count, last) = filter.statements(states);
        let (started_at, id) = filter.before(after);
        // one more than wanted tells whether there is a next page
        let mut args = filter.args(states).value(started_at).value(id).value(filter.oldest()).value(i64::from(size) + 1);
        let mut count_args = filter.args(states).value(filter.before(None).0).value(filter.oldest());
        if let Some(last) = last {
            args = args.value(last.clone());
            count_args = count_args.value(last);
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
