//! What was delivered on a channel and is not settled: messages on the wire, and the parts of packs.

use super::wire::Held;
use std::collections::BTreeMap;

/// The unsettled deliveries of one channel.
#[derive(Default)]
pub(super) struct Unsettled {
    /// By the wire's delivery tag.
    wires: BTreeMap<u64, Wire>,
}

struct Wire {
    /// `None` once settled.
    parts: Vec<Option<Held>>,
    open: usize,
}

/// What to acknowledge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Acknowledgements {
    /// Everything up to this tag.
    pub(super) up_to: Option<u64>,
    /// These alone: something before them is not settled.
    pub(super) alone: Vec<u64>,
}

impl Unsettled {
    pub(super) fn add(&mut self, wire: u64, parts: Vec<Held>) {
        let open = parts.len();
        self.wires.insert(wire, Wire { parts: parts.into_iter().map(Some).collect(), open });
    }

    pub(super) fn get(&self, wire: u64, part: u32) -> Option<&Held> {
        self.wires.get(&wire)?.parts.get(part as usize)?.as_ref()
    }

    /// A part is settled. `false` where it was already.
    pub(super) fn settle(&mut self, wire: u64, part: u32) -> bool {
        let Some(found) = self.wires.get_mut(&wire) else { return false };
        let settled = found.parts.get_mut(part as usize).is_some_and(|part| part.take().is_some());
        found.open -= usize::from(settled);
        settled
    }

    /// Takes out the wire messages that are settled altogether.
    pub(super) fn acknowledgements(&mut self) -> Acknowledgements {
        let mut acknowledgements = Acknowledgements::default();
        while let Some(first) = self.wires.first_entry()
            && first.get().open == 0
        {
            acknowledgements.up_to = Some(*first.key());
            first.remove();
        }
        self.wires.retain(|tag, wire| {
            if wire.open == 0 {
                acknowledgements.alone.push(*tag);
            }
            wire.open > 0
        });
        acknowledgements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lapin::BasicProperties;

    fn parts(count: usize) -> Vec<Held> {
        let held = Held { properties: BasicProperties::default(), body: Bytes::new(), sender: None, attempts: 0 };
        vec![held; count]
    }

    fn of(up_to: Option<u64>, alone: &[u64]) -> Acknowledgements {
        Acknowledgements { up_to, alone: alone.to_vec() }
    }

    #[test]
    fn only_a_settled_beginning_is_acknowledged_at_once() {
        let mut unsettled = Unsettled::default();
        for tag in 1..=6 {
            unsettled.add(tag, parts(1));
        }
        for tag in [1, 2, 4, 6] {
            assert!(unsettled.settle(tag, 0));
        }
        assert_eq!(unsettled.acknowledgements(), of(Some(2), &[4, 6]));
        assert_eq!(unsettled.acknowledgements(), of(None, &[]));
        assert!(unsettled.settle(3, 0) && !unsettled.settle(3, 0) && !unsettled.settle(1, 0) && !unsettled.settle(9, 0));
        assert_eq!(unsettled.acknowledgements(), of(Some(3), &[]));
        assert!(unsettled.settle(5, 0));
        assert_eq!(unsettled.acknowledgements(), of(Some(5), &[]));
    }

    #[test]
    fn a_pack_is_acknowledged_with_its_last_part() {
        let mut unsettled = Unsettled::default();
        unsettled.add(1, parts(3));
        unsettled.add(2, parts(2));
        assert!(unsettled.settle(1, 2) && !unsettled.settle(1, 2) && !unsettled.settle(1, 3));
        assert!(unsettled.settle(2, 0) && unsettled.settle(2, 1));
        assert_eq!(unsettled.acknowledgements(), of(None, &[2]));
        assert!(unsettled.get(1, 2).is_none() && unsettled.get(1, 0).is_some());
        assert!(unsettled.settle(1, 0) && unsettled.settle(1, 1));
        assert_eq!(unsettled.acknowledgements(), of(Some(1), &[]));
    }
}
