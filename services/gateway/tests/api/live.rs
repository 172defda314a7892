//! Live events: a reader that is cut off anywhere goes on where it was, at any replica, also after a restart.

use crate::world::*;
use planshift_domain::{
    message::event::TransitionChanged,
    step::{Action, Step},
    transition::{Findings, PacketRow, State},
};
use planshift_gateway::{Auth, Gateway, LocalToken, Options, Settings};
use planshift_messaging::Service;
use planshift_worker::Ports;
use reqwest::Response;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine, and never waited for where things go well.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Event {
    /// An entry's transition and number; nothing where it is a state.
    fn entry(&self) -> Option<(String, u64)> {
        (self.name == "history").then(|| (self.data["transitionId"].as_str().unwrap().to_owned(), self.data["number"].as_u64().unwrap()))
    }
}

/// A stream of events that is read.
pub struct Reading {
    response: Response,
    text: String,
    /// The last id, also one without data.
    last: String,
    comments: usize,
}

impl Reading {
    pub async fn open(base: &str, path: &str, last: Option<&str>) -> Self {
        let mut request = client(TOKEN).get(format!("{base}{path}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        Self { response, text: String::new(), last: String::new(), comments: 0 }
    }

    /// The next event; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.next_patiently()).await.expect("an event comes")
    }

    async fn next_patiently(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let mut event = Event { name: String::new(), id: String::new(), data: Value::Null };
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", name)) => event.name = name.to_owned(),
                        Some(("id", id)) => event.id = id.to_owned(),
                        Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                        Some(("", _)) => self.comments += 1,
                        _ => {}
                    }
                }
                if !event.id.is_empty() {
                    self.last.clone_from(&event.id);
                }
                if !event.name.is_empty() {
                    return Some(event);
                }
            }
            match self.response.chunk().await {
                Ok(Some(piece)) => self.text.push_str(std::str::from_utf8(&piece).unwrap()),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    pub async fn until(&mut self, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let last = is_last(&event);
            events.push(event);
            if last {
                break;
            }
        }
        events
    }
}

/// Another replica on the same database and broker.
async fn replica(world: &World, settings: Settings) -> (String, CancellationToken, JoinHandle<()>) {
    let mut options = Options::new(world.database.clone(), world.broker.for_service(Service::Gateway), Ports::system());
    options.address.set_port(0);
    options.settings = settings;
    options.auth = Auth::local(LocalToken::try_new(TOKEN).unwrap());
    let gateway = Gateway::bind(options).await.unwrap();
    let base = format!("http://{}", gateway.address());
    let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
    let token = stop.clone();
    drop(stopped);
    (base, stop, tokio::spawn(async move { gateway.run(token).await.unwrap() }))
}

/// Transition `n` at a version, with the entries of its history that are new with it.
fn step(n: u128, version: u32, state: State, new: std::ops::RangeInclusive<u32>) -> TransitionChanged {
    let mut event = changed(n, version, state);
    event.transition.history = *new.end();
    event.history = entries(n, *new.end()).into_iter().filter(|entry| new.contains(&entry.number)).collect();
    event
}

/// A story with an end: nine entries.
fn story(n: u128) -> Vec<TransitionChanged> {
    let mapping = |version, mapped| {
        let mut event = step(n, version, State::MappingSubscriptions, 5..=5);
        (event.transition.mapped, event.transition.lines) = (mapped, 0);
        event.history.clear();
        event
    };
    vec![
        step(n, 1, State::Requested, 1..=1),
        step(n, 2, State::CheckingEligibility, 2..=3),
        step(n, 3, State::PurchasingPlans, 4..=4),
        step(n, 4, State::MappingSubscriptions, 5..=5),
        mapping(5, 1),
        mapping(6, 2),
        step(n, 7, State::SuspendingCommerce, 6..=8),
        step(n, 8, State::Completed, 9..=9),
    ]
}

fn is_end(event: &Event) -> bool {
    event.name == "end"
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().filter_map(Event::entry).map(|(_, number)| number).collect()
}

#[tokio::test]
async fn a_transition_is_told_from_its_first_entry_to_its_end() {
    let world = World::new(silence).await;
    let mut story = story(7).into_iter();
    world.tell(story.next().unwrap()).await;
    let mut reading = Reading::open(&world.base, &format!("/v1/productUpgrades/{}/events", guid(7)), None).await;
    let first = reading.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["number"], &first.data["event"]), ("history", &1.into(), &"Moved".into()));
    let state = reading.next().await.unwrap();
    assert_eq!((state.name.as_str(), state.data["state"].as_str(), &state.data["percent"]), ("state", Some("Requested"), &0.into()));
    for event in story {
        world.tell(event).await;
    }
    let rest = reading.until(|_| false).await;
    assert_eq!(numbers(&rest), (2..=9).collect::<Vec<_>>(), "and the stream ends by itself");
    let end = rest.last().unwrap();
    assert_eq!((end.name.as_str(), end.data["state"].as_str(), &end.data["percent"]), ("end", Some("Completed"), &100.into()));
    // who has it all is told not to come again
    let again = world.get(&format!("/v1/productUpgrades/{}/events", guid(7))).header("Last-Event-ID", &end.id).send().await.unwrap();
    assert_eq!(again.status(), 204);
}

#[tokio::test]
async fn a_reader_that_is_cut_anywhere_goes_on_without_loss_or_repetition_at_any_replica() {
    let world = World::new(silence).await;
    let (other, stop, running) = replica(&world, settings()).await;
    for event in story(7) {
        world.tell(event).await;
    }
    let one = format!("/v1/productUpgrades/{}/events", guid(7));
    let whole = Reading::open(&world.base, &one, None).await.until(is_end).await;
    assert_eq!(numbers(&whole), (1..=9).collect::<Vec<_>>());
    for cut in 0..whole.len() - 1 {
        let base = if cut % 2 == 0 { &other } else { &world.base };
        let rest = Reading::open(base, &one, Some(&whole[cut].id)).await.until(is_end).await;
        let both: Vec<_> = numbers(&whole[..=cut]).into_iter().chain(numbers(&rest)).collect();
        assert_eq!(both, (1..=9).collect::<Vec<_>>(), "cut after {}", whole[cut].id);
    }
    // the same without a header, as a browser's first request has it
    let path = format!("/v1/productUpgrades/events?lastEventId={}", whole[3].id);
    let rest = Reading::open(&other, &path, None).await.until(is_end).await;
    assert_eq!(numbers(&rest), numbers(&whole[4..]));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn all_transitions_are_told_while_they_move_through_cuts_a_restart_and_two_replicas() {
    const TRANSITIONS: u128 = 12;
    let world = World::new(silence).await;
    let (other, stop, running) = replica(&world, settings()).await;
    let mut reading = Reading::open(&world.base, "/v1/productUpgrades/events", None).await;
    // the place it began at, before there is any event
    while reading.last.is_empty() {
        let piece = reading.response.chunk().await.unwrap().unwrap();
        reading.text.push_str(std::str::from_utf8(&piece).unwrap());
        let id = reading.text.lines().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
        reading.last = id.unwrap_or_default();
    }
    let mut last = reading.last.clone();
    let coordinator = world.coordinator.clone();
    let telling = tokio::spawn(async move {
        // interleaved, so that batches have several of them
        for step in 0..8 {
            for n in 1..=TRANSITIONS {
                coordinator.publish(vec![told(&story(n).remove(step))]).await.unwrap();
            }
        }
    });
    let (mut seen, mut ended): (BTreeMap<(String, u64), u32>, BTreeMap<String, u32>) = Default::default();
    let (mut cuts, mut restarted) = (0, false);
    let begun = Instant::now();
    while ended.len() < TRANSITIONS as usize {
        assert!(begun.elapsed() < PATIENCE, "{} of {TRANSITIONS} ended", ended.len());
        let base = if restarted || cuts % 2 == 0 { &other } else { &world.base };
        let mut reading = Reading::open(base, "/v1/productUpgrades/events", Some(&last)).await;
        for _ in 0..5 + cuts % 7 {
            let Some(event) = reading.next().await else { break };
            last.clone_from(&event.id);
            if let Some(entry) = event.entry() {
                *seen.entry(entry).or_default() += 1;
            } else if event.name == "end" {
                *ended.entry(event.data["transitionId"].as_str().unwrap().to_owned()).or_default() += 1;
                if ended.len() == TRANSITIONS as usize {
                    break;
                }
            }
        }
        cuts += 1;
        if cuts == 6 && !restarted {
            world.stop.cancel();
            restarted = true;
        }
    }
    telling.await.unwrap();
    assert!(cuts > 6, "{cuts} cuts");
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!(seen.len(), 9 * TRANSITIONS as usize);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_reader_hears_of_what_it_asked_for_alone() {
    let world = World::new(silence).await;
    let mut foreign = step(8, 1, State::Requested, 1..=1);
    foreign.transition.partner_id = id(2);
    world.tell(foreign).await;
    world.tell(step(7, 1, State::Requested, 1..=1)).await;
    world.tell(step(9, 1, State::NeedsOperator, 1..=1)).await;
    let all = |query: &str| format!("/v1/productUpgrades/events?lastEventId=-1&{query}");
    for (query, wanted) in [
        (format!("partnerId={}", guid(2)), guid(8)),
        (format!("customerId={}&partnerId={}", guid(2_007), guid(1)), guid(7)),
        ("state=NeedsOperator".to_owned(), guid(9)),
    ] {
        let events = Reading::open(&world.base, &all(&query), None).await.until(|event| event.name == "state").await;
        assert!(events.iter().all(|event| event.data["transitionId"] == wanted.as_str()), "{query}: {events:?}");
    }
    for (path, status) in [
        ("/v1/productUpgrades/events?lastEventId=nonsense".to_owned(), 400),
        ("/v1/productUpgrades/events?state=Nowhere".to_owned(), 400),
        (format!("/v1/productUpgrades/{}/events", guid(70)), 404),
    ] {
        assert_eq!(error(world.get(&path).send().await.unwrap()).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn changed_lines_are_listed_while_they_are_few() {
    let world = World::new(silence).await;
    let mut begun = step(7, 3, State::MappingSubscriptions, 1..=1);
    begun.transition.lines = 3;
    begun.lines = (0..3).map(|n| line(100 + n)).collect();
    begun.lines[2].packet = 1;
    let done = |packet, version| PacketRow {
        step: Step::Mapping,
        action: Action::Do,
        packet,
        attempt: 1,
        good: 1,
        refused: 0,
        findings: Findings::default(),
        version,
    };
    world.tell(begun).await;
    let mut reading = Reading::open(&world.base, &format!("/v1/productUpgrades/{}/events", guid(7)), None).await;
    let first = reading.until(|event| event.name == "state").await.pop().unwrap();
    assert_eq!((&first.data["linesChanged"], first.data["changedLines"].as_array().unwrap().len()), (&3.into(), 3));
    let mut next = step(7, 4, State::MappingSubscriptions, 1..=1);
    (next.transition.lines, next.transition.mapped) = (3, 1);
    (next.history, next.packets) = (Vec::new(), vec![done(1, 4)]);
    world.tell(next).await;
    let event = reading.next().await.unwrap();
    assert_eq!(event.data["linesChanged"], 1, "{}", event.data);
    assert_eq!(event.data["changedLines"][0]["azureSubscriptionId"], guid(102).as_str());
    assert_eq!(event.data["mapped"], 1);
}

#[tokio::test]
async fn a_silent_stream_has_a_heartbeat_and_outlives_the_time_of_a_request() {
    let settings = Settings { heartbeat: Duration::from_millis(100), request_time: Duration::from_millis(300), ..settings() };
    let world = World::with(settings, silence).await;
    let mut reading = Reading::open(&world.base, "/v1/productUpgrades/events", None).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(900) {
        let piece = reading.response.chunk().await.unwrap().expect("it goes on");
        assert!(String::from_utf8_lossy(&piece).contains("id: "), "{piece:?}");
    }
    world.tell(step(7, 1, State::Requested, 1..=1)).await;
    assert_eq!(reading.next().await.unwrap().name, "history");
    // a shutdown ends it, and does not wait for it
    world.stop().await;
    assert!(reading.until(|_| false).await.len() <= 1);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go_and_there_are_not_more_than_the_limit() {
    let settings = Settings { streams: 1, piece_time: Duration::from_millis(200), ..settings() };
    let world = World::with(settings, silence).await;
    // more than the buffers between the two take
    let mut long = step(7, 1, State::Requested, 1..=4_000);
    for entry in &mut long.history {
        entry.text = "x".repeat(8_000);
    }
    for (part, entries) in long.history.clone().chunks(500).enumerate() {
        let version = u32::try_from(part).unwrap() + 1;
        let event = TransitionChanged { history: entries.to_vec(), ..changed(7, version, State::Requested) };
        world.tell(event).await;
    }
    let path = format!("/v1/productUpgrades/{}/events", guid(7));
    let slow = world.get(&path).send().await.unwrap();
    assert_eq!(slow.status(), 200);
    let (status, body) = error(world.get(&path).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (503, Some("ServiceUnavailable")));
    world.eventually(async || world.get(&path).send().await.unwrap().status() == 200).await;
    drop(slow);
}
