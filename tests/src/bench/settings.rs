//! What the environment and the arguments say.

use serde::{Deserialize, Serialize};
use std::{
    env,
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Plans of a transition: each customer has so many resellers.
pub const PLANS: usize = 2;
/// Azure subscriptions of a transition, each with a commerce subscription to suspend.
pub const SUBSCRIPTIONS: usize = 8;
/// The fewest transitions in a load, whatever the scale.
const FEWEST: usize = 10;

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often.
    pub repetitions: usize,
    /// The systems, in their order.
    pub systems: Vec<SystemName>,
    /// The loads, in their order.
    pub loads: Vec<Load>,
    /// How the distributed system is driven.
    pub through: Through,
    /// How much of everything.
    pub scale: f64,
    /// The folder of the textbook's benchmark, where it is to run in turn.
    pub textbook: Option<PathBuf>,
}

impl Settings {
    /// From the environment; `textbook` comes as an argument.
    pub fn from_env(textbook: Option<&str>) -> Result<Self, String> {
        let settings = Self {
            repetitions: one("PLANSHIFT_BENCH_REPS", "3")?,
            systems: systems()?,
            loads: many("PLANSHIFT_BENCH_LOADS", "1,32,128,burst")?,
            through: through()?,
            scale: one("PLANSHIFT_TEST_SCALE", "1")?,
            textbook: textbook.map(|folder| Path::new(folder).to_owned()),
        };
        let settings = Self { loads: settings.loads.iter().copied().filter(|load| settings.can_run(*load)).collect(), ..settings };
        if settings.loads.is_empty() { Err("there is no load to run".to_owned()) } else { Ok(settings) }
    }

    fn can_run(&self, load: Load) -> bool {
        let can = match load {
            Load::Closed(open) => open > 0 && open < self.sagas(load),
            Load::Burst => true,
        };
        if !can {
            eprintln!("bench: no load with {load} outstanding: at this scale there are only {} transitions", self.sagas(load));
        }
        can
    }

    /// How many transitions a load has: so many that it takes some seconds.
    pub fn sagas(&self, load: Load) -> usize {
        let sagas = match load {
            Load::Closed(1) => 300,
            Load::Closed(_) => 2_000,
            Load::Burst => 3_000,
        };
        self.scaled(sagas)
    }

    /// How many transitions the burst has that begins a repetition and is not measured.
    pub fn warm_up(&self) -> usize {
        self.scaled(1_500)
    }

    fn scaled(&self, count: usize) -> usize {
        ((count as f64 * self.scale).round() as usize).max(FEWEST)
    }
}

/// Which systems are measured in turn, and how often: all that some parts want to know.
#[derive(Clone, Debug)]
pub struct InTurn {
    /// The systems, in their order.
    pub systems: Vec<SystemName>,
    /// How often.
    pub repetitions: usize,
}

impl InTurn {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: systems()?, repetitions: one("PLANSHIFT_BENCH_REPS", "3")? })
    }
}

/// The systems, in their order.
///
/// # Errors
/// Why they cannot be read.
pub fn systems() -> Result<Vec<SystemName>, String> {
    many("PLANSHIFT_BENCH_SYSTEMS", "planshift,planshift-embedded")
}

/// How the distributed system is driven.
///
/// # Errors
/// Why it cannot be read.
pub fn through() -> Result<Through, String> {
    one("PLANSHIFT_BENCH_THROUGH", "queue")
}

/// A variable's value.
///
/// # Errors
/// Why it cannot be read.
pub fn one<T: FromStr<Err: Display>>(variable: &str, default: &str) -> Result<T, String> {
    let text = text(variable, default);
    text.trim().parse().map_err(|error| format!("{variable}={text}: {error}"))
}

/// A variable's values; `none` is no value.
///
/// # Errors
/// Why one of them cannot be read.
pub fn many<T: FromStr<Err: Display>>(variable: &str, default: &str) -> Result<Vec<T>, String> {
    let text = text(variable, default);
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    text.split(',').map(|item| item.trim().parse().map_err(|error| format!("{variable}={text}: {error}"))).collect()
}

fn text(variable: &str, default: &str) -> String {
    env::var(variable).ok().filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// A system of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemName {
    /// Every service as a process of its own, RabbitMQ, PostgreSQL.
    Distributed,
    /// One process.
    Embedded,
}

impl Display for SystemName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Distributed => "planshift",
            Self::Embedded => "planshift-embedded",
        })
    }
}

impl FromStr for SystemName {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Distributed, Self::Embedded]
            .into_iter()
            .find(|system| system.to_string() == text)
            .ok_or("planshift or planshift-embedded was expected")
    }
}

/// How transitions are started and seen to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Through {
    /// A request for each to the gateway, and long polls until it has settled.
    Api,
    /// Messages to the coordinator as the gateway sends them, and the events of what has ended.
    Queue,
}

impl Through {
    /// How this system is driven, where the distributed one is driven so. (Embedded, there is no queue to reach from outside.)
    pub const fn of(self, system: SystemName) -> Self {
        match system {
            SystemName::Distributed => self,
            SystemName::Embedded => Self::Api,
        }
    }

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Queue => "queue",
        }
    }
}

impl FromStr for Through {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Api, Self::Queue].into_iter().find(|through| through.name() == text).ok_or("queue or api was expected")
    }
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A closed loop with so many outstanding.
    Closed(usize),
    /// All at once.
    Burst,
}

impl Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(open) => open.fmt(f),
            Self::Burst => f.write_str("burst"),
        }
    }
}

impl FromStr for Load {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "burst" { Ok(Self::Burst) } else { text.parse().map(Self::Closed).map_err(|_| "numbers and `burst` were expected") }
    }
}
