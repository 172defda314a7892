//! What is wrong with a document, by row and column: all of it is counted, and the first of it is listed.

use crate::words::{Locale, Words, words};
use serde_json::{Value, json};

/// How many faults are listed.
pub(crate) const LISTED: usize = 100;
/// How much of what stood there is shown.
const SHOWN_CHARS: usize = 60;

/// Where something is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which row, from 1; none is the document as a whole, or its header.
    pub(crate) row: Option<u32>,
    /// On which line of the text, from 1, where it has lines.
    pub(crate) line: Option<u64>,
    /// In which column, or property.
    pub(crate) column: Option<String>,
}

impl Place {
    pub(crate) const fn row(row: u32) -> Self {
        Self { row: Some(row), line: None, column: None }
    }

    pub(crate) const fn line(line: u64) -> Self {
        Self { row: None, line: Some(line), column: None }
    }

    pub(crate) fn column(&self, name: &str) -> Self {
        Self { column: Some(name.to_owned()), ..self.clone() }
    }

    /// In words: `row 3, customerId`.
    fn text(&self, locale: Locale) -> String {
        let french = locale == Locale::French;
        let row = self.row.map(|row| format!("{} {row}", if french { "ligne de données" } else { "row" }));
        let line = self.line.filter(|_| row.is_none()).map(|line| format!("{} {line}", if french { "ligne" } else { "line" }));
        let parts: Vec<String> = [row, line, self.column.clone()].into_iter().flatten().collect();
        if parts.is_empty() { if french { "le document" } else { "the document" }.to_owned() } else { parts.join(", ") }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    place: Place,
    found: Words,
    expected: Words,
}

/// All that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    listed: Vec<Fault>,
    total: u64,
}

impl Faults {
    /// A text that stood there.
    pub(crate) fn add(&mut self, place: Place, found: &str, expected: Words) {
        self.say(place, shown(found), expected);
    }

    /// What was found there, in words.
    pub(crate) fn say(&mut self, place: Place, found: Words, expected: Words) {
        self.total += 1;
        if self.listed.len() < LISTED {
            self.listed.push(Fault { place, found, expected });
        }
    }

    /// So many more, of which nothing else is told.
    pub(crate) const fn count(&mut self, more: u64) {
        self.total += more;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// In the order of the rows.
    pub(crate) fn sorted(mut self) -> Self {
        self.listed.sort_by_key(|fault| fault.place.row);
        self
    }

    /// Those that are listed, as programs read them.
    pub(crate) fn data(&self, locale: Locale) -> Vec<Value> {
        let listed = self.listed.iter().map(|Fault { place, found, expected }| {
            json!({
                "path": place.text(locale),
                "row": place.row,
                "line": place.line,
                "column": place.column,
                "found": found.text(locale),
                "expected": expected.text(locale),
            })
        });
        listed.collect()
    }

    /// All of it in one text.
    pub(crate) fn words(&self) -> Words {
        Words::each(|locale| {
            let total = self.total;
            let mut text = match locale {
                Locale::English => format!("The batch has {total} faults, and nothing of it was taken:"),
                Locale::French => format!("Le lot a {total} erreurs, et rien n’en a été pris :"),
            };
            for Fault { place, found, expected } in &self.listed {
                let (place, found, expected) = (place.text(locale), found.text(locale), expected.text(locale));
                text += &match locale {
                    Locale::English => format!("\n  {place}: found {found}, expected {expected}"),
                    Locale::French => format!("\n  {place} : {found}, attendu : {expected}"),
                };
            }
            text
        })
    }
}

/// A text that was found, so that it is seen for what it is: quoted, cut, without anything that steers a terminal.
fn shown(found: &str) -> Words {
    if found.is_empty() {
        return words!("nothing", "rien");
    }
    let cut: String = found.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < found.len() { "…" } else { "" };
    words!("{cut:?}{more}", "{cut:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_listed_where_they_are() {
        let mut faults = Faults::default();
        for row in (1..=200).rev() {
            faults.add(Place::row(row).column("customerId"), "x\u{1b}[31m", words!("a GUID", "un GUID"));
        }
        faults.count(5);
        let faults = faults.sorted();
        assert_eq!((faults.total(), faults.data(Locale::English).len()), (205, LISTED));
        let first = &faults.data(Locale::French)[0];
        assert_eq!(
            (&first["row"], &first["path"], &first["expected"]),
            (&json!(101), &json!("ligne de données 101, customerId"), &json!("un GUID"))
        );
        let text = faults.words();
        assert!(text.text(Locale::English).contains("row 101, customerId: found \"x\\u{1b}[31m\", expected a GUID"), "{text:?}");
        assert!(!text.text(Locale::French).contains('\u{1b}'));
    }
}
