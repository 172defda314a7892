//! The coordinator alone in a process: settings from the environment, until SIGTERM.

use planshift_coordinator::{MIGRATIONS, Options, SERVICE, under_way_from};
use std::process::ExitCode;

fn main() -> ExitCode {
    let under_way = match under_way_from(|name| std::env::var(name).ok()) {
        Ok(under_way) => under_way,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    planshift_worker::host::main(SERVICE, MIGRATIONS, async |parts, stop| {
        let options = Options { metrics: parts.metrics, under_way, ..Options::default() };
        options.build(parts.database, parts.broker, parts.ports).run(stop).await;
    })
}
