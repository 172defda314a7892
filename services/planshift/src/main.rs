//! The binary: options, logs, the command, the exit code.

use clap::Parser;
use planshift::{cli::Cli, commands, logs};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logs::init(&cli);
    commands::main(cli).into()
}
