//! Whose turn it is, of the partners that have a line.
//!
//! First those with the least under way for their weight, counted in whole rounds: a partner of weight 3 has a round under way with
//! three. So one whose transitions take long, or are held, keeps no more than its share. Among those with equally many rounds they take
//! turns, one of weight 3 three times as often: so the shares are right, and nobody starves, where few may be under way, too.

use planshift_domain::ids::PartnerId;
use std::collections::{BTreeMap, BTreeSet};

/// A whole turn; a partner's turns are that far apart, divided by its weight. (Every weight up to 10 divides it.)
const TURN: u64 = 2_520_000;

/// A partner with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Who.
    pub partner: PartnerId,
    /// How much of it is under way: for each transition one, and one for each whole packet of lines.
    pub under_way: u64,
    /// Its weight, from 1.
    pub weight: u32,
}

/// When each partner has its next turn. Only in memory: it decides between equals, and each replica may do so by itself.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    now: u64,
    next: BTreeMap<PartnerId, u64>,
}

impl Turns {
    /// One that was not in line for long has saved up no turns.
    fn of(&self, partner: PartnerId) -> u64 {
        self.next.get(&partner).map_or(self.now, |next| (*next).max(self.now))
    }

    fn take(&mut self, partner: PartnerId, weight: u32) {
        self.now = self.of(partner);
        self.next.insert(partner, self.now + TURN / u64::from(weight.max(1)));
        let now = self.now;
        self.next.retain(|_, next| *next > now);
    }
}

/// How many of which partner may begin, with room for so many. Room is left only where nobody is in line.
pub fn share(room: u32, contenders: &[Contender], turns: &mut Turns) -> BTreeMap<PartnerId, u32> {
    let mut of: BTreeMap<PartnerId, Contender> = contenders.iter().map(|contender| (contender.partner, *contender)).collect();
    let key = |contender: &Contender, turns: &Turns| {
        (contender.under_way / u64::from(contender.weight.max(1)), turns.of(contender.partner), contender.partner)
    };
    let mut shares = BTreeMap::new();
    let mut order: BTreeSet<_> = of.values().map(|contender| key(contender, turns)).collect();
    for _ in 0..room {
        let Some((_, _, partner)) = order.pop_first() else { break };
        let Some(contender) = of.get_mut(&partner) else { break };
        contender.under_way += 1;
        turns.take(partner, contender.weight);
        *shares.entry(partner).or_default() += 1;
        order.insert(key(contender, turns));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn partner(n: u128) -> PartnerId {
        PartnerId(Uuid::from_u128(n))
    }

    /// (partner, under way, weight)
    fn shares(room: u32, contenders: &[(u128, u64, u32)], turns: &mut Turns) -> Vec<(u128, u32)> {
        let contenders: Vec<_> = contenders
            .iter()
            .map(|(n, under_way, weight)| Contender { partner: partner(*n), under_way: *under_way, weight: *weight })
            .collect();
        share(room, &contenders, turns).into_iter().map(|(partner, count)| (partner.0.as_u128(), count)).collect()
    }

    #[test]
    fn who_has_the_least_under_way_for_its_weight_comes_first() {
        let fresh = |room, contenders: &[_]| shares(room, contenders, &mut Turns::default());
        assert_eq!(fresh(0, &[(1, 0, 1), (2, 0, 1)]), []);
        assert_eq!(fresh(5, &[]), []);
        assert_eq!(fresh(5, &[(1, 0, 1)]), [(1, 5)]);
        assert_eq!(fresh(4, &[(1, 0, 1), (2, 0, 1)]), [(1, 2), (2, 2)]);
        assert_eq!(fresh(4, &[(1, 10, 1), (2, 1, 1), (3, 0, 1)]), [(2, 2), (3, 2)]);
        assert_eq!(fresh(8, &[(1, 0, 1), (2, 0, 3)]), [(1, 2), (2, 6)]);
        assert_eq!(fresh(4, &[(1, 64, 1), (2, 190, 3)]), [(1, 1), (2, 3)], "each is brought to its share");
        assert_eq!(fresh(2, &[(1, 2_001, 1), (2, 0, 1)]), [(2, 2)], "a customer with very many packets is much");
    }

    /// So many under way at a time; after each step one chosen by `ends` ends, and one begins. How many of each have begun.
    fn worked_off(limit: u32, partners: &[(u128, u32)], steps: usize, ends: impl Fn(&[u128]) -> usize) -> BTreeMap<u128, u32> {
        let (mut turns, mut under_way, mut begun) = (Turns::default(), Vec::<u128>::new(), BTreeMap::new());
        for _ in 0..steps {
            let contenders: Vec<_> =
                partners.iter().map(|(n, weight)| (*n, under_way.iter().filter(|of| *of == n).count() as u64, *weight)).collect();
            let room = limit - u32::try_from(under_way.len()).unwrap();
            for (n, count) in shares(room, &contenders, &mut turns) {
                *begun.entry(n).or_default() += count;
                under_way.extend((0..count).map(|_| n));
            }
            under_way.remove(ends(&under_way));
        }
        begun
    }

    #[test]
    fn shares_are_by_weight_however_few_may_be_under_way_and_nobody_starves() {
        for limit in [1, 2, 3, 5, 8, 128] {
            // the oldest ends first
            let begun = worked_off(limit, &[(1, 1), (2, 3)], 8_000, |_| 0);
            let ratio = f64::from(begun[&2]) / f64::from(begun[&1]);
            assert!((2.7..=3.3).contains(&ratio), "{limit} under way: {begun:?}");
        }
        let many: Vec<(u128, u32)> = (1..=20).map(|n| (n, 1)).collect();
        let begun = worked_off(3, &many, 2_000, |_| 0);
        assert!(many.iter().all(|(n, _)| (95..=105).contains(&begun[n])), "{begun:?}");
    }

    #[test]
    fn one_whose_transitions_never_end_keeps_only_its_share() {
        let second = |under_way: &[u128]| under_way.iter().position(|of| *of == 2).unwrap();
        let begun = worked_off(8, &[(1, 1), (2, 1)], 1_000, second);
        assert_eq!(begun[&1], 4, "half of eight");
    }

    #[test]
    fn one_that_comes_later_has_saved_up_no_turns() {
        let mut turns = Turns::default();
        for _ in 0..1_000 {
            assert_eq!(shares(1, &[(1, 0, 1)], &mut turns), [(1, 1)]);
        }
        let mut begun = BTreeMap::<u128, u32>::new();
        for _ in 0..10 {
            let (n, _) = shares(1, &[(1, 0, 1), (2, 0, 1)], &mut turns)[0];
            *begun.entry(n).or_default() += 1;
        }
        assert_eq!(begun, [(1, 5), (2, 5)].into());
    }
}
