use super::*;
use crate::words::Locale;
use planshift_domain::ids::CustomerId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

fn read_all(text: &[u8]) -> (Vec<NewRow>, Rest, Faults) {
    let (mut rows, mut faults) = (Vec::new(), Faults::default());
    let done = read(
        text,
        |row| {
            rows.push(row);
            ControlFlow::Continue(())
        },
        &mut faults,
    )
    .unwrap();
    (rows, done.continue_value().unwrap(), faults)
}

fn guid(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

#[test]
fn rows_and_options_stand_in_any_order() {
    let text = format!("\u{feff}{{\"start\": true, \"Rows\": [{{\"CustomerID\": \"{}\", \"planHash\": null}}], \"atOnce\": 5}}", guid(9));
    let (rows, rest, faults) = read_all(text.as_bytes());
    assert!(faults.is_empty(), "{:?}", faults.words());
    assert_eq!((rows.len(), rows[0].number, rest.has_rows), (1, 1, true));
    assert_eq!(Value::Object(rest.options), json!({ "start": true, "atOnce": 5 }));
}

#[test]
fn what_is_wrong_is_told_by_row_and_column() {
    let text = json!({ "rows": [{ "customerId": guid(1) }, { "customerId": 17 }, [], { "customerId": guid(2), "colour": "red" }, {}] });
    let (rows, _, faults) = read_all(text.to_string().as_bytes());
    assert_eq!((rows.len(), faults.total()), (1, 4));
    let data = faults.data(Locale::English);
    let said: Vec<_> = data.iter().map(|fault| (fault["row"].as_u64(), fault["column"].as_str())).collect();
    assert_eq!(said, [(Some(2), Some("customerId")), (Some(3), None), (Some(4), Some("colour")), (Some(5), Some("customerId"))]);
    for wrong in ["", "[]", "{", "{\"rows\":7}", "{\"rows\":[]} x", "{\"rows\":[],\"rows\":[]}", "{\"a\":1,\"A\":2}"] {
        let (_, _, faults) = read_all(wrong.as_bytes());
        assert_eq!(faults.total(), 1, "{wrong}");
    }
}

#[test]
fn a_text_without_an_end_does_not_become_all_of_the_memory() {
    let mut text = format!("{{\"rows\":[{{\"customerId\":\"{}\"}},{{\"customerId\":\"", guid(1)).into_bytes();
    text.resize(text.len() + 3 * 1024 * 1024, b'x');
    let (rows, _, faults) = read_all(&text);
    assert_eq!((rows.len(), faults.total()), (1, 1));
}

#[test]
fn any_rows_that_are_written_are_read_back() {
    let mut chance = StdRng::seed_from_u64(9);
    for _ in 0..300 {
        let rows: Vec<NewRow> = (1..=chance.random_range(1..20_u32))
            .map(|number| {
                let reference: String = (0..chance.random_range(0..12)).map(|_| chance.random_range('!'..='~')).collect();
                let plan_hash = chance.random_bool(0.3).then(|| "cd".repeat(32));
                NewRow { number, customer: CustomerId(Uuid::from_u128(chance.random())), reference, plan_hash }
            })
            .collect();
        let written =
            rows.iter().map(|row| json!({ "customerId": row.customer, "externalReferenceId": row.reference, "planHash": row.plan_hash }));
        let (read, rest, faults) = read_all(json!({ "rows": written.collect::<Vec<_>>() }).to_string().as_bytes());
        assert!(faults.is_empty() && rest.has_rows, "{:?}", faults.words());
        assert_eq!(read, rows);
    }
}

#[test]
fn garbage_is_refused_and_never_panics() {
    let mut chance = StdRng::seed_from_u64(10);
    for _ in 0..3_000 {
        let bytes = b"{}[]\":,rows\\u00e9 \xff\x0017";
        let mut text = b"{\"rows\":[".to_vec();
        text.extend((0..chance.random_range(0..100)).map(|_| bytes[chance.random_range(0..bytes.len())]));
        let (rows, _, faults) = read_all(&text);
        assert!(rows.is_empty());
        drop(faults.sorted().words());
    }
}
