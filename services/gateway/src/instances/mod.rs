//! Which processes live: each tells so every ten seconds, to every gateway, and this one remembers what it has heard. Nothing is stored.
//!
//! | it is | where |
//! |---|---|
//! | alive, stopping | it said so, and was heard within [`UNSEEN`] |
//! | stopped | it said that it has ended |
//! | gone | it has not been heard for longer |
//!
//! Who has stopped or is gone is shown for [`SHOWN`], then forgotten. While nothing at all is heard (the broker is away; a gateway would
//! hear itself at least) nobody is called gone for it. A process is whose the broker says that its message is; how much is remembered has
//! a bound, whatever is sent.

#[cfg(test)]
mod tests;

use planshift_domain::{
    message::instance::{InstanceAlive, Living},
    time::Timestamp,
};
use planshift_messaging::Service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Who has not been heard for so many seconds is gone: three times in vain, and some.
pub(crate) const UNSEEN: i64 = 35;
/// For so many seconds it is shown who has ended.
pub(crate) const SHOWN: i64 = 600;
/// So many seconds after it began to listen, a gateway has heard everybody who lives.
const FIRST_ROUND: i64 = 12;
/// Processes of a service that are remembered. The largest installation that was measured has four of one.
pub(crate) const MOST: usize = 64;
/// Characters of a host's name; the system's own limit is 64, Kubernetes' 253.
const HOST_CHARS: usize = 100;
/// Characters of a version.
const VERSION_CHARS: usize = 40;

/// What was heard. Cheap to clone; clones share.
#[derive(Clone, Default)]
pub(crate) struct Instances {
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    /// Since when somebody is heard without a pause that is longer than [`UNSEEN`].
    since: Option<Timestamp>,
    /// When somebody was heard last.
    last: Option<Timestamp>,
    known: BTreeMap<Service, BTreeMap<Uuid, Known>>,
    /// When there was no room for one more of a service.
    no_room: BTreeMap<Service, Timestamp>,
}

struct Known {
    told: InstanceAlive,
    last_seen: Timestamp,
}

/// A process, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// What lives in it.
    pub(crate) service: String,
    /// Its own from its start to its end.
    pub(crate) instance_id: Uuid,
    /// The machine, or the container, by its own name.
    pub(crate) host: String,
    /// The number of the process there.
    pub(crate) process: u32,
    /// The program's version.
    pub(crate) version: String,
    /// How it is.
    pub(crate) state: InstanceState,
    /// When it was started, by its own clock.
    pub(crate) since: Timestamp,
    /// When it was heard last, by the clock of the gateway that tells it.
    pub(crate) last_seen: Timestamp,
    /// Messages that it has taken and not settled, as it said then.
    pub(crate) in_hand: u64,
    /// Whether its step is paused for everybody; absent where it has none, and where the coordinator does not say so just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step_paused: Option<bool>,
}

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum InstanceState {
    /// It works.
    Alive,
    /// It takes nothing more, and finishes what it has taken.
    Stopping,
    /// It has ended in order.
    Stopped,
    /// It is not heard any more.
    Gone,
}

impl InstanceState {
    /// It is there.
    pub(crate) const fn is_living(self) -> bool {
        matches!(self, Self::Alive | Self::Stopping)
    }
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Roll {
    /// By service, those that live first.
    pub(crate) items: Vec<Instance>,
    /// The versions of those that live: more than one while services are upgraded.
    pub(crate) versions: Vec<String>,
    /// The gateway has listened long enough to have heard everybody. (Who is older than this does not tell.)
    pub(crate) complete: bool,
    /// When somebody was heard last; absent before that. Long ago: the broker is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard_at: Option<Timestamp>,
    /// Services of which there are more than are remembered.
    pub(crate) too_many: Vec<String>,
}

impl Instances {
    /// One of a service has told how it is.
    pub(crate) fn heard(&self, service: Service, told: &InstanceAlive, now: Timestamp) {
        let mut heard = self.lock();
        if heard.last.is_none_or(|last| now > last.plus_seconds(UNSEEN)) {
            // whoever is not heard again from now on is gone, and not before
            heard.since = Some(now);
        }
        heard.last = Some(now);
        heard.forget(now);
        if !heard.make_room(service, told.instance_id, now) {
            heard.no_room.insert(service, now);
            return;
        }
        let told = InstanceAlive { host: short(&told.host, HOST_CHARS), version: short(&told.version, VERSION_CHARS), ..told.clone() };
        heard.known.entry(service).or_default().insert(told.instance_id, Known { told, last_seen: now });
    }

    /// Who is known, as of now.
    pub(crate) fn roll(&self, now: Timestamp) -> Roll {
        let mut heard = self.lock();
        heard.forget(now);
        let as_of = heard.as_of(now);
        let mut items: Vec<Instance> = heard
            .known
            .iter()
            .flat_map(|(service, known)| known.values().map(|one| one.shown(*service, heard.is_unseen(one, as_of))))
            .collect();
        let order = |name: &str| Service::from_name(name).and_then(|service| Service::ALL.iter().position(|one| *one == service));
        items.sort_by_key(|one| (order(&one.service), one.state, one.since, one.instance_id));
        let living = items.iter().filter(|one| one.state.is_living());
        let versions: BTreeSet<&str> = living.map(|one| one.version.as_str()).collect();
        let is_recent = |at: &Timestamp| as_of <= at.plus_seconds(UNSEEN);
        Roll {
            versions: versions.into_iter().map(str::to_owned).collect(),
            complete: heard.since.is_some_and(|since| as_of >= since.plus_seconds(FIRST_ROUND)),
            heard_at: heard.last,
            too_many: heard.no_room.iter().filter(|(_, at)| is_recent(at)).map(|(service, _)| service.name().to_owned()).collect(),
            items,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        // what a panic leaves is whole: one entry more or less
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Is there room for this one of a service? One that has ended makes room for one that lives.
    fn make_room(&mut self, service: Service, id: Uuid, now: Timestamp) -> bool {
        let Some(known) = self.known.get(&service).filter(|known| known.len() >= MOST && !known.contains_key(&id)) else { return true };
        let ended = known.iter().filter(|(_, one)| one.told.state == Living::Stopped || self.is_unseen(one, now));
        let Some(oldest) = ended.min_by_key(|(_, one)| one.last_seen).map(|(id, _)| *id) else { return false };
        self.known.get_mut(&service).is_some_and(|known| known.remove(&oldest).is_some())
    }

    /// What is known is as of now; where nothing is heard any more, as of shortly after the last that was heard.
    fn as_of(&self, now: Timestamp) -> Timestamp {
        self.last.map_or(now, |last| now.min(last.plus_seconds(FIRST_ROUND)))
    }

    /// It should have been heard, and was not.
    fn is_unseen(&self, one: &Known, as_of: Timestamp) -> bool {
        as_of > self.expected(one).plus_seconds(UNSEEN)
    }

    /// From when on it should have been heard again: before the gateway listened, it could not.
    fn expected(&self, one: &Known) -> Timestamp {
        self.since.map_or(one.last_seen, |since| since.max(one.last_seen))
    }

    /// Forgets who has ended long ago.
    fn forget(&mut self, now: Timestamp) {
        let as_of = self.as_of(now);
        let mut all = std::mem::take(&mut self.known);
        for known in all.values_mut() {
            known.retain(|_, one| {
                let ended = if one.told.state == Living::Stopped { one.last_seen } else { self.expected(one).plus_seconds(UNSEEN) };
                as_of <= ended.plus_seconds(SHOWN)
            });
        }
        self.known = all;
    }
}

impl Known {
    fn shown(&self, service: Service, is_unseen: bool) -> Instance {
        let state = match self.told.state {
            Living::Stopped => InstanceState::Stopped,
            _ if is_unseen => InstanceState::Gone,
            Living::Alive => InstanceState::Alive,
            Living::Stopping => InstanceState::Stopping,
        };
        let InstanceAlive { instance_id, host, process, version, since, in_hand, .. } = self.told.clone();
        // whoever has ended has nothing in hand: it comes again elsewhere
        let in_hand = if state.is_living() { in_hand } else { 0 };
        Instance {
            service: service.name().to_owned(),
            instance_id,
            host,
            process,
            version,
            state,
            since,
            last_seen: self.last_seen,
            in_hand,
            step_paused: None,
        }
    }
}

/// As much of a text as is kept, without what would steer a terminal.
fn short(text: &str, chars: usize) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(chars).collect()
}
