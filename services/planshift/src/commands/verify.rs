//! `verify`: every invariant that shows in what is stored.

use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure, Outcome},
    output::style::To,
    settings,
    verify::{self, Stores, Tell, print, watch},
};
use planshift_worker::{Ports, host::stop_signal};
use std::time::Instant;

/// Checks what is stored, and prints each invariant with its counts; or goes on doing so, and counts.
///
/// # Errors
/// Usage: there is no such data folder. Program: a server is not reached, a schema is at another version, standard output cannot be
/// written to, the administration address cannot be had, the gateway that is to be told is not reached.
pub async fn verify(args: VerifyArgs) -> Outcome {
    if let Some(every) = args.every {
        let stop = stop_signal().map_err(|error| Failure::program("cannot listen to signals").because(error))?;
        return Box::pin(watch(&args, every, stop)).await;
    }
    let tell = Tell::of(&args, &settings::process_environment)?;
    let (stores, begun) = (Stores::open(&args, &settings::process_environment).await?, Instant::now());
    let report = Box::pin(verify::run(&stores)).await;
    stores.close().await;
    let report = report.map_err(|error| Failure::program("cannot read what is stored").because(error))?;
    if args.json {
        print::for_programs(&report)?;
    } else {
        print::for_people(&report)?;
    }
    if let Some(tell) = tell {
        let told = tell.pass(&report, None, begun.elapsed(), Ports::system().clock.now()).await;
        match told {
            Err(error) if report.is_clean() => return Err(error.into()),
            // what was found weighs more than whether it was told
            Err(error) => eprintln!("{} {}", To::Err.bad("error:"), Failure::from(error)),
            Ok(()) => {}
        }
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::ViolationFound })
}
