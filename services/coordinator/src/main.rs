//! The coordinator alone in a process: settings from the environment, until SIGTERM.

use planshift_coordinator::{MIGRATIONS, Options, SERVICE};
use std::process::ExitCode;

fn main() -> ExitCode {
    planshift_worker::host::main(SERVICE, MIGRATIONS, async |parts, stop| {
        let options = Options { metrics: parts.metrics, ..Options::default() };
        options.build(parts.database, parts.broker, parts.ports).run(stop).await;
    })
}
