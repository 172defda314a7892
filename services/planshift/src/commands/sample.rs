//! `sample`: a valid account document of any size.

use crate::{
    cli::SampleArgs,
    exit::{Exit, Failure, Outcome},
    output,
};
use planshift_domain::account::sample::{SampleOptions, write, write_lines};
use std::io::{self, BufWriter, ErrorKind, Write};

/// Writes the document to standard output.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn sample(args: &SampleArgs) -> Outcome {
    let options =
        SampleOptions { customers: args.customers.get(), subscriptions: args.subscriptions, seed: args.seed, resellers: args.resellers };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if args.ndjson { write_lines(options, &mut out) } else { write(options, &mut out) };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Done),
        // a reader that has seen enough (`| head`) is no failure
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(Failure::usage(error.to_string())),
        Err(error) => Err(output::broken(error)),
    }
}
