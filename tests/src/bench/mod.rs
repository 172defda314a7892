//! The benchmark: how many transitions a second, how long one takes, and what it costs in CPU and memory.
//!
//! A *load* is N transitions of P plans and S subscriptions, either in a closed loop (so many are open at any time) or as a burst
//! (all N at once). All customers are imported beforehand. The *driver*, a process of its own, starts the transitions and sees
//! them end. Wall time runs from the first start to the last end that the driver sees. CPU counts every process that has a part in
//! it, ended children included (the servers, the services, the driver), from the same start until the gateway's read model is
//! whole too, so that work in arrears is billed. Memory is the peak of the same processes' proportional set size, so that shared
//! pages count once. Afterwards every effect is counted in the databases; where one is missing or too many, the load is void.
//!
//! Each repetition of a system has servers, databases and services of its own, which begin with a burst that is not measured. No
//! other system's servers run meanwhile. What is compared is measured in turn, and as a ratio: machines are shared and noisy.
//!
//! Further parts: `size` (is the cost flat, however much there is?), `import` (of a large document), `start_up`, `verify`, `lists`
//! (behind a million transitions), `latency` (of single requests, idle and under load), `tracing` (what traces cost) `scaling` (ever more
//! mapping workers that wait for a system outside), `batch`, `usage` and `fairness` (behind a batch, and between partners).
//!
//! | file | holds |
//! |---|---|
//! | `settings` | what the environment and the arguments say |
//! | `turns` | every system in turn, as often as wanted |
//! | `measure` | one load, and its figures |
//! | `window` | what is measured of the running system: from the first start until the read model is whole |
//! | `system` | the system under test: its processes, started and stopped |
//! | `store` | where it keeps everything: servers of its own, or a folder |
//! | `servers` | RabbitMQ and PostgreSQL for it |
//! | `document` | the account document whose customers move |
//! | `tables` | every service's tables, past the services |
//! | `counts` | the effects, counted in them |
//! | `driver` | the process that starts transitions and sees them end: through the API, or through the queue |
//! | `driving` | the other end of it |
//! | `command` | a program that is measured from its start to its end |
//! | `cpu`, `used` | what trees of processes use of the processors, from `/proc`: until now, and between two moments |
//! | `memory`, `peak` | memory: of trees of processes, sampled; the most that one process had, as the kernel keeps it |
//! | `figures` | what is printed for a load |
//! | `printed`, `markdown` | lines of JSON, and tables |
//! | `summary` | medians, ratios, and whether the bar is met |
//! | `textbook` | the saga as a textbook has it, measured by its own benchmark in turn with ours |
//! | `size` | one customer with ever more subscriptions; ever more customers in one run |
//! | `history` | a million finished transitions, to measure behind |
//! | `import` | the import of a large document, next to a plain copy of the same rows |
//! | `copying` | a file by a plain COPY |
//! | `usage` | very many usage records, next to a plain copy of the same file |
//! | `start_up` | the time from a program's start until it is ready; the programs' sizes |
//! | `lists` | lists behind few and behind very many finished transitions |
//! | `latency` | how long a start and a look take, idle and under half the highest throughput |
//! | `scaling` | ever more mapping workers, each call of which takes 100 ms outside |
//! | `fairness` | a single start behind a large batch, and what partners have of the workers |
//! | `timed` | how long answers took |
//! | `tracing` | the same loads with traces and without |
//! | `batch` | a batch of very many customers, and as many starts without one |
//! | `verify` | how long every invariant takes to be checked on what is stored |

mod batch;
mod command;
mod copying;
mod counts;
mod cpu;
mod document;
mod driver;
mod driving;
mod fairness;
mod figures;
mod history;
mod import;
mod latency;
mod lists;
mod markdown;
mod measure;
mod memory;
mod peak;
mod printed;
mod scaling;
mod servers;
mod settings;
mod size;
mod start_up;
mod store;
mod summary;
mod system;
mod tables;
mod textbook;
mod timed;
mod tracing;
mod turns;
mod usage;
mod used;
mod verify;
mod window;

use std::{env, process::ExitCode};

const USAGE: &str = "planshift-bench loads [--textbook FOLDER]    see tests/run
planshift-bench size
planshift-bench import
planshift-bench start-up
planshift-bench verify
planshift-bench lists
planshift-bench latency
planshift-bench tracing
planshift-bench scaling
planshift-bench batch
planshift-bench fairness
planshift-bench usage
planshift-bench drive queue|api ADDRESS PARTNER CONCURRENCY    used by the others";

/// The program.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["drive", through, address, partner, concurrency] => driver::main(through, address, partner, concurrency),
        ["loads"] => settings::Settings::from_env(None).map(|settings| turns::all(&settings)),
        ["loads", "--textbook", folder] => settings::Settings::from_env(Some(folder)).map(|settings| turns::all(&settings)),
        ["size"] => size::Settings::from_env().map(|settings| size::all(&settings)),
        ["import"] => import::Settings::from_env().map(|settings| import::all(&settings)),
        ["start-up"] => start_up::all(),
        ["lists"] => lists::Settings::from_env().map(|settings| lists::all(&settings)),
        ["latency"] => settings::InTurn::from_env().map(|settings| latency::all(&settings)),
        ["tracing"] => settings::InTurn::from_env().map(|settings| tracing::all(&settings)),
        ["scaling"] => scaling::Settings::from_env().map(|settings| scaling::all(&settings)),
        ["batch"] => batch::Settings::from_env().map(|settings| batch::all(&settings)),
        ["fairness"] => fairness::Settings::from_env().map(|settings| fairness::all(&settings)),
        ["usage"] => usage::Settings::from_env().map(|settings| usage::all(&settings)),
        ["verify"] => verify::Settings::from_env().map(|settings| verify::all(&settings)),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}
