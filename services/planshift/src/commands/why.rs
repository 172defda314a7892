//! `why`: the chain of causes that a transition stands at. `stuck`: those that have not moved for a while.

use crate::{
    cli::{OneArgs, StuckArgs},
    client::Api,
    exit::{Exit, Outcome},
    output::{self, json, style::To, table, text},
};
use planshift_domain::message::operator::Explanation;
use std::fmt::Write as _;

/// Explains a transition.
///
/// # Errors
/// The API's.
pub async fn why(args: OneArgs) -> Outcome {
    let explanation = Api::from_args(&args.api)?.why(args.id).await?;
    if args.api.json {
        json::print_line(&explanation)?;
    } else {
        output::print(&for_people(&explanation))?;
    }
    Ok(Exit::Done)
}

/// Lists what is stuck.
///
/// # Errors
/// The API's.
pub async fn stuck(args: StuckArgs) -> Outcome {
    let stuck = Api::from_args(&args.api)?.stuck(args.longer_than, args.partner, args.size).await?;
    if args.api.json {
        json::print_line(&stuck)?;
    } else if stuck.items.is_empty() {
        output::print("every transition under way has moved\n")?;
    } else {
        let mut out = table::stuck(&stuck.items);
        if stuck.total_count as usize > stuck.items.len() {
            let _ = writeln!(out, "{} of {}; --size shows more", stuck.items.len(), stuck.total_count);
        }
        let _ = writeln!(out, "planshift why TRANSITION explains one");
        output::print(&out)?;
    }
    Ok(Exit::Done)
}

/// From what it waits for, back to what happened before.
fn for_people(why: &Explanation) -> String {
    let mut out = String::new();
    // writing to a string does not fail
    let _ = writeln!(out, "transition {}", why.transition_id);
    let _ = writeln!(out, "state      {} since {}", To::Out.state(why.state, why.state.name()), text::moment(why.changed_at));
    let _ = writeln!(out, "waits for  {}", why.waits_for);
    let _ = writeln!(out, "rule       {}", text::wrapped(&why.rule, usize::from(To::Out.width()), 11));
    if let Some(held) = &why.held {
        if let Some(paused) = &held.paused {
            let because = if paused.reason.is_empty() { String::new() } else { format!(": {}", paused.reason) };
            let _ = writeln!(out, "held       {} was paused by {} at {}{because}", held.step, paused.actor, text::moment(paused.at));
        }
        let _ = writeln!(out, "           its time stands still since {}", text::moment(held.since));
    }
    if let Some(failure) = &why.failure {
        let _ = writeln!(out, "failure    {} in {} at {}: {}", failure.code, failure.step, failure.resource_id, failure.description);
    }
    if let Some(at) = why.resend_at {
        let _ = writeln!(out, "sent again {} at the latest, where nothing is answered until then", text::moment(at));
    }
    if let Some(at) = why.give_up_at {
        let _ = writeln!(out, "given up   {}", text::moment(at));
    }
    if why.sent < why.version {
        let _ = writeln!(out, "unsent     messages of its versions {} to {} are not confirmed yet", why.sent + 1, why.version);
    }
    if !why.packets.is_empty() {
        let _ = writeln!(out, "\n{}", To::Out.heading("messages without a good answer"));
        for packet in &why.packets {
            let what = if packet.refused { "refused" } else { "no answer" };
            let _ = writeln!(out, "  planshift.{}  {}  {what}, attempt {}", packet.step, packet.message_id, packet.attempt);
        }
        if why.packets_total as usize > why.packets.len() {
            let _ = writeln!(out, "  and {} more", why.packets_total as usize - why.packets.len());
        }
    }
    let _ = writeln!(out, "\n{}", To::Out.heading("what happened last"));
    for entry in &why.history {
        let _ = writeln!(out, "  {}  {} by {}: {}", text::moment(entry.at), entry.event, entry.actor, entry.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_domain::{
        ids::{CustomerId, PartnerId, TransitionId},
        message::operator::{AwaitedPacket, HeldAt, StepActKind, StepActed},
        step::{Action, Step},
        time::Timestamp,
        transition::State,
    };
    use uuid::Uuid;

    #[test]
    fn the_chain_names_the_pause_and_the_messages() {
        let at = Timestamp::from_micros(0);
        let paused = StepActed { act: StepActKind::Pause, actor: "ann (local)".into(), reason: "the registry is down".into(), at };
        let packet = |packet| AwaitedPacket {
            step: Step::Mapping,
            action: Action::Do,
            packet,
            attempt: 1,
            message_id: format!("m{packet}"),
            refused: packet == 1,
        };
        let text = for_people(&Explanation {
            transition_id: TransitionId(Uuid::nil()),
            partner_id: PartnerId(Uuid::nil()),
            customer_id: CustomerId(Uuid::nil()),
            state: State::MappingSubscriptions,
            version: 5,
            sent: 4,
            changed_at: at,
            rule: "the pivot is passed once every packet is answered".into(),
            waits_for: "mapping is paused".into(),
            before_it: None,
            held: Some(HeldAt { step: Step::Mapping, since: at, paused: Some(paused) }),
            packets: vec![packet(0), packet(1)],
            packets_total: 9,
            resend_at: None,
            give_up_at: None,
            failure: None,
            history: Vec::new(),
        });
        for part in [
            "waits for  mapping is paused",
            "paused by ann (local) at 1970-01-01 00:00:00Z: the registry is down",
            "planshift.mapping  m0  no answer, attempt 1",
            "planshift.mapping  m1  refused",
            "and 7 more",
            "versions 5 to 5 are not confirmed",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
