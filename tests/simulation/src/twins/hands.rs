//! Defects made by a hand in the database.

use crate::store::Sabotage;
use planshift_messaging::Service;
use planshift_storage::Statement;
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

type Hand = Option<Arc<dyn Sabotage>>;

const fn is_worker(service: Service) -> bool {
    matches!(service, Service::Eligibility | Service::Purchasing | Service::Mapping | Service::Suspension)
}

fn only(here: bool, sabotage: impl Sabotage + 'static) -> Hand {
    if here { Some(Arc::new(sabotage)) } else { None }
}

pub(super) fn no_fence(service: Service, _seed: u64) -> Hand {
    only(is_worker(service), BeforeCommit("DELETE FROM ledger WHERE state = 'fenced'"))
}

pub(super) fn no_intent(service: Service, _seed: u64) -> Hand {
    only(is_worker(service), BeforeCommit("DELETE FROM ledger WHERE state = 'intent'"))
}

struct NoLedger;
impl Sabotage for NoLedger {
    fn before(&self, statement: &Statement) -> Option<&'static str> {
        // the claim's own arguments: the step, the state, the time, and rows of transition, item and attempt
        statement.template().starts_with("INSERT INTO ledger").then_some(
            "DELETE FROM ledger WHERE step = ?1 AND (transition_id, item) IN
                 (SELECT json_extract(r.value, '$[0]'), json_extract(r.value, '$[1]') FROM json_each(?4) AS r)",
        )
    }
}
pub(super) fn no_ledger(service: Service, _seed: u64) -> Hand {
    only(is_worker(service), NoLedger)
}

struct Deferred;
impl Sabotage for Deferred {
    fn defers_commit(&self) -> bool {
        true
    }
}
pub(super) fn publish_before_commit(_service: Service, _seed: u64) -> Hand {
    only(true, Deferred)
}

/// One commit in so many is lost.
struct LostCommit(AtomicU64);
impl Sabotage for LostCommit {
    fn loses_commit(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) % 40 == 39
    }
}
pub(super) fn lost_commit(service: Service, seed: u64) -> Hand {
    only(is_worker(service), LostCommit(AtomicU64::new(seed)))
}

struct HalfTransaction;
impl Sabotage for HalfTransaction {
    fn commits_each(&self) -> bool {
        true
    }
}
pub(super) fn half_transaction(_service: Service, _seed: u64) -> Hand {
    only(true, HalfTransaction)
}

struct CommitOnDrop;
impl Sabotage for CommitOnDrop {
    fn commits_on_drop(&self) -> bool {
        true
    }
}
pub(super) fn commit_on_drop(_service: Service, _seed: u64) -> Hand {
    only(true, CommitOnDrop)
}

/// A statement that is recognised by a part of its text finds, or does, nothing.
struct Blind {
    to: &'static str,
    setup: Option<&'static str>,
}
impl Sabotage for Blind {
    fn is_blind_to(&self, statement: &Statement) -> bool {
        statement.template().contains(self.to)
    }
    fn setup(&self) -> Option<&'static str> {
        self.setup
    }
}
const fn blind(to: &'static str) -> Blind {
    Blind { to, setup: None }
}
pub(super) fn no_customer_lock(service: Service, _seed: u64) -> Hand {
    only(
        service == Service::Coordinator,
        Blind { to: "t.customer_id = r.customer_id WHERE t.ended_at IS NULL", setup: Some("DROP INDEX transitions_live") },
    )
}
pub(super) fn stale_answers(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("FROM {1: transition_id uuid, step text, action text, packet bigint} AS r JOIN packets"))
}
pub(super) fn no_recovery(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("open AND sent < version"))
}
pub(super) fn limit_ignored(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("SELECT (SELECT count(*) FROM transitions WHERE open AND NOT waiting"))
}
pub(super) fn line_forgotten(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("WHERE waiting AND background = $1 AND partner_id = $2 ORDER BY"))
}
pub(super) fn held_forgotten(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("held_step NOT IN"))
}
pub(super) fn plans_left_active(service: Service, _seed: u64) -> Hand {
    only(service == Service::Purchasing, blind("UPDATE plans SET status = 'suspended'"))
}
pub(super) fn lines_not_released(service: Service, _seed: u64) -> Hand {
    only(service == Service::Eligibility, blind("DELETE FROM lines"))
}
pub(super) fn no_history(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, blind("INSERT INTO history"))
}

/// A part of a statement's text is another one.
struct Rewritten {
    what: &'static [&'static str],
    by: &'static str,
}
impl Sabotage for Rewritten {
    fn statement<'s>(&self, statement: &'s Statement) -> Cow<'s, str> {
        let sql = &statement.sql().sqlite;
        match self.what.iter().find(|what| sql.contains(**what)) {
            Some(what) => Cow::Owned(sql.replace(what, self.by)),
            None => Cow::Borrowed(sql),
        }
    }
}
pub(super) fn events_without_versions(service: Service, _seed: u64) -> Hand {
    const WHERE: &[&str] = &["WHERE excluded.version > transitions.version", "WHERE excluded.version > lines.version"];
    only(service == Service::Gateway, Rewritten { what: WHERE, by: "" })
}

/// Something that is run before each commit.
struct BeforeCommit(&'static str);
impl Sabotage for BeforeCommit {
    fn before_commit(&self) -> Option<&'static str> {
        Some(self.0)
    }
}
/// Change points of ownership that lead back to legacy are not appended.
pub(super) fn ownership_kept(service: Service, _seed: u64) -> Hand {
    only(service == Service::Mapping, BeforeCommit("DELETE FROM ownership WHERE plan_id IS NULL"))
}
/// The plan owns from the middle of the hour before.
pub(super) fn intervals_overlap(service: Service, _seed: u64) -> Hand {
    const EARLY: &str = "UPDATE ownership SET from_at = from_at - 1800000000 WHERE from_at % 3600000000 = 0 AND plan_id IS NOT NULL";
    only(service == Service::Mapping, BeforeCommit(EARLY))
}
/// Who asks for one line is given the other.
pub(super) fn background_first(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, Rewritten { what: &["background = ?1"], by: "background <> ?1" })
}
/// Nobody has anything under way, as far as shares go.
pub(super) fn shares_uncounted(service: Service, _seed: u64) -> Hand {
    only(service == Service::Coordinator, Rewritten { what: &["sum(1 + lines / packet_items)"], by: "0" })
}
/// Any number may begin in the background at once.
pub(super) fn background_unlimited(service: Service, _seed: u64) -> Hand {
    const COUNTED: &[&str] = &["state <> 'NeedsOperator' AND background)"];
    only(service == Service::Coordinator, Rewritten { what: COUNTED, by: "state <> 'NeedsOperator' AND false)" })
}
