//! Customers and resellers as imports have told of them: lists in the order of the customers' names, read by key.

use super::{ReadModel, from_json};
use planshift_domain::{
    account::facts::ResellerFacts,
    ids::{CustomerId, MpnId, PartnerId},
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use uuid::Uuid;

/// Which customers are wanted: those that meet all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CustomerFilter {
    pub(crate) partner: Option<PartnerId>,
    /// What the name must be like.
    pub(crate) name: Option<Pattern>,
    /// What the domain must be like.
    pub(crate) domain: Option<Pattern>,
    /// The tenant of a reseller on record of one of its subscriptions.
    pub(crate) reseller: Option<Uuid>,
}

/// What a text must be like, or must not be like, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    like: String,
    not: bool,
}

impl Pattern {
    /// `before` and `after` are `%` or nothing; of the text every character counts as it is.
    pub(crate) fn new(before: &str, text: &str, after: &str, not: bool) -> Self {
        let mut like = before.to_owned();
        for character in text.to_lowercase().chars() {
            if matches!(character, '%' | '_' | '\\') {
                like.push('\\');
            }
            like.push(character);
        }
        like.push_str(after);
        Self { like, not }
    }

    /// What `LIKE` compares with.
    pub(super) fn like(&self) -> &str {
        &self.like
    }
}

/// Where a page ends: name in lower case, customer, partner.
pub(crate) type ListKey = (String, CustomerId, PartnerId);

/// A customer of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CustomerRow {
    pub(crate) partner_id: PartnerId,
    pub(crate) customer_id: CustomerId,
    pub(crate) company_name: String,
    pub(crate) domain: String,
    pub(crate) country: String,
    pub(crate) relationship: String,
    sort_name: String,
}

/// A page of customers.
#[derive(Clone, Debug)]
pub(crate) struct CustomersPage {
    pub(crate) rows: Vec<CustomerRow>,
    pub(crate) total: u64,
    pub(crate) next: Option<ListKey>,
}

/// A reseller, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResellerRow {
    pub(crate) partner_id: PartnerId,
    pub(crate) facts: ResellerFacts,
}

macro_rules! meeting {
    () => {
        " AND ($2::text IS NULL OR (sort_name LIKE $2 ESCAPE '\\') <> $3::boolean)
          AND ($4::text IS NULL OR (lower(domain) LIKE $4 ESCAPE '\\') <> $5::boolean)
          AND ($6::uuid IS NULL OR EXISTS (
              SELECT 1 FROM resellers AS r CROSS JOIN customer_resellers AS c
              WHERE r.reseller_id = $6 AND r.partner_id = customers.partner_id AND c.partner_id = r.partner_id AND c.mpn_id = r.mpn_id
                AND c.customer_id = customers.customer_id AND c.version >= customers.version)) "
    };
}
macro_rules! customers {
    ($($list:ident, $count:ident: $whose:literal;)*) => { $(
        pub(super) static $list: Statement = Statement::new(concat!(
            "SELECT partner_id, customer_id, company_name, domain, country, relationship, sort_name FROM customers WHERE ", $whose, meeting!(),
            "AND (sort_name, customer_id, partner_id) > ($7::text, $8::uuid, $9::uuid)
             ORDER BY sort_name, customer_id, partner_id LIMIT $10",
        ));
        static $count: Statement = Statement::new(concat!("SELECT count(*) FROM customers WHERE ", $whose, meeting!()));
    )* };
}
// a statement for each, so that each has an index that gives its order
customers! {
    ALL, COUNT_ALL: "$1::uuid IS NULL";
    OF_PARTNER, COUNT_OF_PARTNER: "partner_id = $1::uuid";
}

static RESELLERS: Statement = Statement::new(
    "SELECT partner_id, body FROM resellers
     WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR mpn_id = $2) AND ($3::uuid IS NULL OR reseller_id = $3)
       AND (partner_id, mpn_id) > ($4::uuid, $5::text)
     ORDER BY partner_id, mpn_id LIMIT $6",
);
static COUNT_RESELLERS: Statement = Statement::new("SELECT count(*) FROM resellers WHERE $1::uuid IS NULL OR partner_id = $1");

impl CustomerFilter {
    fn args(&self) -> Args {
        let pattern = |args: Args, pattern: Option<&Pattern>| {
            let like = pattern.map_or(Value::Null, |pattern| pattern.like.as_str().into());
            args.value(like).value(pattern.is_some_and(|pattern| pattern.not))
        };
        let args = Args::new().value(self.partner.map(|id| id.0));
        pattern(pattern(args, self.name.as_ref()), self.domain.as_ref()).value(self.reseller)
    }
}

impl ReadModel {
    /// The page of at most `size` customers that begins after `after`; how many there are in all is `counted`, or counted.
    pub(crate) async fn customers(
        &self,
        filter: &CustomerFilter,
        after: Option<ListKey>,
        size: u32,
        counted: Option<u64>,
    ) -> Result<CustomersPage, StorageError> {
        let (list, count) = if filter.partner.is_some() { (&OF_PARTNER, &COUNT_OF_PARTNER) } else { (&ALL, &COUNT_ALL) };
        let (name, customer, partner) = after.map_or((String::new(), Uuid::nil(), Uuid::nil()), |(name, c, p)| (name, c.0, p.0));
        // one more than wanted tells whether there is a next page
        let args = filter.args().value(name).value(customer).value(partner).value(i64::from(size) + 1);
        let found = self.in_order(list, args).await?;
        let mut rows: Vec<CustomerRow> = found.iter().map(customer_row).collect::<Result<_, _>>()?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|row| (row.sort_name.clone(), row.customer_id, row.partner_id));
        if let Some(total) = counted {
            return Ok(CustomersPage { rows, total, next });
        }
        let total = self.database.query(count, filter.args()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(CustomersPage { rows, total: u64::try_from(total).unwrap_or_default(), next })
    }

    /// Resellers after this key, of one partner where it is given, with this MPN id or tenant where one is given.
    pub(crate) async fn resellers(
        &self,
        partner: Option<PartnerId>,
        (mpn_id, tenant): (Option<&MpnId>, Option<Uuid>),
        after: Option<(PartnerId, String)>,
        limit: u32,
    ) -> Result<Vec<ResellerRow>, StorageError> {
        let (after_partner, after_mpn) = after.map_or((Uuid::nil(), String::new()), |(partner, mpn)| (partner.0, mpn));
        let args = Args::new().value(partner.map(|id| id.0)).value(mpn_id.map_or(Value::Null, |id| id.as_str().into())).value(tenant);
        let rows = self.database.query(&RESELLERS, args.value(after_partner).value(after_mpn).value(limit)).await?;
        let read =
            |row: &Row| Ok(ResellerRow { partner_id: PartnerId(row.get(0)?), facts: from_json("a reseller", &row.get::<String>(1)?)? });
        rows.iter().map(read).collect()
    }

    /// How many resellers there are, of one partner where it is given.
    pub(crate) async fn count_resellers(&self, partner: Option<PartnerId>) -> Result<u64, StorageError> {
        let rows = self.database.query(&COUNT_RESELLERS, Args::new().value(partner.map(|id| id.0))).await?;
        let count = rows.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn customer_row(row: &Row) -> Result<CustomerRow, StorageError> {
    Ok(CustomerRow {
        partner_id: PartnerId(row.get(0)?),
        customer_id: CustomerId(row.get(1)?),
        company_name: row.get(2)?,
        domain: row.get(3)?,
        country: row.get(4)?,
        relationship: row.get(5)?,
        sort_name: row.get(6)?,
    })
}
