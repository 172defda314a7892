//! States in words, and how each looks. Colour never says alone what a word does not say too.

use crate::{model::Stand, words::Locale};
use maud::{Markup, html};
use planshift_domain::{transition::State, view::LineState};

/// A state as people say it, and the class that it looks by.
pub(super) const fn of(state: State, locale: Locale) -> (&'static str, &'static str) {
    let (en, fr, look) = match state {
        State::Requested => ("Accepted", "Acceptée", "moving"),
        State::CheckingEligibility => ("Checking", "Vérification", "moving"),
        State::PurchasingPlans => ("Buying plans", "Achat des plans", "moving"),
        State::MappingSubscriptions => ("Mapping", "Rattachement", "moving"),
        State::SuspendingCommerce => ("Suspending", "Suspension", "moving"),
        State::Compensating => ("Undoing", "Annulation", "turning"),
        State::Completed => ("On the Azure plan", "Sur le plan Azure", "good"),
        State::Ineligible => ("Blocked", "Bloquée", "held"),
        State::Compensated => ("Undone", "Annulée", "held"),
        State::NeedsOperator => ("Needs somebody", "Attend quelqu’un", "bad"),
    };
    match locale {
        Locale::English => (en, look),
        Locale::French => (fr, look),
    }
}

/// A state as a mark.
pub(super) fn mark(state: State, locale: Locale) -> Markup {
    let (text, look) = of(state, locale);
    html! { span class={ "mark " (look) } { (text) } }
}

/// How a customer stands, as a mark, or two.
pub(super) fn marks(stand: Stand, locale: Locale) -> Markup {
    html! {
        @if stand.has_moved { (mark(State::Completed, locale)) " " }
        @if let Some(state) = stand.state { (mark(state, locale)) }
    }
}

/// A line's state as people say it.
pub(super) const fn of_line(state: LineState, mapped: bool, locale: Locale) -> (&'static str, &'static str) {
    let (en, fr, look) = match (state, mapped) {
        (LineState::NotStarted, _) => ("waiting", "en attente", "idle"),
        (LineState::InProgress, false) => ("under way", "en cours", "idle"),
        (LineState::InProgress, true) => ("mapped", "rattaché", "moving"),
        (LineState::Completed, _) => ("mapped and suspended", "rattaché et suspendu", "good"),
        (LineState::Failed, _) => ("failed", "en échec", "bad"),
        (LineState::Compensated, _) => ("undone", "annulé", "held"),
    };
    match locale {
        Locale::English => (en, look),
        Locale::French => (fr, look),
    }
}

/// A subscription's or a plan's status as a mark: the API spells it in English.
pub(super) fn status(status: &str, locale: Locale) -> Markup {
    let (text, look) = match (status, locale) {
        ("active", Locale::French) => ("actif", "good"),
        ("suspended", Locale::French) => ("suspendu", "held"),
        ("deleted", Locale::French) => ("supprimé", "idle"),
        ("active", Locale::English) => (status, "good"),
        ("suspended", Locale::English) => (status, "held"),
        _ => (status, "idle"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}
