//! `kill -9` in the middle of a file of usage, and of an invoice: nothing of it is ever seen, what it has left is taken out, and the same
//! file again is taken whole.

use planshift_tests::{
    accounts, http,
    place::Place,
    program::{PATIENCE, Program},
    wait,
};
use serde_json::Value;
use std::io::Write as _;
use tempfile::NamedTempFile;

/// Enough for many batches: so that a file is killed with some of them written and others not.
const ROWS: usize = 32_000;
const MONTH: &str = "2020-01";

/// A kind of file.
struct Kind {
    /// Where its files, and what they bring, are kept.
    files: &'static str,
    rows: &'static str,
    /// The command that brings one, before and after its name.
    command: [&'static [&'static str]; 2],
    /// How many rows an answer says were taken.
    taken: &'static str,
    header: &'static str,
    row: fn(customer: &str, azure: &str, number: usize) -> String,
}

const USAGE: Kind = Kind {
    files: "usage_imports",
    rows: "usage_records",
    command: [&["usage", "import"], &[]],
    taken: "records",
    header: "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri",
    row: |_, azure, number| format!("2020-01-15T10:00:00Z,2020-01-15T11:00:00Z,m{number},1,Hours,/subscriptions/{azure}/vm"),
};
const INVOICE: Kind = Kind {
    files: "invoice_files",
    rows: "invoice_lines",
    command: [&["invoice", "import"], &["--series", "D"]],
    taken: "lines",
    header: "CustomerId,InvoiceNumber,ChargeStartDate,ChargeEndDate,ResourceGUID,DetailLineItemId,OverageQuantity,ListPrice,PretaxCharges",
    row: |customer, _, number| format!("{customer},D1,1/1/2020,1/31/2020,m{number},{number},1,1.00,1.00"),
};

impl Kind {
    fn program(&self, file: &NamedTempFile, api: &str) -> Program {
        let path = file.path().display().to_string();
        Program::planshift(self.command[0]).args([path.as_str(), "--json", "--api", api]).args(self.command[1])
    }
}

/// What is seen of the customer in the month: what was metered, and what is on its invoices.
fn seen(api: &str, customer: &str) -> (usize, usize) {
    let items = |path: &str| {
        let page = http::get(&format!("{api}/v1/{path}?month={MONTH}&customerId={customer}&size=500")).expect(200).json();
        page["items"].as_array().expect("a list").clone()
    };
    let metered = items("reconciliation").len();
    let on_lines = |finding: &Value| finding["lines"].as_array().expect("lines").len();
    (metered, items("reconciliation/findings").iter().map(on_lines).sum())
}

fn killed_in_the_middle_of_a_file(place: &Place, kind: &Kind) {
    let sample = accounts::sample("direct-one-plan");
    let document = accounts::read(&sample);
    let customer = document["customers"][0]["companyProfile"]["tenantId"].as_str().unwrap();
    let azure = document["customers"][0]["subscriptions"][0]["entitlementId"].as_str().unwrap();
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    let rows: String = (0..ROWS).map(|number| (kind.row)(customer, azure, number) + "\n").collect();
    write!(file, "{}\n{rows}", kind.header).unwrap();
    file.flush().unwrap();

    let served = place.serve();
    Program::planshift(["import", &sample.display().to_string(), "--api", &served.api]).run().expect(0);
    let stored = place.stored();
    let number = |query: &str| stored.number("gateway", query);
    let written = || number(&format!("SELECT count(*) FROM {}", kind.rows));
    let under_way = || number(&format!("SELECT count(*) FROM {} WHERE state IN ('Running', 'Undoing')", kind.files));
    let client = kind.program(&file, &served.api).start();
    wait::until("some of its batches are written", PATIENCE, || written() > 0);
    served.kill();
    client.kill();
    let left = written();
    assert!(0 < left && left < ROWS as i64 && under_way() == 1, "it was killed in the middle of it: {left} of {ROWS} are written");

    let served = place.serve();
    assert_eq!(seen(&served.api, customer), (0, 0), "nothing of it is seen");
    assert!(kind.program(&file, &served.api).run().code != 0, "whoever brought it may still be there: nothing else is taken beside it");
    // as if it had been silent for long
    stored.change("gateway", &format!("UPDATE {} SET alive_at = 0 WHERE state = 'Running'", kind.files));
    wait::until("what it has left is taken out", PATIENCE, || under_way() == 0 && written() == 0);
    assert_eq!(number(&format!("SELECT count(*) FROM {} WHERE state = 'Broken'", kind.files)), 1);
    assert_eq!(seen(&served.api, customer), (0, 0));

    let taken = kind.program(&file, &served.api).run().expect(0).json().remove(0);
    assert_eq!((&taken["state"], &taken[kind.taken], written()), (&"Done".into(), &ROWS.into(), ROWS as i64), "{taken}");
    assert_ne!(seen(&served.api, customer), (0, 0), "now it is seen");
    kind.program(&file, &served.api).run().expect(0);
    assert_eq!(written(), ROWS as i64, "the same file again changes nothing");
    served.stop();
    place.assert_verified();
}

#[test]
fn a_file_of_usage_embedded() {
    killed_in_the_middle_of_a_file(&Place::embedded(), &USAGE);
}

#[test]
fn a_file_of_usage_distributed() {
    killed_in_the_middle_of_a_file(&Place::distributed(), &USAGE);
}

#[test]
fn an_invoice_embedded() {
    killed_in_the_middle_of_a_file(&Place::embedded(), &INVOICE);
}

#[test]
fn an_invoice_distributed() {
    killed_in_the_middle_of_a_file(&Place::distributed(), &INVOICE);
}
