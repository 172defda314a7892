//! The read model on SQLite, or on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one.

mod audit;
mod feed;
mod lists;
mod overview;
mod rows;

use super::{audit::RecordFilter, requests::Reserved, *};
use crate::fixtures::{at, changed, entry, id, line, packet, plan, transition};
use planshift_domain::{
    account::facts::{PlanStatus, Relationship, ResellerFacts},
    audit::{CustomerEntry, event},
    ids::{MpnId, PartnerId, TransitionId},
    message::event::{AccountImported, ImportedCustomer, TransitionChanged},
    step::Step,
    transition::{Evidence, Finding, ItemError, State},
};
use planshift_storage::{Args, Statement, Value};
use std::time::Duration;
use uuid::Uuid;

const GAP: Duration = Duration::from_secs(10);

struct Fixture {
    model: ReadModel,
    _folder: tempfile::TempDir,
}

/// On SQLite; on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one, in a schema of the test's own.
async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let database = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
        Ok(url) => Database::connect_postgres(&url, &format!("gateway_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
        Err(_) => Database::open_sqlite(folder.path().join("gateway.db")).await.unwrap(),
    };
    database.migrate(MIGRATIONS).await.unwrap();
    Fixture { model: ReadModel::new(database), _folder: folder }
}

impl Fixture {
    async fn tell(&self, events: impl IntoIterator<Item = TransitionChanged>) {
        self.tell_at(0, events).await;
    }
    async fn tell_at(&self, second: i64, events: impl IntoIterator<Item = TransitionChanged>) {
        let mut changes = Changes::default();
        for event in events {
            changes.transition(event);
        }
        self.model.apply(&changes, at(second), GAP).await.unwrap();
    }
    async fn ids(&self, filter: Filter) -> Vec<u128> {
        let page = self.model.list(&filter, None, 100).await.unwrap();
        assert_eq!(page.total, Some(page.rows.len() as u64));
        page.rows.iter().map(|row| row.id.0.as_u128()).collect()
    }
}

/// A transition's story, as its events tell it.
fn story() -> Vec<TransitionChanged> {
    let row = |version: u32, state, history| {
        let mut row = transition(1, version, state);
        (row.history, row.lines, row.plans) = (history, if version > 2 { 2 } else { 0 }, u32::from(version > 2));
        row
    };
    let mut refused = line(11, 0, 5);
    refused.error = Some((Step::Mapping, ItemError { code: "2012".into(), description: "no".into() }));
    let mut undone = line(12, 0, 5);
    undone.undo = Some(Evidence::Undone);
    vec![
        TransitionChanged { history: vec![entry(1)], ..changed(row(1, State::Requested, 1)) },
        TransitionChanged { history: vec![entry(2)], ..changed(row(2, State::CheckingEligibility, 2)) },
        TransitionChanged {
            lines: vec![line(11, 0, 3), line(12, 0, 3)],
            packets: vec![packet(Step::Eligibility, 0, 3)],
            plans: vec![plan("10", 77, 3)],
            history: vec![entry(3)],
            ..changed(row(3, State::MappingSubscriptions, 3))
        },
        TransitionChanged { packets: vec![packet(Step::Mapping, 0, 4)], ..changed(row(4, State::Compensating, 3)) },
        TransitionChanged { lines: vec![refused, undone], history: vec![entry(4)], ..changed(row(5, State::Compensated, 4)) },
    ]
}
