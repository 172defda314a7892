//! What happened, the newest first, with the reason for each; what it waits for now; and the messages that went out and came back.

use crate::{
    http::ApiError,
    portal::{
        parts::{number, recorded, time},
        states,
        visit::Visit,
    },
};
use maud::{Markup, html};
use planshift_domain::{
    audit::{EXCHANGED, Exchange},
    history::HistoryEntry,
    step::{Action, Step},
    transition::{PacketRow, TransitionRow},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How many entries are shown: the last ones; one whose deadlines fire for days has more.
const ENTRIES: u32 = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Why {
    rule: String,
    waits_for: String,
    before_it: Option<u32>,
}

#[derive(Deserialize)]
struct Entries {
    items: Vec<HistoryEntry>,
}

/// The messages of a step: how many packets were answered, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    step: Option<Step>,
    is_undo: bool,
    packets: u32,
    good: u32,
    refused: u32,
    attempt: u32,
}

/// What the answers of the packets come to.
pub(super) fn messages_of(packets: &[PacketRow]) -> Vec<Messages> {
    let mut sums = BTreeMap::<(bool, Step), Messages>::new();
    for packet in packets {
        let is_undo = packet.action != Action::Do;
        let sum =
            sums.entry((is_undo, packet.step)).or_insert_with(|| Messages { step: Some(packet.step), is_undo, ..Messages::default() });
        (sum.packets, sum.good, sum.refused) = (sum.packets + 1, sum.good + packet.good, sum.refused + packet.refused);
        sum.attempt = sum.attempt.max(packet.attempt);
    }
    sums.into_values().collect()
}

/// The history and, while it goes on, what it waits for.
pub(super) async fn read(visit: &Visit, row: &TransitionRow) -> Result<Markup, ApiError> {
    let after = row.history.saturating_sub(ENTRIES);
    let entries: Entries = visit.get(&format!("/v1/productupgrades/{}/history?after={after}&size={ENTRIES}", row.id)).await?;
    // the coordinator alone knows; where it is away, the page is there all the same
    let why = if row.state.is_end() { None } else { visit.get::<Why>(&format!("/v1/productupgrades/{}/why", row.id)).await.ok() };
    let say = |en, fr| visit.say(en, fr);
    Ok(html! {
        section {
            h2 { (say("What happened, and why", "Ce qui s’est passé, et pourquoi")) }
            @if let Some(why) = why {
                p.notice.waits {
                    b { (say("Waits for: ", "Attend : ")) } (why.waits_for)
                    @if let Some(before) = why.before_it { " (" (before) (say(" before it", " avant")) ")" }
                    br; span.fine { (why.rule) }
                }
            }
            ol.story reversed {
                @for entry in entries.items.iter().rev() {
                    li {
                        span.when { (time(entry.at)) }
                        (states::mark(entry.state, visit.locale()))
                        (what(visit, entry))
                        span.fine { (entry.actor) " · #" (entry.number) " " code title=(entry.hash) { (entry.hash.get(..8).unwrap_or_default()) } }
                    }
                }
            }
            @if after > 0 { p.fine { (say("Earlier entries: ", "Entrées antérieures : ")) (number(after.into(), visit.locale())) } }
        }
    })
}

/// What an entry says.
fn what(visit: &Visit, entry: &HistoryEntry) -> Markup {
    if entry.event == EXCHANGED {
        return exchange(visit, Exchange::read(&entry.text));
    }
    recorded(visit, &entry.text)
}

/// The messages of a turn, between the decisions that they led to and came from.
fn exchange(visit: &Visit, exchange: Exchange) -> Markup {
    let (say, count) = (|en, fr| visit.say(en, fr), |count| number(count, visit.locale()));
    let Exchange { answers, good, refused, sent } = exchange;
    html! {
        span.what.quiet {
            @if answers > 0 {
                (say("← answers: ", "← réponses : ")) (count(answers)) (say("; items done: ", " ; éléments faits : ")) (count(good))
                @if refused > 0 { ", " span.fault { (say("refused: ", "refusés : ")) (count(refused)) } }
            }
            @if answers > 0 && sent > 0 { " · " }
            @if sent > 0 { (say("→ messages: ", "→ messages : ")) (count(sent)) }
        }
    }
}

/// Messages in, the decision, messages out.
pub(super) fn diagram(visit: &Visit, messages: &[Messages]) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let locale = visit.locale();
    html! {
        @if !messages.is_empty() {
            details.group {
                summary { b { (say("Messages", "Messages")) } " " span.quiet { (say("out to the workers, and back", "vers les services, et retour")) } }
                div.scroll tabindex="0" role="region" aria-label=(say("Messages", "Messages")) {
                    table.list.diagram {
                        thead { tr { th scope="col" { (say("Decision", "Décision")) } th scope="col" { (say("Messages out", "Messages envoyés")) } th scope="col" { (say("Worker", "Service")) } th scope="col" { (say("Messages in", "Messages reçus")) } th.amount scope="col" { (say("Attempts", "Essais")) } } }
                        tbody { @for one in messages {
                            @let name = one.step.map_or("", Step::name);
                            tr {
                                td { (if one.is_undo { say("undo", "annuler") } else { say("do", "faire") }) }
                                td { (number(one.packets.into(), locale)) " × " code { (name) (if one.is_undo { ".undo" } else { "" }) } " →" }
                                td { span.mark.idle { (name) } }
                                td { "→ " (say("done: ", "faits : ")) (number(one.good.into(), locale)) @if one.refused > 0 { ", " span.fault { (say("refused: ", "refusés : ")) (number(one.refused.into(), locale)) } } }
                                td.amount { (one.attempt) }
                            }
                        } }
                    }
                }
            }
        }
    }
}
