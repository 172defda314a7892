//! CSV: a header, then rows.
//!
//! A byte order mark is passed over. Cells may be quoted, with line breaks and quotes in them. A cell of the columns `InstanceData`,
//! `InfoFields` and `Resource` may hold JSON, as exports of utilisation have it: it is read as if its properties were columns.

use super::{Rows, build, columns::Column, columns::missing, fault::quoted, objects};
use csv::{ByteRecord, ReaderBuilder};
use std::{
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};

/// What a column of the file is.
#[derive(Clone, Copy)]
enum Heading {
    Of(Column),
    /// JSON, whose properties have this before their names.
    Json(&'static str),
    Unknown,
}

const JSON_COLUMNS: [&str; 3] = ["instancedata", "infofields", "resource"];

pub(super) fn read(source: impl Read, rows: &mut Rows<'_>) -> io::Result<()> {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let start = source.fill_buf()?;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        rows.faults.add(1, "", "UTF-16", "UTF-8");
        return Ok(());
    }
    let delimiter = delimiter_of(start);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source);
    let mut record = ByteRecord::new();
    if !next(&mut reader, &mut record, 1, rows)? {
        return Ok(());
    }
    rows.bound.reset();
    let names: Vec<String> =
        record.iter().map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let headings: Vec<Heading> = names.iter().map(|name| heading(name)).collect();
    let has = |column: Column| headings.iter().any(|heading| matches!(heading, Heading::Of(one) if *one == column));
    // what stands in a cell's JSON is seen only with the rows
    let may_have = |column: Column| has(column) || headings.iter().any(|heading| matches!(heading, Heading::Json(_)));
    let Some(kind) = build::kind_of(has) else {
        let expected = "the columns usageStartTime and usageEndTime of utilisation records, or UsageDate of daily rated usage";
        rows.faults.add(1, "", quoted(&names.join(", ")), expected);
        return Ok(());
    };
    if let Some(names) = missing(build::needed(kind), may_have) {
        rows.faults.add(1, &names, "no such column", format!("the needed columns of {} records", kind.name()));
        return Ok(());
    }
    let mut number = 1;
    loop {
        number += 1;
        if !next(&mut reader, &mut record, number, rows)? {
            return Ok(());
        }
        if record.len() != headings.len() {
            rows.bound.reset();
            rows.faults.add(number, "", format!("{} cells", record.len()), format!("{}, as in the header", headings.len()));
            continue;
        }
        rows.cells.clear();
        for (heading, cell) in headings.iter().zip(&record) {
            fill(*heading, cell, number, rows);
        }
        if let ControlFlow::Break(()) = rows.row(number, Some(kind)) {
            return Ok(());
        }
    }
}

/// The next record; false at the end, or where what comes cannot be read.
fn next<R: Read>(reader: &mut csv::Reader<R>, record: &mut ByteRecord, number: u64, rows: &mut Rows<'_>) -> io::Result<bool> {
    match reader.read_byte_record(record) {
        Ok(there) => Ok(there),
        Err(_) if rows.bound.is_over() => {
            rows.faults.add(number, "", "a row that does not end", format!("at most {} bytes; is a quote not closed?", super::LONGEST_ROW));
            Ok(false)
        }
        Err(error) => match error.into_kind() {
            csv::ErrorKind::Io(error) => Err(error),
            other => Err(io::Error::other(format!("{other:?}"))),
        },
    }
}

fn fill(heading: Heading, cell: &[u8], number: u64, rows: &mut Rows<'_>) {
    if cell.is_empty() || matches!(heading, Heading::Unknown) {
        return;
    }
    let shown = match heading {
        Heading::Of(column) => column.shown(),
        Heading::Json(prefix) => prefix,
        Heading::Unknown => "",
    };
    let Ok(text) = std::str::from_utf8(cell) else {
        rows.faults.add(number, shown, "bytes that are no text", "UTF-8");
        return;
    };
    if text.contains('\0') {
        rows.faults.add(number, shown, "the character U+0000", "text");
        return;
    }
    match heading {
        Heading::Of(column) => rows.cells.set(column, text),
        Heading::Json(prefix) if text.trim_start().starts_with('{') => {
            if let Err(error) = objects::flatten(prefix, text, &mut rows.cells) {
                rows.faults.add(number, prefix, quoted(text), format!("JSON ({error})"));
            }
        }
        Heading::Json(_) | Heading::Unknown => {}
    }
}

fn heading(name: &str) -> Heading {
    if let Some(column) = Column::named(name) {
        return Heading::Of(column);
    }
    JSON_COLUMNS.into_iter().find(|json| json.eq_ignore_ascii_case(name)).map_or(Heading::Unknown, Heading::Json)
}

/// What stands between the cells of the first line: a comma, unless that line has none and another of the usual ones.
fn delimiter_of(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_there = |byte: u8| line.contains(&byte);
    if is_there(b',') {
        return b',';
    }
    [b';', b'\t'].into_iter().find(|byte| is_there(*byte)).unwrap_or(b',')
}
