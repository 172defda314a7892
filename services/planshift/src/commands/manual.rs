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

    /// All commands, each with those above it.
    fn commands() -> Vec<Vec<String>> {
        fn add(command: &clap::Command, above: &[String], all: &mut Vec<Vec<String>>) {
            for sub in command.get_subcommands() {
                let names = [above, &[sub.get_name().to_owned()]].concat();
                add(sub, &names, all);
                all.push(names);
            }
        }
        let mut all = Vec::new();
        add(&Cli::command(), &[], &mut all);
        all
    }

    #[test]
    fn every_shell_completes_every_command() {
        use clap::ValueEnum as _;
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "planshift", &mut script);
            let script = String::from_utf8(script).unwrap();
            let words: std::collections::BTreeSet<_> = script.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
            for names in commands() {
                assert!(words.contains(names.last().unwrap().as_str()), "{shell}: {names:?}");
            }
            assert!(script.contains("oidc-client-id"), "options, too: {shell}");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        man(&ManArgs { folder: Some(folder.path().join("man1")) }).unwrap();
        let page = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        let commands = commands();
        for names in &commands {
            assert!(page(&format!("planshift-{}.1", names.join("-"))).contains(".SH"), "{names:?}");
        }
        assert!(commands.len() > 80, "commands of commands, too");
        assert!(page("planshift-batch-create.1").contains("\\-\\-dry\\-run"), "commands of commands, too");
        assert!(page("planshift.1").contains("Exit codes"));
    }
}
