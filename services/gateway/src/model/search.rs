//! Free text: transitions whose customer's name or domain, failure, or starter has a text in it.
//!
//! Nothing indexes that: an index over parts of words is an extension that a Postgres need not have. So a search looks through the
//! transitions that meet the other conditions, newest first, a few thousand at a time, and says where it has come to; the next page
//! goes on there, whether this one has found something or not. A search through a million transitions is some hundred pages; one that
//! names a customer, a state, a partner or a time looks through those alone.

use super::{Filter, ReadModel, from_json, list::Key};
use planshift_domain::{ids::TransitionId, time::Timestamp, transition::TransitionRow};
use planshift_storage::{Args, Statement, StorageError};
use uuid::Uuid;

/// How many transitions are looked through for one page: some megabytes are read, in some tens of milliseconds.
pub(crate) const SCAN: u32 = 2_000;

// As in a list, the first condition is what an index leads to.
macro_rules! scan {
    ($($name:ident: $first:literal;)*) => { $(
        static $name: Statement = Statement::new(concat!(
            "SELECT t.started_at, t.id, t.body, c.company_name, c.domain
             FROM (SELECT started_at, id, body, partner_id, customer_id FROM transitions WHERE ", $first,
            "    AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::uuid IS NULL OR customer_id = $2)
                 AND ($3::text IS NULL OR $3::text LIKE '%,' || state || ',%')
                 AND (started_at, id) < ($4::bigint, $5::uuid) AND started_at > $6::bigint
                 ORDER BY started_at DESC, id DESC LIMIT $7) AS t
             LEFT JOIN customers AS c ON c.partner_id = t.partner_id AND c.customer_id = t.customer_id
             ORDER BY t.started_at DESC, t.id DESC",
        ));
    )* };
}
scan! {
    ALL: "true";
    OF_CUSTOMER: "customer_id = $2::uuid";
    OF_PARTNER: "partner_id = $1::uuid";
    UNDER_WAY: "settled IS NULL";
    COMPLETED: "settled = 'Completed'";
    FAILED: "settled IN ('Ineligible', 'Compensated', 'NeedsOperator')";
}

/// What a search has found so far.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Newest first.
    pub(crate) rows: Vec<TransitionRow>,
    /// How many were looked through for it.
    pub(crate) looked_through: usize,
    /// Where to go on; nothing where everything was looked through.
    pub(crate) next: Option<Key>,
}

impl ReadModel {
    /// Up to `size` transitions with `text` in them, of the next [`SCAN`] after `after`.
    pub(crate) async fn search(&self, filter: &Filter, text: &str, after: Option<Key>, size: u32) -> Result<Found, StorageError> {
        let wanted = text.to_lowercase();
        let states = filter.states();
        let states = states.as_deref();
        let statement = match (filter.customer, states, filter.partner) {
            (Some(_), ..) => &OF_CUSTOMER,
            (_, Some([state]), _) if state.name() == "Completed" => &COMPLETED,
            (_, Some([first, ..]), _) if first.is_settled() => &FAILED,
            (_, Some(_), _) => &UNDER_WAY,
            (.., Some(_)) => &OF_PARTNER,
            _ => &ALL,
        };
        let (started_at, id) = filter.before(after);
        let args: Args = filter.args(states).value(started_at).value(id).value(filter.oldest()).value(SCAN);
        let scanned = self.database.query(statement, args).await?;
        let mut found = Found { rows: Vec::new(), looked_through: 0, next: None };
        for (number, row) in scanned.iter().enumerate() {
            found.looked_through = number + 1;
            let transition: TransitionRow = from_json("a transition", &row.get::<String>(2)?)?;
            let (name, domain): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            if has(&transition, [name.as_deref(), domain.as_deref()], &wanted) {
                found.rows.push(transition);
            }
            // a page that is full ends where it ends
            if found.rows.len() == size as usize || number + 1 == SCAN as usize {
                found.next = Some((Timestamp::from_micros(row.get(0)?), TransitionId(row.get::<Uuid>(1)?)));
                break;
            }
        }
        Ok(found)
    }
}

/// Is the text in it?
fn has(row: &TransitionRow, customer: [Option<&str>; 2], wanted: &str) -> bool {
    let failure = row.failure.as_ref();
    let said = failure.map(|failure| [failure.code.as_str(), failure.description.as_str(), failure.resource_id.as_str()]);
    let texts = customer.into_iter().flatten().chain([row.started_by.as_str()]).chain(said.into_iter().flatten());
    texts.into_iter().any(|text| text.to_lowercase().contains(wanted))
}
