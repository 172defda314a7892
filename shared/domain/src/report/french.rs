//! A report in French: each of its sentences, where it is one.

use super::{EvidenceEntry, Failed, NextStep, Report, Undone};
use crate::said::in_french;

pub(super) fn report(english: Report) -> Report {
    Report {
        summary: french(english.summary),
        failed: english.failed.into_iter().map(failed).collect(),
        undone: english.undone.into_iter().map(|undone| Undone { evidence: french(undone.evidence), ..undone }).collect(),
        as_it_was: english.as_it_was.into_iter().map(french).collect(),
        evidence: english.evidence.into_iter().map(evidence).collect(),
        next: english.next.into_iter().map(|step| NextStep { who: french(step.who), what: french(step.what), ..step }).collect(),
        ..english
    }
}

fn french(text: String) -> String {
    in_french(&text).unwrap_or(text)
}

fn failed(failed: Failed) -> Failed {
    Failed { description: french(failed.description), said_by: french(failed.said_by), ..failed }
}

/// An entry's text is its event and what it says.
fn evidence(entry: EvidenceEntry) -> EvidenceEntry {
    let text = match entry.text.split_once(": ") {
        Some((event, said)) => format!("{event} : {}", french(said.to_owned())),
        None => entry.text,
    };
    EvidenceEntry { text, ..entry }
}
