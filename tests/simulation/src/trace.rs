//! What happened, line by line, with the machine's time: the same seed gives the same bytes.

use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};
use uuid::Uuid;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Line {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Whose doing.
    pub process: &'static str,
    /// The transition that it is about, where it is about one.
    pub about: Option<Uuid>,
    /// In words.
    pub text: String,
    /// Of the machine itself: in the trace, and in no story.
    pub is_detail: bool,
}

/// All lines of a run.
#[derive(Clone, Debug)]
pub struct Trace {
    /// When the run began, in microseconds since 1970.
    pub began: i64,
    lines: Option<Vec<Line>>,
}

impl Trace {
    pub(crate) fn new(began: i64, kept: bool) -> Self {
        Self { began, lines: kept.then(Vec::new) }
    }

    pub(crate) fn add(&mut self, line: Line) {
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    fn lines(&self) -> &[Line] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Every line, as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            self.print(line, &line.text, &mut text);
        }
        text
    }

    /// SHA-256 of the text, in hexadecimal.
    pub fn digest(&self) -> String {
        Sha256::digest(self.text().as_bytes()).iter().fold(String::new(), |mut text, byte| {
            // writing to a text cannot fail
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The lines about these transitions and about the world, for people: transitions are called by their labels. All
    /// transitions where none is named.
    pub fn story(&self, about: &BTreeSet<Uuid>, labels: &HashMap<Uuid, String>) -> String {
        let mut text = String::new();
        for line in self.lines() {
            let is_asked = line.about.is_none_or(|id| about.is_empty() || about.contains(&id));
            if line.is_detail || !is_asked {
                continue;
            }
            self.print(line, &with_labels(&line.text, labels), &mut text);
        }
        text
    }

    fn print(&self, line: &Line, words: &str, text: &mut String) {
        let micros = line.at - self.began;
        // writing to a text cannot fail
        let _ = writeln!(text, "{:>5}.{:06}  {:<13} {words}", micros / 1_000_000, micros % 1_000_000, line.process);
    }
}

/// The text with the labels in the place of ids that have one.
fn with_labels(text: &str, labels: &HashMap<Uuid, String>) -> String {
    const LENGTH: usize = 36;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let id = rest.get(..LENGTH).filter(|id| id.as_bytes()[8] == b'-').and_then(|id| Uuid::try_parse(id).ok());
        match id.and_then(|id| labels.get(&id)) {
            Some(label) => {
                out.push_str(label);
                rest = &rest[LENGTH..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_the_lines_that_it_is_about_with_labels() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut trace = Trace::new(0, true);
        let line = |about: Option<Uuid>, text: String, is_detail| Line { at: 1_500_000, process: "mapping", about, text, is_detail };
        trace.add(line(Some(one), format!("takes {one}/mapping"), false));
        trace.add(line(Some(two), "something else".into(), false));
        trace.add(line(None, "crashes — è".into(), false));
        trace.add(line(None, "step 1".into(), true));
        let labels = HashMap::from([(one, "T1".to_owned())]);
        let story = trace.story(&BTreeSet::from([one]), &labels);
        assert_eq!(story, "    1.500000  mapping       takes T1/mapping\n    1.500000  mapping       crashes — è\n");
        assert_eq!(trace.text().lines().count(), 4);
        assert_eq!(trace.digest().len(), 64);
    }
}
