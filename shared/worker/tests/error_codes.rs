//! Every stable code that the code gives out stands on the page `docs/errors.md`.
//!
//! Codes of rules and warnings come from their lists. The others are found in the source, by the calls that make them.

use planshift_domain::account::codes::{Blocking, Warning};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What stands before a code where one is given out, and which of the texts after it the code is.
const MAKERS: [(&str, usize); 13] = [
    ("Unreadable::new(", 0),
    ("refused(\"", 0),
    ("refused(\"", 1),
    ("refused(StatusCode::", 1),
    ("conflict(\"", 1),
    ("Refused::new(", 0),
    ("item_error(\"", 0),
    ("bad_input(\"", 0),
    ("code: \"", 0),
    ("faulty: \"", 0),
    ("Err((\"", 0),
    ("ApiError::new(StatusCode::", 1),
    ("Self::new(StatusCode::", 1),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Sources of services and shared crates, without tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() && name != "tests" && name != "conformance" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "conformance.rs" {
            found.push(path);
        }
    }
}

/// A code, and nothing that is only a text: `InvalidBody`, not `800002` and not a sentence.
fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn codes_in(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (maker, place) in MAKERS {
        for (at, _) in code.match_indices(maker) {
            let after = &code[at + maker.trim_end_matches('"').len()..];
            // from the first argument on: what does not begin with a text has a variable there, made by one of the others
            let text = after.split('"').skip(1).step_by(2).nth(place);
            let is_argument = !maker.ends_with('"') || after.starts_with('"');
            found.extend(text.filter(|text| is_argument && is_code(text)).map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_code_stands_on_the_page() {
    let page = fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let mut codes: BTreeSet<String> = Blocking::ALL.iter().map(|code| code.name().to_owned()).collect();
    codes.extend(Warning::ALL.iter().map(|code| code.name().to_owned()));
    let mut files = Vec::new();
    for folder in ["services", "shared"] {
        for package in fs::read_dir(root().join(folder)).expect("a folder") {
            sources(&package.expect("a package").path().join("src"), &mut files);
        }
    }
    for file in &files {
        codes.extend(codes_in(&fs::read_to_string(file).expect("a source file")));
    }
    // one of each kind, so that a search that finds nothing is not taken for a page that lacks nothing
    for known in ["FaultInjected", "WrongSender", "RequestIdReused", "UpgradeNotFound", "TimedOut", "ImportSuperseded", "Faulty"] {
        assert!(codes.contains(known), "{known} is found in the source: {codes:?}");
    }
    codes.extend(["PastThePivot", "NotAllowedInState"].map(str::to_owned));
    let missing: Vec<_> = codes.iter().filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "these codes are not in docs/errors.md: {missing:?}");
}
