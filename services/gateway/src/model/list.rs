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
    /// How many there are in all, where that is known.
    pub(crate) total: Option<u64>,
    /// Where the next page begins, where there is one.
    pub(crate) next: Option<Key>,
}

/// Where a time stands in the filter, so many are counted at most: the limit that stands in the statements.
const COUNTED_AT_MOST: u64 = 10_000;

/// What reads the transitions that a filter wants.
pub(super) struct Reading {
    list: Statement,
    count: Statement,
    /// For a search: with what is looked through besides the row.
    pub(super) scan: Statement,
}

// The first condition is what an index leads to; the others pick from what it finds. Statements for each, because one for
// all of them would have no index. States come as ",A,B,". $4 is what the first condition needs besides partner and customer.
macro_rules! reading {
    ($($name:ident: $first:literal;)*) => { $(
        static $name: Reading = Reading {
            list: Statement::new(concat!(
                "SELECT started_at, id, body FROM transitions WHERE ", $first,
                " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
                  AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
                  AND (started_at, id) < ($5::bigint, $6::uuid) AND started_at > $7::bigint ORDER BY started_at DESC, id DESC LIMIT $8",
            )),
            count: Statement::new(concat!(
                "SELECT count(*) FROM (SELECT 1 AS one FROM transitions WHERE ", $first,
                " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
                  AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
                  AND started_at < $5::bigint AND started_at > $6::bigint LIMIT 10001) AS found",
            )),
            scan: Statement::new(concat!(
                "SELECT t.started_at, t.id, t.body, c.company_name, c.domain
                 FROM (SELECT started_at, id, body, partner_id, customer_id FROM transitions WHERE ", $first,
                "    AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
                     AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
                     AND (started_at, id) < ($5::bigint, $6::uuid) AND started_at > $7::bigint
                     ORDER BY started_at DESC, id DESC LIMIT $8) AS t
                 LEFT JOIN customers AS c ON c.partner_id = t.partner_id AND c.customer_id = t.customer_id
                 ORDER BY t.started_at DESC, t.id DESC",
            )),
        };
    )* };
}
reading! {
    ALL: "$4::text IS NULL";
    OF_CUSTOMER: "$4::text IS NULL AND customer_id = $2::uuid";
    OF_PARTNER: "$4::text IS NULL AND partner_id = $1::uuid";
    UNDER_WAY: "$4::text IS NULL AND settled IS NULL";
    SETTLED_AS: "settled = $4::text";
    OF_PARTNER_SETTLED_AS: "partner_id = $1::uuid AND settled = $4::text";
    FAILED: "$4::text IS NULL AND settled IN ('Ineligible', 'Compensated', 'NeedsOperator')";
    OF_PARTNER_FAILED: "$4::text IS NULL AND partner_id = $1::uuid AND settled IN ('Ineligible', 'Compensated', 'NeedsOperator')";
    WITH_ID:
        "id IN (SELECT $4::uuid UNION SELECT id FROM transitions WHERE customer_id = $4::uuid
                UNION SELECT transition_id FROM lines WHERE azure_id = $4::uuid
                UNION SELECT transition_id FROM lines WHERE commerce_id = $4::uuid
                UNION SELECT transition_id FROM plans WHERE plan_id = $4::uuid)";
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

    /// What reads them.
    fn reading(&self, states: Option<&[State]>) -> &'static Reading {
        let partner = self.partner.is_some();
        match (self.any_id, self.customer, states) {
            (Some(_), ..) => &WITH_ID,
            (_, Some(_), _) => &OF_CUSTOMER,
            (.., Some([state])) if state.is_settled() => {
                if partner {
                    &OF_PARTNER_SETTLED_AS
                } else {
                    &SETTLED_AS
                }
            }
            (.., Some([first, ..])) if first.is_settled() => {
                if partner {
                    &OF_PARTNER_FAILED
                } else {
                    &FAILED
                }
            }
            // few transitions are under way, and a partner has many
            (.., Some(_)) => &UNDER_WAY,
            _ => {
                if partner {
                    &OF_PARTNER
                } else {
                    &ALL
                }
            }
        }
    }

    /// Can the number of those that are wanted be told from the counts of partners and states?
    fn is_counted(&self) -> bool {
        let Self { partner: _, customer, state: _, status: _, started_after, started_before, any_id } = self;
        customer.is_none() && started_after.is_none() && started_before.is_none() && any_id.is_none()
    }

    /// States as the statements take them.
    pub(super) fn text_of(states: &[State]) -> String {
        states.iter().fold(",".to_owned(), |text, state| text + state.name() + ",")
    }

    /// What reads them, and its first arguments.
    fn asked(&self, states: Option<&[State]>) -> (&'static Reading, Args) {
        let reading = self.reading(states);
        let more = match (self.any_id, states) {
            (Some(id), _) => id.into(),
            (_, Some([state])) if self.customer.is_none() && state.is_settled() => state.name().into(),
            _ => Value::Null,
        };
        let args = Args::new().value(self.partner.map(|id| id.0)).value(self.customer.map(|id| id.0)).value(states.map(Self::text_of));
        (reading, args.value(more))
    }

    /// What reads the `size` that come after `after`, and its arguments.
    pub(super) fn page(&self, states: Option<&[State]>, after: Option<Key>, size: u32) -> (&'static Reading, Args) {
        let (reading, args) = self.asked(states);
        let (started_at, id) = self.before(after);
        (reading, args.value(started_at).value(id).value(self.oldest()).value(size))
    }

    /// Where a page begins that comes after `after`: no later than what was asked for.
    fn before(&self, after: Option<Key>) -> (i64, Uuid) {
        let latest = self.started_before.map_or((i64::MAX, Uuid::max()), |at| (at.as_micros(), Uuid::nil()));
        after.map_or(latest, |(at, id)| latest.min((at.as_micros(), id.0)))
    }

    /// What a transition must have been accepted after.
    fn oldest(&self) -> i64 {
        self.started_after.map_or(i64::MIN, Timestamp::as_micros)
    }
}

impl ReadModel {
    /// The page of at most `size` that begins after `after`.
    pub(crate) async fn list(&self, filter: &Filter, after: Option<Key>, size: u32) -> Result<Page, StorageError> {
        let states = filter.states();
        let states = states.as_deref();
        // one more than wanted tells whether there is a next page
        let (reading, args) = filter.page(states, after, size + 1);
        let found = self.database.query(&reading.list, args).await?;
        let last = found.get((size as usize).wrapping_sub(1)).filter(|_| found.len() > size as usize);
        // the key as the index has it
        let next = last.map(|row| Ok::<_, StorageError>((Timestamp::from_micros(row.get(0)?), TransitionId(row.get(1)?)))).transpose()?;
        let rows = found.iter().take(size as usize).map(|row| from_json("a transition", &row.get::<String>(2)?));
        let rows: Vec<TransitionRow> = rows.collect::<Result<_, _>>()?;
        if filter.is_counted() {
            return Ok(Page { rows, total: self.counted(filter.partner, states).await?, next });
        }
        let (reading, args) = filter.asked(states);
        let args = args.value(filter.before(None).0).value(filter.oldest());
        let counted = self.database.query(&reading.count, args).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(Page { rows, total: u64::try_from(counted).ok().filter(|counted| *counted <= COUNTED_AT_MOST), next })
    }
}
