//! Partners by name, for operators who see several.

use super::{Changes, ReadModel};
use planshift_domain::ids::PartnerId;
use planshift_storage::{Args, Statement, StorageError, Value};

/// A partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartnerName {
    pub(crate) id: PartnerId,
    /// Empty where no import has told it since names are kept.
    pub(crate) name: String,
}

// The parts of an import all tell the name. Only the first one that is written touches the row: the others do not wait for each other.
pub(super) static PARTNERS: Statement = Statement::new(
    "INSERT INTO partners (partner_id, name, at)
     SELECT r.partner_id, r.name, r.at FROM {1: partner_id uuid, name text, at bigint} AS r
     WHERE NOT EXISTS (SELECT 1 FROM partners AS p WHERE p.partner_id = r.partner_id AND p.at >= r.at)
     ON CONFLICT (partner_id) DO UPDATE SET name = excluded.name, at = excluded.at
     WHERE excluded.at > partners.at",
);
static NAMES: Statement = Statement::new("SELECT partner_id, name FROM partners ORDER BY lower(name), partner_id LIMIT $1");

/// The names that are told, in the order of their keys.
pub(super) fn partner_rows(changes: &Changes) -> Vec<Vec<Value>> {
    let rows = changes.partners.iter();
    rows.map(|(id, (at, name))| vec![id.0.into(), name.as_str().into(), at.as_micros().into()]).collect()
}

impl ReadModel {
    /// The partners by name, at most `most` of them; those whose names are not known come first.
    pub(crate) async fn partners(&self, most: u32) -> Result<Vec<PartnerName>, StorageError> {
        let rows = self.database.query(&NAMES, Args::new().value(most)).await?;
        rows.iter().map(|row| Ok(PartnerName { id: PartnerId(row.get(0)?), name: row.get(1)? })).collect()
    }
}
