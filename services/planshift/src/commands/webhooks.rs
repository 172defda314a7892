//! `webhooks`: what is registered, tests, deliveries, and those that are to be had again.

use crate::{
    cli::{WebhooksArgs, WebhooksCommand},
    client::{Api, Registration, Tested, WebhookDelivery},
    exit::{Exit, Failure, Outcome},
    output::{self, json, table, text},
};
use serde::Serialize;
use serde_json::Value;
use std::{fmt::Write as _, time::Duration};

/// How long a test is waited for, and the pause between two looks at it or at a replay.
const LOOKS: usize = 60;
const LOOK: Duration = Duration::from_millis(500);

/// Shows the registration, or does what is asked about webhooks.
///
/// # Errors
/// The API's.
pub async fn webhooks(args: WebhooksArgs) -> Outcome {
    let Some(what) = args.what else {
        let registration = Api::from_args(&args.whose.api)?.webhook(args.whose.partner.partner).await?;
        return shown(args.whose.api.json, &registration, registration_for_people);
    };
    match what {
        WebhooksCommand::Register(args) => {
            let registration = Api::from_args(&args.whose.api)?.register_webhook(&args).await?;
            shown(args.whose.api.json, &registration, registration_for_people)
        }
        WebhooksCommand::Unregister(whose) => {
            Api::from_args(&whose.api)?.unregister_webhook(whose.partner.partner).await?;
            shown(whose.api.json, &serde_json::json!({ "registered": false }), |_| "nothing is told any more\n".to_owned())
        }
        WebhooksCommand::Test(whose) => {
            let api = Api::from_args(&whose.api)?;
            let id = api.test_webhook(whose.partner.partner).await?;
            let mut tested = api.tested_webhook(id).await?;
            for _ in 0..LOOKS {
                // an attempt that failed is an answer: the next one is some time away
                if tested.status != "pending" || !tested.results.is_empty() {
                    break;
                }
                tokio::time::sleep(LOOK).await;
                tested = api.tested_webhook(id).await?;
            }
            shown(whose.api.json, &tested, test_for_people)?;
            if tested.status == "completed" {
                return Ok(Exit::Done);
            }
            Err(Failure::program("the test was not delivered").advise(format!("planshift webhooks show {id} says more")))
        }
        WebhooksCommand::Deliveries(args) => {
            let deliveries = Api::from_args(&args.whose.api)?.webhook_deliveries(&args).await?;
            shown(args.whose.api.json, &deliveries, |deliveries| deliveries_for_people(&deliveries.items))
        }
        WebhooksCommand::Show(args) => {
            let delivery = Api::from_args(&args.api)?.webhook_delivery(args.id).await?;
            shown(args.api.json, &delivery, delivery_for_people)
        }
        WebhooksCommand::Redeliver(args) => {
            let delivery = Api::from_args(&args.api)?.redeliver_webhook(args.id).await?;
            shown(args.api.json, &delivery, |_| format!("{} is sent again\n", args.id))
        }
        WebhooksCommand::Replay(args) => {
            let (api, partner) = (Api::from_args(&args.whose.api)?, args.whose.partner.partner);
            let mut replay = api.replay_webhooks(&args).await?;
            while replay.state == "running" {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => replay = api.webhook_replay(replay.id, partner).await?,
                    _ = tokio::signal::ctrl_c() => {
                        eprintln!("not followed any more: the replay goes on");
                        return Ok(Exit::Interrupted);
                    }
                }
            }
            shown(args.whose.api.json, &replay, |replay| {
                let events = text::count(usize::try_from(replay.found).unwrap_or(usize::MAX), "event");
                format!("{events} from {} to {} are told again\n", text::moment(replay.from), text::moment(replay.to))
            })
        }
    }
}

fn shown<T: Serialize>(as_json: bool, value: &T, for_people: impl FnOnce(&T) -> String) -> Outcome {
    if as_json {
        json::print_line(value)?;
    } else {
        output::print(&for_people(value))?;
    }
    Ok(Exit::Done)
}

fn registration_for_people(registration: &Registration) -> String {
    let Registration { subscriber_id, webhook_url, webhook_events, partner_id, changed_at, changed_by } = registration;
    let (at, events) = (text::moment(*changed_at), webhook_events.join(", "));
    format!(
        "partner    {partner_id}\nsubscriber {subscriber_id}\nurl        {}\nevents     {events}\nchanged    {at} by {}\n",
        text::printable(webhook_url),
        text::printable(changed_by),
    )
}

fn test_for_people(tested: &Tested) -> String {
    let mut out = format!("test       {}\nstatus     {}\n", tested.correlation_id, tested.status);
    for attempt in &tested.results {
        let answer = attempt.response_code.as_deref().unwrap_or("none");
        // writing to a string does not fail
        let _ = writeln!(out, "answer     {answer} {}", text::printable(&attempt.response_message));
    }
    out
}

fn deliveries_for_people(deliveries: &[WebhookDelivery]) -> String {
    if deliveries.is_empty() {
        return "no deliveries\n".to_owned();
    }
    let mut out = table::webhooks(deliveries);
    out.push_str("planshift webhooks show DELIVERY shows one whole, planshift webhooks redeliver DELIVERY has it sent anew\n");
    out
}

fn delivery_for_people(delivery: &Value) -> String {
    let mut out = String::new();
    let text = |value: &Value| text::printable(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    for (name, field) in [
        ("delivery", "id"),
        ("partner", "partnerId"),
        ("event", "event"),
        ("transition", "transitionId"),
        ("happened", "happenedAt"),
        ("state", "state"),
        ("attempts", "attempts"),
        ("next", "nextAttemptAt"),
        ("body", "body"),
    ] {
        let value = &delivery[field];
        if !value.is_null() {
            let _ = writeln!(out, "{name:<11}{}", text(value));
        }
    }
    for attempt in delivery["tries"].as_array().into_iter().flatten() {
        let came = match &attempt["error"] {
            Value::Null => "delivered".to_owned(),
            error => text(error),
        };
        let _ = writeln!(out, "{:<11}{}: {came}, {} ms", "tried", text(&attempt["at"]), attempt["milliseconds"]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_shown_with_its_attempts_and_steers_no_terminal() {
        let text = delivery_for_people(&serde_json::json!({
            "id": "d1", "event": "product-upgrade-failed", "transitionId": null, "state": "dead", "attempts": 10,
            "body": "{\"EventName\":1}",
            "tries": [
                { "at": "t1", "status": 500, "error": "HTTP 500\u{1b}[31m", "milliseconds": 12 },
                { "at": "t2", "status": 200, "error": null, "milliseconds": 3 },
            ],
        }));
        for part in
            ["state      dead", "tried      t1: HTTP 500", "12 ms", "tried      t2: delivered, 3 ms", "body       {\"EventName\":1}"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains("transition "), "{text}");
    }
}
