//! What is wrong with a set-up, and how to mend it. Nothing is changed: it reads, asks, and connects.
//!
//! | file | looks at |
//! |---|---|
//! | `finding` | (what was found) |
//! | `variables` | the environment: names that nothing reads, settings that do not fit together |
//! | `machine` | limits of this machine |
//! | `folder` | the embedded store |
//! | `servers` | PostgreSQL and RabbitMQ |
//! | `outside` | provisioners, and the receiver of traces |
//! | `api` | the API, its version and its clock; which processes live; and what waits for an operator there |

mod api;
mod finding;
mod folder;
mod machine;
mod outside;
mod servers;
mod variables;

pub use finding::{Finding, Level, for_people};

use crate::{
    cli::DoctorArgs,
    settings::{self, Environment, Keeping},
};

/// Everything, in the order in which somebody would look.
pub async fn examine(args: &DoctorArgs, names: &[String], environment: Environment<'_>) -> Vec<Finding> {
    let mut findings = variables::look(names, environment);
    findings.extend(machine::look());
    match settings::keeping(&args.store(), environment) {
        Ok(Keeping::Embedded(folder)) => findings.extend(folder::look(&folder).await),
        Ok(Keeping::Distributed(servers)) => findings.extend(servers::look(&servers).await),
        Err(failure) => findings.push(Finding::wrong("settings", failure.to_string())),
    }
    findings.extend(outside::look(environment).await);
    findings.extend(api::look(&args.api).await);
    findings
}
