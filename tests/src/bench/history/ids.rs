//! Ids made of a number, in the database: as spread, or as ordered by time, as those that they stand for.

use uuid::Uuid;

/// Transitions that end within an hour, going back.
pub const AN_HOUR: usize = 4_000;
/// Odd, so that no two numbers below 2^32 come to the same; 2^32 by the golden ratio, so that neighbours come to lie far apart.
const SPREAD: u32 = 2_654_435_761;

/// An SQL expression for the id that stands for `template` in the copy of number `n` (a column), of so many in all. `which` tells
/// one template from the others.
pub fn expression(template: Uuid, which: usize, total: usize, postgres: bool) -> String {
    let hex = |value: &str, digits: u32| {
        if postgres { format!("lpad(to_hex({value}), {digits}, '0')") } else { format!("printf('%0{digits}x', {value})") }
    };
    let version = template.get_version_num();
    let (first, second) = match template.get_timestamp() {
        Some(time) if version == 7 => {
            let (seconds, nanoseconds) = time.to_unix();
            let now = seconds * 1_000 + u64::from(nanoseconds) / 1_000_000;
            // as far back as the copy's times are
            let at = format!("({now} - ({total} - n) * {})", 3_600_000 / AN_HOUR);
            (hex(&format!("{at} / 65536"), 8), hex(&format!("{at} % 65536"), 4))
        }
        _ => (hex(&format!("(n * {SPREAD} + {which} * 40503) % 4294967296"), 8), hex(&format!("(n * 40503 + {which}) % 65536"), 4)),
    };
    // the number itself makes it another one for each
    let last = hex("n", 12);
    format!("{first} || '-' || {second} || '-{version:x}{which:03x}-a{which:03x}-' || {last}")
}

/// The ids within a text, with the places where they begin.
pub fn within(text: &str) -> Vec<(usize, Uuid)> {
    const LENGTH: usize = 36;
    let mut found = Vec::new();
    let mut at = 0;
    while at + LENGTH <= text.len() {
        let id = text.get(at..at + LENGTH).and_then(|part| Uuid::try_parse(part).ok());
        found.extend(id.map(|id| (at, id)));
        at += if id.is_some() { LENGTH } else { 1 };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let (one, two) = (Uuid::from_u128(1), Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"two"));
        let text = format!("é{{\"a\":\"{one}\",\"b\":\"{two}{two}\"}}");
        let found: Vec<Uuid> = within(&text).into_iter().map(|(_, id)| id).collect();
        assert_eq!(found, [one, two, two]);
        assert_eq!(within(&one.to_string()), [(0, one)]);
        assert_eq!(within(""), []);
    }
}
