//! The account document of a run: read, checked whole, and cut down to the customers that were chosen, before anything is
//! hosted, stored or sent.

mod filter;
mod scope;
mod source;

pub use scope::Scope;
pub use source::Source;

use crate::{cli::Fault, exit::Failure};
use planshift_domain::{
    account::{Checked, DocumentError, Format, check_as, read},
    ids::{CustomerId, PartnerId},
};
use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Write},
    ops::ControlFlow,
    path::Path,
};

/// A document without fault, and what a run is to do with it.
#[derive(Debug)]
pub struct Account {
    /// What is sent: the document, or a copy with the chosen customers alone.
    pub source: Source,
    /// Whose document it is.
    pub partner: PartnerId,
    /// The customers that are imported and moved, in the order of the document.
    pub customers: Vec<CustomerId>,
    /// What is known of them.
    pub scope: Scope,
}

/// Reads and checks the document, and cuts it down to the customers in `chosen` (all of them where it is empty).
///
/// # Errors
/// Usage: the document cannot be read or has faults; a customer that is not in it; a fault for an item that no transition of
/// these customers has.
pub fn load(path: &Path, chosen: &[CustomerId], faults: &[Fault]) -> Result<Account, Failure> {
    let source = Source::open(path)?;
    let checked = checked(&source, path)?;
    let chosen = choose(&checked, chosen)?;
    let all = chosen.len() == checked.customers.len();
    let customers: Vec<_> = checked.customers.iter().copied().filter(|id| chosen.contains(id)).collect();
    let scope = scope(&source, &checked, &chosen, faults)?;
    scope.check(faults)?;
    let source = if all { source } else { only(&source, &chosen).map_err(|error| unreadable(path, error))? };
    Ok(Account { source, partner: checked.partner.id, customers, scope })
}

/// Reads and checks a document that is to be imported as it is.
///
/// # Errors
/// Usage: it cannot be read or has faults.
pub fn load_whole(path: &Path) -> Result<Source, Failure> {
    let source = Source::open(path)?;
    checked(&source, path)?;
    Ok(source)
}

fn checked(source: &Source, path: &Path) -> Result<Checked, Failure> {
    let reader = source.reader().map_err(|error| unreadable(path, error))?;
    check_as(source.format(), reader).map_err(|error| refused(path, error))
}

fn refused(path: &Path, error: DocumentError) -> Failure {
    match error {
        DocumentError::Io(error) => unreadable(path, error),
        DocumentError::Faults(faults) => Failure::usage(format!("{}: {faults}", path.display())),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::usage(format!("cannot read the account document {}", path.display())).because(error)
}

fn choose(checked: &Checked, chosen: &[CustomerId]) -> Result<BTreeSet<CustomerId>, Failure> {
    let known: BTreeSet<_> = checked.customers.iter().copied().collect();
    if chosen.is_empty() {
        return Ok(known);
    }
    let unknown: Vec<_> = chosen.iter().filter(|id| !known.contains(id)).map(ToString::to_string).collect();
    if unknown.is_empty() {
        Ok(chosen.iter().copied().collect())
    } else {
        Err(Failure::usage(format!("--customer: not in the document: {}", unknown.join(", "))))
    }
}

fn scope(source: &Source, checked: &Checked, chosen: &BTreeSet<CustomerId>, faults: &[Fault]) -> Result<Scope, Failure> {
    let failed = |error: io::Error| Failure::usage("the account document cannot be read again").because(error);
    let mut scope = Scope::default();
    let reader = source.reader().map_err(failed)?;
    let walked = read(reader, checked, |parts| {
        if parts.first().is_some_and(|part| chosen.contains(&part.customer_id)) {
            scope.note(&parts, !faults.is_empty());
        }
        ControlFlow::<()>::Continue(())
    });
    match walked {
        Ok(_) => Ok(scope),
        Err(error) => Err(Failure::usage("the account document changed while it was read").because(error)),
    }
}

fn only(source: &Source, chosen: &BTreeSet<CustomerId>) -> io::Result<Source> {
    let mut file = tempfile::tempfile()?;
    let mut out = BufWriter::new(&mut file);
    match source.format() {
        Format::Json => filter::write_chosen(source.reader()?, chosen, &mut out)?,
        Format::Lines => filter::write_chosen_lines(source.reader()?, chosen, &mut out)?,
    }
    out.flush()?;
    drop(out);
    Ok(Source::from_file(file, source.format()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use planshift_domain::account::{check, sample};

    const DOCUMENT: &str = include_str!("../../demo/accounts.json");

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn text(source: &Source) -> String {
        io::read_to_string(source.reader().unwrap()).unwrap()
    }

    #[test]
    fn without_a_choice_all_are_sent_as_they_stand() {
        let file = file(DOCUMENT);
        let account = load(file.path(), &[], &[]).unwrap();
        assert!(account.customers.len() > 2);
        assert_eq!(text(&account.source), DOCUMENT);
        assert_eq!(account.scope.names.len(), account.customers.len());
    }

    #[test]
    fn a_chosen_customer_is_sent_alone_and_the_document_stays_valid() {
        let file = file(DOCUMENT);
        let all = load(file.path(), &[], &[]).unwrap().customers;
        let account = load(file.path(), &[all[1], all[1]], &[]).unwrap();
        assert_eq!(account.customers, [all[1]]);
        assert_eq!(check(text(&account.source).as_bytes()).unwrap().customers, [all[1]]);
    }

    #[test]
    fn a_document_in_lines_is_known_by_its_name() {
        let file = tempfile::Builder::new().suffix(".NDJSON").tempfile().unwrap();
        let options = sample::SampleOptions { customers: 3, ..sample::SampleOptions::default() };
        sample::write_lines(options, std::fs::File::create(file.path()).unwrap()).unwrap();
        let all = load(file.path(), &[], &[]).unwrap();
        assert_eq!((all.customers.len(), all.source.content_type()), (3, "application/x-ndjson"));
        let one = load(file.path(), &[all.customers[1]], &[]).unwrap();
        assert_eq!(check_as(Format::Lines, text(&one.source).as_bytes()).unwrap().customers, [all.customers[1]]);
    }

    #[test]
    fn an_unknown_customer_and_a_faulty_document_are_usage_errors() {
        let good = file(DOCUMENT);
        let unknown = load(good.path(), &["00000000-0000-4000-8000-000000000000".parse().unwrap()], &[]).unwrap_err();
        assert_eq!(unknown.exit(), Exit::Usage);
        for (wrong, says) in [("{", "line 1"), ("[]", "expected"), (r#"{"customers":[]}"#, "partner")] {
            let failure = load(file(wrong).path(), &[], &[]).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains(says), "{failure}");
        }
        assert_eq!(load(Path::new("/no/such/file"), &[], &[]).unwrap_err().exit(), Exit::Usage);
        assert_eq!(load(Path::new("/"), &[], &[]).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_fault_must_be_in_scope_of_a_chosen_customer() {
        let file = file(DOCUMENT);
        for unknown in ["purchasing=1", "mapping=00000000-0000-4000-8000-000000000000", "suspension=00000000-0000-4000-8000-000000000000"] {
            assert_eq!(load(file.path(), &[], &[unknown.parse().unwrap()]).unwrap_err().exit(), Exit::Usage, "{unknown}");
        }
        let fault: Fault = format!("mapping={}", crate::commands::demo::FAILING_AZURE_SUBSCRIPTION).parse().unwrap();
        let account = load(file.path(), &[], std::slice::from_ref(&fault)).unwrap();
        let first = account.customers[0];
        assert_eq!(load(file.path(), &[first], &[fault]).unwrap_err().exit(), Exit::Usage);
    }
}
