//! Exact decimals: quantities, prices, rates.
//!
//! A binary fraction is never one of them: 0.1 is a tenth, and a sum does not depend on its order. What is read has a bounded length, so
//! that `1e999999999`, a number of a gigabyte, is an error and not a way to bring a service down.

use bigdecimal::{BigDecimal, num_bigint::BigInt};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, iter::Sum, ops, str::FromStr};

/// How many digits a number may have that is read, before and after the point together, written out without an exponent.
pub const MOST_DIGITS: usize = 72;
/// How many digits one that is stored as [`Packed`] may have before the point.
pub const WHOLE_DIGITS: usize = 18;
/// And after it: what a binary fraction of the smallest quantities that are billed (a byte of a terabyte) is printed with, and more.
pub const FRACTION_DIGITS: usize = 36;

const GROUP: usize = 18;

/// An exact decimal. Two of the same value are equal, however they were written: `1.50` is `1.5`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(BigDecimal);

/// A text that is no decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number of at most {MOST_DIGITS} digits, as 1234.5 or 8.3E-05")]
pub struct InvalidDecimal(pub String);

/// A decimal in three whole numbers that a database can add: exactly, with any database's 64-bit integers.
///
/// Its value is `whole + high / 10^18 + low / 10^36`; all three have its sign. Of numbers without a fraction beyond 18 digits, `low` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Before the point.
    pub whole: i64,
    /// The first 18 digits after it.
    pub high: i64,
    /// The next 18.
    pub low: i64,
}

impl Decimal {
    /// `number / 10^scale`.
    pub fn scaled(number: i64, scale: u32) -> Self {
        Self(BigDecimal::new(BigInt::from(number), i64::from(scale)).normalized())
    }

    /// The number, for reckoning with it.
    pub const fn value(&self) -> &BigDecimal {
        &self.0
    }

    /// Is it 0?
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// In three whole numbers; `None` where it has more than [`WHOLE_DIGITS`] digits before the point or [`FRACTION_DIGITS`] after it.
    pub fn packed(&self) -> Option<Packed> {
        let text = self.to_string();
        let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.len() > WHOLE_DIGITS || fraction.len() > FRACTION_DIGITS {
            return None;
        }
        let group = |from: usize| -> Option<i64> {
            let digits = fraction.get(from.min(fraction.len())..(from + GROUP).min(fraction.len()))?;
            format!("{digits:0<GROUP$}").parse().ok()
        };
        let whole: i64 = whole.parse().ok()?;
        Some(Packed { whole: sign * whole, high: sign * group(0)?, low: sign * group(GROUP)? })
    }
}

impl From<Packed> for Decimal {
    fn from(packed: Packed) -> Self {
        Self::scaled(packed.whole, 0) + Self::scaled(packed.high, 18) + Self::scaled(packed.low, 36)
    }
}

impl From<BigDecimal> for Decimal {
    fn from(number: BigDecimal) -> Self {
        Self(number.normalized())
    }
}

impl FromStr for Decimal {
    type Err = InvalidDecimal;

    /// Digits with a point, a sign and an exponent where there are such: `24`, `-0.5`, `8.3E-05`. No separators of thousands, and no
    /// decimal comma: `1,234` is two numbers to different readers.
    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        read(text).ok_or_else(|| InvalidDecimal(shortened(text)))
    }
}

fn read(text: &str) -> Option<Decimal> {
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() > MOST_DIGITS || (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // written out, it is that long: a number of a gigabyte has ten characters
    let most = i32::try_from(MOST_DIGITS).unwrap_or(i32::MAX);
    let (before, after) =
        (i32::try_from(whole.len()).ok()?.checked_add(exponent)?, i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?);
    if before > most || after > most {
        return None;
    }
    // as a rule it is short: then no number of any length has to be made of texts
    let short = (whole.len() + fraction.len() <= 18).then(|| {
        let magnitude = whole.bytes().chain(fraction.bytes()).fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let number = if number.starts_with('-') { -magnitude } else { magnitude };
        BigDecimal::new(BigInt::from(number), i64::from(after))
    });
    let value = match short {
        Some(value) => value,
        None => text.parse().ok()?,
    };
    Some(Decimal(value.normalized()))
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_plain_string())
    }
}
impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl ops::Add for Decimal {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).normalized())
    }
}
impl ops::Mul for &Decimal {
    type Output = Decimal;
    fn mul(self, other: Self) -> Decimal {
        Decimal((&self.0 * &other.0).normalized())
    }
}
impl ops::Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::default(), |sum, number| sum + number)
    }
}
impl Serialize for Decimal {
    /// As a text: a reader that makes binary fractions of JSON's numbers would lose digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "description": "An exact decimal, as a text." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_read_as_files_have_them_and_printed_in_one_way() {
        for (text, printed) in [
            ("24", "24"),
            ("1.50", "1.5"),
            ("-0.5", "-0.5"),
            ("+3", "3"),
            ("0.000", "0"),
            ("8.3E-05", "0.000083"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("100", "100"),
            ("0.00013888888888888889", "0.00013888888888888889"),
            (
                "123456789012345678901234567890.123456789012345678901234567890",
                "123456789012345678901234567890.12345678901234567890123456789",
            ),
        ] {
            assert_eq!(decimal(text).to_string(), printed, "{text}");
            assert_eq!(decimal(printed), decimal(text));
        }
        for wrong in
            ["", "-", ".", "1,5", "1.2.3", "0x1", "NaN", "inf", "1e", "1e999999999", "1e-999999999", "1 2", "--1", "1e2147483648", "٣"]
        {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong:?}");
        }
        assert!("9".repeat(MOST_DIGITS + 1).parse::<Decimal>().is_err());
    }

    #[test]
    fn what_is_packed_is_the_same_number() {
        for text in [
            "0",
            "1",
            "-1",
            "0.1",
            "-0.1",
            "123456789012345678.987654321987654321123456789123456789",
            "0.000000000000000000000000000000000001",
            "-7.5",
        ] {
            let packed = decimal(text).packed().unwrap();
            assert_eq!(Decimal::from(packed), decimal(text), "{text}: {packed:?}");
        }
        assert_eq!(decimal("0.5").packed(), Some(Packed { whole: 0, high: 500_000_000_000_000_000, low: 0 }));
        for too_long in ["1234567890123456789", "0.0000000000000000000000000000000000001"] {
            assert_eq!(decimal(too_long).packed(), None, "{too_long}");
        }
    }

    #[test]
    fn a_sum_is_exact_in_any_order() {
        let numbers = ["0.1", "0.2", "1e-18", "-0.3", "1e15", "-1e15"].map(decimal);
        let there: Decimal = numbers.iter().cloned().sum();
        let back: Decimal = numbers.iter().rev().cloned().sum();
        assert_eq!((there.clone(), back), (decimal("1e-18"), there));
    }
}
