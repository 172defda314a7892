//! Rows of a table, as spreadsheets write it: a header that names the columns in any order, commas or semicolons as the header has them,
//! quotes, any line ends, a mark at its beginning that says UTF-8.

use super::{
    fault::{Faults, Place},
    lines::{Lines, Numbered},
    rows::{self, Column, NewRow},
};
use crate::words::words;
use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use planshift_billing::parse::{Bound, Bounded, LONGEST_ROW};
use std::{
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};

/// How much is read at a time; a header is in the first of it.
const BLOCK: usize = 64 * 1024;
/// Says that the text is UTF-8; spreadsheets write it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the rows, and gives each that is as it must be. What is wrong is noted, and reading goes on behind it where that can be.
///
/// # Errors
/// The document cannot be read.
pub(crate) fn read(
    document: impl Read,
    mut give: impl FnMut(NewRow) -> ControlFlow<()>,
    faults: &mut Faults,
) -> io::Result<ControlFlow<()>> {
    let ends = Bound::default();
    let bounded = Bounded::new(document, ends.clone());
    let mut reader = BufReader::with_capacity(BLOCK, bounded);
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    let delimiter = delimiter(reader.fill_buf()?);
    let lines = Lines::default();
    let reader = Numbered::new(reader, lines.clone());
    let mut table = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(reader);
    let (mut record, mut number) = (ByteRecord::new(), 0_u32);
    let mut columns: Option<Vec<Option<Column>>> = None;
    loop {
        match table.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return broken(error, number, faults).map(ControlFlow::Continue),
        }
        ends.reset();
        let line = record.position().and_then(|position| lines.at(position.byte()));
        let Some(columns) = &columns else {
            let (named, is_good) = header(&record, faults);
            if !is_good {
                // what stands below columns that nobody knows cannot be looked at
                return Ok(ControlFlow::Continue(()));
            }
            columns = Some(named);
            continue;
        };
        if record.iter().all(<[u8]>::is_empty) {
            continue; // a spreadsheet's empty row
        }
        number = number.saturating_add(1);
        let place = Place { row: Some(number), line, column: None };
        if let Some(row) = row(&place, &record, columns, faults)
            && give(row).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    if columns.is_none() {
        faults.add(Place::line(1), "", words!("a header with the column customerId", "un en-tête avec la colonne customerId"));
    }
    Ok(ControlFlow::Continue(()))
}

/// A row of the record's cells.
fn row(place: &Place, record: &ByteRecord, columns: &[Option<Column>], faults: &mut Faults) -> Option<NewRow> {
    let mut cells = Vec::with_capacity(columns.len());
    let mut is_good = true;
    for (index, cell) in record.iter().enumerate() {
        let Some(column) = columns.get(index).copied() else {
            if !cell.is_empty() {
                let expected = words!("as many cells as the header has", "autant de cellules que l’en-tête");
                let (count, most) = (record.len(), columns.len());
                faults.say(place.clone(), words!("{count} cells below {most} columns", "{count} cellules sous {most} colonnes"), expected);
                is_good = false;
                break;
            }
            continue;
        };
        let Some(column) = column else { continue };
        match std::str::from_utf8(cell) {
            Ok(text) => cells.push((column, text)),
            Err(_) => {
                faults.add(place.column(column.name()), &String::from_utf8_lossy(cell), words!("UTF-8", "de l’UTF-8"));
                is_good = false;
            }
        }
    }
    // a cell that cannot be read is told once, not as one that is missing too
    if !is_good && !cells.iter().any(|(column, _)| *column == Column::CustomerId) {
        return None;
    }
    rows::check(place, cells.into_iter(), faults).filter(|_| is_good)
}

/// The columns that the header names; each once, and `customerId` among them. A column without a name holds nothing.
fn header(record: &ByteRecord, faults: &mut Faults) -> (Vec<Option<Column>>, bool) {
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(record.len());
    let mut is_good = true;
    let here = Place::line(1);
    for cell in record {
        let name = String::from_utf8_lossy(cell);
        let column = Column::from_name(&name);
        let expected = match column {
            None if name.trim().is_empty() => None,
            None => {
                let names = Column::names();
                Some(words!("one of the columns {names}", "l’une des colonnes {names}"))
            }
            Some(_) if columns.contains(&column) => Some(words!("each column once", "chaque colonne une seule fois")),
            Some(_) => None,
        };
        if let Some(expected) = expected {
            faults.add(here.column(name.trim()), name.trim(), expected);
            is_good = false;
        }
        columns.push(column);
    }
    if !columns.contains(&Some(Column::CustomerId)) {
        faults.add(here.column(Column::CustomerId.name()), "", words!("the column customerId", "la colonne customerId"));
        is_good = false;
    }
    (columns, is_good)
}

/// What stands between the cells of the first line, outside quotes: semicolons where there are more of them than of commas.
fn delimiter(beginning: &[u8]) -> u8 {
    let (mut commas, mut semicolons, mut is_quoted) = (0, 0, false);
    for byte in beginning {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => commas += 1,
            b';' if !is_quoted => semicolons += 1,
            b'\n' | b'\r' if !is_quoted => break,
            _ => {}
        }
    }
    if semicolons > commas { b';' } else { b',' }
}

/// The document cannot be read on from here.
fn broken(error: csv::Error, number: u32, faults: &mut Faults) -> io::Result<()> {
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let place = Place::row(number.saturating_add(1));
            let found = words!("a row of more than {LONGEST_ROW} bytes", "une ligne de plus de {LONGEST_ROW} octets");
            faults.say(place, found, words!("a quote that is closed", "un guillemet fermé"));
            Ok(())
        }
        ErrorKind::Io(error) => Err(error),
        // rows may have any number of cells and any bytes, so nothing else is left; should there be, it is told
        other => Err(io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
#[path = "tests/csv.rs"]
mod tests;
