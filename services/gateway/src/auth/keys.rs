//! The keys of an OpenID provider, kept fresh.
//!
//! They are fetched at the start, again when they are old, and again when a token names one that is not known, but for that at most
//! once in a while. The old ones stay until there are new ones: a provider that is away holds up nobody whose key is known.

use super::{
    oidc::OidcSettings,
    provider::{self, Fetched, Key, ProviderError},
};
use planshift_domain::time::Timestamp;
use planshift_worker::{Ports, health::Readiness};
use reqwest::Client;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{Mutex, oneshot};
use tokio_util::sync::CancellationToken;

/// How old keys may get where the provider does not say.
const AGE: Duration = Duration::from_secs(3600);
/// Whatever the provider says, not younger and not older than this.
const AGES: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(24 * 3600));
/// Not oftener than this are keys fetched because a token names one that is not known: anybody can name one.
const ASK_AGAIN: f64 = 30.0;
/// The first and the longest wait after a fetch that failed.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long all of a fetch may take.
const FETCH_TIME: Duration = Duration::from_secs(8);
/// The name under which readiness tells of the keys.
const READINESS: &str = "tokens";

/// What is known of a key.
pub(super) enum Found {
    /// Here it is.
    Key(Arc<Vec<Key>>, usize),
    /// The provider has no such key.
    Unknown,
    /// No keys were fetched yet.
    NotYet,
}

/// The keys. Cheap to clone; clones share.
#[derive(Clone)]
pub(super) struct Keys(Arc<Shared>);

struct Shared {
    settings: OidcSettings,
    client: Client,
    ports: Ports,
    readiness: Option<Readiness>,
    known: RwLock<Option<Arc<Vec<Key>>>>,
    /// Held while keys are fetched; when they were last fetched because of an unknown one.
    turn: Mutex<Option<Timestamp>>,
}

impl Keys {
    pub(super) fn new(settings: OidcSettings, ports: Ports, readiness: Option<Readiness>) -> Result<Self, reqwest::Error> {
        if let Some(readiness) = &readiness {
            readiness.says(READINESS, Some("the OpenID provider's keys are not fetched yet".to_owned()));
        }
        let client = provider::client()?;
        Ok(Self(Arc::new(Shared { settings, client, ports, readiness, known: RwLock::default(), turn: Mutex::default() })))
    }

    pub(super) fn settings(&self) -> &OidcSettings {
        &self.0.settings
    }

    /// The key of that name. One that is not known is asked for, where that was not done just now; that is waited for.
    pub(super) async fn find(&self, id: Option<&str>) -> Found {
        match self.0.known(id) {
            Found::Unknown => {}
            other => return other,
        }
        let (keys, wanted) = (self.clone(), id.map(str::to_owned));
        let (done, looked) = oneshot::channel();
        // on its own: a client that goes away does not take the fetch along, which others wait for
        drop(self.0.ports.spawn.spawn(Box::pin(async move {
            keys.0.ask_for(wanted.as_deref()).await;
            let _ = done.send(());
        })));
        let _ = looked.await;
        self.0.known(id)
    }

    /// Fetches keys until `stop`, whenever those that are there are old.
    pub(super) async fn run(self, stop: CancellationToken) {
        let shared = &self.0;
        let (mut wait, mut failures) = (Duration::ZERO, 0_u32);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = shared.ports.clock.sleep(wait) => {}
            }
            let _turn = shared.turn.lock().await;
            let fetched = tokio::select! {
                () = stop.cancelled() => return,
                fetched = shared.fetch() => fetched,
            };
            wait = match fetched {
                Ok(age) => {
                    failures = 0;
                    age
                }
                Err(error) => {
                    tell(&error);
                    let longer = WAITS.0.saturating_mul(1 << failures.min(10)).min(WAITS.1);
                    failures = failures.saturating_add(1);
                    longer.mul_f64(0.5 + shared.ports.random.fraction() / 2.0)
                }
            };
        }
    }
}

impl Shared {
    fn known(&self, id: Option<&str>) -> Found {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(keys) = known else { return Found::NotYet };
        let place = match id {
            Some(id) => keys.iter().position(|key| key.id.as_deref() == Some(id)),
            // a token need not name the only key that there is. Source: RFC 7515, section 4.1.4
            None => (keys.len() == 1).then_some(0),
        };
        place.map_or(Found::Unknown, |place| Found::Key(keys, place))
    }

    /// Fetches because of a key that is not known. Those who come meanwhile wait for its end.
    async fn ask_for(&self, id: Option<&str>) {
        let mut asked = self.turn.lock().await;
        let now = self.ports.clock.now();
        let is_soon = asked.is_some_and(|before| (0.0..ASK_AGAIN).contains(&now.seconds_since(before)));
        if is_soon || !matches!(self.known(id), Found::Unknown) {
            return;
        }
        *asked = Some(now);
        if let Err(error) = self.fetch().await {
            tell(&error);
        }
    }

    /// Fetches; says after how long they are old.
    async fn fetch(&self) -> Result<Duration, FetchError> {
        let Fetched { keys, max_age } = tokio::select! {
            fetched = provider::fetch(&self.client, &self.settings) => fetched?,
            () = self.ports.clock.sleep(FETCH_TIME) => return Err(FetchError::TooSlow),
        };
        tracing::info!(keys = keys.len(), "the OpenID provider's keys are fetched");
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
        if let Some(readiness) = &self.readiness {
            readiness.says(READINESS, None);
        }
        Ok(max_age.unwrap_or(AGE).clamp(AGES.0, AGES.1))
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the OpenID provider takes too long")]
    TooSlow,
}

fn tell(error: &FetchError) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(%error, cause, "the OpenID provider's keys are not fetched: those that are known stay");
}
