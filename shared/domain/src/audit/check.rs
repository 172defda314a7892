//! The check of a dossier, without any database: every chain is computed again, the seals between them, the hashes of every part and
//! of the whole, whether the histories tell what the rows say, and whether each byte is as it was written.

use super::{
    dossier::{Dossier, DossierWriter, FORMAT, HistoryEnd, TransitionPart},
    entry::{CustomerChain, CustomerEntry},
    rows,
};
use crate::{history::Chain, ids::TransitionId};
use std::collections::{BTreeMap, BTreeSet};

/// How many faults are told: the first of each kind says enough.
const TOLD: usize = 20;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON path.
    pub path: String,
    /// What, in words.
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is not as it was written; empty: the dossier is intact.
    pub faults: Vec<Fault>,
    /// Entries of the customer's chain.
    pub entries: usize,
    /// The hash of the last of them.
    pub chain_hash: String,
    /// Transitions.
    pub transitions: usize,
    /// Entries of their histories, together.
    pub history: usize,
    /// Transitions that the customer's chain does not tell of, since they are older than it.
    pub unsealed: usize,
    /// The SHA-256 of the whole, as it was computed again.
    pub sha256: String,
}

/// The file is no dossier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no dossier: {0}")]
pub struct NoDossier(pub String);

/// Checks a dossier.
///
/// # Errors
/// `NoDossier` where it is something else. A dossier that was damaged so that it cannot be read any more is one with a fault.
pub fn check(file: &[u8]) -> Result<Checked, NoDossier> {
    let dossier: Dossier = match serde_json::from_slice(file) {
        Ok(dossier) => dossier,
        Err(error) => return unreadable(file, &error),
    };
    if dossier.format != FORMAT {
        return Err(NoDossier(format!("its format is {:?}, and {FORMAT:?} was expected", dossier.format)));
    }
    let mut found = Found::default();
    let chain = found.chain(&dossier.chain, &dossier);
    let histories: BTreeMap<TransitionId, usize> =
        dossier.transitions.iter().enumerate().map(|(place, part)| (part.transition.id, place)).collect();
    if histories.len() != dossier.transitions.len() {
        found.fault("$.transitions", "a transition stands there twice");
    }
    for (place, part) in dossier.transitions.iter().enumerate() {
        found.history(place, part, &dossier);
    }
    let unsealed = found.seals(&dossier, &histories);
    let sha256 = found.whole(file, &dossier);
    found.0.truncate(TOLD);
    Ok(Checked {
        faults: found.0,
        entries: dossier.chain.len(),
        chain_hash: chain.hash,
        transitions: dossier.transitions.len(),
        history: dossier.transitions.iter().map(|part| part.history.len()).sum(),
        unsealed,
        sha256,
    })
}

/// It cannot be read: something else, or a dossier that was damaged.
fn unreadable(file: &[u8], error: &serde_json::Error) -> Result<Checked, NoDossier> {
    // one changed byte leaves at least one of these as it was
    let marks = [&b"planshift-dossier.v"[..], b"{\"chain\":["];
    let is_one = marks.iter().any(|mark| file.windows(mark.len()).any(|bytes| bytes == *mark));
    if !is_one {
        return Err(NoDossier(error.to_string()));
    }
    let fault = Fault { path: format!("line {}, column {}", error.line(), error.column()), text: format!("it cannot be read: {error}") };
    Ok(Checked { faults: vec![fault], ..Checked::default() })
}

#[derive(Default)]
struct Found(Vec<Fault>);

impl Found {
    fn fault(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push(Fault { path: path.into(), text: text.into() });
    }

    fn chain(&mut self, entries: &[CustomerEntry], dossier: &Dossier) -> CustomerChain {
        let mut chain = CustomerChain::default();
        for (place, entry) in entries.iter().enumerate() {
            chain.follow(entry);
            if chain.broken_at == Some(chain.entries) {
                self.fault(
                    format!("$.chain[{place}]"),
                    format!("entry {} of the customer's chain is missing or was changed", chain.entries),
                );
            }
            if (entry.partner_id, entry.customer_id) != (dossier.customer.partner_id, dossier.customer.customer_id) {
                self.fault(format!("$.chain[{place}]"), "it is about another customer");
            }
        }
        chain
    }

    fn history(&mut self, place: usize, part: &TransitionPart, dossier: &Dossier) {
        let row = &part.transition;
        let mut chain = Chain::default();
        part.history.iter().for_each(|entry| chain.follow(row.id, entry));
        if let Some(number) = chain.broken_at {
            let text = format!("entry {number} of the history of the transition {} is missing or was changed", row.id);
            self.fault(format!("$.transitions[{place}].history[{}]", number - 1), text);
        }
        if (row.partner_id, row.customer_id) != (dossier.customer.partner_id, dossier.customer.customer_id) {
            self.fault(format!("$.transitions[{place}].transition"), "it is a transition of another customer");
        }
        for (path, text) in rows::faults(part) {
            self.fault(format!("$.transitions[{place}]{path}"), text);
        }
    }

    /// What the chain says of the histories. Gives how many transitions it does not tell of.
    fn seals(&mut self, dossier: &Dossier, histories: &BTreeMap<TransitionId, usize>) -> usize {
        let mut sealed = BTreeSet::new();
        for (place, entry) in dossier.chain.iter().enumerate() {
            let Some(seal) = &entry.transition else { continue };
            sealed.insert(seal.transition_id);
            let Some(part) = histories.get(&seal.transition_id).and_then(|place| dossier.transitions.get(*place)) else {
                self.fault("$.transitions", format!("the transition {}, of which $.chain[{place}] tells, is missing", seal.transition_id));
                continue;
            };
            let at = (seal.entries as usize).checked_sub(1).and_then(|last| part.history.get(last));
            let holds = match at {
                Some(last) => last.hash == seal.hash,
                None => seal.entries == 0 && seal.hash.is_empty(),
            };
            if !holds {
                let text = format!(
                    "the first {} entries of the history of the transition {} are not those that were sealed here",
                    seal.entries, seal.transition_id
                );
                self.fault(format!("$.chain[{place}].transition"), text);
            }
        }
        let others = dossier.transitions.iter().enumerate().filter(|(_, part)| !sealed.contains(&part.transition.id));
        let others: Vec<usize> = others.map(|(place, _)| place).collect();
        if !dossier.chain.is_empty() {
            for place in &others {
                self.fault(format!("$.transitions[{place}]"), "the customer's chain does not tell of this transition");
            }
        }
        others.len()
    }

    /// The hashes of the parts and of the whole, and the bytes.
    fn whole(&mut self, file: &[u8], dossier: &Dossier) -> String {
        let mut writer = DossierWriter::new();
        dossier.chain.iter().for_each(|entry| writer.entry(entry));
        writer.customer(&dossier.customer, &dossier.exported);
        let ends: Vec<HistoryEnd> = dossier.transitions.iter().map(|part| writer.transition(part)).collect();
        let mut written = writer.take();
        let (rest, is) = writer.finish();
        written.push_str(&rest);
        let says = &dossier.whole;
        let differs = |what: &str| format!("{what} was changed, or what $.whole says of it");
        for (path, is, says, what) in [
            ("$.customer", &is.customer, &says.customer, "the customer"),
            ("$.exported", &is.exported, &says.exported, "who has exported it, and when,"),
        ] {
            if is != says {
                self.fault(path, differs(what));
            }
        }
        if is.chain != says.chain {
            self.fault("$.whole.chain", "the customer's chain does not end so");
        }
        if says.histories.len() != ends.len() {
            self.fault("$.whole.histories", format!("it tells of {} transitions, and there are {}", says.histories.len(), ends.len()));
        }
        for (place, (is, says)) in ends.iter().zip(&says.histories).enumerate() {
            for (part, is, says) in [
                ("lines", &is.lines, &says.lines),
                ("packets", &is.packets, &says.packets),
                ("plans", &is.plans, &says.plans),
                ("transition", &is.transition, &says.transition),
            ] {
                if is != says {
                    self.fault(format!("$.transitions[{place}].{part}"), differs("it"));
                }
            }
            if (is.entries, &is.hash, is.transition_id) != (says.entries, &says.hash, says.transition_id) {
                self.fault(format!("$.whole.histories[{place}]"), "the history does not end so");
            }
        }
        if is.sha256 != says.sha256 {
            self.fault("$.whole.sha256", format!("the whole was changed: its SHA-256 is {}", is.sha256));
        } else if let Some(at) = first_difference(file, written.as_bytes()) {
            self.fault(
                format!("byte {at}"),
                "it says the same, and is not written so: jq -cS . makes what another program has laid out anew as it was",
            );
        }
        is.sha256
    }
}

/// The place of the first byte that differs; one line feed at the end is none.
fn first_difference(file: &[u8], written: &[u8]) -> Option<usize> {
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    if file == written {
        return None;
    }
    let same = file.iter().zip(written).take_while(|(one, other)| one == other).count();
    Some(same)
}
