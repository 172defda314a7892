//! A report as people read it: at most 100 columns, long lists shortened.

use super::{Report, UndoneKind};
use crate::account::facts::SubscriptionStatus;
use std::fmt;

/// How wide a line may be.
pub(super) const COLUMNS: usize = 100;
/// How many items of a list are shown; the others are counted.
pub(super) const SHOWN: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Transition {} of customer {}", self.transition_id, self.customer_id)?;
        write!(f, "State {}, started {}", self.state, self.started_at)?;
        match self.ended_at {
            Some(at) => writeln!(f, ", ended {at}")?,
            None => writeln!(f)?,
        }
        writeln!(f)?;
        paragraph(f, "", &self.summary)?;
        let failed = self.failed.iter();
        section(
            f,
            "What failed",
            failed.len(),
            failed.map(|it| format!("{} at {} ({}), in the words of {}: {}", it.code, it.resource_id, it.step, it.said_by, it.description)),
        )?;
        let undone = self.undone.iter();
        section(
            f,
            "What was undone",
            undone.len(),
            undone.map(|it| {
                let kind = match it.kind {
                    UndoneKind::AzureSubscription => "Azure subscription",
                    UndoneKind::AzurePlan => "Azure plan",
                };
                format!("{kind} {}: {}", it.resource_id, it.evidence)
            }),
        )?;
        section(f, "What is as it was", self.as_it_was.len(), self.as_it_was.iter().cloned())?;
        // those whose commerce subscription is still active are the ones to act on, so they come first
        let (active, others): (Vec<_>, Vec<_>) = self.under_plan.iter().partition(|it| it.commerce_status == SubscriptionStatus::Active);
        section(
            f,
            "What is under a plan now",
            self.under_plan.len(),
            active.into_iter().chain(others).map(|it| {
                format!(
                    "Azure subscription {} is under plan {}; its commerce subscription {} is {}",
                    it.azure_subscription_id,
                    it.plan_id,
                    it.commerce_subscription_id,
                    if it.commerce_status == SubscriptionStatus::Active { "still active" } else { it.commerce_status.text() }
                )
            }),
        )?;
        let evidence = self.evidence.iter();
        section(
            f,
            "The last of its history",
            evidence.len(),
            evidence.map(|it| format!("{} at {}: {} (SHA-256 {})", it.number, it.at, it.text, it.hash)),
        )?;
        writeln!(f, "\nWhat to do next")?;
        for step in &self.next {
            item(f, &format!("{}: {}", step.who, step.what))?;
            if let Some(command) = &step.command {
                writeln!(f, "      {command}")?;
            }
        }
        Ok(())
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, count: usize, items: impl Iterator<Item = String>) -> fmt::Result {
    if count == 0 {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    // "and 1 more" would take as much room as the one
    let shown = if count <= SHOWN + 1 { count } else { SHOWN };
    for text in items.take(shown) {
        item(f, &text)?;
    }
    if count > shown {
        writeln!(f, "  - and {} more", grouped(count - shown))?;
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

/// 1950 as `1,950`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
