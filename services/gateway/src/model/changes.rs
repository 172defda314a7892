//! What a batch of events says in all: for each row its highest version, in the order of the keys, so that a statement meets
//! each row once and two replicas lock rows in the same order.

use planshift_domain::{
    account::facts::ResellerFacts,
    history::HistoryEntry,
    ids::{AzureSubscriptionId, CustomerId, MpnId, PartnerId, Reseller, TransitionId},
    message::{
        event::{AccountImported, ImportedCustomer, TransitionChanged},
        notice::MessageEnded,
    },
    step::{Action, Step},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, TransitionRow},
};
use std::collections::{BTreeMap, btree_map::Entry};

/// Changes of a batch.
#[derive(Default)]
pub(crate) struct Changes {
    pub(super) transitions: BTreeMap<TransitionId, TransitionRow>,
    pub(super) lines: BTreeMap<(TransitionId, AzureSubscriptionId), LineRow>,
    pub(super) plans: BTreeMap<(TransitionId, Reseller), PlanRow>,
    pub(super) packets: BTreeMap<(TransitionId, Step, Action, u32), PacketRow>,
    pub(super) history: BTreeMap<(TransitionId, u32), HistoryEntry>,
    pub(super) customers: BTreeMap<(PartnerId, CustomerId), ImportedCustomer>,
    /// How many Azure subscriptions a part of a customer has, with the version that says so.
    pub(super) parts: BTreeMap<(PartnerId, CustomerId, u32), (u32, u32)>,
    /// Of a customer in parts, each part tells some: all are kept, with their versions.
    pub(super) on_record: BTreeMap<(PartnerId, CustomerId, MpnId), u32>,
    /// With the time that their import began.
    pub(super) resellers: BTreeMap<(PartnerId, MpnId), (Timestamp, ResellerFacts)>,
    /// The names of partners, with the time that their import began.
    pub(super) partners: BTreeMap<PartnerId, (Timestamp, String)>,
    pub(super) entries: super::audit::Entries,
    pub(super) ended: Vec<MessageEnded>,
}

impl Changes {
    /// An event about a transition.
    pub(crate) fn transition(&mut self, event: TransitionChanged) {
        let id = event.transition.id;
        newest(&mut self.transitions, id, event.transition, |row| row.version);
        for line in event.lines {
            newest(&mut self.lines, (id, line.azure_subscription_id), line, |row| row.version);
        }
        for plan in event.plans {
            newest(&mut self.plans, (id, plan.reseller.clone()), plan, |row| row.version);
        }
        for packet in event.packets {
            newest(&mut self.packets, (id, packet.step, packet.action, packet.packet), packet, |row| row.version);
        }
        for entry in event.history {
            self.history.entry((id, entry.number)).or_insert(entry);
        }
    }

    /// An event about customers and their chains, or what an import has just learned of them.
    pub(crate) fn account(&mut self, event: AccountImported) {
        let at = event.begun_at.unwrap_or(Timestamp::from_micros(0));
        // an event that is about the chain alone has no name
        if !event.partner_name.is_empty() {
            newest(&mut self.partners, event.partner_id, (at, event.partner_name), |(at, _)| *at);
        }
        for reseller in event.resellers {
            newest(&mut self.resellers, (event.partner_id, reseller.mpn_id.clone()), (at, reseller), |(at, _)| *at);
        }
        for customer in event.customers {
            for mpn_id in &customer.resellers {
                newest(&mut self.on_record, (event.partner_id, customer.customer_id, mpn_id.clone()), customer.version, |version| *version);
            }
            if let Some(azure) = customer.azure_subscriptions {
                let part = (event.partner_id, customer.customer_id, customer.part);
                newest(&mut self.parts, part, (customer.version, azure), |(version, _)| *version);
            }
            newest(&mut self.customers, (event.partner_id, customer.customer_id), customer, |row| row.version);
        }
        for entry in event.audit {
            self.entries.entry((entry.partner_id, entry.customer_id, entry.number)).or_insert(entry);
        }
    }

    /// A redriven message has come to its end.
    pub(crate) fn ended(&mut self, notice: MessageEnded) {
        self.ended.push(notice);
    }

    /// The transitions that changed: who waits for one is woken.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &TransitionRow> {
        self.transitions.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.transitions.is_empty()
            && self.customers.is_empty()
            && self.resellers.is_empty()
            && self.partners.is_empty()
            && self.entries.is_empty()
            && self.ended.is_empty()
    }
}

fn newest<K: Ord, V, O: Ord>(rows: &mut BTreeMap<K, V>, key: K, row: V, version: impl Fn(&V) -> O) {
    match rows.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(row);
        }
        Entry::Occupied(mut entry) => {
            if version(&row) > version(entry.get()) {
                entry.insert(row);
            }
        }
    }
}
