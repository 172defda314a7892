//! A batch whose effects are first had from a system outside: turn by turn, each a transaction, with the calls in between.
//!
//! Nothing is held while a call is made: neither a row nor a connection. A crash at any point leaves intents, which the next one
//! to get the message looks up.

use super::{
    StepHandler, StepWorker,
    handler::{Packed, items_of, missing_facts},
    outside::Course,
    read::{Input, Todo, rounds},
};
use crate::{
    HandleError,
    facts::{self, Taken},
    metrics::BATCH_LINES,
    provisioner::{Outside, Wait},
};
use planshift_domain::{message::command::Item, step::Action, transition::ItemError};
use std::{collections::HashMap, time::Duration};

/// A round takes two turns, or four where what was had outside is refused here. More only where others are at the same items.
const MOST_TURNS: usize = 8;
/// After how long a round is looked at again that has had so many.
const MANY_TURNS: Duration = Duration::from_secs(1);

impl<W: StepWorker> StepHandler<W> {
    /// What became of the packets among `inputs`, by their places.
    pub(super) async fn in_turns(
        &self,
        outside: &Outside,
        inputs: &[Input<W>],
        forced: Option<&ItemError>,
    ) -> Result<HashMap<usize, Packed>, HandleError> {
        let mut packed = HashMap::new();
        let packets: Vec<Todo<'_, W::Item>> = inputs.iter().enumerate().filter_map(|(index, input)| input.todo(index)).collect();
        if packets.is_empty() {
            return Ok(packed);
        }
        let mut tx = self.database.begin().await?;
        let commands = packets.iter().filter(|todo| todo.action == Action::Do);
        let complete = facts::complete_versions(&mut tx, commands.map(|todo| (todo.packet.partner_id, todo.packet.customer_id))).await?;
        let (ready, not_yet): (Vec<_>, Vec<_>) = packets.into_iter().partition(|todo| todo.is_ready(&complete));
        packed.extend(not_yet.iter().map(|todo| (todo.index, Packed::NotYet(missing_facts(todo.packet)))));
        let lines: usize = ready.iter().map(|todo| todo.packet.items.len()).sum();
        let mut begun = Some(tx);
        for round in rounds(ready) {
            let mut course = Course::new(forced.cloned());
            for turn in 1.. {
                let mut tx = match begun.take() {
                    Some(tx) => tx,
                    None => self.database.begin().await?,
                };
                let mut engine = self.engine();
                let jobs = engine.turn(&mut tx, &round, &mut course).await?;
                tx.commit().await?;
                self.count(&engine.counts, Taken::default());
                if jobs.is_empty() {
                    break;
                }
                if turn == MOST_TURNS {
                    let wait = || Wait::quiet(MANY_TURNS, "others are at the same items");
                    jobs.into_iter().for_each(|job| course.wait(job.key, wait()));
                    break;
                }
                if !course.hear(outside.all(jobs).await) {
                    break;
                }
            }
            for todo in &round {
                packed.insert(todo.index, packet_of(todo, &course, outside)?);
            }
        }
        if lines > 0 {
            self.engine().metrics.observe(BATCH_LINES, &[("step", W::STEP.name())], lines as f64);
        }
        Ok(packed)
    }
}

/// A packet is answered once, when every line in it is final.
fn packet_of<I: Item>(todo: &Todo<'_, I>, course: &Course, outside: &Outside) -> Result<Packed, HandleError> {
    let names = todo.packet.items.iter().map(|item| (todo.packet.transition_id, item.key()));
    match names.filter_map(|name| course.waits.get(&name)).cloned().reduce(Wait::and) {
        None => Ok(Packed::Answered(items_of(todo.packet, &course.answers)?)),
        Some(wait) if wait.is_fault => Ok(Packed::NotYet(wait.why)),
        Some(wait) => Ok(Packed::Later { after: outside.comes_back(&wait), why: wait.why }),
    }
}
