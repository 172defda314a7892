//! `dead-letters` and `redrive`: what was given up, looked through, given another chance, or dropped.

use crate::{
    cli::{DeadLettersArgs, LettersCommand, RedriveArgs},
    client::{Api, DeadLetters, Redrive},
    exit::{Exit, Outcome},
    output::{self, json, table, text},
};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use uuid::Uuid;

/// How long one look at a redrive waits for its end, in seconds.
const WAIT: u32 = 10;

/// Lists dead letters, or does what is asked about them.
///
/// # Errors
/// The API's.
pub async fn dead_letters(args: DeadLettersArgs) -> Outcome {
    let Some(what) = args.what else {
        let letters = Api::from_args(&args.api)?.dead_letters(&args.which, args.size).await?;
        return shown(args.api.json, &letters, list_for_people);
    };
    match what {
        LettersCommand::Show(args) => {
            let letter = Api::from_args(&args.api)?.dead_letter(&args.key).await?;
            shown(args.api.json, &letter, letter_for_people)
        }
        LettersCommand::Drop(args) => {
            let (dropped, complete) = Api::from_args(&args.api)?.drop_letters(&args.meant, &args.who).await?;
            let rest = if complete { "" } else { "; there are more: the same again drops them" };
            shown(args.api.json, &serde_json::json!({ "dropped": dropped, "complete": complete }), |_| {
                format!("{} dropped{rest}\n", text::count(usize::try_from(dropped).unwrap_or(usize::MAX), "letter"))
            })
        }
        LettersCommand::Dropped(args) => {
            let dropped = Api::from_args(&args.api)?.dropped_letters(args.size).await?;
            shown(args.api.json, &dropped, |dropped| table::dropped(&dropped.items))
        }
        LettersCommand::Redrives(args) => {
            let redrives = Api::from_args(&args.api)?.redrives(args.size).await?;
            shown(args.api.json, &redrives, |redrives| table::redrives(&redrives.items))
        }
        LettersCommand::Redrive(args) => {
            let redrive = Api::from_args(&args.api)?.redrive_after(args.id, 0).await?;
            shown(args.api.json, &redrive, redrive_for_people)
        }
        LettersCommand::Cancel(args) => {
            let redrive = Api::from_args(&args.api)?.cancel_redrive(args.id, &args.who).await?;
            shown(args.api.json, &redrive, redrive_for_people)
        }
    }
}

/// Gives letters another chance, and waits until each was seen to finish.
///
/// # Errors
/// The API's.
pub async fn redrive(args: RedriveArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let mut redrive = api.redrive(&args, Uuid::new_v4()).await?;
    let id = redrive.redrive_id;
    let mut told = None;
    while !args.no_wait && !redrive.has_ended() {
        let so_far = (redrive.sent, redrive.succeeded, redrive.died);
        if told.replace(so_far) != Some(so_far) {
            eprintln!("redrive {id}: {} sent, {} succeeded, {} died again", redrive.sent, redrive.succeeded, redrive.died);
        }
        redrive = tokio::select! {
            redrive = api.redrive_after(id, WAIT) => redrive?,
            _ = tokio::signal::ctrl_c() => {
                eprintln!("not followed any more: the redrive goes on; `planshift dead-letters cancel {id}` cancels it");
                return Ok(Exit::Interrupted);
            }
        };
    }
    let exit = if args.no_wait || redrive.went_well() { Exit::Done } else { Exit::EndedOtherwise };
    shown(args.api.json, &redrive, redrive_for_people)?;
    Ok(exit)
}

fn shown<T: Serialize>(as_json: bool, value: &T, for_people: impl FnOnce(&T) -> String) -> Outcome {
    if as_json {
        json::print_line(value)?;
    } else {
        output::print(&for_people(value))?;
    }
    Ok(Exit::Done)
}

fn list_for_people(letters: &DeadLetters) -> String {
    if letters.total_count == 0 {
        return "no dead letters\n".to_owned();
    }
    let mut out = table::letter_groups(&letters.groups);
    out.push_str(&table::letters(&letters.items));
    let shown = letters.items.len() as u64;
    // writing to a string does not fail
    let _ = match (shown < letters.total_count, letters.complete) {
        (true, true) => writeln!(out, "{shown} of {}; --size shows more", letters.total_count),
        (_, false) => writeln!(out, "at least {}: there are more than one look comes to", letters.total_count),
        (false, true) => Ok(()),
    };
    out.push_str("planshift dead-letters show KEY shows one whole, planshift redrive KEY --reason … gives it another chance\n");
    out
}

fn letter_for_people(letter: &Value) -> String {
    let mut out = String::new();
    let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, field) in [
        ("letter", "key"),
        ("message", "messageId"),
        ("type", "type"),
        ("transition", "correlationId"),
        ("sent", "sentAt"),
        ("by", "sender"),
        ("died in", "queue"),
        ("of", "reason"),
        ("in words", "description"),
        ("attempts", "attempts"),
        ("trace", "traceparent"),
        ("bytes", "size"),
    ] {
        let value = &letter[field];
        if !value.is_null() && value.as_str() != Some("") {
            let _ = writeln!(out, "{name:<11}{}", text::printable(&said(value)));
        }
    }
    for chance in letter["redrives"].as_array().into_iter().flatten() {
        let came = match (&chance["endedAt"], &chance["diedOf"]) {
            (Value::Null, _) => "not seen to finish".to_owned(),
            (_, Value::Null) => "succeeded".to_owned(),
            (_, died) => format!("died again of {}: {}", said(died), text::printable(&said(&chance["description"]))),
        };
        let _ = writeln!(out, "{:<11}{} at {}: {came}", "redriven", said(&chance["redriveId"]), said(&chance["sentAt"]));
    }
    match (&letter["body"], &letter["bodyHex"]) {
        (Value::String(body), _) => {
            let pretty = serde_json::from_str::<Value>(body).ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
            let _ = writeln!(out, "\n{}", text::printable(&pretty.unwrap_or_else(|| body.clone())));
        }
        (_, Value::String(hex)) => {
            let _ = writeln!(out, "\nno text, in hexadecimal:\n{hex}");
        }
        _ => {}
    }
    if letter["bodyCut"] == true {
        let _ = writeln!(out, "… cut; GET /v1/deadLetters/{}/body has all of it", said(&letter["key"]));
    }
    out
}

fn redrive_for_people(redrive: &Redrive) -> String {
    let mut out = table::redrives(std::slice::from_ref(redrive));
    if !redrive.note.is_empty() {
        let _ = writeln!(out, "{}", redrive.note);
    }
    for letter in &redrive.died_again {
        let (code, words) = (letter.died_of.as_deref().unwrap_or_default(), letter.description.as_deref().unwrap_or_default());
        let _ = writeln!(out, "died again: {} of {code}: {}", text::printable(&letter.message_id), text::printable(words));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_letter_is_shown_with_its_chances_and_steers_no_terminal() {
        let text = letter_for_people(&json!({
            "key": "k1", "messageId": "m\u{1b}[31m", "type": "MapSubscriptions.v1", "reason": "Faulty", "queue": "planshift.mapping",
            "sender": null, "description": "", "attempts": 3, "size": 2, "body": "{\"a\":1}", "bodyCut": true,
            "redrives": [
                { "redriveId": "r1", "sentAt": "t1", "endedAt": "t2", "diedOf": "Faulty", "description": "again" },
                { "redriveId": "r2", "sentAt": "t3", "endedAt": null, "diedOf": null },
            ],
        }));
        for part in ["of         Faulty", "r1 at t1: died again of Faulty: again", "r2 at t3: not seen to finish", "\"a\": 1", "k1/body"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains("\nby "));
    }
}
