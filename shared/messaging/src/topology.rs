//! The names that are promised outward: exchanges, queues, and who sends where.

/// What the names of queues begin with in which messages wait for their retry.
pub const DELAYED: &str = "planshift.delay";

/// A service, as the broker knows it: a user, a queue, and a routing key of `planshift.commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// May this customer move?
    Eligibility,
    /// Azure plans.
    Purchasing,
    /// Azure subscriptions.
    Mapping,
    /// Legacy commerce subscriptions.
    Suspension,
    /// The saga.
    Coordinator,
    /// The public face.
    Gateway,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 6] = [Self::Eligibility, Self::Purchasing, Self::Mapping, Self::Suspension, Self::Coordinator, Self::Gateway];

    /// The service's name: its schema, its broker user, its routing key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Purchasing => "purchasing",
            Self::Mapping => "mapping",
            Self::Suspension => "suspension",
            Self::Coordinator => "coordinator",
            Self::Gateway => "gateway",
        }
    }

    /// The service of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// A queue that is consumed by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// `planshift.NAME`.
    Service(Service),
    /// `planshift.dead`: the dead letters of all.
    Dead,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 7] = [
        Self::Service(Service::Eligibility),
        Self::Service(Service::Purchasing),
        Self::Service(Service::Mapping),
        Self::Service(Service::Suspension),
        Self::Service(Service::Coordinator),
        Self::Service(Service::Gateway),
        Self::Dead,
    ];

    /// The queue of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// The queue's name on the broker.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service(Service::Eligibility) => "planshift.eligibility",
            Self::Service(Service::Purchasing) => "planshift.purchasing",
            Self::Service(Service::Mapping) => "planshift.mapping",
            Self::Service(Service::Suspension) => "planshift.suspension",
            Self::Service(Service::Coordinator) => "planshift.coordinator",
            Self::Service(Service::Gateway) => "planshift.gateway",
            Self::Dead => "planshift.dead",
        }
    }
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// `planshift.commands`, to the service's queue (the coordinator's requests too).
    Command(Service),
    /// `planshift.replies`, to the coordinator.
    Reply,
    /// `planshift.answers`, to the queue that the asker named in `reply_to`. Not mandatory: the asker may be gone.
    Answer(String),
    /// `planshift.answers`, to the queues of all who listen for answers: what each of them is to know just now, and nobody keeps. Not
    /// mandatory: there may be none.
    Askers,
    /// `planshift.events` under this routing key (`transition.STATE`, `account.imported`).
    Event(String),
    /// Back to the queue of a service, with its attempts forgotten: a dead letter that is given another chance.
    Redrive {
        /// Whose queue it died in.
        to: Service,
        /// Who sent it first. A reader believes this from the gateway alone; from anyone else it is as if it were `None`.
        sender: Option<Service>,
    },
}

impl Destination {
    /// The queue that it leads to; `None` for what goes to askers, whose queues are their own.
    pub const fn queue(&self) -> Option<Queue> {
        match self {
            Self::Command(service) | Self::Redrive { to: service, .. } => Some(Queue::Service(*service)),
            Self::Reply => Some(Queue::Service(Service::Coordinator)),
            Self::Event(_) => Some(Queue::Service(Service::Gateway)),
            Self::Answer(_) | Self::Askers => None,
        }
    }
}
