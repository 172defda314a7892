//! Invariants: what the last verification has found, and how to have one tell.

use crate::{
    http::{PassShown, PassesShown},
    portal::{
        parts::{number, time},
        visit::Visit,
    },
};
use maud::{Markup, html};

pub(super) fn passes(visit: &Visit, passes: &PassesShown) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let Some((last, others)) = passes.items.split_first() else {
        return html! {
            p.quiet { (say("No verification has told anything yet.", "Aucune vérification n’a encore rien dit.")) }
            p.fine {
                (say("planshift serve makes one by itself, a minute after it was started. Else: ", "planshift serve en fait une de lui-même, une minute après son démarrage. Sinon : "))
                code { "planshift verify --every 15m --tell URL" }
            }
        };
    };
    html! {
        (told(visit, last))
        (broken(visit, last))
        details {
            summary { (say("All that was checked", "Tout ce qui a été vérifié")) " (" (last.invariants.len()) ")" }
            (table(visit, last))
        }
        @for one in others { (told(visit, one)) (broken(visit, one)) }
    }
}

/// Who has told what, and when.
fn told(visit: &Visit, pass: &PassShown) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        p {
            @if pass.violations == 0 { span.mark.good { (say("all hold", "tous tiennent")) } }
            @else { span.mark.bad { (number(pass.violations, locale)) (say(" violations", " violations")) } }
            " " (say("found by ", "trouvé par ")) b { (pass.reporter) } ", " (time(pass.ended_at))
            span.quiet { " (" (say("told by ", "dit par ")) (pass.told_by) (say(", took ", ", a pris ")) (number(pass.took_millis, locale)) " ms)" }
        }
        @if pass.is_stale { p.notice.held { (say("That is too long ago: nobody knows how it is now.", "C’est trop ancien : personne ne sait ce qu’il en est maintenant.")) } }
    }
}

/// What was found that must not be, in the words of whoever has found it.
fn broken(visit: &Visit, pass: &PassShown) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        @if pass.violations > 0 {
            div.scroll tabindex="0" role="region" aria-label={ (say("Violated invariants", "Invariants violés")) ", " (pass.reporter) } {
                table.list {
                    thead { tr { th scope="col" { (say("Invariant", "Invariant")) } th.amount scope="col" { (say("Violations", "Violations")) } th scope="col" { (say("The first of them", "Les premières")) } } }
                    tbody { @for row in pass.invariants.iter().filter(|row| row.violations > 0) { tr {
                        td { b { (row.id) } span.under { (row.statement) } }
                        td.amount { (number(row.violations, locale)) }
                        td lang="en" { @for one in &row.found { div { code { (one.subject) } " " (one.text) } } }
                    } } }
                }
            }
        }
    }
}

fn table(visit: &Visit, pass: &PassShown) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Invariants", "Invariants")) {
            table.list {
                thead { tr { th scope="col" { (say("Invariant", "Invariant")) } th scope="col" { (say("What must hold", "Ce qui doit tenir")) } th.amount scope="col" { (say("Looked at", "Examinés")) } th.amount scope="col" { (say("Violations", "Violations")) } } }
                tbody { @for row in &pass.invariants { tr {
                    td { b { (row.id) } }
                    td { (row.statement) }
                    td.amount { (number(row.checked, locale)) }
                    td.amount { (number(row.violations, locale)) }
                } } }
            }
        }
    }
}
