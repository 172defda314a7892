//! The mapping worker alone in a process: settings from the environment, until SIGTERM.

use planshift_domain::step::Step;
use planshift_mapping::{MIGRATIONS, Options, SERVICE};
use std::process::ExitCode;

fn main() -> ExitCode {
    let provisioner = match planshift_provisioner::from_process(Step::Mapping) {
        Ok(provisioner) => provisioner,
        Err(wrong) => return wrong.report(),
    };
    planshift_worker::host::main(SERVICE, MIGRATIONS, async |parts, stop| {
        let options = Options { metrics: parts.metrics, ..Options::default() }.provisioned_by(provisioner);
        options.build(parts.database, parts.broker, parts.ports).run(stop).await;
    })
}
