//! The dossier: everything about a customer in one document, written piece by piece in its canonical form.
//!
//! ```json
//! {"chain":[…],"customer":{…},"exported":{…},"format":"planshift-dossier.v1",
//!  "transitions":[{"history":[…],"lines":[…],"packets":[…],"plans":[…],"transition":{…}}],
//!  "whole":{"chain":{…},"customer":"…","exported":"…","histories":[{…}],"sha256":"…"}}
//! ```
//!
//! The last member of the last member is the SHA-256 over the canonical form of everything before it, so that the document can be
//! written while it is being read from a database.

use super::{
    canonical::{canonical, hex, sha256},
    entry::{CustomerChain, CustomerEntry},
};
use crate::{
    history::HistoryEntry,
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, TransitionRow},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The member `format`: what the document is, with its version.
pub const FORMAT: &str = "planshift-dossier.v1";

/// Whom it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Customer {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who.
    pub customer_id: CustomerId,
    /// Its name, as it was imported last.
    pub company_name: String,
    /// Its domain.
    pub domain: String,
}

/// Who has had it made, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exported {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// The request's correlation id.
    pub correlation_id: Uuid,
}

/// A transition with everything beneath it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransitionPart {
    /// What happened to it, in order.
    pub history: Vec<HistoryEntry>,
    /// Its lines, with all their ids.
    pub lines: Vec<LineRow>,
    /// The answers of its packets, with what eligibility found.
    pub packets: Vec<PacketRow>,
    /// Its plans.
    pub plans: Vec<PlanRow>,
    /// Its row.
    pub transition: TransitionRow,
}

/// Where the customer's chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainEnd {
    /// How many entries it has.
    pub entries: u32,
    /// The hash of the last one.
    pub hash: String,
}

/// Where a transition's history ends, and what is beneath it: hashes over the canonical forms of the arrays and the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HistoryEnd {
    /// How many entries it has.
    pub entries: u32,
    /// The hash of the last one.
    pub hash: String,
    /// SHA-256 of its lines.
    pub lines: String,
    /// SHA-256 of its packets.
    pub packets: String,
    /// SHA-256 of its plans.
    pub plans: String,
    /// SHA-256 of its row.
    pub transition: String,
    /// The transition.
    pub transition_id: TransitionId,
}

/// The head of all: what everything else is checked against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Whole {
    /// The end of the chain.
    pub chain: ChainEnd,
    /// SHA-256 of the customer.
    pub customer: String,
    /// SHA-256 of who has exported it.
    pub exported: String,
    /// The ends of the histories.
    pub histories: Vec<HistoryEnd>,
    /// SHA-256 of everything but this.
    pub sha256: String,
}

/// A dossier as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Dossier {
    pub chain: Vec<CustomerEntry>,
    pub customer: Customer,
    pub exported: Exported,
    pub format: String,
    pub transitions: Vec<TransitionPart>,
    pub whole: Whole,
}

/// Writes a dossier: the chain, the customer, the transitions, the end. What is written is [taken](Self::take) whenever it suits.
pub struct DossierWriter {
    out: String,
    hasher: Sha256,
    chain: CustomerChain,
    customer: String,
    exported: String,
    histories: Vec<HistoryEnd>,
}

impl DossierWriter {
    /// Begins.
    pub fn new() -> Self {
        let (out, hasher, chain) = ("{\"chain\":[".to_owned(), Sha256::new(), CustomerChain::default());
        Self { out, hasher, chain, customer: String::new(), exported: String::new(), histories: Vec::new() }
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> String {
        self.hasher.update(self.out.as_bytes());
        std::mem::take(&mut self.out)
    }

    /// The next entry of the customer's chain.
    pub fn entry(&mut self, entry: &CustomerEntry) {
        if self.chain.entries > 0 {
            self.out.push(',');
        }
        self.chain.follow(entry);
        self.out.push_str(&canonical(entry));
    }

    /// After the chain: whom it is about, and who has it made.
    pub fn customer(&mut self, customer: &Customer, exported: &Exported) {
        let (customer, exported) = (canonical(customer), canonical(exported));
        self.out.push_str(&format!("],\"customer\":{customer},\"exported\":{exported},\"format\":\"{FORMAT}\",\"transitions\":["));
        (self.customer, self.exported) = (sha256(customer), sha256(exported));
    }

    /// The next transition; gives where it ends.
    pub fn transition(&mut self, part: &TransitionPart) -> HistoryEnd {
        if !self.histories.is_empty() {
            self.out.push(',');
        }
        self.out.push_str("{\"history\":");
        self.list(&part.history);
        self.out.push_str(",\"lines\":");
        let lines = self.list(&part.lines);
        self.out.push_str(",\"packets\":");
        let packets = self.list(&part.packets);
        self.out.push_str(",\"plans\":");
        let plans = self.list(&part.plans);
        let row = canonical(&part.transition);
        self.out.push_str(&format!(",\"transition\":{row}}}"));
        let end = HistoryEnd {
            entries: u32::try_from(part.history.len()).unwrap_or(u32::MAX),
            hash: part.history.last().map(|entry| entry.hash.clone()).unwrap_or_default(),
            lines,
            packets,
            plans,
            transition: sha256(row),
            transition_id: part.transition.id,
        };
        self.histories.push(end.clone());
        end
    }

    /// One item at a time, so that no more than one is held twice; gives the hash of them all.
    fn list<T: Serialize>(&mut self, items: &[T]) -> String {
        let begin = self.out.len();
        self.out.push('[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            self.out.push_str(&canonical(item));
        }
        self.out.push(']');
        sha256(self.out.get(begin..).unwrap_or_default())
    }

    /// The end. Gives what was written since the last time, and the head of all.
    pub fn finish(mut self) -> (String, Whole) {
        let chain = ChainEnd { entries: self.chain.entries, hash: std::mem::take(&mut self.chain.hash) };
        let (customer, exported, histories) =
            (std::mem::take(&mut self.customer), std::mem::take(&mut self.exported), std::mem::take(&mut self.histories));
        let mut whole = Whole { chain, customer, exported, histories, sha256: String::new() };
        let text = canonical(&whole);
        // the member `sha256` is the last one: what is before it stands as if it were not there
        let before = text.strip_suffix(",\"sha256\":\"\"}").unwrap_or_default();
        self.out.push_str(&format!("],\"whole\":{before}"));
        let rest = self.take();
        self.hasher.update("}}");
        whole.sha256 = hex(&self.hasher.finalize());
        let rest = format!("{rest},\"sha256\":\"{}\"}}}}", whole.sha256);
        (rest, whole)
    }
}

impl Default for DossierWriter {
    fn default() -> Self {
        Self::new()
    }
}
