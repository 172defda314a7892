//! Free text: transitions whose customer's name or domain, failure, or starter has a text in it.
//!
//! Nothing indexes that: an index over parts of words is an extension that a Postgres need not have. So a search looks through the
//! transitions that meet the other conditions, newest first, a few thousand at a time, and says where it has come to; the next page
//! goes on there, whether this one has found something or not. A search through a million transitions is some hundred pages; one that
//! names a customer, a state, a partner or a time looks through those alone.

use super::{Filter, ReadModel, from_json, list::Key};
use planshift_domain::{ids::TransitionId, time::Timestamp, transition::TransitionRow};
use planshift_storage::StorageError;
use uuid::Uuid;

/// How many transitions are looked through for one page: some megabytes are read, in some tens of milliseconds.
pub(crate) const SCAN: u32 = 2_000;

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
        let (reading, args) = filter.page(states, after, SCAN);
        let scanned = self.database.query(&reading.scan, args).await?;
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
