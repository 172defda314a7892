//! `completions` and `man`: what a shell and `man` want to know of the command line, made of its own definition.

use crate::{
    cli::{Cli, CompletionsArgs, ManArgs},
    exit::{Exit, Failure, Outcome},
    output,
};
use clap::CommandFactory;
use std::{fs, io};

/// Prints a shell's completions.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "planshift", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints the page, or writes those of all commands into a folder.
///
/// # Errors
/// Program: what cannot be written to.
pub fn man(args: &ManArgs) -> Outcome {
    match &args.folder {
        Some(folder) => {
            let cannot = |error: io::Error| Failure::program(format!("cannot write to {}", folder.display())).because(error);
            fs::create_dir_all(folder).map_err(cannot)?;
            clap_mangen::generate_to(Cli::command(), folder).map_err(cannot)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(output::broken)?;
            output::print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        man(&ManArgs { folder: Some(folder.path().join("man1")) }).unwrap();
        let page = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        for command in Cli::command().get_subcommands() {
            let text = page(&format!("planshift-{}.1", command.get_name()));
            assert!(text.contains(".SH"), "{}", command.get_name());
        }
        assert!(page("planshift-batch-create.1").contains("\\-\\-dry\\-run"), "commands of commands, too");
        assert!(page("planshift.1").contains("Exit codes"));
    }
}
