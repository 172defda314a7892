//! From marks to records to what those come to.
//!
//! Nothing is locked while records are read. Marks are taken in their order from a place of this replica's own, so that several seldom
//! do the same; where they do, one finds the marks gone.

use super::{Spendings, write::Reckoned};
use crate::model::from_json;
use planshift_billing::{Packed, Rated, month::Month, spending::Spending};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many marks are taken at once.
const MARKS: u32 = 200;
/// How many records are read at once: their texts are a few megabytes.
const RECORDS: i64 = 4_000;

static DUE: Statement = Statement::new(
    "SELECT azure_id, month, partner_id, mark FROM spending_due WHERE azure_id >= $1 ORDER BY azure_id, month, partner_id LIMIT $2",
);
macro_rules! seen {
    () => {
        " AND u.partner_id = r.partner AND u.azure_id = r.azure AND u.start_at >= r.month AND u.start_at < r.until
          AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = r.partner AND i.state IN ('Running', 'Undoing')) "
    };
}
static COUNT: Statement = Statement::new(concat!(
    "SELECT r.n, sum(CASE WHEN u.rated THEN 1 ELSE 0 END)::bigint, sum(CASE WHEN u.rated THEN 0 ELSE 1 END)::bigint
     FROM {1: n bigint, partner uuid, azure uuid, month bigint, until bigint} AS r CROSS JOIN usage_records AS u WHERE true",
    seen!(),
    "GROUP BY r.n"
));
static RECORDS_OF: Statement = Statement::new(concat!(
    "SELECT r.n, u.whole, u.high, u.low, u.body
     FROM {1: n bigint, partner uuid, azure uuid, month bigint, until bigint} AS r CROSS JOIN usage_records AS u WHERE u.rated",
    seen!()
));
// of one alone, where it has many: by key
static PAGE: Statement = Statement::new(
    "SELECT 0, u.whole, u.high, u.low, u.body, u.start_at, u.identity FROM usage_records AS u
     WHERE u.azure_id = $1 AND (u.start_at, u.identity) > ($2::bigint, $3::uuid) AND u.start_at < $4::bigint AND u.rated AND u.partner_id = $5
       AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $5 AND i.state IN ('Running', 'Undoing'))
     ORDER BY u.start_at, u.identity LIMIT $6",
);

/// A month of a subscription that is to be reckoned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) azure: Uuid,
    pub(super) month: Month,
    pub(super) partner: Uuid,
    pub(super) mark: Uuid,
}

impl Due {
    fn of(row: &Row) -> Result<Self, StorageError> {
        let month = Month::of(Timestamp::from_micros(row.get(1)?));
        Ok(Self { azure: row.get(0)?, month, partner: row.get(2)?, mark: row.get(3)? })
    }

    fn row(&self, place: usize) -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let (month, until) = (self.month.begins().as_micros(), self.month.ends().as_micros());
        vec![place.into(), self.partner.into(), self.azure.into(), month.into(), until.into()]
    }
}

impl Spendings {
    /// Reckons some of what is marked; is there more?
    pub(super) async fn reckon(&self) -> Result<bool, StorageError> {
        let from = self.ports.random.id();
        let mut due = self.due(from).await?;
        if due.is_empty() {
            due = self.due(Uuid::nil()).await?;
        }
        if due.is_empty() {
            return Ok(false);
        }
        let mut spendings = vec![Spending::default(); due.len()];
        let mut rated: BTreeMap<usize, i64> = BTreeMap::new();
        let rows = due.iter().enumerate().map(|(place, due)| due.row(place)).collect();
        for row in self.database.query(&COUNT, Args::new().rows(rows)).await? {
            let place = usize::try_from(row.get::<i64>(0)?).unwrap_or_default();
            if let Some(spending) = spendings.get_mut(place) {
                spending.utilization = row.get(2)?;
            }
            rated.insert(place, row.get(1)?);
        }
        let (mut together, mut records) = (Vec::new(), 0);
        for (place, count) in rated.into_iter().filter(|(_, count)| *count > 0) {
            let (Some(one), Some(spending)) = (due.get(place), spendings.get_mut(place)) else { continue };
            if count > RECORDS {
                self.read_pages(one, spending).await?;
                continue;
            }
            if records + count > RECORDS {
                self.read_together(&due, std::mem::take(&mut together), &mut spendings).await?;
                records = 0;
            }
            together.push(place);
            records += count;
        }
        self.read_together(&due, together, &mut spendings).await?;
        let reckoned = due.into_iter().zip(spendings).map(|(due, spending)| Reckoned { due, spending }).collect();
        self.write(reckoned).await?;
        Ok(true)
    }

    async fn due(&self, from: Uuid) -> Result<Vec<Due>, StorageError> {
        self.database.query(&DUE, Args::new().value(from).value(MARKS)).await?.iter().map(Due::of).collect()
    }

    /// The records of several that have few.
    async fn read_together(&self, due: &[Due], places: Vec<usize>, spendings: &mut [Spending]) -> Result<(), StorageError> {
        if places.is_empty() {
            return Ok(());
        }
        let rows = places.iter().filter_map(|place| Some(due.get(*place)?.row(*place))).collect();
        for row in self.database.query(&RECORDS_OF, Args::new().rows(rows)).await? {
            if let Some(spending) = spendings.get_mut(usize::try_from(row.get::<i64>(0)?).unwrap_or_default()) {
                add(spending, &row)?;
            }
        }
        Ok(())
    }

    /// Those of one that has many, page by page.
    async fn read_pages(&self, due: &Due, spending: &mut Spending) -> Result<(), StorageError> {
        let mut after = (due.month.begins().as_micros() - 1, Uuid::max());
        loop {
            let args = Args::new().value(due.azure).value(after.0).value(after.1).value(due.month.ends().as_micros());
            let page = self.database.query(&PAGE, args.value(due.partner).value(RECORDS)).await?;
            for row in &page {
                add(spending, row)?;
            }
            let Some(last) = page.last().filter(|_| page.len() as i64 == RECORDS) else { return Ok(()) };
            after = (last.get(5)?, last.get(6)?);
        }
    }
}

fn add(spending: &mut Spending, row: &Row) -> Result<(), StorageError> {
    let quantity = Packed { whole: row.get(1)?, high: row.get(2)?, low: row.get(3)? }.into();
    let rated: Rated = match row.get::<Option<String>>(4)? {
        Some(text) => from_json("what a record is charged", &text)?,
        None => Rated::default(),
    };
    spending.add(&rated, &quantity);
    Ok(())
}
