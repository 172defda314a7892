use super::*;
use crate::words::Locale;
use planshift_domain::ids::CustomerId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

/// The rows and the faults of a table.
fn read_all(text: &[u8]) -> (Vec<NewRow>, Faults) {
    let (mut rows, mut faults) = (Vec::new(), Faults::default());
    let done = read(
        text,
        |row| {
            rows.push(row);
            ControlFlow::Continue(())
        },
        &mut faults,
    );
    assert!(done.unwrap().is_continue());
    (rows, faults)
}

fn guid(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

#[test]
fn columns_come_in_any_order_with_either_delimiter_and_any_line_end() {
    let (a, b) = (guid(1), guid(2));
    for text in [
        format!("customerId,externalReferenceId\n{a},one\n{b},\"two, \"\"2\"\"\"\n"),
        format!("\u{feff}ExternalReferenceID;CUSTOMERID\r\none;{a}\r\n\"two, \"\"2\"\"\";{b}\r\n;\r\n"),
        format!("externalReferenceId,customerId,,\r\n\"one\",\"{a}\",,\r\n\"two, \"\"2\"\"\",{b},,\r\n\r\n"),
        format!("customerId;externalReferenceId\r{a};one\r{b};\"two, \"\"2\"\"\""),
    ] {
        let (rows, faults) = read_all(text.as_bytes());
        assert!(faults.is_empty(), "{text}: {:?}", faults.words());
        let got: Vec<_> = rows.iter().map(|row| (row.number, row.customer.to_string(), row.reference.clone())).collect();
        assert_eq!(got, [(1, a.clone(), "one".to_owned()), (2, b.clone(), "two, \"2\"".to_owned())], "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_by_row_and_column() {
    let text = format!("customerId,planHash\n{},\n17,zz\n{},,x\n,\n", guid(1), guid(3));
    let (rows, faults) = read_all(text.as_bytes());
    assert_eq!((rows.len(), faults.total()), (1, 3));
    let data = faults.data(Locale::English);
    let said: Vec<_> = data.iter().map(|fault| (fault["row"].as_u64(), fault["line"].as_u64(), fault["column"].as_str())).collect();
    assert_eq!(said, [(Some(2), Some(3), Some("customerId")), (Some(2), Some(3), Some("planHash")), (Some(3), Some(4), None)]);
    // the same lines, whatever ends them; a cell with a line break in it has two, and an empty line is one
    for end in ["\n", "\r\n", "\r"] {
        let lines = ["customerId;externalReferenceId", &format!("{};\"a", guid(1)), "b\"", "17;x", "", "18;y", "19;z"];
        let (_, faults) = read_all(lines.join(end).as_bytes());
        let data = faults.data(Locale::English);
        let said: Vec<_> = data.iter().map(|fault| (fault["row"].as_u64(), fault["line"].as_u64())).collect();
        assert_eq!(said, [(Some(1), Some(2)), (Some(2), Some(4)), (Some(3), Some(6)), (Some(4), Some(7))], "{end:?}");
    }
    for (header, name) in
        [("customerId,colour\n", "colour"), ("externalReferenceId\n", "customerId"), ("customerId,CustomerID\n", "CustomerID"), ("", "")]
    {
        let (_, faults) = read_all(header.as_bytes());
        let words = faults.words();
        assert!(faults.total() == 1 && words.text(Locale::English).contains(name), "{header}: {words:?}");
    }
}

#[test]
fn a_quote_that_is_never_closed_does_not_become_all_of_the_memory() {
    let mut text = format!("customerId\n{}\n\"", guid(1)).into_bytes();
    text.resize(text.len() + 3 * 1024 * 1024, b'x');
    let (rows, faults) = read_all(&text);
    assert_eq!((rows.len(), faults.total()), (1, 1));
    assert_eq!(faults.data(Locale::English)[0]["row"], 2);
}

#[test]
fn any_rows_that_are_written_are_read_back() {
    let mut chance = StdRng::seed_from_u64(7);
    for _ in 0..300 {
        let alphabet: Vec<char> = "ab ;,\"'=é€|\u{1f600}".chars().collect();
        let rows: Vec<NewRow> = (1..=chance.random_range(1..20_u32))
            .map(|number| {
                let reference: String = (0..chance.random_range(0..12)).map(|_| alphabet[chance.random_range(0..alphabet.len())]).collect();
                let plan_hash = chance.random_bool(0.3).then(|| "ab".repeat(32));
                NewRow { number, customer: CustomerId(Uuid::from_u128(chance.random())), reference: reference.trim().to_owned(), plan_hash }
            })
            .collect();
        let delimiter = if chance.random_bool(0.5) { b';' } else { b',' };
        let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        table.write_record(["planHash", "externalReferenceId", "customerId"]).unwrap();
        for row in &rows {
            let hash = row.plan_hash.clone().unwrap_or_default();
            table.write_record([hash.as_str(), &row.reference, &row.customer.to_string()]).unwrap();
        }
        let (read, faults) = read_all(&table.into_inner().unwrap());
        assert!(faults.is_empty(), "{:?}", faults.words());
        assert_eq!(read, rows);
    }
}

#[test]
fn garbage_is_refused_and_never_panics() {
    let mut chance = StdRng::seed_from_u64(8);
    for round in 0..3_000 {
        let mut text: Vec<u8> = if round % 2 == 0 { b"customerId,planHash\n".to_vec() } else { Vec::new() };
        let bytes = b"\",;\n\r\x00\xff\xef\xbb\xbfa0-";
        text.extend((0..chance.random_range(0..200)).map(|_| bytes[chance.random_range(0..bytes.len())]));
        let (rows, faults) = read_all(&text);
        assert!(rows.is_empty());
        drop(faults.sorted().words());
    }
}
