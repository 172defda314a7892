//! A report as people read it: at most 100 columns, long lists shortened.

use super::{InFrench, Report, UnderPlan, UndoneKind};
use crate::{
    account::facts::SubscriptionStatus,
    said::{Sentence, nouns::grouped, report as words},
};
use std::fmt;

/// How wide a line may be.
pub(super) const COLUMNS: usize = 100;
/// How many items of a list are shown; the others are counted.
pub(super) const SHOWN: usize = 10;

/// How a sentence is said.
type Say<'s> = &'s dyn Fn(Sentence, &[&dyn fmt::Display]) -> String;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, &|sentence, fillings| sentence.with(fillings).into())
    }
}

impl fmt::Display for InFrench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.0, &|sentence, fillings| sentence.french_with(fillings))
    }
}

fn write(f: &mut fmt::Formatter<'_>, report: &Report, say: Say<'_>) -> fmt::Result {
    writeln!(f, "{}", say(words::OF_CUSTOMER, &[&report.transition_id, &report.customer_id]))?;
    let state = &report.state;
    match report.ended_at {
        Some(at) => writeln!(f, "{}", say(words::ENDED, &[state, &report.started_at, &at]))?,
        None => writeln!(f, "{}", say(words::STARTED, &[state, &report.started_at]))?,
    }
    writeln!(f)?;
    paragraph(f, "", &report.summary)?;
    let failed = report.failed.iter();
    let failed = failed.map(|it| say(words::FAILED_AT, &[&it.code, &it.resource_id, &it.step, &it.said_by, &it.description]));
    section(f, say, words::WHAT_FAILED, failed)?;
    let undone = report.undone.iter().map(|it| {
        let kind = match it.kind {
            UndoneKind::AzureSubscription => words::SUBSCRIPTION_UNDONE,
            UndoneKind::AzurePlan => words::AZURE_PLAN_UNDONE,
        };
        say(kind, &[&it.resource_id, &it.evidence])
    });
    section(f, say, words::WHAT_WAS_UNDONE, undone)?;
    section(f, say, words::WHAT_IS_AS_IT_WAS, report.as_it_was.iter().cloned())?;
    // those whose commerce subscription is still active are the ones to act on, so they come first
    let mut under_plan: Vec<&UnderPlan> = report.under_plan.iter().collect();
    under_plan.sort_by_key(|it| it.commerce_status != SubscriptionStatus::Active);
    let under_plan = under_plan.into_iter().map(|it| {
        let status = match it.commerce_status {
            SubscriptionStatus::Active => say(words::STILL_ACTIVE, &[]),
            SubscriptionStatus::Suspended => say(words::SUSPENDED, &[]),
            SubscriptionStatus::Deleted => say(words::DELETED, &[]),
            other => other.text().to_owned(),
        };
        say(words::IS_UNDER_PLAN, &[&it.azure_subscription_id, &it.plan_id, &it.commerce_subscription_id, &status])
    });
    section(f, say, words::WHAT_IS_UNDER_A_PLAN, under_plan)?;
    let evidence = report.evidence.iter().map(|it| say(words::ENTRY, &[&it.number, &it.at, &it.text, &it.hash]));
    section(f, say, words::LAST_OF_ITS_HISTORY, evidence)?;
    writeln!(f, "\n{}", say(words::WHAT_TO_DO_NEXT, &[]))?;
    for step in &report.next {
        item(f, &say(words::WHO_DOES, &[&step.who, &step.what]))?;
        if let Some(command) = &step.command {
            writeln!(f, "      {command}")?;
        }
    }
    Ok(())
}

fn section(f: &mut fmt::Formatter<'_>, say: Say<'_>, title: Sentence, items: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let count = items.len();
    if count == 0 {
        return Ok(());
    }
    writeln!(f, "\n{}", say(title, &[]))?;
    // "and 1 more" would take as much room as the one
    let shown = if count <= SHOWN + 1 { count } else { SHOWN };
    for text in items.take(shown) {
        item(f, &text)?;
    }
    if count > shown {
        writeln!(f, "  - {}", say(words::AND_MORE, &[&grouped(count - shown)]))?;
    }
    Ok(())
}

fn item(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("  - ")?;
    paragraph(f, "    ", text)
}

/// Writes `text` in lines that are indented but for the first, whose place the caller has filled already.
fn paragraph(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let room = COLUMNS - indent.len();
    let mut used = 0;
    for word in text.split_whitespace() {
        // somebody else's words may hold anything: nothing that a terminal would obey gets through
        let mut rest: Vec<char> = word.chars().filter(|c| !c.is_control()).collect();
        if used > 0 && used + 1 + rest.len() > room {
            write!(f, "\n{indent}")?;
            used = 0;
        } else if used > 0 {
            f.write_str(" ")?;
            used += 1;
        }
        // a word that is longer than a line is cut
        while rest.len() > room {
            let line: String = rest.drain(..room).collect();
            write!(f, "{line}\n{indent}")?;
        }
        used += rest.len();
        f.write_str(&rest.into_iter().collect::<String>())?;
    }
    writeln!(f)
}
