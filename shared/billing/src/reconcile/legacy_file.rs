//! The reconciliation file of the legacy invoice, as far as it is compared.
//!
//! Source: Partner Center's documentation of usage-based reconciliation files (`PartnerId` to `Unit`), and the same lines of its API
//! (`UsageBasedLineItem`). A line is for a billing cycle, by days, both of them included, as the invoice counts days ([`super::cycle`]); one of
//! usage that an earlier cycle has left out keeps its own dates. `SubscriptionId` is the billing platform's, and nothing is joined by it.

use super::{InvoiceLine, LinePlace, Series};
use crate::{
    Decimal, Faults, UsageError,
    charge::Reckoned,
    credit::day_of,
    parse::{Bound, Bounded, LONGEST_ROW, quoted, time},
};
use csv::{ReaderBuilder, StringRecord};
use planshift_domain::{ids::parse_guid, time::Timestamp};
use std::io::{Error, Read};
use uuid::Uuid;

/// A day has so many seconds.
const DAY: i64 = 24 * 3600;

/// The columns that are read: in any order and case, beside any others.
#[derive(Clone, Copy)]
enum Column {
    Customer,
    Invoice,
    Meter,
    From,
    To,
    Azure,
    Detail,
    Overage,
    Consumed,
    Price,
    Charged,
}

const COLUMNS: [(Column, &str); 11] = [
    (Column::Customer, "CustomerId"),
    (Column::Invoice, "InvoiceNumber"),
    (Column::Meter, "ResourceGuid"),
    (Column::From, "ChargeStartDate"),
    (Column::To, "ChargeEndDate"),
    (Column::Azure, "EntitlementId"),
    (Column::Detail, "DetailLineItemId"),
    (Column::Overage, "OverageQuantity"),
    (Column::Consumed, "ConsumedQuantity"),
    (Column::Price, "ListPrice"),
    (Column::Charged, "PretaxCharges"),
];
/// Without these a line cannot be compared; and one of the two quantities.
const NEEDED: usize = 5;

/// Reads a CSV file, and gives each line. Lines that are given before a fault is found are the caller's to forget.
///
/// # Errors
/// `Faults`, by row and column; `Io` where the source broke off.
pub fn read_legacy_file(source: impl Read, mut take: impl FnMut(InvoiceLine)) -> Result<u64, UsageError> {
    let bound = Bound::default();
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(Bounded::new(source, bound.clone()));
    let mut faults = Faults::default();
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(failed(error, 1, faults)),
    };
    let place = |name: &str| headers.iter().position(|header| folded(header) == folded(name));
    let places = COLUMNS.map(|(_, name)| place(name));
    let missing: Vec<&str> =
        COLUMNS.iter().zip(places).take(NEEDED).filter(|(_, place)| place.is_none()).map(|((_, name), _)| *name).collect();
    if !missing.is_empty() || (places[Column::Overage as usize].is_none() && places[Column::Consumed as usize].is_none()) {
        let names = if missing.is_empty() { "OverageQuantity".to_owned() } else { missing.join(", ") };
        faults.add(1, &names, "no such column", "the needed columns of a usage-based reconciliation file");
        return Err(faults.into());
    }
    let (mut record, mut number) = (StringRecord::new(), 1);
    loop {
        number += 1;
        match reader.read_record(&mut record) {
            Ok(true) => bound.reset(),
            Ok(false) => break,
            Err(_) if bound.is_over() => {
                faults.add(number, "", "a row that does not end", format!("at most {LONGEST_ROW} bytes; is a quote not closed?"));
                return Err(faults.into());
            }
            Err(error) => return Err(failed(error, number, faults)),
        }
        let mut row = Row { record: &record, places: &places, number, faults: &mut faults };
        if let Some(line) = row.line()
            && faults.is_empty()
        {
            take(line);
        }
    }
    if number == 2 {
        faults.add(1, "", "no line", "at least one");
    }
    if faults.is_empty() { Ok(number - 2) } else { Err(faults.into()) }
}

fn folded(name: &str) -> String {
    name.trim_start_matches('\u{feff}').chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn failed(error: csv::Error, row: u64, mut faults: Faults) -> UsageError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => UsageError::Io(error),
        csv::ErrorKind::Utf8 { .. } => {
            faults.add(row, "", "bytes that are no text", "UTF-8");
            faults.into()
        }
        other => UsageError::Io(Error::other(format!("{other:?}"))),
    }
}

struct Row<'a> {
    record: &'a StringRecord,
    places: &'a [Option<usize>; 11],
    number: u64,
    faults: &'a mut Faults,
}

impl Row<'_> {
    fn line(&mut self) -> Option<InvoiceLine> {
        let (customer, azure) = (self.needed(Column::Customer, "a GUID", parse_guid), self.there(Column::Azure, "a GUID", parse_guid));
        let date = "a date as 2/28/2026 23:59 or 2026-02-28";
        let (from, to) = (self.needed(Column::From, date, time), self.needed(Column::To, date, time));
        let invoice = self.needed(Column::Invoice, "a number", |text| Some(text.to_owned()));
        let meter = self.needed(Column::Meter, "a meter's id", |text| Some(text.to_ascii_lowercase()));
        let number = "a decimal number with a point";
        let consumed = self.there(Column::Consumed, number, |text| text.parse().ok());
        let overage = self.there(Column::Overage, number, |text| text.parse::<Decimal>().ok());
        let (price, charged) = (self.there(Column::Price, number, money), self.there(Column::Charged, number, money));
        let (from, to): (Timestamp, Timestamp) = (from?, to?);
        if to < from {
            self.faults.add(self.number, "ChargeEndDate", to.to_string(), format!("no time before the start, {from}"));
            return None;
        }
        if self.text(Column::Overage).or(self.text(Column::Consumed)).is_none() {
            self.faults.add(self.number, "OverageQuantity", "nothing", number);
        }
        let quantity = overage.or(consumed)?;
        Some(InvoiceLine {
            series: Series::Legacy,
            place: LinePlace { file: Uuid::nil(), invoice: invoice?, row: self.number },
            customer_id: customer?.into(),
            azure_subscription_id: azure.map(Into::into),
            meter_id: meter?,
            from: day_of(from),
            to: day_of(to).plus_seconds(DAY),
            detail: self.text(Column::Detail).unwrap_or_default().to_owned(),
            reckoned: price.map(|price| Reckoned::legacy(&price, &quantity)),
            quantity,
            charged,
        })
    }

    fn text(&self, column: Column) -> Option<&str> {
        let text = self.record.get(self.places[column as usize]?)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn there<T>(&mut self, column: Column, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(column)?;
        let value = parse(text);
        if value.is_none() {
            let found = quoted(text);
            self.faults.add(self.number, COLUMNS[column as usize].1, found, expected);
        }
        value
    }

    fn needed<T>(&mut self, column: Column, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        if self.text(column).is_none() {
            self.faults.add(self.number, COLUMNS[column as usize].1, "nothing", expected);
        }
        self.there(column, expected, parse)
    }
}

/// A price or a charge, which files print with a currency's sign before it: `$0.0808`.
fn money(text: &str) -> Option<Decimal> {
    text.strip_prefix(['$', '€', '£']).unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "\u{feff}PartnerId,CustomerId,InvoiceNumber,Charge Start Date,ChargeEndDate,SubscriptionId,ResourceGUID,\
                        DetailLineItemId,ConsumedQuantity,OverageQuantity,ListPrice,PretaxCharges,Currency\n";

    fn read(rows: &str) -> Result<Vec<InvoiceLine>, UsageError> {
        let mut lines = Vec::new();
        read_legacy_file(format!("{HEAD}{rows}").as_bytes(), |line| lines.push(line))?;
        Ok(lines)
    }

    #[test]
    fn a_line_as_the_documentation_has_it() {
        let lines = read(
            "p,C501C3C4-D776-40EF-9ECF-9CEFB59442C1,D020001IVK,2/1/2019 0:00,2/28/2019 23:59,usCBMgAAAAAAAAIA,DA41BC5F-C52D-4464-8A8D-8C8DCC43503B,1,11,10,$0.868,8.68,EUR\n",
        )
        .unwrap();
        let [line] = &lines[..] else { panic!("one line") };
        assert_eq!((line.from.to_string(), line.to.to_string()), ("2019-02-01T00:00:00Z".into(), "2019-03-01T00:00:00Z".into()));
        assert_eq!(
            (line.series, line.place.invoice.as_str(), line.place.row, line.azure_subscription_id),
            (Series::Legacy, "D020001IVK", 2, None)
        );
        assert_eq!((line.meter_id.as_str(), line.quantity.to_string()), ("da41bc5f-c52d-4464-8a8d-8c8dcc43503b", "10".into()));
        assert!(line.reckoned.as_ref().unwrap().fits(line.charged.as_ref().unwrap()));
    }

    #[test]
    fn what_is_wrong_is_told_by_row_and_column() {
        let good = "p,c501c3c4-d776-40ef-9ecf-9cefb59442c1,D1,2/1/2019,2/28/2019,s,m,1,11,11,1,11,EUR\n";
        let bad = "p,nobody,,2/30/2019,2/28/2019,s,m,1,eleven,,1,11,EUR\n";
        let UsageError::Faults(faults) = read(&format!("{good}{bad}")).unwrap_err() else { panic!("faults") };
        let told: Vec<_> = faults.listed.iter().map(|fault| (fault.row, fault.column.as_str())).collect();
        assert_eq!(told, [(3, "CustomerId"), (3, "ChargeStartDate"), (3, "InvoiceNumber"), (3, "ConsumedQuantity")]);
        let UsageError::Faults(faults) = read_legacy_file("CustomerId,Quantity\n".as_bytes(), |_| ()).unwrap_err() else {
            panic!("faults")
        };
        assert_eq!(faults.listed[0].column, "InvoiceNumber, ResourceGuid, ChargeStartDate, ChargeEndDate");
        let UsageError::Faults(faults) = read("").unwrap_err() else { panic!("faults") };
        assert_eq!(faults.listed[0].found, "no line");
        let UsageError::Faults(faults) = read(&format!("\"{}", "x".repeat(2 * LONGEST_ROW))).unwrap_err() else { panic!("faults") };
        assert_eq!((faults.listed[0].row, faults.listed[0].found.as_str()), (2, "a row that does not end"));
        let backwards = "p,c501c3c4-d776-40ef-9ecf-9cefb59442c1,D1,2/28/2019,2/1/2019,s,m,1,11,11,1,11,EUR\n";
        assert!(read(backwards).is_err());
    }

    #[test]
    fn a_date_without_a_time_is_the_whole_day() {
        let lines = read("p,c501c3c4-d776-40ef-9ecf-9cefb59442c1,D1,2019-02-01,2019-02-28,s,m,1,11,,,,EUR\n").unwrap();
        assert_eq!(
            (lines[0].to.to_string(), lines[0].quantity.to_string(), &lines[0].charged),
            ("2019-03-01T00:00:00Z".into(), "11".into(), &None)
        );
    }
}
