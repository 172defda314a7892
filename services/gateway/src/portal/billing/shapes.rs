//! Sums and amounts, as the API has them and as they are shown: with every digit.

use crate::portal::visit::Visit;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;

/// The sum check of a unit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unit {
    pub(super) unit: String,
    pub(super) metered: String,
    pub(super) d: String,
    pub(super) g: String,
    pub(super) difference: String,
    pub(super) told_twice: String,
    pub(super) agrees: bool,
}

/// An amount; the currency is not known where nothing states it.
#[derive(Deserialize)]
pub(in crate::portal) struct Money {
    pub(super) currency: Option<String>,
    pub(super) amount: String,
}

/// What both invoices come to.
#[derive(Deserialize)]
pub(in crate::portal) struct Amounts {
    pub(in crate::portal) d: Vec<Money>,
    pub(in crate::portal) g: Vec<Money>,
}

/// From then on this one owns the usage, until the next one does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::portal) struct Interval {
    /// None: from the beginning.
    pub(in crate::portal) from: Option<Timestamp>,
    pub(in crate::portal) owner: String,
}

/// Amounts one below the other.
pub(in crate::portal) fn money(amounts: &[Money]) -> Markup {
    html! {
        @if amounts.is_empty() { span.quiet { "–" } }
        @for one in amounts { div { (one.amount) " " (one.currency.as_deref().unwrap_or_default()) } }
    }
}

/// Agrees, or by how much not.
pub(super) fn agreement(visit: &Visit, unit: &Unit) -> Markup {
    html! {
        @if unit.agrees { span.mark.good { (visit.say("agrees", "concorde")) } } @else {
            span.mark.bad { (visit.say("differs by ", "écart de ")) (unit.difference) }
        }
    }
}
