//! An account document, read as a stream: [`check`] first, then [`read`].
//!
//! Twice, because a document with a fault is refused whole, before anything of it is stored or sent, and a fault may stand
//! at its very end. Memory: one customer while reading; while checking, the ids that must be unique.

use super::{
    facts::{CustomerPart, PartnerFacts, ResellerFacts},
    fault::{DocumentError, Faults},
    input::{Input, NotUtf8},
    lines,
    node::Value,
    parts,
    seen::Seen,
    walk::{Document, Walk},
};
use crate::ids::{CustomerId, MpnId};
use serde::de::DeserializeSeed;
use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
    ops::ControlFlow,
};

/// How a document is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// NDJSON, one JSON object a line: first `{"partner":…,"resellers":…}`, then a customer a line, or a whole small document of
    /// the same partner.
    Lines,
}

/// What a document without fault says, but for its customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whose document it is.
    pub partner: PartnerFacts,
    /// Its resellers by MPN id.
    pub resellers: BTreeMap<MpnId, ResellerFacts>,
    /// Its customers, in the order of the document.
    pub customers: Vec<CustomerId>,
    /// How many subscriptions they have, of any offer.
    pub subscriptions: usize,
    /// How many of those are of the legacy Azure offer, deleted ones too.
    pub legacy_subscriptions: usize,
    /// How it is written down.
    pub format: Format,
}

/// Looks at a whole document.
///
/// # Errors
/// All its faults; or that its source broke off.
pub fn check(input: impl Read) -> Result<Checked, DocumentError> {
    check_as(Format::Json, input)
}

/// Looks at a whole document that is written down in this way.
///
/// # Errors
/// As [`check`].
pub fn check_as(format: Format, input: impl Read) -> Result<Checked, DocumentError> {
    let mut walk = Walk { seen: Some(Seen::new(format)), in_lines: format == Format::Lines, ..Walk::default() };
    go(format, input, &mut walk)?;
    let Walk { faults, partner, resellers, customers, subscriptions, legacy_subscriptions, .. } = walk;
    match partner {
        Some(partner) if faults.is_empty() => Ok(Checked { partner, resellers, customers, subscriptions, legacy_subscriptions, format }),
        _ => Err(faults.into()),
    }
}

/// Gives each customer of a checked document to `sink`, in the order of the document, as parts (at least one) that each
/// fit a message. Ends early where the sink breaks, with what it broke with.
///
/// # Errors
/// The document's faults, where it is not the one that was checked; or that its source broke off. Customers before that
/// were given away already.
pub fn read<B>(
    input: impl Read,
    checked: &Checked,
    mut sink: impl FnMut(Vec<CustomerPart>) -> ControlFlow<B>,
) -> Result<ControlFlow<B>, DocumentError> {
    let mut outcome = ControlFlow::Continue(());
    let mut give = |record| match sink(parts::cut(record, &checked.resellers)) {
        ControlFlow::Continue(()) => ControlFlow::Continue(()),
        broken @ ControlFlow::Break(_) => {
            outcome = broken;
            ControlFlow::Break(())
        }
    };
    let mut walk = Walk { sink: Some(&mut give), in_lines: checked.format == Format::Lines, ..Walk::default() };
    go(checked.format, input, &mut walk)?;
    let Walk { faults, .. } = walk;
    if faults.is_empty() { Ok(outcome) } else { Err(faults.into()) }
}

fn go(format: Format, input: impl Read, walk: &mut Walk<'_>) -> Result<(), DocumentError> {
    let source = BufReader::new(Input::new(input));
    let result = match format {
        Format::Json => {
            let mut json = serde_json::Deserializer::from_reader(source);
            Value(Document { walk, line: None }).deserialize(&mut json).and_then(|()| json.end())
        }
        Format::Lines => lines::walk(source, walk),
    };
    match result {
        Err(error) if !walk.stopped => not_read(error, &mut walk.faults),
        _ => Ok(()),
    }
}

/// A syntax error is a fault of the document; a source that broke off is none.
fn not_read(error: serde_json::Error, faults: &mut Faults) -> Result<(), DocumentError> {
    if error.is_io() {
        let error = io::Error::from(error);
        let Some(place) = error.get_ref().and_then(|inner| inner.downcast_ref::<NotUtf8>()) else {
            return Err(DocumentError::Io(error));
        };
        faults.add_not_json(place.line, place.column, "bytes that are no character".to_owned(), "UTF-8");
    } else {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default().to_owned();
        faults.add_not_json(error.line(), error.column(), what, "JSON");
    }
    Ok(())
}
