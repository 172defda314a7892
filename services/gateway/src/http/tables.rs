//! Tables for spreadsheets: CSV, written as its rows are read.
//!
//! A text that a spreadsheet would take for a formula is marked as text. What is a number, an id or a time stays as it is: a quantity may be
//! negative.

use super::{answer::accepts, errors::ApiError, fields::Parameters};
use crate::words::Words;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use futures::stream;
use std::{error::Error, io};

const A_FORMAT: &Words = &Words::both("csv or json", "csv ou json");

/// Why a piece could not be written.
pub(super) type Broken = Box<dyn Error + Send + Sync>;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Somebody's text.
    Text(String),
    /// What this program has written: a number, an id, a time, a word of its own.
    Own(String),
}

impl Cell {
    pub(super) fn own<T: ToString + ?Sized>(value: &T) -> Self {
        Self::Own(value.to_string())
    }

    /// Empty where there is none.
    pub(super) fn maybe<T: ToString>(value: Option<T>) -> Self {
        Self::Own(value.map(|value| value.to_string()).unwrap_or_default())
    }

    fn written(self) -> String {
        match self {
            Self::Text(text) => harmless(text),
            Self::Own(text) => text,
        }
    }
}

/// A cell that a spreadsheet would take for a formula is marked as text.
pub(super) fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// Rows, after a header where they are the first.
pub(super) fn table(header: Option<&[&str]>, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<Vec<u8>, Broken> {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if let Some(header) = header {
        table.write_record(header)?;
    }
    for row in rows {
        table.write_record(row.into_iter().map(Cell::written))?;
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()).into())
}

/// Is a table asked for: by `format`, or else by what the request accepts?
pub(super) fn is_asked(parameters: &Parameters, headers: &HeaderMap) -> Result<bool, ApiError> {
    let asked = parameters.parse("format", A_FORMAT, |text| match text.to_ascii_lowercase().as_str() {
        "csv" => Some(true),
        "json" => Some(false),
        _ => None,
    })?;
    Ok(asked.unwrap_or_else(|| accepts(headers, "text/csv")))
}

/// A file of pieces, each made when the one before it was taken; `None` ends it. What breaks off is not taken for whole: the connection is
/// closed before its end.
pub(super) fn file<S, F>(kind: &'static str, name: &str, first: S, next: impl Fn(S) -> F + Send + 'static) -> Response
where
    S: Send + 'static,
    F: Future<Output = Result<Option<(Vec<u8>, S)>, Broken>> + Send + 'static,
{
    let pieces = stream::try_unfold(first, move |state| {
        let piece = next(state);
        async move {
            Ok::<_, io::Error>(
                piece.await.map_err(|error| io::Error::other(error.to_string()))?.map(|(piece, state)| (Bytes::from(piece), state)),
            )
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// The content type of a table.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_formula_and_a_number_may_be_negative() {
        let row = vec![Cell::Text("=1+1".into()), Cell::Text("-1;\"a\"\r\nb".into()), Cell::own("-1.5"), Cell::maybe(None::<u32>)];
        let text = table(Some(&["a", "b", "c", "d"]), [row]).unwrap();
        let mut read = csv::Reader::from_reader(&text[..]);
        let cells: Vec<csv::StringRecord> = read.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(cells[0].iter().collect::<Vec<_>>(), ["'=1+1", "'-1;\"a\"\r\nb", "-1.5", ""]);
    }
}
