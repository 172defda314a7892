//! Many finished transitions, written straight into every service's tables, so that something can be measured behind them.
//!
//! One real transition, of a customer with one plan and one subscription, goes through first. What it has left in every table is
//! written again as often as wanted, set-based: each copy is of a customer of its own, completed, with ids of its own (spread or
//! ordered by time as the real ones are) and with times of its own, an hour back for every few thousand. So it follows the schema
//! as it is. One plan and one subscription, so that a million fit.
//!
//! Where copies are not as real ones are: the hashes of their histories are the first one's, and so do not prove anything
//! (`planshift verify` says so, and finds nothing else); names and the times within JSON are the first one's too. Keys of requests and chunks of
//! imports are left out: the services forget them after a while.
//!
//! | file | holds |
//! |---|---|
//! | `ids` | ids made of a number |
//! | `copy` | the statement that copies a table's rows |

mod copy;
mod ids;

use super::{
    document,
    printed::progress,
    store::Store,
    tables::{Access, SERVICES, Tables},
};
use copy::Copy;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many are written in one transaction.
const AT_ONCE: usize = 50_000;
/// What the services forget after a while.
const FORGOTTEN: [&str; 2] = ["coordinator.imports", "gateway.requests"];
/// What there is once, however many transitions there are.
const ONCE: [&str; 1] = ["gateway.resellers"];
/// What is counted is counted anew when a gateway starts.
const COUNTED: [&str; 3] = [
    "DELETE FROM gateway.counted",
    "DELETE FROM gateway.transition_counts",
    "UPDATE gateway.counted_to SET change = -1, transition_id = '00000000-0000-0000-0000-000000000000'",
];
/// While a folder is filled, nothing needs to survive a crash, and there is memory for what a service's files have of it.
const FILL: &str = "journal_mode = OFF; synchronous = OFF; cache_size = -400000";
/// As the services have them.
const FILLED: &str = "journal_mode = WAL";

/// Writes so many besides the one that really goes through (customer 0), and says how many rows that were, and how long it took.
/// No service may run meanwhile.
///
/// # Panics
/// Where it cannot be done.
pub fn load(store: &Store, transitions: usize) -> (u64, Duration) {
    let document = document::file(store.folder(), 0..1, 1, 1).display().to_string();
    store.planshift("run", &[&document, "--json"]);
    let begun = Instant::now();
    let mut tables = store.tables(Access::Write);
    let (copies, ids) = copies(&mut tables);
    begin(&mut tables);
    let (mut written, mut rows) = (0, 0);
    while written < transitions {
        let until = (written + AT_ONCE).min(transitions);
        tables.execute("BEGIN");
        for copy in &copies {
            rows += tables.execute(&copy.statement(&ids, written + 1, until, transitions));
        }
        tables.execute("COMMIT");
        written = until;
        progress(format!("{written} of {transitions} finished transitions written ({:.0} s)", begun.elapsed().as_secs_f64()));
    }
    for statement in COUNTED {
        tables.execute(statement);
    }
    end(&mut tables);
    drop(tables);
    store.checkpoint();
    (rows, begun.elapsed())
}

/// A copy of each table, and the ids in them.
fn copies(tables: &mut Tables) -> (Vec<Copy>, Vec<Uuid>) {
    let (mut copies, mut ids) = (Vec::new(), Vec::new());
    for service in SERVICES {
        for table in tables.names(service) {
            let name = format!("{service}.{table}");
            let is_counted = COUNTED.iter().any(|statement| statement.split(' ').any(|word| word == name));
            if is_counted || FORGOTTEN.iter().chain(&ONCE).any(|left_out| *left_out == name) {
                continue;
            }
            let columns = tables.columns(service, &table);
            let rows = tables.texts(service, &table, &columns);
            if !rows.is_empty() {
                let copy = Copy::of(name, columns, &rows, &mut ids, tables.is_postgres());
                // a row without an id is a clock, a latch or a lease: there is one, however many transitions there are
                copies.extend(copy.has_ids().then_some(copy));
            }
        }
    }
    assert!(!copies.is_empty(), "the first transition has left nothing");
    (copies, ids)
}

fn begin(tables: &mut Tables) {
    if tables.is_postgres() {
        tables.execute("SET synchronous_commit = off");
    } else {
        pragmas(tables, FILL);
    }
}

fn end(tables: &mut Tables) {
    if !tables.is_postgres() {
        pragmas(tables, FILLED);
    }
}

fn pragmas(tables: &mut Tables, list: &str) {
    for service in SERVICES {
        for pragma in list.split("; ") {
            tables.execute(&format!("PRAGMA {service}.{pragma}"));
        }
    }
}
