//! An account document in lines: the same as one of one piece, and its faults are named by their lines.

use planshift_domain::account::{
    Checked, DocumentError, Fault, Format, check, check_as,
    facts::CustomerPart,
    read,
    sample::{self, SampleOptions},
};
use serde_json::{Value, json};
use std::{
    io::{self, Read},
    ops::ControlFlow,
};

const OPTIONS: SampleOptions = SampleOptions { customers: 30, subscriptions: 4, seed: 7, resellers: 3 };

fn whole() -> Value {
    let mut document = Vec::new();
    sample::write(OPTIONS, &mut document).unwrap();
    serde_json::from_slice(&document).unwrap()
}

fn lines_of(document: &Value) -> Vec<String> {
    let head = json!({ "partner": document["partner"], "resellers": document["resellers"] });
    [head].iter().chain(document["customers"].as_array().unwrap()).map(Value::to_string).collect()
}

fn customers(format: Format, text: &str) -> (Checked, Vec<CustomerPart>) {
    let checked = check_as(format, text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let mut parts = Vec::new();
    let outcome: ControlFlow<()> = read(text.as_bytes(), &checked, |some| {
        parts.extend(some);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(outcome.is_continue());
    (checked, parts)
}

fn faults(text: &str) -> Vec<Fault> {
    match check_as(Format::Lines, text.as_bytes()) {
        Err(DocumentError::Faults(faults)) => faults.listed,
        other => panic!("no faults: {other:?}"),
    }
}

fn paths(text: &str) -> Vec<String> {
    faults(text).into_iter().map(|fault| fault.path).collect()
}

#[test]
fn a_document_in_lines_says_what_one_of_one_piece_says() {
    let document = whole();
    let (in_one, parts) = customers(Format::Json, &document.to_string());
    let lines = lines_of(&document);
    let small = |customer: &Value| json!({ "customers": [customer], "resellers": document["resellers"], "partner": document["partner"] });
    let documents: Vec<String> = document["customers"].as_array().unwrap().iter().map(|customer| small(customer).to_string()).collect();
    let mixed: Vec<_> = [&lines[..10], &documents[9..]].concat();
    for text in [lines.join("\n"), format!("\u{feff}{}\r\n\n", lines.join("\r\n \n")), documents.join("\n"), mixed.join("\n")] {
        let (checked, same) = customers(Format::Lines, &text);
        assert!(same == parts);
        assert_eq!(checked, Checked { format: Format::Lines, ..in_one.clone() });
    }
}

#[test]
fn a_sample_in_lines_is_the_same_sample() {
    let (mut in_one, mut in_lines) = (Vec::new(), Vec::new());
    sample::write(OPTIONS, &mut in_one).unwrap();
    sample::write_lines(OPTIONS, &mut in_lines).unwrap();
    let (in_one, in_lines) = (String::from_utf8(in_one).unwrap(), String::from_utf8(in_lines).unwrap());
    assert_eq!(in_lines.lines().count(), 31);
    assert!(customers(Format::Lines, &in_lines).1 == customers(Format::Json, &in_one).1);
}

#[test]
fn faults_are_named_by_their_lines() {
    let document = whole();
    let mut lines = lines_of(&document);
    let wrong = |line: &str, change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        change(&mut value);
        value.to_string()
    };
    lines[16] = wrong(&lines[16], &|customer| customer["subscriptions"][1]["status"] = json!("gone"));
    lines[20] = lines[19].clone();
    lines[5] = wrong(&document.to_string(), &|document| {
        document["customers"] = json!([{ "id": 7 }]);
        document["partner"]["id"] = json!("c501c3c4-d776-40ef-9ecf-9cefb59442c1");
        document["resellers"][0]["state"] = json!("Inactive");
    });
    let text = lines.join("\n");
    let listed = paths(&text);
    for path in [
        "line 17: subscriptions[1].status",
        "line 21: id",
        "line 21: subscriptions[0].id",
        "line 6: customers[0].id",
        "line 6: partner",
        "line 6: resellers[0].mpnId",
    ] {
        assert!(listed.iter().any(|listed| listed == path), "{path} in {listed:?}");
    }
    assert!(faults(&text).iter().any(|fault| fault.expected.contains("line 20: id")), "where it stood first");
    // and nothing is given away of it in one piece
    assert!(check(text.as_bytes()).is_err());
}

#[test]
fn what_is_no_document_in_lines_is_refused() {
    let lines = lines_of(&whole());
    for (text, path) in [
        (String::new(), "document"),
        ("\n \n".to_owned(), "document"),
        (lines[0].clone(), "document"),
        (lines[1].clone(), "line 1: partner"),
        (format!("{}\n[]", lines[0]), "line 2"),
        (format!("{}\n{{}}", lines[0]), "line 2: id"),
        (format!("{}\n{}{}", lines[0], lines[1], lines[2]), "line 2"),
        (format!("{}\n{}", lines[0], lines[1].replacen(',', ",\n", 1)), "line 2"),
        (format!("{}\n{}\n{{\"id\":", lines[0], lines[1]), "line 3, column 6"),
        (format!("{}\n{}\nnonsense", lines[0], lines[1]), "line 3, column 2"),
        (format!("{}\n{}\n{{\"customers\":[]}}", lines[0], lines[1]), "line 3: partner"),
    ] {
        let listed = paths(&text);
        assert!(listed.iter().any(|listed| listed == path), "{path} in {listed:?} of {text:.60}");
    }
}

/// A customer a line without an end, made as it is read.
struct Endless {
    line: Vec<u8>,
    left: usize,
    at: usize,
    head: Vec<u8>,
}
impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let source = if self.head.is_empty() { &self.line[self.at..] } else { &self.head[..] };
        if self.head.is_empty() && self.left == 0 {
            return Ok(0);
        }
        let count = source.len().min(out.len());
        out[..count].copy_from_slice(&source[..count]);
        if self.head.is_empty() {
            self.at += count;
            if self.at == self.line.len() {
                (self.at, self.left) = (0, self.left - 1);
            }
        } else {
            self.head.drain(..count);
        }
        Ok(count)
    }
}

#[test]
fn a_sink_that_has_enough_ends_the_reading_early() {
    let lines = lines_of(&whole());
    let checked = check_as(Format::Lines, format!("{}\n{}", lines[0], lines[1]).as_bytes()).unwrap();
    let endless =
        Endless { line: format!("{}\n", lines[1]).into_bytes(), left: usize::MAX, at: 0, head: format!("{}\n", lines[0]).into_bytes() };
    let mut given = 0;
    let outcome = read(endless, &checked, |_| {
        given += 1;
        if given == 5 { ControlFlow::Break("enough") } else { ControlFlow::Continue(()) }
    });
    assert_eq!((outcome.unwrap(), given), (ControlFlow::Break("enough"), 5));
}
