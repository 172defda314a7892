//! Every invariant that shows in what is stored, by the check that `planshift verify` makes.

use super::Finding;
use crate::fleet::Stores;
use futures::FutureExt as _;
use planshift::verify;
use planshift_messaging::Service;
use planshift_storage::Database;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What `planshift verify` would find.
///
/// # Errors
/// In words, where something could not be read.
pub fn stored(stores: &Stores) -> Result<Vec<Finding>, String> {
    let database = |service: Service| -> Result<Database, String> {
        stores.get(&service).map(|store| store.handle(None)).ok_or_else(|| format!("{} has no store", service.name()))
    };
    let stores = verify::Stores::of(verify::Databases {
        coordinator: database(Service::Coordinator)?,
        eligibility: database(Service::Eligibility)?,
        purchasing: database(Service::Purchasing)?,
        mapping: database(Service::Mapping)?,
        suspension: database(Service::Suspension)?,
    });
    // without a way there and weather, a store in memory never lets anyone wait
    let report = verify::run(&stores).now_or_never().ok_or("a store lets its reader wait")?.map_err(|error| error.to_string())?;
    let rows = report.rows();
    let violations = rows.iter().flat_map(|row| &row.first);
    Ok(violations
        .map(|v| Finding::new(v.invariant, v.text.clone(), ids(&v.subject).chain(ids(&v.text)).collect::<BTreeSet<_>>()))
        .collect())
}

/// The ids in a text.
fn ids(text: &str) -> impl Iterator<Item = Uuid> + '_ {
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter_map(|word| Uuid::try_parse(word).ok())
}
