//! The intervals as a picture: a bar from the left, in the order of time, with the cut marked. It is not to scale: an undone hour would not
//! be seen beside a year.

use super::{Interval, Point, is_superseded};
use crate::portal::visit::Visit;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;

/// How wide a piece is, so that its times fit beneath.
const PIECE: usize = 220;
/// Room at both ends.
const EDGE: usize = 60;
/// How many pieces are drawn: the latest. The table has all.
const MOST: usize = 12;

/// A piece of the bar: from a change to the next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: Option<Timestamp>,
    pub(super) look: Look,
    /// A change was made at its beginning, and undone before it counted.
    pub(super) was_undone: bool,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Legacy,
    Plan,
    /// A plan's, until it was given back.
    GivenBack,
}

/// The pieces, in their order: every instant that a change was made for begins one.
pub(super) fn pieces(intervals: &[Interval], points: &[Point]) -> Vec<Piece> {
    let mut times: Vec<Timestamp> = points.iter().map(|point| point.from).collect();
    times.sort();
    times.dedup();
    let look = |from: Option<Timestamp>| {
        let place = intervals.partition_point(|interval| interval.from <= from).saturating_sub(1);
        match intervals.get(place) {
            Some(interval) if interval.owner == "plan" => {
                let is_given_back = intervals[place + 1..].iter().any(|later| later.owner != "plan");
                if is_given_back { Look::GivenBack } else { Look::Plan }
            }
            _ => Look::Legacy,
        }
    };
    let of = |from: Option<Timestamp>| Piece {
        from,
        look: look(from),
        was_undone: points.iter().any(|point| Some(point.from) == from && is_superseded(point, points)),
    };
    [None].into_iter().chain(times.into_iter().map(Some)).map(of).collect()
}

pub(super) fn of(visit: &Visit, intervals: &[Interval], points: &[Point], cut: Option<Timestamp>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let all = pieces(intervals, points);
    let shown = &all[all.len().saturating_sub(MOST)..];
    let width = 2 * EDGE + shown.len() * PIECE;
    let text = |look: Look| match look {
        Look::Legacy => say("legacy offer, D", "ancienne offre, D"),
        Look::Plan => say("Azure plan, G", "plan Azure, G"),
        Look::GivenBack => say("plan, given back", "plan, rendu"),
    };
    let class = |look: Look| match look {
        Look::Legacy => "legacy",
        Look::Plan => "plan",
        Look::GivenBack => "back",
    };
    // what the picture shows, for those who do not see it
    let told = shown.iter().map(|piece| match piece.from {
        Some(from) => format!("{from}: {}", text(piece.look)),
        None => text(piece.look).to_owned(),
    });
    let told = told.collect::<Vec<_>>().join("; ");
    html! {
        figure.owners {
            div.scroll tabindex="0" role="region" aria-label=(say("Ownership over time", "Propriété dans le temps")) {
                svg viewBox={ "0 0 " (width) " 128" } width=(width) height="128" role="img" aria-label=(told) {
                    @for (place, piece) in shown.iter().enumerate() {
                        @let left = EDGE + place * PIECE;
                        @let is_first = place == 0;
                        rect class=(class(piece.look)) x=(if is_first { 0 } else { left }) y="46" height="26" width=(match (is_first, place + 1 == shown.len()) { (true, true) => width, (true, false) | (false, true) => PIECE + EDGE, (false, false) => PIECE }) {}
                        text.label x=(left + PIECE / 2) y="36" text-anchor="middle" { (text(piece.look)) }
                        @if let Some(from) = piece.from {
                            @let is_cut = cut == Some(from);
                            @let whole = from.to_string();
                            line class=(if is_cut { "cut" } else { "tick" }) x1=(left) x2=(left) y1=(if is_cut { 22 } else { 42 }) y2="80" {}
                            @if is_cut { text.cut-label x=(left) y="16" text-anchor="middle" { (say("the cut", "la coupure")) } }
                            text.when x=(left) y="96" text-anchor="middle" { (whole.get(..10).unwrap_or_default()) }
                            text.when x=(left) y="112" text-anchor="middle" { (whole.get(11..16).unwrap_or_default()) " UTC" }
                            @if piece.was_undone { circle.undone cx=(left) cy="59" r="6" { title { (say("A change that was undone before it counted", "Un changement défait avant de compter")) } } }
                        }
                    }
                }
            }
            figcaption {
                ul.legend {
                    li { span.dot.kind-p {} (say("legacy offer, on the invoice D", "ancienne offre, sur la facture D")) }
                    li { span.dot.good {} (say("Azure plan, on the invoice G", "plan Azure, sur la facture G")) }
                    @if shown.iter().any(|piece| piece.look == Look::GivenBack) { li { span.dot.held {} (say("a plan's, given back by an undoing", "à un plan, rendu par une annulation")) } }
                    @if shown.iter().any(|piece| piece.was_undone) { li { span.ring {} (say("a change that was undone before it counted", "un changement défait avant de compter")) } }
                    li.quiet { (say("In the order of time, not to scale.", "Dans l’ordre du temps, pas à l’échelle.")) }
                }
                @if all.len() > shown.len() { p.fine { (say("Earlier changes are in the table.", "Les changements précédents sont dans le tableau.")) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn interval(from: Option<&str>, owner: &str) -> Interval {
        Interval { from: from.map(at), owner: owner.into() }
    }
    fn point(from: &str, revision: u32, owner: &str) -> Point {
        Point { from: at(from), revision, transition_id: "t".into(), owner: owner.into(), plan_id: None }
    }

    #[test]
    fn an_undone_change_is_seen_whether_it_counted_or_not() {
        let [a, b, c] = ["2026-09-18T10:00:00Z", "2026-09-18T11:00:00Z", "2026-09-20T10:00:00Z"];
        let looks = |pieces: &[Piece]| pieces.iter().map(|piece| (piece.look, piece.was_undone)).collect::<Vec<_>>();
        // never moved
        assert_eq!(looks(&pieces(&[interval(None, "legacy")], &[])), [(Look::Legacy, false)]);
        // it counted for an hour, was given back, and came again
        let intervals = [interval(None, "legacy"), interval(Some(a), "plan"), interval(Some(b), "legacy"), interval(Some(c), "plan")];
        let made = pieces(&intervals, &[point(a, 0, "plan"), point(b, 0, "legacy"), point(c, 0, "plan")]);
        assert_eq!(looks(&made), [(Look::Legacy, false), (Look::GivenBack, false), (Look::Legacy, false), (Look::Plan, false)]);
        // undone before its hour: no interval, and a piece that says so
        let made = pieces(&[interval(None, "legacy")], &[point(a, 0, "plan"), point(a, 1, "legacy")]);
        assert_eq!(looks(&made), [(Look::Legacy, false), (Look::Legacy, true)]);
    }
}
