//! The simulator's routes, and its own account of what was asked.
//!
//! `PUT`, `GET` and `DELETE /effects/{key}` are the contract. `GET /effects` tells everything, for those who check: each key with its
//! history; `GET /account` the counts alone, and how many calls were in flight at most.

use super::trouble::{Dice, Fate, Troubles};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use planshift_provisioner::effects::{Effects, State};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The largest request that is read.
const REQUEST_BYTES: usize = 64 * 1024;
/// What is never answered is let go of after so long, so that nothing piles up.
const SILENCE: Duration = Duration::from_secs(600);

/// The simulator. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Simulator(Arc<Mutex<Inner>>);

struct Inner {
    effects: Effects,
    dice: Dice,
    begun: Instant,
    account: Account,
}

/// What was asked, in numbers.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    /// Calls by method.
    calls: BTreeMap<&'static str, u64>,
    /// What went wrong, by kind.
    troubles: BTreeMap<&'static str, u64>,
    in_flight: u64,
    most_in_flight: u64,
    /// Milliseconds from the start to the first and to the latest effect.
    first_effect_at: Option<u64>,
    latest_effect_at: Option<u64>,
    effects: BTreeMap<State, u64>,
}

impl Simulator {
    /// With nothing in it.
    pub fn new(troubles: Troubles) -> Self {
        let (effects, dice, begun, account) = (Effects::default(), Dice::new(troubles), Instant::now(), Account::default());
        Self(Arc::new(Mutex::new(Inner { effects, dice, begun, account })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // whole values are written, whatever panics
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call: its latency, its trouble, and, between them, what it does.
    async fn call(&self, method: &'static str, partner: Option<&str>, effect: impl FnOnce(&mut Inner) -> Response) -> Response {
        let (latency, fate) = {
            let mut inner = self.inner();
            *inner.account.calls.entry(method).or_default() += 1;
            inner.account.in_flight += 1;
            inner.account.most_in_flight = inner.account.most_in_flight.max(inner.account.in_flight);
            inner.dice.throw(partner, Instant::now())
        };
        // also where the caller goes away and this is dropped
        let _flight = Flight(self);
        tokio::time::sleep(latency).await;
        let trouble = match fate {
            Fate::Answered => None,
            Fate::Throttled(_) => Some("throttled"),
            Fate::FailedAfter => Some("failedAfter"),
            Fate::SilentBefore | Fate::SilentAfter => Some("silent"),
            Fate::Busy => Some("busy"),
        };
        let answer = {
            let mut inner = self.inner();
            if let Some(trouble) = trouble {
                *inner.account.troubles.entry(trouble).or_default() += 1;
            }
            let happens = matches!(fate, Fate::Answered | Fate::FailedAfter | Fate::SilentAfter);
            happens.then(|| effect(&mut inner))
        };
        let wait = |status: StatusCode, seconds: u64| (status, [(header::RETRY_AFTER, seconds.to_string())]).into_response();
        match (fate, answer) {
            (Fate::Answered, Some(answer)) => answer,
            (Fate::Throttled(seconds), _) => wait(StatusCode::TOO_MANY_REQUESTS, seconds),
            (Fate::Busy, _) => wait(StatusCode::SERVICE_UNAVAILABLE, 1),
            (Fate::SilentBefore | Fate::SilentAfter, _) => {
                tokio::time::sleep(SILENCE).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

struct Flight<'a>(&'a Simulator);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.inner().account.in_flight -= 1;
    }
}

/// The routes.
pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/effects/{key}", get(look_up).put(provision).delete(undo))
        .route("/effects", get(all))
        .route("/account", get(account))
        // as every service has it: who runs it in a container asks
        .route("/healthz", get(async || "ok\n"))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .with_state(simulator)
}

async fn provision(Shared(simulator): Shared<Simulator>, Path(key): Path<String>, body: Bytes) -> Response {
    let Ok(wanted) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "a JSON body was expected").into_response();
    };
    let partner = wanted.get("partnerId").and_then(serde_json::Value::as_str).map(str::to_owned);
    let has = |inner: &mut Inner| {
        let known = inner.effects.look_up(&key).is_some();
        let state = inner.effects.provision(&key, None);
        if !known {
            let now = u64::try_from(inner.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            inner.account.first_effect_at.get_or_insert(now);
            inner.account.latest_effect_at = Some(now);
        }
        stands(&inner.effects, &key, state, if known { StatusCode::OK } else { StatusCode::CREATED })
    };
    simulator.call("PUT", partner.as_deref(), has).await
}

async fn look_up(Shared(simulator): Shared<Simulator>, Path(key): Path<String>) -> Response {
    let looks = |inner: &mut Inner| match inner.effects.look_up(&key).map(|entry| entry.state) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(state) => stands(&inner.effects, &key, state, StatusCode::OK),
    };
    simulator.call("GET", None, looks).await
}

async fn undo(Shared(simulator): Shared<Simulator>, Path(key): Path<String>) -> Response {
    let undoes = |inner: &mut Inner| Json(json!({ "had": inner.effects.undo(&key) })).into_response();
    simulator.call("DELETE", None, undoes).await
}

fn stands(effects: &Effects, key: &str, state: State, done: StatusCode) -> Response {
    let entry = effects.look_up(key);
    let status = match state {
        State::Done => done,
        State::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        State::Undone | State::Fenced => StatusCode::GONE,
    };
    let had = entry.is_some_and(|entry| entry.had > 0);
    let refusal = entry.and_then(|entry| entry.refusal.as_ref());
    let body = json!({
        "state": state,
        "had": had,
        "code": refusal.map(|(code, _)| code),
        "description": refusal.map(|(_, description)| description),
    });
    (status, Json(body)).into_response()
}

async fn all(Shared(simulator): Shared<Simulator>) -> Response {
    let effects = simulator.inner().effects.all().clone();
    Json(effects).into_response()
}

async fn account(Shared(simulator): Shared<Simulator>) -> Response {
    let account = {
        let inner = simulator.inner();
        let mut account = inner.account.clone();
        for entry in inner.effects.all().values() {
            *account.effects.entry(entry.state).or_default() += 1;
        }
        account
    };
    Json(account).into_response()
}
