//! Customers as people look through them: searched, filtered by how they stand, sorted by any column, read by key.
//!
//! How a customer stands is the state of its last transition. What a list is sorted by must stand in an index, so it is kept with the
//! customer; but nothing is written there when a transition moves. It follows the [feed](super::feed), as [counts](super::counts) do:
//! what has changed since the last list is taken over before the next one. What a row of the page shows is read anew for each page.

use super::{Changes, Pattern, ReadModel, feed, from_json};
use planshift_domain::{
    ids::{CustomerId, MpnId, PartnerId, TransitionId},
    transition::{State, TransitionRow},
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How many changes are taken over in one transaction: the limit that stands in the statement.
const AT_ONCE: usize = 2_000;
/// How many such transactions one who waits for a list waits for; what is left then is taken over for the next list.
const WHILE_ONE_WAITS: usize = 5;

/// Which customers are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct OverviewFilter {
    pub(crate) partner: Option<PartnerId>,
    /// What name or domain must be like.
    pub(crate) text: Option<Pattern>,
    /// The customer's own id.
    pub(crate) id: Option<Uuid>,
    /// The last transition is in one of these states; of a customer without one the state is none.
    pub(crate) standings: Option<Vec<Option<State>>>,
    /// A reseller on record of one of its subscriptions.
    pub(crate) reseller: Option<MpnId>,
    /// What stands in the way, as the last look found.
    pub(crate) way: Option<Way>,
}

/// What stands in the way of a customer that has nothing under way and has not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Free,
    Blocked,
    /// Nobody has looked since its last import.
    Unknown,
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SortBy {
    #[default]
    Name,
    Country,
    Standing,
    AzureSubscriptions,
    Reseller,
    /// How many things stand in the way.
    Blockers,
}

/// What a row is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SortKey {
    Text(String),
    Number(i64),
}

/// Where a page ends.
pub(crate) type OverviewKey = (SortKey, CustomerId, PartnerId);

/// A customer of the list.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) partner_id: PartnerId,
    pub(crate) customer_id: CustomerId,
    pub(crate) company_name: String,
    pub(crate) domain: String,
    pub(crate) country: String,
    /// None where no import has told of it since the list is kept.
    pub(crate) azure_subscriptions: Option<u32>,
    pub(crate) resellers: Vec<String>,
    /// Its last transition.
    pub(crate) last: Option<TransitionRow>,
}

/// A page of the list.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) rows: Vec<Seen>,
    pub(crate) total: u64,
    pub(crate) next: Option<OverviewKey>,
}

// what meets a filter of the customers of a partner, or of all
macro_rules! meeting {
    () => {
        " AND ($2::text IS NULL OR sort_name LIKE $2 ESCAPE '\\' OR lower(domain) LIKE $2 ESCAPE '\\')
          AND ($3::uuid IS NULL OR customer_id = $3)
          AND ($4::text IS NULL OR $4::text LIKE '%,' || standing || ',%')
          AND ($5::text IS NULL OR EXISTS (
              SELECT 1 FROM customer_resellers AS c
              WHERE c.partner_id = customers.partner_id AND c.mpn_id = $5 AND c.customer_id = customers.customer_id
                AND c.version >= customers.version))
          AND ($6::text IS NULL OR (standing IN ('', 'Ineligible', 'Compensated')
              AND CASE WHEN blockers < 0 THEN 'unknown' WHEN blockers = 0 THEN 'free' ELSE 'blocked' END = $6)) "
    };
}
pub(super) use meeting;
macro_rules! listed {
    ($($name:ident: $whose:literal, $key:literal, $type:literal, $after:literal, $order:literal;)*) => { $(
        static $name: Statement = Statement::new(concat!(
            "SELECT partner_id, customer_id, company_name, domain, country, azure_subscriptions, ", $key, " FROM customers WHERE ", $whose, meeting!(),
            "AND (", $key, ", customer_id, partner_id) ", $after, " ($7::", $type, ", $8::uuid, $9::uuid)
             ORDER BY ", $key, " ", $order, ", customer_id ", $order, ", partner_id ", $order, " LIMIT $10",
        ));
    )* };
}
// a statement for each, so that each has an index that gives its order
listed! {
    ALL_BY_NAME: "$1::uuid IS NULL", "sort_name", "text", ">", "ASC";
    ALL_BY_NAME_BACK: "$1::uuid IS NULL", "sort_name", "text", "<", "DESC";
    BY_NAME: "partner_id = $1::uuid", "sort_name", "text", ">", "ASC";
    BY_NAME_BACK: "partner_id = $1::uuid", "sort_name", "text", "<", "DESC";
    BY_COUNTRY: "partner_id = $1::uuid", "country", "text", ">", "ASC";
    BY_COUNTRY_BACK: "partner_id = $1::uuid", "country", "text", "<", "DESC";
    BY_STANDING: "partner_id = $1::uuid", "standing", "text", ">", "ASC";
    BY_STANDING_BACK: "partner_id = $1::uuid", "standing", "text", "<", "DESC";
    BY_AZURE: "partner_id = $1::uuid", "azure_subscriptions", "bigint", ">", "ASC";
    BY_AZURE_BACK: "partner_id = $1::uuid", "azure_subscriptions", "bigint", "<", "DESC";
    BY_RESELLER: "partner_id = $1::uuid", "first_reseller", "text", ">", "ASC";
    BY_RESELLER_BACK: "partner_id = $1::uuid", "first_reseller", "text", "<", "DESC";
    BY_BLOCKERS: "partner_id = $1::uuid", "blockers", "bigint", ">", "ASC";
    BY_BLOCKERS_BACK: "partner_id = $1::uuid", "blockers", "bigint", "<", "DESC";
}
static COUNT_ALL: Statement = Statement::new(concat!("SELECT count(*) FROM customers WHERE $1::uuid IS NULL", meeting!()));
static COUNT: Statement = Statement::new(concat!("SELECT count(*) FROM customers WHERE partner_id = $1::uuid", meeting!()));
static LAST: Statement = Statement::new(
    "SELECT r.partner_id, r.customer_id, t.body FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN transitions AS t ON t.id = (
         SELECT x.id FROM transitions AS x WHERE x.customer_id = r.customer_id AND x.partner_id = r.partner_id
         ORDER BY x.started_at DESC, x.id DESC LIMIT 1)",
);
static ON_RECORD: Statement = Statement::new(
    "SELECT r.partner_id, r.customer_id, c.mpn_id FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN customers AS k ON k.partner_id = r.partner_id AND k.customer_id = r.customer_id
     JOIN customer_resellers AS c ON c.partner_id = r.partner_id AND c.customer_id = r.customer_id AND c.version >= k.version
     ORDER BY c.mpn_id",
);
// a name for each; where several partners have the customer, that of the one who looks
static NAMES: Statement = Statement::new(
    "SELECT c.customer_id, c.company_name FROM {1: customer_id uuid} AS r JOIN customers AS c ON c.customer_id = r.customer_id
     WHERE $2::uuid IS NULL OR c.partner_id = $2",
);

pub(super) static PARTS: Statement = Statement::new(
    "INSERT INTO customer_parts (partner_id, customer_id, part, version, azure_subscriptions)
     SELECT r.partner_id, r.customer_id, r.part, r.version, r.azure_subscriptions
     FROM {1: partner_id uuid, customer_id uuid, part bigint, version bigint, azure_subscriptions bigint} AS r
     WHERE true
     ON CONFLICT (partner_id, customer_id, part) DO UPDATE SET version = excluded.version, azure_subscriptions = excluded.azure_subscriptions
     WHERE excluded.version > customer_parts.version",
);
/// What an import has changed of what lists are sorted by. The rows are locked: the same transaction has just written them.
pub(super) static SUMS: Statement = Statement::new(
    "UPDATE customers SET azure_subscriptions = s.azure, first_reseller = s.reseller
     FROM (SELECT c.partner_id, c.customer_id,
               coalesce((SELECT sum(p.azure_subscriptions)::bigint FROM customer_parts AS p
                         WHERE p.partner_id = c.partner_id AND p.customer_id = c.customer_id AND p.version >= c.version), -1) AS azure,
               coalesce((SELECT min(m.mpn_id) FROM customer_resellers AS m
                         WHERE m.partner_id = c.partner_id AND m.customer_id = c.customer_id AND m.version >= c.version), '') AS reseller
           FROM {1: partner_id uuid, customer_id uuid} AS r
           JOIN customers AS c ON c.partner_id = r.partner_id AND c.customer_id = r.customer_id) AS s
     WHERE customers.partner_id = s.partner_id AND customers.customer_id = s.customer_id
       AND (customers.azure_subscriptions <> s.azure OR customers.first_reseller <> s.reseller)",
);

static BEHIND: Statement = Statement::new(
    "SELECT (c.change, c.transition_id) < (k.value, $1::uuid) FROM feed_clock AS k CROSS JOIN standings_to AS c WHERE k.one = 1 AND c.one = 1",
);
static PLACE: Statement = Statement::new("SELECT change, transition_id FROM standings_to WHERE one = 1 {for update}");
static CHANGED: Statement = Statement::new(
    "SELECT f.change, f.transition_id, t.partner_id, t.customer_id, t.started_at, t.state
     FROM (SELECT change, transition_id FROM feed
           WHERE (change, transition_id) > ($1::bigint, $2::uuid) AND change <= $3::bigint
           ORDER BY change, transition_id LIMIT 2000) AS f
     JOIN transitions AS t ON t.id = f.transition_id
     ORDER BY f.change, f.transition_id",
);
pub(super) static LOCK: Statement = Statement::new(
    "SELECT c.customer_id FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN customers AS c ON c.partner_id = r.partner_id AND c.customer_id = r.customer_id
     ORDER BY c.partner_id, c.customer_id {postgres: FOR UPDATE OF c}",
);
static STANDINGS: Statement = Statement::new(
    "UPDATE customers SET standing = r.standing, standing_at = r.started_at
     FROM {1: partner_id uuid, customer_id uuid, started_at bigint, standing text} AS r
     WHERE customers.partner_id = r.partner_id AND customers.customer_id = r.customer_id AND customers.standing_at <= r.started_at",
);
static MOVE: Statement = Statement::new("UPDATE standings_to SET change = $1, transition_id = $2 WHERE one = 1");

impl SortBy {
    /// The statement that reads in this order, and a key before everything.
    fn reading(self, back: bool, of_partner: bool) -> (&'static Statement, SortKey) {
        let text = |forth, backwards| match back {
            false => (forth, SortKey::Text(String::new())),
            // no text is after it
            true => (backwards, SortKey::Text(char::MAX.to_string())),
        };
        match self {
            // without an index that gives the order of all partners' customers at once they are in the order of their names
            _ if !of_partner => text(&ALL_BY_NAME, &ALL_BY_NAME_BACK),
            Self::Name => text(&BY_NAME, &BY_NAME_BACK),
            Self::Country => text(&BY_COUNTRY, &BY_COUNTRY_BACK),
            Self::Standing => text(&BY_STANDING, &BY_STANDING_BACK),
            Self::Reseller => text(&BY_RESELLER, &BY_RESELLER_BACK),
            Self::AzureSubscriptions if back => (&BY_AZURE_BACK, SortKey::Number(i64::MAX)),
            Self::AzureSubscriptions => (&BY_AZURE, SortKey::Number(i64::MIN)),
            Self::Blockers if back => (&BY_BLOCKERS_BACK, SortKey::Number(i64::MAX)),
            Self::Blockers => (&BY_BLOCKERS, SortKey::Number(i64::MIN)),
        }
    }

    /// Is its key a number?
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::AzureSubscriptions | Self::Blockers)
    }
}

impl OverviewFilter {
    pub(super) fn args(&self) -> Args {
        let standings = self
            .standings
            .as_ref()
            .map(|standings| standings.iter().fold(",".to_owned(), |text, state| text + state.map_or("", |state| state.name()) + ","));
        Args::new()
            .value(self.partner.map(|id| id.0))
            .value(self.text.as_ref().map(Pattern::like))
            .value(self.id)
            .value(standings)
            .value(self.reseller.as_ref().map(MpnId::as_str))
            .value(self.way.map(Way::name))
    }
}

impl ReadModel {
    /// The page of at most `size` customers that begins after `after`; how many there are in all is `counted`, or counted.
    pub(crate) async fn overview(
        &self,
        filter: &OverviewFilter,
        (by, back): (SortBy, bool),
        after: Option<OverviewKey>,
        size: u32,
        counted: Option<u64>,
    ) -> Result<Overview, StorageError> {
        self.take_over_standings().await?;
        let of_partner = filter.partner.is_some();
        let (list, first) = by.reading(back, of_partner);
        let edge = if back { Uuid::max() } else { Uuid::nil() };
        let (key, customer, partner) = after.unwrap_or((first, CustomerId(edge), PartnerId(edge)));
        let args = match key {
            SortKey::Text(text) => filter.args().value(text),
            SortKey::Number(number) => filter.args().value(number),
        };
        // one more than wanted tells whether there is a next page
        let found = self.database.query(list, args.value(customer.0).value(partner.0).value(i64::from(size) + 1)).await?;
        let more = found.len() > size as usize;
        let found = &found[..found.len().min(size as usize)];
        let is_number = by.is_number() && of_partner;
        let next = found.last().filter(|_| more).map(|row| key_of(row, is_number)).transpose()?;
        let rows = self.seen(found).await?;
        let total = match counted {
            Some(total) => total,
            None => {
                let count = if of_partner { &COUNT } else { &COUNT_ALL };
                let total = self.database.query(count, filter.args()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
                u64::try_from(total).unwrap_or_default()
            }
        };
        Ok(Overview { rows, total, next })
    }

    /// What is shown of these customers.
    async fn seen(&self, found: &[Row]) -> Result<Vec<Seen>, StorageError> {
        let mut rows = Vec::with_capacity(found.len());
        for row in found {
            rows.push(Seen {
                partner_id: PartnerId(row.get(0)?),
                customer_id: CustomerId(row.get(1)?),
                company_name: row.get(2)?,
                domain: row.get(3)?,
                country: row.get(4)?,
                azure_subscriptions: u32::try_from(row.get::<i64>(5)?).ok(),
                resellers: Vec::new(),
                last: None,
            });
        }
        let keys = || Args::new().rows(rows.iter().map(|row| vec![row.partner_id.0.into(), row.customer_id.0.into()]).collect());
        let (last, on_record) = (self.database.query(&LAST, keys()).await?, self.database.query(&ON_RECORD, keys()).await?);
        let place: HashMap<(Uuid, Uuid), usize> =
            rows.iter().enumerate().map(|(at, row)| ((row.partner_id.0, row.customer_id.0), at)).collect();
        for row in &last {
            if let Some(at) = place.get(&(row.get(0)?, row.get(1)?)) {
                rows[*at].last = Some(from_json("a transition", &row.get::<String>(2)?)?);
            }
        }
        for row in &on_record {
            if let Some(at) = place.get(&(row.get(0)?, row.get(1)?)) {
                rows[*at].resellers.push(row.get(2)?);
            }
        }
        Ok(rows)
    }

    /// The names of these customers, as this partner, or any, has them.
    pub(crate) async fn customer_names(
        &self,
        partner: Option<PartnerId>,
        ids: &[CustomerId],
    ) -> Result<HashMap<CustomerId, String>, StorageError> {
        let args = Args::new().rows(ids.iter().map(|id| vec![id.0.into()]).collect()).value(partner.map(|partner| partner.0));
        let rows = self.database.query(&NAMES, args).await?;
        rows.iter().map(|row| Ok((CustomerId(row.get(0)?), row.get(1)?))).collect()
    }

    /// The name of a partner's customer.
    pub(crate) async fn customer_name(&self, partner: PartnerId, id: CustomerId) -> Result<Option<String>, StorageError> {
        Ok(self.customer_names(Some(partner), &[id]).await?.remove(&id))
    }

    /// The customers know how their last transitions stand.
    async fn take_over_standings(&self) -> Result<(), StorageError> {
        for _ in 0..WHILE_ONE_WAITS {
            let behind = self.database.query(&BEHIND, Args::new().value(Uuid::max())).await?;
            let is_behind = behind.first().map_or(Ok(false), |row| row.get::<bool>(0))?;
            if !is_behind || self.take_over_some().await? < AT_ONCE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes over the next changes, in one transaction; gives how many there were.
    async fn take_over_some(&self) -> Result<usize, StorageError> {
        let mut transaction = self.database.begin().await?;
        // whoever holds the place takes over; the next one goes on from there
        let place = transaction.query(&PLACE, Args::new()).await?;
        let (change, id): (i64, Uuid) = place.first().map_or(Ok((-1, Uuid::nil())), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let now = transaction.query(&feed::CLOCK, Args::new()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        let rows = transaction.query(&CHANGED, Args::new().value(change).value(id).value(now)).await?;
        let mut last = BTreeMap::<(Uuid, Uuid), (i64, TransitionId, String)>::new();
        for row in &rows {
            let changed = (row.get(4)?, TransitionId(row.get(1)?), row.get(5)?);
            let known = last.entry((row.get(2)?, row.get(3)?)).or_insert_with(|| changed.clone());
            if (changed.0, changed.1) >= (known.0, known.1) {
                *known = changed;
            }
        }
        if !last.is_empty() {
            let keys = last.keys().map(|(partner, customer)| vec![(*partner).into(), (*customer).into()]).collect();
            transaction.query(&LOCK, Args::new().rows(keys)).await?;
            let standings = last.into_iter().map(|((partner, customer), (at, _, state))| -> Vec<Value> {
                vec![partner.into(), customer.into(), at.into(), state.into()]
            });
            transaction.execute(&STANDINGS, Args::new().rows(standings.collect())).await?;
        }
        let (change, id) = match rows.last() {
            Some(last) if rows.len() == AT_ONCE => (last.get(0)?, last.get(1)?),
            _ => (now, Uuid::max()),
        };
        transaction.execute(&MOVE, Args::new().value(change).value(id)).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }
}

fn key_of(row: &Row, is_number: bool) -> Result<OverviewKey, StorageError> {
    let key = if is_number { SortKey::Number(row.get(6)?) } else { SortKey::Text(row.get(6)?) };
    Ok((key, CustomerId(row.get(1)?), PartnerId(row.get(0)?)))
}

/// How many Azure subscriptions each part has, in the order of their keys.
pub(super) fn part_rows(changes: &Changes) -> Vec<Vec<Value>> {
    let rows = changes.parts.iter().map(|((partner, customer, part), (version, azure))| {
        vec![partner.0.into(), customer.0.into(), (*part).into(), (*version).into(), (*azure).into()]
    });
    rows.collect()
}

/// Whose customers an import tells of, in the order of their keys.
pub(super) fn customer_keys(changes: &Changes) -> Vec<Vec<Value>> {
    changes.customers.keys().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect()
}
