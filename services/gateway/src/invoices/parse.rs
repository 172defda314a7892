//! Lines of an invoice's file: the legacy invoice's reconciliation file, or the plan's daily rated usage.

use planshift_billing::{
    Defaults, Format, Kind, UsageError,
    parse::Faults,
    read,
    reconcile::{InvoiceLine, Series, cycle, read_legacy_file},
};
use planshift_domain::time::Timestamp;
use std::{
    collections::BTreeSet,
    io::{Read, Seek as _, SeekFrom},
    ops::ControlFlow,
};

/// How many numbers of invoices a file is known by; it may have more.
const NUMBERS: usize = 20;

/// What a file has, as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole {
    pub(super) lines: u64,
    /// Usage that is on no invoice yet.
    pub(super) unbilled: u64,
    pub(super) numbers: BTreeSet<String>,
    /// For what time it is.
    pub(super) window: Option<(Timestamp, Timestamp)>,
    /// When its earliest line begins.
    pub(super) first: Option<Timestamp>,
}

/// What is known of a file's time while it is read.
#[derive(Default)]
struct Time {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Time {
    /// A legacy file is for the cycle of its lines that end last: usage that an earlier cycle left out has dates of its own. A plan's file is for the
    /// month of its latest day.
    fn add(&mut self, series: Series, line: &InvoiceLine) {
        let end = if series == Series::Legacy { line.to } else { line.from };
        match self.last {
            Some(last) if end < last => {}
            Some(last) if end == last => self.first = self.first.min(Some(line.from)),
            _ => (self.first, self.last) = (Some(line.from), Some(end)),
        }
    }

    fn window(&self, series: Series) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = (self.first?, self.last?);
        if series == Series::Legacy { Some((first, last)) } else { cycle::month(&cycle::month_of(last)) }
    }
}

/// Reads a file from its beginning, and gives each line. `take` may end it.
///
/// # Errors
/// Faults, by row and column, also after lines were given.
pub(super) fn lines(
    file: &mut std::fs::File,
    series: Series,
    format: Format,
    mut take: impl FnMut(InvoiceLine) -> ControlFlow<()>,
) -> Result<Whole, UsageError> {
    file.seek(SeekFrom::Start(0)).map_err(UsageError::Io)?;
    let source = std::io::BufReader::with_capacity(256 * 1024, file);
    let (mut whole, mut time, mut faults) = (Whole::default(), Time::default(), Faults::default());
    let mut given = |line: InvoiceLine, faults: &mut Faults| -> ControlFlow<()> {
        if line.quantity.packed().is_none() {
            let expected = "at most 18 digits before the point and 36 after it";
            faults.add(line.place.row, "Quantity", line.quantity.to_string(), expected);
            return ControlFlow::Continue(());
        }
        whole.lines += 1;
        if whole.numbers.len() < NUMBERS {
            whole.numbers.insert(line.place.invoice.clone());
        }
        time.add(series, &line);
        whole.first = Some(whole.first.map_or(line.from, |first| first.min(line.from)));
        if faults.is_empty() { take(line) } else { ControlFlow::Continue(()) }
    };
    let unbilled = match series {
        Series::Legacy => {
            let mut is_over = false;
            let read = read_legacy_file(source, |line| is_over = is_over || given(line, &mut faults).is_break());
            all(read, &mut faults)?;
            0
        }
        Series::Plan => rated(source, format, &mut faults, given)?,
    };
    if whole.lines == 0 && faults.is_empty() {
        faults.add(1, "InvoiceNumber", "usage that is not billed yet alone", "lines of an invoice");
    }
    whole.window = time.window(series);
    whole.unbilled = unbilled;
    if faults.is_empty() { Ok(whole) } else { Err(faults.into()) }
}

fn rated(
    source: impl Read,
    format: Format,
    faults: &mut Faults,
    mut given: impl FnMut(InvoiceLine, &mut Faults) -> ControlFlow<()>,
) -> Result<u64, UsageError> {
    let mut unbilled = 0;
    let read = read(source, format, &Defaults::default(), |row, record| {
        let billed = record.rated.as_ref().is_some_and(|rated| rated.invoice_number.is_some());
        if record.kind != Kind::RatedDaily {
            faults.add(row, "UsageDate", "a utilisation record", "daily rated usage: utilisation is on no invoice of a plan");
        } else if billed && record.customer_id.is_none() {
            faults.add(row, "CustomerId", "nothing", "whose line it is");
        } else {
            match InvoiceLine::of_rated(row, &record, None) {
                Some(line) => return given(line, faults),
                None => unbilled += 1,
            }
        }
        ControlFlow::Continue(())
    });
    all(read, faults)?;
    Ok(unbilled)
}

/// Those that reading has noted, beside one's own.
fn all<T>(read: Result<T, UsageError>, faults: &mut Faults) -> Result<(), UsageError> {
    match read {
        Ok(_) => Ok(()),
        Err(UsageError::Faults(more)) => {
            faults.append(more);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
