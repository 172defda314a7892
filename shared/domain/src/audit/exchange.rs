//! Messages sent and answers got in a turn of a transition, as one entry of its history tells them.
//!
//! One entry for each turn that had any, of bounded size however many there were: how many, the first few, and a SHA-256 over all of
//! them in their order, one a line. A message that goes out again under its first id is the same message and is not told again.

use super::canonical::sha256;
use crate::transition::PacketRow;
use serde_json::{Value, json};

/// The event of such an entry. Readers for people leave it out.
pub const EXCHANGED: &str = "Exchanged";

/// How many are named.
const NAMED: usize = 3;

/// An answer that was taken, as the entry lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// `STEP/ACTION/PACKET/ATTEMPT GOOD+REFUSED`.
    line: String,
    good: u64,
    refused: u64,
}

impl From<&PacketRow> for Got {
    fn from(row: &PacketRow) -> Self {
        let PacketRow { step, action, packet, attempt, good, refused, .. } = row;
        Self {
            line: format!("{step}/{}/{packet}/{attempt} {good}+{refused}", action.name()),
            good: u64::from(*good),
            refused: u64::from(*refused),
        }
    }
}

/// The text of the entry: JSON. `sent` are messages, each as `TYPE ID`. `None`: there was nothing.
pub fn exchanged(got: &[Got], sent: &[String]) -> Option<String> {
    if got.is_empty() && sent.is_empty() {
        return None;
    }
    let mut told = json!({});
    if !got.is_empty() {
        let sum = |of: fn(&Got) -> u64| got.iter().map(of).sum::<u64>();
        told["got"] = listed(got.iter().map(|got| got.line.as_str()));
        told["got"]["good"] = json!(sum(|got| got.good));
        told["got"]["refused"] = json!(sum(|got| got.refused));
    }
    if !sent.is_empty() {
        told["sent"] = listed(sent.iter().map(String::as_str));
    }
    Some(told.to_string())
}

/// What such an entry comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// How many answers were got.
    pub answers: u64,
    /// How many items they say were done.
    pub good: u64,
    /// How many they say were refused.
    pub refused: u64,
    /// How many messages were sent.
    pub sent: u64,
}

impl Exchange {
    /// What the text of an entry comes to; nothing, where it is none of such an entry.
    pub fn read(text: &str) -> Self {
        let told: Value = serde_json::from_str(text).unwrap_or_default();
        let number = |of: &str, name: &str| told[of][name].as_u64().unwrap_or(0);
        Self {
            answers: number("got", "count"),
            good: number("got", "good"),
            refused: number("got", "refused"),
            sent: number("sent", "count"),
        }
    }
}

fn listed<'a>(lines: impl Iterator<Item = &'a str> + Clone) -> Value {
    let first: Vec<&str> = lines.clone().take(NAMED).collect();
    let all = lines.clone().fold(String::new(), |all, line| all + line + "\n");
    json!({ "count": lines.count(), "first": first, "sha256": sha256(all) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        step::{Action, Step},
        transition::Findings,
    };

    fn got(packet: u32, refused: u32) -> Got {
        Got::from(&PacketRow {
            step: Step::Mapping,
            action: Action::Do,
            packet,
            attempt: 1,
            good: 50 - refused,
            refused,
            findings: Findings::default(),
            version: 1,
        })
    }

    #[test]
    fn however_many_there_are_the_text_is_short_and_says_all() {
        assert_eq!(exchanged(&[], &[]), None);
        let many: Vec<Got> = (0..10_000).map(|packet| got(packet, 0)).collect();
        let sent: Vec<String> = (0..10_000).map(|n| format!("SuspendSubscriptions.v1 {n}")).collect();
        let text = exchanged(&many, &sent).unwrap();
        assert!(text.len() < 600, "{text}");
        let mut other = many.clone();
        other[9_999] = got(9_999, 1);
        assert_ne!(exchanged(&other, &sent).unwrap(), text);
        let mut swapped = sent;
        swapped.swap(9_998, 9_999);
        assert_ne!(exchanged(&many, &swapped).unwrap(), text);
        assert_eq!(Exchange::read(&text), Exchange { answers: 10_000, good: 500_000, refused: 0, sent: 10_000 });
        assert_eq!(Exchange::read("Every plan is active"), Exchange::default());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["got"]["count"].as_u64(), value["got"]["good"].as_u64()), (Some(10_000), Some(500_000)));
        assert_eq!(value["got"]["first"][1], "mapping/do/1/1 50+0");
        // what a shell makes of one line
        let one = exchanged(&[got(0, 2)], &[]).unwrap();
        assert!(one.contains(&sha256("mapping/do/0/1 48+2\n")), "{one}");
    }
}
