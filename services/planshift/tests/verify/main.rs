//! `verify` on what real runs have left behind: clean as it is, and each deliberate damage found under the right invariant.

mod counters;
mod damage;
mod process;
mod store;

use damage::DAMAGES;
use planshift_invariants::{CATALOGUE, Place};
use planshift_storage::{Args, Database, Statement, lock_data_folder};
use std::collections::BTreeSet;
use store::{Left, after_runs, planshift, verify};

#[test]
fn what_runs_leave_behind_is_sound() {
    let left = after_runs();
    let found = verify(left.folder());
    assert_eq!(found.exit, 0, "{found:?}");
    let ids: Vec<&str> = CATALOGUE.iter().filter(|i| i.is_checked_in(Place::Verify)).map(|i| i.id).collect();
    assert_eq!(found.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ids);
    for row in &found.rows {
        assert!(row.checked > 0 && row.violations == 0 && row.found.is_empty(), "{row:?}");
    }
}

#[tokio::test]
async fn every_damage_is_found() {
    let left = after_runs();
    let (mut caught, mut wrong) = (BTreeSet::new(), Vec::new());
    for damage in DAMAGES {
        let copy = left.copy();
        copy.run_script(damage.service, damage.sql).await;
        let found = verify(copy.folder());
        if found.exit != 4 || found.violated() != damage.found.iter().copied().collect() {
            wrong.push(format!("{} (exit {}): {:#?}", damage.what, found.exit, found.violations()));
        }
        caught.extend(damage.found);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // a check that is never seen to fail is a defect
    let all: BTreeSet<&str> = CATALOGUE.iter().filter(|i| i.is_checked_in(Place::Verify)).map(|i| i.id).collect();
    assert_eq!(caught, all);
}

#[test]
fn people_read_the_violations_in_words() {
    let left = after_runs();
    let out = planshift(&["verify", "--data", &left.path()]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("\nI2 ") && text.contains("\nno violation in "), "{text}");
}

#[tokio::test]
async fn a_folder_in_use_is_read_beside_whoever_has_it() {
    let left = after_runs().copy();
    let lock = lock_data_folder(left.folder()).unwrap();
    assert_eq!(verify(left.folder()).exit, 0);
    left.run_script("mapping", "UPDATE ownership SET from_at = from_at + 60000000").await;
    let found = verify(left.folder());
    assert_eq!((found.exit, found.violated()), (4, ["I2"].into()), "{found:?}");
    drop(lock);
}

#[tokio::test]
async fn nothing_is_written_by_who_reads() {
    let left = after_runs().copy();
    let file = left.folder().join("mapping.db");
    let before = std::fs::read(&file).unwrap();
    let database = Database::open_sqlite_to_read(&file).await.unwrap();
    static TABLE: Statement = Statement::new("UPDATE ownership SET revision = 7");
    assert!(database.execute(&TABLE, Args::new()).await.is_err());
    assert!(database.begin().await.is_err());
    assert!(database.migrate(planshift::host::migrations(planshift_worker::Service::Coordinator)).await.is_err());
    database.close().await;
    assert!(std::fs::read(&file).unwrap() == before);
    assert!(Database::open_sqlite_to_read(left.folder().join("nothing.db")).await.is_err());
    assert!(!left.folder().join("nothing.db").exists());
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let nowhere = after_runs().folder().join("nowhere");
    let out = planshift(&["verify", "--data", &nowhere.to_string_lossy()]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0));
    assert!(!nowhere.exists());
}

#[test]
fn a_store_of_another_version_is_refused() {
    let left: Left = after_runs().copy();
    std::fs::remove_file(left.folder().join("mapping.db")).unwrap();
    let out = planshift(&["verify", "--data", &left.path()]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&out.stderr).contains("mapping.db"));
}
