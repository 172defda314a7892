//! A row's cells, by column. One of them is filled again and again, so that ten million rows need the room of one.

use super::columns::{COUNT, Column};

/// The cells of a row that are there and not blank.
pub(super) struct Cells {
    texts: Vec<String>,
    /// One bit for each column.
    filled: u64,
}

impl Cells {
    pub(super) fn new() -> Self {
        Self { texts: vec![String::new(); COUNT], filled: 0 }
    }

    /// Forgets the row.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// Sets a cell; a blank one counts as absent. Of two columns that mean the same the first one that is filled counts.
    pub(super) fn set(&mut self, column: Column, text: &str) {
        let (text, bit) = (text.trim(), 1_u64 << column as usize);
        if !text.is_empty() && self.filled & bit == 0 {
            self.filled |= bit;
            let cell = &mut self.texts[column as usize];
            cell.clear();
            cell.push_str(text);
        }
    }

    /// A cell's text.
    pub(super) fn get(&self, column: Column) -> Option<&str> {
        (self.filled & (1 << column as usize) != 0).then(|| self.texts[column as usize].as_str())
    }

    /// The same as text of its own; empty where it is absent.
    pub(super) fn text(&self, column: Column) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    /// The same; none where it is absent.
    pub(super) fn option(&self, column: Column) -> Option<String> {
        self.get(column).map(str::to_owned)
    }
}
