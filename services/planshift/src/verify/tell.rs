//! Whom a verification tells what it has found: a gateway, which keeps it for the page of operations.

use super::Report;
use crate::{
    cli::VerifyArgs,
    client::{Api, ApiError, BrokenTold, InvariantTold, PassTold},
    exit::Failure,
    settings::{Environment, Secret},
    tokens,
};
use planshift_domain::time::Timestamp;
use std::time::Duration;

/// How many of what violates an invariant are told: all of a pass must fit into one request of 64 KB, however much is wrong. The log,
/// and a pass that prints, have more.
const TOLD: usize = 5;
/// Characters of each.
const CHARS: usize = 200;

/// Somebody who is told.
#[derive(Debug)]
pub struct Tell {
    api: Api,
    reporter: String,
}

impl Tell {
    /// As the options say; none where nobody is to be told.
    ///
    /// # Errors
    /// Usage: the URL is none, or the token cannot be read.
    pub fn of(args: &VerifyArgs, environment: Environment<'_>) -> Result<Option<Self>, Failure> {
        let Some(url) = &args.tell else { return Ok(None) };
        let token = tokens::sent(args.token.as_deref(), &args.data, environment)?;
        let api = Api::new(url, token.as_ref().map(Secret::expose))?;
        Ok(Some(Self { api, reporter: args.reporter.clone() }))
    }

    /// Tells of a pass that has ended now.
    ///
    /// # Errors
    /// The API's.
    pub async fn pass(&self, report: &Report, every: Option<Duration>, took: Duration, now: Timestamp) -> Result<(), ApiError> {
        let pass = PassTold {
            reporter: self.reporter.clone(),
            ended_at: now,
            every_seconds: every.map_or(0, |every| every.as_secs()),
            took_millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            invariants: invariants(report),
        };
        self.api.tell_invariants(&pass).await
    }
}

fn invariants(report: &Report) -> Vec<InvariantTold> {
    let short = |text: &str| text.chars().filter(|c| *c != '\0').take(CHARS).collect();
    let told = report.rows().into_iter().map(|row| InvariantTold {
        id: row.invariant.id,
        statement: row.invariant.statement,
        checked: row.checked,
        violations: row.violations,
        found: row.first.iter().take(TOLD).map(|one| BrokenTold { subject: short(&one.subject), text: short(&one.text) }).collect(),
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_invariants::{Checked, Violation};

    #[test]
    fn however_much_is_wrong_it_fits_into_one_request() {
        let report = Report::new();
        for row in report.rows() {
            let id = row.invariant.id;
            let violation = |n: usize| Violation { invariant: id, subject: format!("{n}{}", "s".repeat(5_000)), text: "é".repeat(5_000) };
            report.add(Checked { invariant: id, items: 9, violations: (0..50).map(violation).collect() });
        }
        let told = invariants(&report);
        assert!(told.iter().all(|row| row.violations == 50 && row.found.len() == TOLD));
        let bytes = serde_json::to_vec(&told).unwrap().len();
        assert!(bytes < 64 * 1024 * 15 / 16, "{bytes}");
    }
}
