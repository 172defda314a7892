//! The steps as a line. The pivot stands between mapping and suspending: before it everything is undone, after it nothing is.

use crate::portal::visit::Visit;
use maud::{Markup, html};
use planshift_domain::transition::{State, TransitionRow};

/// How a step looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Ahead,
    Current,
    Done,
    Failed,
    Undoing,
    Undone,
}

/// How far the steps are: check, plans, mapping, suspending, the end.
fn looks(row: &TransitionRow) -> [Look; 5] {
    use Look::{Ahead, Current, Done, Failed, Undoing, Undone};
    // where it turned back, or where it stopped
    let reached = |state: Option<State>| match state {
        Some(State::PurchasingPlans) => 1,
        Some(State::MappingSubscriptions) => 2,
        Some(State::SuspendingCommerce) => 3,
        _ => 0,
    };
    let with = |current: usize, before: Look, at: Look| {
        std::array::from_fn(|step| {
            if step < current {
                before
            } else if step == current {
                at
            } else {
                Ahead
            }
        })
    };
    match row.state {
        State::Requested | State::CheckingEligibility => with(0, Done, Current),
        State::PurchasingPlans => with(1, Done, Current),
        State::MappingSubscriptions => with(2, Done, Current),
        State::SuspendingCommerce => with(3, Done, Current),
        State::Completed => [Done; 5],
        State::Ineligible => with(0, Done, Failed),
        State::NeedsOperator => with(reached(row.left_state), Done, Failed),
        State::Compensating | State::Compensated => {
            let undo = if row.state == State::Compensated { Undone } else { Undoing };
            let mut looks = [undo, undo, undo, Ahead, Ahead];
            // the check has nothing to undo, and what was not begun neither
            looks[0] = Done;
            if row.plans == 0 {
                looks[1] = Ahead;
                looks[2] = Ahead;
            }
            looks
        }
    }
}

/// The line.
pub(super) fn line(visit: &Visit, row: &TransitionRow) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let names = [
        say("Check", "Vérifier"),
        say("Buy plans", "Acheter les plans"),
        say("Map", "Rattacher"),
        say("Suspend", "Suspendre"),
        say("Done", "Fini"),
    ];
    let text = |look| match look {
        Look::Ahead => ("ahead", say("ahead", "à venir")),
        Look::Current => ("current", say("under way", "en cours")),
        Look::Done => ("done", say("done", "fait")),
        Look::Failed => ("failed", say("stopped here", "arrêté ici")),
        Look::Undoing => ("undoing", say("being undone", "en annulation")),
        Look::Undone => ("undone", say("undone", "annulé")),
    };
    html! {
        ol.steps {
            @for (place, (name, look)) in names.into_iter().zip(looks(row)).enumerate() {
                @if place == 3 { li.pivot { span { (say("pivot: from here only forward", "pivot : désormais sans retour")) } } }
                @let (class, words) = text(look);
                li class=(class) aria-current=[(look == Look::Current).then_some("step")] { b { (name) } span { (words) } }
            }
        }
    }
}
