//! Queues: how much waits in each, and how many take from it.

use crate::{
    portal::{parts::number, visit::Visit},
    queues::{QueueKind, QueueShown, QueueState, QueuesShown},
};
use maud::{Markup, html};

pub(super) fn table(visit: &Visit, queues: &QueuesShown) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let count = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| number(count, locale));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Queues", "Files")) {
            table.list {
                thead { tr { th scope="col" { (say("Queue", "File")) } th.amount scope="col" { (say("Waiting", "En attente")) } th.amount scope="col" { (say("Taken from by", "Consommateurs")) } th scope="col" { (say("Note", "Remarque")) } } }
                tbody { @for queue in queues.items.iter().filter(|queue| is_worth_showing(queue)) { tr {
                    td { code { (queue.name) } }
                    td.amount { (count(queue.waiting)) }
                    td.amount { @if queue.kind == QueueKind::Service { (count(queue.consumers)) } @else { "–" } }
                    td { (note(visit, queue)) }
                } } }
            }
        }
    }
}

/// Of retries there are a dozen, most of the time empty.
fn is_worth_showing(queue: &QueueShown) -> bool {
    queue.kind != QueueKind::Delayed || queue.waiting != Some(0)
}

fn note(visit: &Visit, queue: &QueueShown) -> Markup {
    let mark = |look: &str, text: &str| html! { span class={ "mark " (look) } { (text) } };
    match (queue.state, queue.kind) {
        (QueueState::Missing, _) => mark("bad", visit.say("not there", "absente")),
        (QueueState::Hidden, _) => {
            html! { span.quiet { (visit.say("this gateway’s user may not look", "l’utilisateur de cette passerelle ne peut pas regarder")) } }
        }
        (QueueState::Seen, QueueKind::Service) if queue.consumers == Some(0) => {
            mark("bad", visit.say("nobody takes from it", "personne n’y prend rien"))
        }
        (QueueState::Seen, QueueKind::Delayed) => html! { span.quiet { (visit.say("tried again later", "essayé de nouveau plus tard")) } },
        (QueueState::Seen, _) => html! {},
    }
}
