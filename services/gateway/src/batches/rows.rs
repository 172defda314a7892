//! A row of a batch as it is given: its columns, and what may stand in them. A table and JSON say the same of it.

use super::fault::{Faults, Place};
use crate::words::words;
use planshift_domain::ids::CustomerId;
use sha2::{Digest as _, Sha256};

/// The longest external reference, of a batch and of a row.
pub(crate) const REFERENCE_CHARS: usize = 100;
/// How many hexadecimal digits a plan's hash has.
const HASH_CHARS: usize = 64;

/// A column, or the property of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    /// Who moves.
    CustomerId,
    /// The partner's own name of the row.
    ExternalReferenceId,
    /// The plan that the start is to keep to.
    PlanHash,
}

impl Column {
    pub(crate) const ALL: [Self; 3] = [Self::CustomerId, Self::ExternalReferenceId, Self::PlanHash];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CustomerId => "customerId",
            Self::ExternalReferenceId => "externalReferenceId",
            Self::PlanHash => "planHash",
        }
    }

    /// The column of that name, in any case and with spaces around it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(name.trim()))
    }

    /// All of them, for people.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// A row that is as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRow {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) customer: CustomerId,
    /// Empty where none is given.
    pub(crate) reference: String,
    pub(crate) plan_hash: Option<String>,
}

/// A row of these cells, if it is as it must be; what is wrong with it is noted. An empty cell is the same as none.
pub(crate) fn check<'a>(place: &Place, cells: impl Iterator<Item = (Column, &'a str)>, faults: &mut Faults) -> Option<NewRow> {
    let mut row = NewRow {
        number: place.row.unwrap_or_default(),
        customer: CustomerId(uuid::Uuid::nil()),
        reference: String::new(),
        plan_hash: None,
    };
    let (mut has_customer, mut is_good) = (false, true);
    for (column, text) in cells {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let expected = match column {
            Column::CustomerId => match text.parse() {
                Ok(customer) => {
                    (row.customer, has_customer) = (customer, true);
                    continue;
                }
                Err(_) => {
                    // said once: that it is missing as well would be noise
                    has_customer = true;
                    words!("the tenant id of a customer, a GUID", "l’ID de locataire d’un client, un GUID")
                }
            },
            Column::ExternalReferenceId => match reference(text) {
                Some(text) => {
                    row.reference = text.to_owned();
                    continue;
                }
                None => words!(
                    "at most {REFERENCE_CHARS} characters, and none that is a control character",
                    "au plus {REFERENCE_CHARS} caractères, dont aucun de contrôle"
                ),
            },
            Column::PlanHash => match plan_hash(text) {
                Some(hash) => {
                    row.plan_hash = Some(hash);
                    continue;
                }
                None => words!("the hash of a plan, 64 hexadecimal digits", "l’empreinte d’un plan, 64 chiffres hexadécimaux"),
            },
        };
        faults.add(place.column(column.name()), text, expected);
        is_good = false;
    }
    if !has_customer {
        let expected = words!("the tenant id of a customer, a GUID", "l’ID de locataire d’un client, un GUID");
        faults.add(place.column(Column::CustomerId.name()), "", expected);
    }
    (is_good && has_customer).then_some(row)
}

/// A reference that can be kept.
pub(crate) fn reference(text: &str) -> Option<&str> {
    (text.chars().count() <= REFERENCE_CHARS && !text.chars().any(char::is_control)).then_some(text)
}

/// A plan's hash, in lower case.
fn plan_hash(text: &str) -> Option<String> {
    (text.len() == HASH_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// What rows are known by, taken in one after the other: two documents of the same rows have the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowsHash(Sha256);

impl RowsHash {
    pub(crate) fn add(&mut self, row: &NewRow) {
        for text in [row.customer.to_string().as_str(), &row.reference, row.plan_hash.as_deref().unwrap_or_default()] {
            // with its length, so that no two rows read the same
            self.0.update((text.len() as u64).to_be_bytes());
            self.0.update(text.as_bytes());
        }
    }

    pub(crate) fn finish(self) -> String {
        crate::http::hex(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "01A204FA-F9BC-71B5-B5A9-32CC283A2266";

    fn checked(cells: &[(Column, &str)]) -> (Option<NewRow>, u64) {
        let mut faults = Faults::default();
        let row = check(&Place::row(7), cells.iter().copied(), &mut faults);
        (row, faults.total())
    }

    #[test]
    fn cells_are_trimmed_and_every_fault_is_told() {
        let hash = "AB".repeat(32);
        let (row, faults) =
            checked(&[(Column::PlanHash, &hash), (Column::CustomerId, &format!(" {GUID} ")), (Column::ExternalReferenceId, " a;b ")]);
        let row = row.unwrap();
        assert_eq!((row.number, row.customer.to_string(), row.reference.as_str(), faults), (7, GUID.to_lowercase(), "a;b", 0));
        assert_eq!(row.plan_hash, Some(hash.to_lowercase()));
        let long = "x".repeat(REFERENCE_CHARS + 1);
        let wrong = [(Column::PlanHash, "ab"), (Column::CustomerId, "17"), (Column::ExternalReferenceId, long.as_str())];
        assert_eq!(checked(&wrong), (None, 3));
        assert_eq!(checked(&[]), (None, 1));
        assert_eq!(checked(&[(Column::CustomerId, "")]), (None, 1));
    }

    #[test]
    fn rows_that_differ_are_known_by_another_hash() {
        let row = |reference: &str, hash: Option<&str>| NewRow {
            number: 1,
            customer: GUID.parse().unwrap(),
            reference: reference.to_owned(),
            plan_hash: hash.map(str::to_owned),
        };
        let of = |rows: &[NewRow]| {
            let mut hash = RowsHash::default();
            rows.iter().for_each(|row| hash.add(row));
            hash.finish()
        };
        let all = [of(&[row("a", None)]), of(&[row("", Some("a"))]), of(&[row("", None)]), of(&[row("", None), row("", None)]), of(&[])];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert_eq!(of(&[NewRow { number: 9, ..row("a", None) }]), all[0], "the number is its place");
    }
}
