//! Customers' chains, in the order of the customers, and whether the histories that they seal are still those.
//!
//! A chain is written together with the history that it seals. So entries are read first and what they seal after them, and a chain
//! that was added to meanwhile is not judged by its end.

use super::{PAGE, Report, Stores, convert};
use planshift_coordinator::inspect::{self, ChainHead};
use planshift_domain::{
    audit::{CustomerChain, CustomerEntry, Seal},
    ids::{CustomerId, PartnerId},
};
use planshift_invariants::checks::{self, ChainOf};
use planshift_storage::StorageError;
use std::collections::HashMap;

type Key = (PartnerId, CustomerId);

/// Checks all chains.
pub(super) async fn check(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let page = inspect::chains(&stores.coordinator, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        let upto = if is_last { None } else { page.last().map(of_head) };
        stretch(stores, &page, (after, upto), report).await?;
        if is_last {
            return Ok(());
        }
        after = upto;
    }
}

/// The chains after one customer, and up to another.
async fn stretch(
    stores: &Stores,
    before: &[ChainHead],
    (start, upto): (Option<Key>, Option<Key>),
    report: &Report,
) -> Result<(), StorageError> {
    let before: HashMap<Key, &ChainHead> = before.iter().map(|head| (of_head(head), head)).collect();
    let mut chains: HashMap<Key, CustomerChain> = HashMap::new();
    // behind every entry of the customer before
    let mut after = start.map(|(partner, customer)| (partner, customer, u32::MAX));
    loop {
        let page = inspect::chain_entries(&stores.coordinator, after, upto, PAGE).await?;
        for entry in &page {
            chains.entry(key(entry)).or_default().follow(entry);
        }
        seals(stores, &page, report).await?;
        after = page.last().map(|last| (last.partner_id, last.customer_id, last.number));
        if page.len() < PAGE as usize {
            break;
        }
    }
    // as many as before, and those that were begun meanwhile; also those of which no entry is left
    let now = inspect::chains(&stores.coordinator, start, PAGE).await?;
    for head in now.iter().filter(|head| upto.is_none_or(|upto| of_head(head) <= upto)) {
        let chain = chains.remove(&of_head(head)).unwrap_or_default();
        let at_rest = before.get(&of_head(head)).is_some_and(|before| *before == head);
        judge(head, &chain, at_rest, report);
    }
    // what has no end: unless it was begun while this was read, somebody has taken it away
    for ((partner_id, customer_id), chain) in chains.into_iter().filter(|(key, _)| !before.contains_key(key)) {
        judge(&ChainHead { partner_id, customer_id, entries: 0, hash: String::new() }, &chain, true, report);
    }
    Ok(())
}

const fn of_head(head: &ChainHead) -> Key {
    (head.partner_id, head.customer_id)
}

fn key(entry: &CustomerEntry) -> Key {
    (entry.partner_id, entry.customer_id)
}

fn judge(head: &ChainHead, chain: &CustomerChain, at_rest: bool, report: &Report) {
    let (told, same_end) = if at_rest { (head.entries, head.hash == chain.hash) } else { (chain.entries, true) };
    let customer = convert::id(head.customer_id);
    report.add(checks::chain_is_whole(&ChainOf { customer, told, stored: chain.entries, broken_at: chain.broken_at, same_end }));
}

/// Are the histories still what these entries have sealed?
async fn seals(stores: &Stores, entries: &[CustomerEntry], report: &Report) -> Result<(), StorageError> {
    // a transition that has not begun anything has no history to seal
    let sealing = || entries.iter().filter_map(|entry| Some((entry, entry.transition.as_ref().filter(|seal| seal.entries > 0)?)));
    let wanted: Vec<Seal> = sealing().map(|(_, seal)| seal.clone()).collect();
    let found = inspect::sealed(&stores.coordinator, &wanted).await?;
    for (entry, seal) in sealing() {
        let is = found.get(&(seal.transition_id, seal.entries)).map(String::as_str);
        let (customer, transition) = (convert::id(entry.customer_id), convert::id(seal.transition_id));
        report.add(checks::seal_holds(customer, transition, seal.entries, &seal.hash, is));
    }
    Ok(())
}
