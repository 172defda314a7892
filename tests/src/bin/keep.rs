//! Keeps a released version: see `planshift_tests::upgrade::keep`.

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("planshift-keep FOLDER: the folder that the version is kept in");
        return ExitCode::from(2);
    };
    planshift_tests::upgrade::keep::keep(Path::new(&folder));
    ExitCode::SUCCESS
}
