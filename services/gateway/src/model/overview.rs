//! Customers as people look through them: searched, filtered by how they stand, sorted by any column, read by key.
//!
//! How a customer [stands](Stand) is what its transitions say. What a list is sorted by must stand in an index, so it is kept with the
//! customer; but nothing is written there when a transition moves. It follows the [feed](super::feed), as [counts](super::counts) do:
//! what has changed since the last list is taken over before the next one. What a row of the page shows is read anew for each page.

use super::{
    Changes, Pattern, ReadModel, Stand, feed, from_json,
    stand::{could_move, stands},
};
use planshift_domain::{
    ids::{CustomerId, MpnId, PartnerId, TransitionId},
    transition::TransitionRow,
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::collections::{BTreeSet, HashMap};
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
    /// It stands in one of these ways.
    pub(crate) stands: Option<Vec<Stand>>,
    /// A reseller on record of one of its subscriptions.
    pub(crate) reseller: Option<MpnId>,
    /// What stands in the way, as the last look found.
    pub(crate) way: Option<Way>,
}

/// What stands in the way of a customer that has nothing under way and may have something left to move.
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
    pub(crate) stand: Stand,
    /// Its last transition.
    pub(crate) last: Option<TransitionRow>,
    /// The last one that has moved something.
    pub(crate) moved_by: Option<TransitionId>,
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
        concat!(
            " AND ($2::text IS NULL OR sort_name LIKE $2 ESCAPE '\\' OR lower(domain) LIKE $2 ESCAPE '\\')
              AND ($3::uuid IS NULL OR customer_id = $3)
              AND ($4::text IS NULL OR $4::text LIKE '%,' || standing || ',%')
              AND ($5::text IS NULL OR EXISTS (
                  SELECT 1 FROM customer_resellers AS c
                  WHERE c.partner_id = customers.partner_id AND c.mpn_id = $5 AND c.customer_id = customers.customer_id
                    AND c.version >= customers.version))
              AND ($6::text IS NULL OR (",
            could_move!(),
            "
                  AND CASE WHEN blockers < 0 THEN 'unknown' WHEN blockers = 0 THEN 'free' ELSE 'blocked' END = $6)) "
        )
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
// a statement for each, so that each has an index that gives its order: of all partners' customers, and of those of one
listed! {
    ALL_BY_NAME: "$1::uuid IS NULL", "sort_name", "text", ">", "ASC";
    ALL_BY_NAME_BACK: "$1::uuid IS NULL", "sort_name", "text", "<", "DESC";
    ALL_BY_COUNTRY: "$1::uuid IS NULL", "country", "text", ">", "ASC";
    ALL_BY_COUNTRY_BACK: "$1::uuid IS NULL", "country", "text", "<", "DESC";
    ALL_BY_STANDING: "$1::uuid IS NULL", "standing", "text", ">", "ASC";
    ALL_BY_STANDING_BACK: "$1::uuid IS NULL", "standing", "text", "<", "DESC";
    ALL_BY_AZURE: "$1::uuid IS NULL", "azure_subscriptions", "bigint", ">", "ASC";
    ALL_BY_AZURE_BACK: "$1::uuid IS NULL", "azure_subscriptions", "bigint", "<", "DESC";
    ALL_BY_RESELLER: "$1::uuid IS NULL", "first_reseller", "text", ">", "ASC";
    ALL_BY_RESELLER_BACK: "$1::uuid IS NULL", "first_reseller", "text", "<", "DESC";
    ALL_BY_BLOCKERS: "$1::uuid IS NULL", "blockers", "bigint", ">", "ASC";
    ALL_BY_BLOCKERS_BACK: "$1::uuid IS NULL", "blockers", "bigint", "<", "DESC";
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
static LAST: Statement = Statement::new(concat!(
    "SELECT r.partner_id, r.customer_id, t.body, ",
    stands!(),
    ",
            (SELECT m.id FROM transitions AS m WHERE m.customer_id = r.customer_id AND m.partner_id = r.partner_id AND m.state = 'Completed'
             ORDER BY m.started_at DESC, m.id DESC LIMIT 1)
     FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN transitions AS t ON t.id = (
         SELECT x.id FROM transitions AS x WHERE x.customer_id = r.customer_id AND x.partner_id = r.partner_id
         ORDER BY x.started_at DESC, x.id DESC LIMIT 1)",
));
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
    "SELECT f.change, f.transition_id, t.partner_id, t.customer_id
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
// as it is now, in whatever order the changes have come
pub(super) static STANDINGS: Statement = Statement::new(concat!(
    "UPDATE customers SET standing = s.standing, standing_at = s.started_at
     FROM (SELECT r.partner_id, r.customer_id, t.started_at, ",
    stands!(),
    " AS standing
           FROM {1: partner_id uuid, customer_id uuid} AS r
           JOIN transitions AS t ON t.id = (
               SELECT x.id FROM transitions AS x WHERE x.customer_id = r.customer_id AND x.partner_id = r.partner_id
               ORDER BY x.started_at DESC, x.id DESC LIMIT 1)) AS s
     WHERE customers.partner_id = s.partner_id AND customers.customer_id = s.customer_id
       AND (customers.standing <> s.standing OR customers.standing_at <> s.started_at)",
));
static MOVE: Statement = Statement::new("UPDATE standings_to SET change = $1, transition_id = $2 WHERE one = 1");

impl SortBy {
    /// What a list may be sorted by.
    #[cfg(test)]
    pub(super) const ALL: [Self; 6] = [Self::Name, Self::Country, Self::Standing, Self::AzureSubscriptions, Self::Reseller, Self::Blockers];

    /// The statement that reads in this order.
    pub(super) const fn reading(self, back: bool, of_partner: bool) -> &'static Statement {
        let [all, all_back, own, own_back] = match self {
            Self::Name => [&ALL_BY_NAME, &ALL_BY_NAME_BACK, &BY_NAME, &BY_NAME_BACK],
            Self::Country => [&ALL_BY_COUNTRY, &ALL_BY_COUNTRY_BACK, &BY_COUNTRY, &BY_COUNTRY_BACK],
            Self::Standing => [&ALL_BY_STANDING, &ALL_BY_STANDING_BACK, &BY_STANDING, &BY_STANDING_BACK],
            Self::AzureSubscriptions => [&ALL_BY_AZURE, &ALL_BY_AZURE_BACK, &BY_AZURE, &BY_AZURE_BACK],
            Self::Reseller => [&ALL_BY_RESELLER, &ALL_BY_RESELLER_BACK, &BY_RESELLER, &BY_RESELLER_BACK],
            Self::Blockers => [&ALL_BY_BLOCKERS, &ALL_BY_BLOCKERS_BACK, &BY_BLOCKERS, &BY_BLOCKERS_BACK],
        };
        match (of_partner, back) {
            (false, false) => all,
            (false, true) => all_back,
            (true, false) => own,
            (true, true) => own_back,
        }
    }

    /// A key before everything in this order.
    fn before_all(self, back: bool) -> SortKey {
        match (self.is_number(), back) {
            (false, false) => SortKey::Text(String::new()),
            // no text is after it
            (false, true) => SortKey::Text(char::MAX.to_string()),
            (true, false) => SortKey::Number(i64::MIN),
            (true, true) => SortKey::Number(i64::MAX),
        }
    }

    /// Is its key a number?
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::AzureSubscriptions | Self::Blockers)
    }
}

impl OverviewFilter {
    pub(super) fn args(&self) -> Args {
        let stands = self.stands.as_ref().map(|stands| stands.iter().fold(",".to_owned(), |text, stand| text + &stand.text() + ","));
        Args::new()
            .value(self.partner.map(|id| id.0))
            .value(self.text.as_ref().map(Pattern::like))
            .value(self.id)
            .value(stands)
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
        let list = by.reading(back, of_partner);
        let edge = if back { Uuid::max() } else { Uuid::nil() };
        let (key, customer, partner) = after.unwrap_or_else(|| (by.before_all(back), CustomerId(edge), PartnerId(edge)));
        let args = match key {
            SortKey::Text(text) => filter.args().value(text),
            SortKey::Number(number) => filter.args().value(number),
        };
        // one more than wanted tells whether there is a next page
        let found = self.in_order(list, args.value(customer.0).value(partner.0).value(i64::from(size) + 1)).await?;
        let more = found.len() > size as usize;
        let found = &found[..found.len().min(size as usize)];
        let next = found.last().filter(|_| more).map(|row| key_of(row, by.is_number())).transpose()?;
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
                stand: Stand::default(),
                last: None,
                moved_by: None,
            });
        }
        let keys = || Args::new().rows(rows.iter().map(|row| vec![row.partner_id.0.into(), row.customer_id.0.into()]).collect());
        let (last, on_record) = (self.database.query(&LAST, keys()).await?, self.database.query(&ON_RECORD, keys()).await?);
        let place: HashMap<(Uuid, Uuid), usize> =
            rows.iter().enumerate().map(|(at, row)| ((row.partner_id.0, row.customer_id.0), at)).collect();
        for row in &last {
            if let Some(at) = place.get(&(row.get(0)?, row.get(1)?)) {
                let seen = &mut rows[*at];
                seen.last = Some(from_json("a transition", &row.get::<String>(2)?)?);
                seen.stand = Stand::parse(&row.get::<String>(3)?);
                seen.moved_by = row.get::<Option<Uuid>>(4)?.map(TransitionId);
            }
        }
        for row in &on_record {
            if let Some(at) = place.get(&(row.get(0)?, row.get(1)?)) {
                rows[*at].resellers.push(row.get(2)?);
            }
        }
        Ok(rows)
    }

    /// How this customer stands.
    pub(crate) async fn stand_of(&self, partner: PartnerId, customer: CustomerId) -> Result<Stand, StorageError> {
        let rows = self.database.query(&LAST, Args::new().rows(vec![vec![partner.0.into(), customer.0.into()]])).await?;
        rows.first().map_or(Ok(Stand::default()), |row| Ok(Stand::parse(&row.get::<String>(3)?)))
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

    /// The customers know how they stand.
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
        let mut changed = BTreeSet::<(Uuid, Uuid)>::new();
        for row in &rows {
            changed.insert((row.get(2)?, row.get(3)?));
        }
        if !changed.is_empty() {
            let keys = || Args::new().rows(changed.iter().map(|(partner, customer)| vec![(*partner).into(), (*customer).into()]).collect());
            transaction.query(&LOCK, keys()).await?;
            transaction.execute(&STANDINGS, keys()).await?;
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
