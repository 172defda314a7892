//! What is said of a metric, in one place: its HELP and TYPE lines, docs/metrics.md and the tests are made of it.

use planshift_domain::{step::Step, transition::State};
use planshift_invariants::CATALOGUE as INVARIANTS;
use planshift_messaging::{Queue, Service};

/// A counter of the catalogue: it only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(pub(super) usize);

/// A gauge of the catalogue: it says how much there is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge(pub(super) usize);

/// A histogram of the catalogue: how often something was how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram(pub(super) usize);

/// Which kind a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// See [`Counter`].
    Counter,
    /// See [`Gauge`].
    Gauge,
    /// See [`Histogram`], with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A label, and what it may say: a bounded set, so that nobody's input makes series.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may say.
    pub values: Values,
}

/// What a label may say.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// One of these.
    These(&'static [&'static str]),
    /// The name of a service.
    Services,
    /// The name of a step.
    Steps,
    /// The type of a message, or `unknown`.
    MessageTypes,
    /// The name of a queue.
    Queues,
    /// The id of an invariant.
    Invariants,
    /// The state of a transition.
    States,
    /// A path of the API as the router has it, or `none`: bounded by the router, which this crate does not know.
    Routes,
    /// The version of the program.
    Version,
}

impl Values {
    /// What it may say; `None` where that is known elsewhere.
    pub fn all(self) -> Option<Vec<&'static str>> {
        Some(match self {
            Self::These(values) => values.to_vec(),
            Self::Services => Service::ALL.map(Service::name).to_vec(),
            Self::Steps => Step::ALL.map(Step::name).to_vec(),
            Self::MessageTypes => crate::codec::TYPES.iter().copied().chain([crate::metrics::UNKNOWN_TYPE]).collect(),
            Self::Queues => Queue::ALL.map(Queue::name).to_vec(),
            Self::Invariants => INVARIANTS.iter().map(|invariant| invariant.id).collect(),
            Self::States => State::ALL.map(State::name).to_vec(),
            Self::Version => vec![env!("CARGO_PKG_VERSION")],
            Self::Routes => return None,
        })
    }

    /// May it say this?
    pub fn allow(self, value: &str) -> bool {
        self.all().is_none_or(|all| all.contains(&value))
    }

    /// In words, for the documentation.
    pub fn in_words(self) -> String {
        match self {
            Self::These(values) => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
            Self::Services => "a service".to_owned(),
            Self::Steps => "a step".to_owned(),
            Self::MessageTypes => "a type of [message](asyncapi.json), or `unknown`".to_owned(),
            Self::Queues => "a queue, `planshift.mapping` for example".to_owned(),
            Self::Invariants => "an [invariant](testing/verify.md)".to_owned(),
            Self::States => "a [state](architecture.md#the-saga)".to_owned(),
            Self::Routes => "a path as the [contract](api/contract.md) has it, in lower case, or `none`".to_owned(),
            Self::Version => "the version".to_owned(),
        }
    }
}

/// Which processes show a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// All of them, `verify` too.
    Processes,
    /// Every service.
    Services,
    /// The four workers of steps.
    Workers,
    /// The coordinator.
    Coordinator,
    /// The gateway.
    Gateway,
    /// `planshift verify --every`.
    Verify,
    /// Services and `planshift verify --every`.
    ServicesAndVerify,
    /// Mapping, and suspension.
    MappingAndSuspension,
    /// Workers whose effects are first had from a system outside.
    WorkersWithAProvisioner,
}

impl By {
    /// In words, for the documentation.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Processes => "every process",
            Self::Services => "every service",
            Self::Workers => "workers of steps",
            Self::Coordinator => "coordinator",
            Self::Gateway => "gateway",
            Self::Verify => "`verify --every`",
            Self::ServicesAndVerify => "services, `verify --every`",
            Self::MappingAndSuspension => "mapping, suspension",
            Self::WorkersWithAProvisioner => "workers with a [provisioner](provisioner.md)",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name; for a histogram without `_bucket`, `_sum`, `_count`. The unit is in it (`_seconds`, `_bytes`, else a number of things).
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it says, as a sentence.
    pub help: &'static str,
    /// Who shows it.
    pub by: By,
}

impl Described {
    /// What one of it is.
    pub fn unit(&self) -> &'static str {
        if self.name.contains("_timestamp_seconds") {
            "seconds since 1970"
        } else if self.name.contains("_seconds") {
            "seconds"
        } else if self.name.contains("_bytes") {
            "bytes"
        } else {
            "a number"
        }
    }
}
