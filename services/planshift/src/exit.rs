//! How the program ends: exit codes, and the failures behind them as people read them.

use std::{error::Error, fmt, process::ExitCode};

/// The exit codes that are promised to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every transition asked for is completed; for the other commands: done.
    Done,
    /// The program failed: a server not reached, a disk full, the data folder in use; or `doctor` found something wrong.
    Failed,
    /// The input or the usage is wrong: nothing was stored or sent, nothing is on standard output.
    Usage,
    /// Some transition ended otherwise than completed; or sums, or invoices, do not agree with what was metered.
    EndedOtherwise,
    /// `verify` found a violation, or `audit` a dossier that is not intact.
    ViolationFound,
    /// Interrupted: what was accepted goes on when it is started again.
    Interrupted,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::EndedOtherwise => 3,
            Self::ViolationFound => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked, for people: what, the causes, and what to do.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    advice: Option<String>,
}

impl Failure {
    /// The input or the usage is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, what: what.into(), source: None, advice: None }
    }

    /// The program failed.
    pub fn program(what: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, what: what.into(), source: None, advice: None }
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// How the program ends with it.
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        // the chain once, here: an error's own text says nothing of its source
        let mut cause = self.source.as_deref().map(|source| source as &(dyn Error + 'static));
        let mut said = self.what.clone();
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        if let Some(advice) = &self.advice {
            write!(f, "\n  {}", advice.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_printed_once_and_the_advice_last() {
        let failure = Failure::program("cannot read accounts.json")
            .because(std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
            .advise("name a file that is there");
        assert_eq!(failure.to_string(), "cannot read accounts.json: no such file\n  name a file that is there");
        assert_eq!(failure.exit().code(), 1);
        assert_eq!(Failure::usage("x").exit().code(), 2);
    }
}
