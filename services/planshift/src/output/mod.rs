//! What people and programs see: programs on standard output, people on standard error, where a command's result is a table
//! or a text on standard output too.

pub mod follow;
pub mod json;
pub mod live;
pub mod style;
pub mod table;
pub mod text;

use crate::exit::Failure;
use std::io::{self, ErrorKind, Write};

/// Writes to standard output and flushes.
///
/// # Errors
/// Program: it cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(broken)
}

/// Standard output is gone, or its disk is full.
pub fn broken(error: io::Error) -> Failure {
    let failure = Failure::program("cannot write to standard output");
    if error.kind() == ErrorKind::BrokenPipe { failure.because("its reader has closed it") } else { failure.because(error) }
}
