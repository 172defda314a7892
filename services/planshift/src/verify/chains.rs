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
    let heads_before = heads(stores).await?;
    let mut chains: HashMap<Key, CustomerChain> = HashMap::new();
    let mut after = None;
    loop {
        let page = inspect::chain_entries(&stores.coordinator, after, PAGE).await?;
        for entry in &page {
            chains.entry(key(entry)).or_default().follow(entry);
        }
        seals(stores, &page, report).await?;
        after = page.last().map(|last| (last.partner_id, last.customer_id, last.number));
        if page.len() < PAGE as usize {
            break;
        }
    }
    // also those of which nothing is left
    for (key, head) in heads(stores).await? {
        let chain = chains.remove(&key).unwrap_or_default();
        let at_rest = heads_before.get(&key) == Some(&head);
        judge(&head, &chain, at_rest, report);
    }
    // entries of a chain that nobody has begun; or it was begun a moment ago
    for ((partner_id, customer_id), chain) in chains {
        judge(&ChainHead { partner_id, customer_id, entries: 0, hash: String::new() }, &chain, true, report);
    }
    Ok(())
}

async fn heads(stores: &Stores) -> Result<HashMap<Key, ChainHead>, StorageError> {
    let (mut all, mut after) = (HashMap::new(), None);
    loop {
        let page = inspect::chains(&stores.coordinator, after, PAGE).await?;
        after = page.last().map(|last| (last.partner_id, last.customer_id));
        let is_last = page.len() < PAGE as usize;
        all.extend(page.into_iter().map(|head| ((head.partner_id, head.customer_id), head)));
        if is_last {
            return Ok(all);
        }
    }
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
