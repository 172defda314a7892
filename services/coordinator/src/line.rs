//! How many transitions may be under way at a time, and how partners share them: settings.

use planshift_domain::ids::PartnerId;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// How many transitions may be under way at a time where nothing else is said.
pub const UNDER_WAY: u32 = 1_000;
/// How many of them in the background, where nothing else is said: few, so that what stands before an interactive start in the workers'
/// queues is little. `tests/run bench --with-fairness` measures what a number costs.
pub const BACKGROUND: u32 = 128;
/// The largest weight of a partner. Beyond it one partner's weight would be as many as may be under way.
pub const MOST_WEIGHT: u32 = 100;

/// The variable that says how many transitions may be under way at a time.
pub const UNDER_WAY_VARIABLE: &str = "PLANSHIFT_UNDER_WAY";
/// The variable that says how many of them may be in the background.
pub const BACKGROUND_VARIABLE: &str = "PLANSHIFT_UNDER_WAY_BACKGROUND";
/// The variable with the partners' weights.
pub const WEIGHTS_VARIABLE: &str = "PLANSHIFT_WEIGHTS";

/// The limits of what is under way in all replicas together, and who has how large a share of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How many transitions may be under way at a time, at least 1: further ones wait in line.
    pub under_way: u32,
    /// How many of them may be in the background, at least 1.
    pub background: u32,
    /// How partners share them.
    pub weights: Weights,
}

impl Default for Line {
    fn default() -> Self {
        Self { under_way: UNDER_WAY, background: BACKGROUND, weights: Weights::default() }
    }
}

impl Line {
    /// The defaults, but for so many under way.
    pub fn of(under_way: u32) -> Self {
        Self { under_way, ..Self::default() }
    }

    /// As the environment says it.
    ///
    /// # Errors
    /// In words: a variable says something else than it should.
    pub fn from_environment(environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let said = |name| environment(name).filter(|text| !text.is_empty());
        let number = |name, otherwise| match said(name) {
            None => Ok(otherwise),
            Some(text) => text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("{name}: {text:?} is no number from 1")),
        };
        let weights = said(WEIGHTS_VARIABLE).map_or(Ok(Weights::default()), |text| text.parse());
        Ok(Self {
            under_way: number(UNDER_WAY_VARIABLE, UNDER_WAY)?,
            background: number(BACKGROUND_VARIABLE, BACKGROUND)?,
            weights: weights.map_err(|error| format!("{WEIGHTS_VARIABLE}: {error}"))?,
        })
    }
}

/// The weights of partners: one with twice the weight has twice as much under way, while both have something in line. 1 where nothing is
/// said of a partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(BTreeMap<PartnerId, u32>);

/// A text that is no list of weights: what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidWeights(String);

impl Weights {
    /// The weight of a partner, from 1.
    pub fn of(&self, partner: PartnerId) -> u32 {
        self.0.get(&partner).copied().unwrap_or(1)
    }
}

impl FromIterator<(PartnerId, u32)> for Weights {
    fn from_iter<T: IntoIterator<Item = (PartnerId, u32)>>(weights: T) -> Self {
        Self(weights.into_iter().map(|(partner, weight)| (partner, weight.clamp(1, MOST_WEIGHT))).collect())
    }
}

impl FromStr for Weights {
    type Err = InvalidWeights;

    /// `PARTNER=WEIGHT`, as many as there are, with commas between them; spaces around each do not matter.
    fn from_str(text: &str) -> Result<Self, InvalidWeights> {
        let mut weights = BTreeMap::new();
        for (place, entry) in (1..).zip(text.split(',').map(str::trim)) {
            let wrong = |why: &str| InvalidWeights(format!("entry {place}, {entry:?}: {why}"));
            let (partner, weight) =
                entry.split_once('=').ok_or_else(|| wrong("expected PARTNER=WEIGHT, the partner's tenant and a number"))?;
            let partner: PartnerId = partner.trim().parse().map_err(|error| wrong(&format!("{error}")))?;
            let weight = weight.trim().parse().ok().filter(|weight| (1..=MOST_WEIGHT).contains(weight));
            let weight = weight.ok_or_else(|| wrong(&format!("expected a weight from 1 to {MOST_WEIGHT}")))?;
            if weights.insert(partner, weight).is_some() {
                return Err(wrong("the partner is there twice"));
            }
        }
        Ok(Self(weights))
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> = self.0.iter().map(|(partner, weight)| format!("{partner}={weight}")).collect();
        f.write_str(&entries.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0a0b2a3c-0000-4000-8000-000000000001";
    const B: &str = "0a0b2a3c-0000-4000-8000-000000000002";

    fn line(said: &[(&str, &str)]) -> Result<Line, String> {
        Line::from_environment(|name| said.iter().find(|(said, _)| *said == name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(line(&[]), Ok(Line::default()));
        assert_eq!(line(&[(UNDER_WAY_VARIABLE, ""), (WEIGHTS_VARIABLE, "")]), Ok(Line::default()));
        let weights = format!("{}=3, {B} = 2", A.to_uppercase());
        let read = line(&[(UNDER_WAY_VARIABLE, "50"), (BACKGROUND_VARIABLE, "7"), (WEIGHTS_VARIABLE, &weights)]).unwrap();
        let of = |partner: &str| read.weights.of(partner.parse().unwrap());
        assert_eq!((read.under_way, read.background, of(A), of(B)), (50, 7, 3, 2));
        assert_eq!(of("0a0b2a3c-0000-4000-8000-000000000003"), 1);
        assert_eq!(read.weights.to_string(), format!("{A}=3,{B}=2"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = |name, text: &str| line(&[(name, text)]).unwrap_err();
        assert_eq!(error(BACKGROUND_VARIABLE, "0"), "PLANSHIFT_UNDER_WAY_BACKGROUND: \"0\" is no number from 1");
        let second = |entry: &str, why: &str| {
            let expected = format!("PLANSHIFT_WEIGHTS: entry 2, {entry:?}: {why}");
            assert_eq!(error(WEIGHTS_VARIABLE, &format!("{A}=1,{entry}")), expected);
        };
        second("", "expected PARTNER=WEIGHT, the partner's tenant and a number");
        second("x=2", "\"x\" is not a GUID");
        second(&format!("{B}=0"), "expected a weight from 1 to 100");
        second(&format!("{B}=101"), "expected a weight from 1 to 100");
        second(&format!("{B}=1.5"), "expected a weight from 1 to 100");
        second(&format!("{A}=2"), "the partner is there twice");
    }
}
