//! Tables, and the checks that are counted.

use super::judge::Verdict;

/// Columns aligned, the first to the left, the others to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column).map(|cell| cell.chars().count()));
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(head.to_vec());
    rows.iter().for_each(|row| text += &line(row.iter().map(String::as_str).collect()));
    text
}

/// The judge's table, in Jepsen's words.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let rows: Vec<Vec<String>> = verdicts
        .iter()
        .map(|verdict| {
            let (lost, duplicated, unexpected) = (verdict.lost.len(), verdict.duplicated.len(), verdict.unexpected.len());
            let counts = [verdict.attempted, verdict.acknowledged, lost, duplicated, verdict.recovered, unexpected];
            std::iter::once(verdict.of.to_owned()).chain(counts.iter().map(ToString::to_string)).collect()
        })
        .collect();
    table(&["", "attempted", "acknowledged", "lost", "duplicated", "recovered", "unexpected"], &rows)
}

/// What was checked, counted.
#[derive(Debug, Default)]
pub struct Checks {
    /// How many held.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
}

impl Checks {
    /// Counts and prints one; where it does not hold, with what is wrong (the first few).
    pub fn check(&mut self, what: &str, wrong: &[String]) {
        if wrong.is_empty() {
            self.passed += 1;
            println!("ok      {what}");
            return;
        }
        self.failed += 1;
        println!("FAILED  {what}: {} wrong", wrong.len());
        for one in wrong.iter().take(10) {
            println!("        {one}");
        }
    }
}
