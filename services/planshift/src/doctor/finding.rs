//! What was found: well, to be looked at, or wrong; and how to mend it.

use crate::output::style::To;
use serde::Serialize;
use std::fmt::Write as _;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works; somebody should look at it.
    Warning,
    /// It does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word.
    pub about: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, level: Level::Ok, found: found.into(), mend: None }
    }

    /// It works; somebody should look at it.
    pub fn warning(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, level: Level::Warning, found: found.into(), mend: None }
    }

    /// It does not work.
    pub fn wrong(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, level: Level::Wrong, found: found.into(), mend: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// A line for each, and what to do under those that are not as they should be.
pub fn for_people(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let word = match finding.level {
            Level::Ok => To::Out.good(&format!("{:<7}", "ok")),
            Level::Warning => To::Out.doubtful(&format!("{:<7}", "warning")),
            Level::Wrong => To::Out.bad(&format!("{:<7}", "wrong")),
        };
        let found = finding.found.replace('\n', "\n                      ");
        // writing to a string does not fail
        let _ = writeln!(out, "{:<12} {word}  {found}", finding.about);
        if let Some(mend) = &finding.mend {
            let _ = writeln!(out, "{:<20}  {} {mend}", "", To::Out.dim("→"));
        }
    }
    let of = |level| findings.iter().filter(|finding| finding.level == level).count();
    let _ = match (of(Level::Wrong), of(Level::Warning)) {
        (0, 0) => writeln!(out, "\nnothing is wrong"),
        (wrong, warnings) => writeln!(out, "\n{wrong} wrong, {warnings} to be looked at"),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_under_what_is_wrong() {
        let findings = [Finding::ok("store", "at this version"), Finding::wrong("api", "is not reached").mend("start it")];
        let text = for_people(&findings);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "store        ok       at this version");
        assert!(lines[1].starts_with("api          wrong    is not reached") && lines[2].trim_end().ends_with("→ start it"), "{text}");
        assert_eq!(lines[4], "1 wrong, 0 to be looked at");
        assert!(for_people(&findings[..1]).ends_with("nothing is wrong\n"));
        let json = serde_json::to_string(&findings[1]).unwrap();
        assert_eq!(json, r#"{"about":"api","level":"wrong","found":"is not reached","mend":"start it"}"#);
    }
}
