//! Processes: which live, in which version, and who has gone.

use crate::{
    instances::{Instance, InstanceState, Roll, UNSEEN},
    portal::{
        parts::{id as shown_id, number, time},
        visit::Visit,
    },
};
use maud::{Markup, html};
use planshift_messaging::Service;

/// More than one version at once: a rolling upgrade is under way, or has stopped half-way.
pub(super) fn versions(visit: &Visit, roll: &Roll) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        @if roll.versions.len() > 1 {
            p.notice.held {
                (say("More than one version is at work: ", "Plus d’une version est à l’œuvre : "))
                @for (at, version) in roll.versions.iter().enumerate() { @if at > 0 { ", " } b { (version) } }
                (say(". An upgrade is under way, or has not come to its end.", ". Une mise à niveau des services est en cours, ou n’est pas allée à son terme."))
            }
        }
    }
}

pub(super) fn table(visit: &Visit, roll: &Roll) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let silent = roll.heard_at.filter(|at| visit.app.ports.clock.now() > at.plus_seconds(UNSEEN));
    let lives = |service: &Service| roll.items.iter().any(|one| one.service == service.name() && one.state.is_living());
    let unheard: Vec<&str> = Service::ALL.iter().filter(|service| !lives(service)).map(|service| service.name()).collect();
    html! {
        @if let Some(at) = silent {
            p.notice.held { (say("Nobody has been heard since ", "Personne n’a été entendu depuis ")) (time(at)) (say(": the broker may be away. This is how it was then.", " : le service de messagerie est peut-être injoignable. Voici l’état d’alors.")) }
        } @else if !roll.complete {
            p.fine { (say("This gateway has just begun to listen: others may live that it has not heard yet.", "Cette passerelle vient de commencer à écouter : il peut y en avoir d’autres qu’elle n’a pas encore entendus.")) }
        } @else if !unheard.is_empty() {
            p.notice.held { (say("Nobody is heard of ", "Personne n’est entendu de ")) @for (at, name) in unheard.iter().enumerate() { @if at > 0 { ", " } code { (name) } } (say(". Processes older than this version do not tell; a queue’s consumers are to be seen below.", ". Les processus plus anciens que cette version ne disent rien ; les consommateurs d’une file se voient plus bas.")) }
        }
        @if !roll.too_many.is_empty() {
            p.notice.held { (say("There are more than are listed of: ", "Il y en a plus que la liste n’en montre de : ")) (roll.too_many.join(", ")) }
        }
        @if !roll.items.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(say("Processes", "Processus")) {
                table.list {
                    thead { tr { th scope="col" { (say("Service", "Service")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Version", "Version")) } th scope="col" { (say("Where", "Où")) } th.amount scope="col" { (say("In hand", "En main")) } th.wide scope="col" { (say("Started", "Début")) } th.wide scope="col" { (say("Last heard", "Entendu")) } } }
                    tbody { @for one in &roll.items { tr {
                        td { b { (one.service) } @if one.step_paused == Some(true) { span.under { (say("its step is paused", "son étape est suspendue")) } } }
                        td { (mark(visit, one)) }
                        td { code { (one.version) } }
                        td { (one.host) " " span.quiet { (one.process) } span.under { (shown_id(visit, &one.instance_id.to_string())) } }
                        td.amount { (number(one.in_hand, locale)) }
                        td.wide { (time(one.since)) }
                        td.wide { (time(one.last_seen)) }
                    } } }
                }
            }
        }
    }
}

fn mark(visit: &Visit, one: &Instance) -> Markup {
    let (text, look) = match one.state {
        InstanceState::Alive => (visit.say("alive", "vivant"), "good"),
        InstanceState::Stopping => (visit.say("stops", "s’arrête"), "turning"),
        InstanceState::Stopped => (visit.say("stopped", "arrêté"), "idle"),
        InstanceState::Gone => (visit.say("gone", "disparu"), "bad"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}
