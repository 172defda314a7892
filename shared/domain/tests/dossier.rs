//! A dossier, intact and damaged: no byte of it can be changed without being found.

use planshift_domain::{
    account::facts::PlanStatus,
    audit::{
        Checked, Customer, CustomerEntry, DossierWriter, EXCHANGED, Exported, Got, Seal, TransitionPart, canonical, check, event,
        exchanged, sha256,
    },
    history::HistoryEntry,
    ids::{MpnId, Reseller, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{Finding, Findings, LineRow, PacketRow, PlanRow, State, TransitionRow},
};
use serde_json::{Value, json};
use uuid::Uuid;

fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_764_000_000_000_000 + second * 1_000_000)
}

fn history(transition: TransitionId, packets: &[PacketRow]) -> Vec<HistoryEntry> {
    let got: Vec<Got> = packets.iter().map(Got::from).collect();
    let told = exchanged(&got, &["MapSubscriptions.v1 x".to_owned()]).unwrap();
    let steps = [
        (State::Requested, "Started", "Accepted"),
        (State::CheckingEligibility, "Moved", "Eligibility is asked"),
        (State::PurchasingPlans, "Moved", "Eligible: \"ü\" <b>"),
        (State::MappingSubscriptions, "Moved", "Every plan is active"),
        (State::SuspendingCommerce, "Moved", "Mapped"),
        (State::Completed, "Moved", "Suspended"),
        (State::Completed, EXCHANGED, &told),
    ];
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for (number, (state, event, text)) in (1..).zip(steps) {
        let previous = entries.last().map_or(String::new(), |entry| entry.hash.clone());
        let (event, text, actor) = (event.to_owned(), text.to_owned(), "coordinator".to_owned());
        let entry = HistoryEntry { number, at: at(number.min(6).into()), state, event, text, actor, hash: String::new() };
        entries.push(entry.sealed(transition, &previous));
    }
    entries
}

fn part(n: u128) -> TransitionPart {
    let reseller = Reseller(MpnId::try_new("4847383").ok());
    let packet = |step, findings| PacketRow { step, action: Action::Do, packet: 0, attempt: 1, good: 1, refused: 0, findings, version: 2 };
    let warning = Finding { code: "ReportingWillChange".into(), resource_id: "r".into(), description: "d".into() };
    let findings = Findings { reasons: Vec::new(), warnings: vec![warning] };
    let none = Findings::default;
    let packets = vec![
        packet(Step::Eligibility, findings),
        packet(Step::Purchasing, none()),
        packet(Step::Mapping, none()),
        packet(Step::Suspension, none()),
    ];
    let history = history(id(n), &packets);
    let line = LineRow {
        azure_subscription_id: id(n + 1),
        commerce_subscription_id: id(n + 2),
        reseller: reseller.clone(),
        packet: 0,
        error: None,
        undo: None,
        version: 2,
    };
    let plan = PlanRow {
        reseller,
        plan_id: Some(id(n + 3)),
        reused: false,
        status: Some(PlanStatus::Active),
        error: None,
        undo: None,
        version: 3,
    };
    let transition = TransitionRow {
        id: id(n),
        version: 6,
        partner_id: id(1),
        customer_id: id(2),
        state: State::Completed,
        left_state: None,
        facts_version: 1,
        failure: None,
        lines: 1,
        plans: 1,
        mapped: 1,
        suspended: 1,
        effective_at: Some(at(3600)),
        started_at: at(1),
        ended_at: Some(at(6)),
        started_by: "maria".into(),
        closed_at: None,
        history: 7,
        traceparent: String::new(),
        batch: None,
    };
    TransitionPart { history, lines: vec![line], packets, plans: vec![plan], transition }
}

fn seal(part: &TransitionPart, entries: u32) -> Seal {
    Seal { transition_id: part.transition.id, entries, hash: part.history[entries as usize - 1].hash.clone() }
}

fn chain(parts: &[TransitionPart]) -> Vec<CustomerEntry> {
    let mut drafts = vec![(event::IMPORTED, None)];
    for part in parts {
        drafts.extend([(event::STARTED, Some(seal(part, 2))), (event::ENDED, Some(seal(part, 7)))]);
    }
    let mut entries: Vec<CustomerEntry> = Vec::new();
    for (number, (event, transition)) in (1..).zip(drafts) {
        let previous = entries.last().map_or(String::new(), |entry| entry.hash.clone());
        let entry = CustomerEntry {
            partner_id: id(1),
            customer_id: id(2),
            number,
            at: at(number.into()),
            event: event.into(),
            text: "in words".into(),
            actor: "maria".into(),
            transition,
            request_id: Some(id(77)),
            correlation_id: None,
            old_value: None,
            new_value: Some(r#"{"state":"Completed"}"#.into()),
            hash: String::new(),
        };
        entries.push(entry.sealed(&previous));
    }
    entries
}

fn write(chain: &[CustomerEntry], parts: &[TransitionPart]) -> String {
    let mut writer = DossierWriter::new();
    let mut out = String::new();
    for entry in chain {
        writer.entry(entry);
        out.push_str(&writer.take());
    }
    let customer =
        Customer { partner_id: id(1), customer_id: id(2), company_name: "Contoso \"&\" Söhne".into(), domain: "c.example".into() };
    writer.customer(&customer, &Exported { at: at(99), by: "maria".into(), correlation_id: id(5) });
    for part in parts {
        writer.transition(part);
        out.push_str(&writer.take());
    }
    out + &writer.finish().0
}

fn small() -> String {
    let parts = [part(100)];
    write(&chain(&parts), &parts)
}

/// Changed, and checked again; the paths of the faults.
fn faults(file: &[u8]) -> Vec<String> {
    check(file).unwrap().faults.into_iter().map(|fault| fault.path).collect()
}

#[test]
fn an_intact_one_is_intact_and_says_what_is_in_it() {
    let parts = [part(100), part(200)];
    let text = write(&chain(&parts), &parts);
    let Checked { faults, entries, transitions, history, unsealed, sha256: whole, .. } = check(text.as_bytes()).unwrap();
    assert_eq!(faults, []);
    assert_eq!((entries, transitions, history, unsealed), (5, 2, 14, 0));
    assert!(text.contains(&whole));
    // with the line feed that an editor puts at the end
    assert_eq!(check(format!("{text}\n").as_bytes()).unwrap().faults, []);
}

#[test]
fn it_can_be_checked_with_other_tools() {
    let text = small();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(canonical(&value), text, "it is written in its canonical form");
    let whole = value["whole"]["sha256"].take();
    value["whole"].as_object_mut().unwrap().remove("sha256");
    assert_eq!(sha256(canonical(&value)), whole.as_str().unwrap());
    let mut before = String::new();
    for entry in value["chain"].as_array().unwrap() {
        let mut without = entry.clone();
        without.as_object_mut().unwrap().remove("hash");
        assert_eq!(sha256(format!("{before}\n{}", canonical(&without))), entry["hash"].as_str().unwrap());
        entry["hash"].as_str().unwrap().clone_into(&mut before);
    }
}

#[test]
fn each_byte_that_is_changed_is_found() {
    let text = small().into_bytes();
    for place in 0..text.len() {
        // another letter or digit, the other case, or no text any more
        let change = [1_u8, 0x20, 0x80][place % 3];
        let mut changed = text.clone();
        changed[place] ^= change;
        let found = check(&changed).map(|checked| checked.faults);
        assert!(found.as_ref().map_or(true, |faults| !faults.is_empty()), "byte {place} ^ {change}: {}", String::from_utf8_lossy(&changed));
        if place % 8 > 0 {
            continue;
        }
        let mut shorter = text.clone();
        shorter.remove(place);
        assert!(check(&shorter).map_or(true, |checked| !checked.faults.is_empty()), "without byte {place}");
    }
}

#[test]
fn each_value_that_is_changed_is_found_where_it_stands() {
    let value: Value = serde_json::from_str(&small()).unwrap();
    let mut leaves = Vec::new();
    paths(&value, &mut String::new(), &mut leaves);
    assert!(leaves.len() > 100);
    for pointer in leaves {
        let mut changed = value.clone();
        let leaf = changed.pointer_mut(&pointer).unwrap();
        *leaf = match leaf {
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::Bool(flag) => json!(!*flag),
            Value::String(text) => json!(text.strip_prefix(|_: char| true).unwrap_or("x")),
            _ => json!("x"),
        };
        // some values are then of no shape that can be read: that is told too
        let found = faults(canonical(&changed).as_bytes());
        let array = pointer.split('/').nth(1).unwrap();
        let place = pointer.split('/').nth(2).and_then(|place| place.parse::<usize>().ok());
        let here = place.map_or_else(|| format!("$.{array}"), |place| format!("$.{array}[{place}]"));
        let named = found.iter().any(|path| path.starts_with(&here) || path.starts_with("line "));
        assert!(named || pointer.starts_with("/whole"), "{pointer}: {found:?}");
        assert!(!found.is_empty());
    }
}

fn paths(value: &Value, here: &mut String, out: &mut Vec<String>) {
    let mut inside = |name: String, value: &Value| {
        let length = here.len();
        here.push('/');
        here.push_str(&name);
        paths(value, here, out);
        here.truncate(length);
    };
    match value {
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "format").for_each(|(name, value)| inside(name.clone(), value));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(place, value)| inside(place.to_string(), value)),
        _ => out.push(here.clone()),
    }
}

/// Whoever changes something and computes every hash of the file again: what was sealed before, and what rows and histories say of each
/// other, still does not fit.
#[test]
fn a_change_with_new_hashes_is_found_by_what_does_not_fit() {
    let changed = |change: &dyn Fn(&mut TransitionPart)| {
        let parts = [part(100)];
        let chain = chain(&parts);
        let [mut part] = parts;
        change(&mut part);
        faults(write(&chain, &[part]).as_bytes())
    };
    assert_eq!(changed(&|_| {}), [""; 0]);
    let resealed = changed(&|part| {
        part.history[3].text = "other".into();
        let mut previous = String::new();
        for entry in &mut part.history {
            *entry = entry.clone().sealed(part.transition.id, &previous);
            previous.clone_from(&entry.hash);
        }
    });
    assert_eq!(resealed, ["$.chain[2].transition"], "the chain has sealed another history");
    let cut = changed(&|part| {
        part.history.pop();
        part.transition.history = 6;
    });
    assert!(cut.contains(&"$.chain[2].transition".to_owned()), "{cut:?}");
    for (change, path) in [
        ((&|part: &mut TransitionPart| part.transition.state = State::Compensated) as &dyn Fn(&mut TransitionPart), ".transition.state"),
        (&|part| part.transition.mapped = 0, ".transition.mapped"),
        (&|part| part.transition.suspended = 2, ".transition.suspended"),
        (&|part| drop(part.lines.pop()), ".lines"),
        (&|part| drop(part.plans.pop()), ".plans"),
        (&|part| part.transition.ended_at = None, ".transition.endedAt"),
        (&|part| part.packets.push(PacketRow { packet: 1, good: 0, ..part.packets[0].clone() }), ".packets"),
        (&|part| part.transition.customer_id = id(3), ".transition"),
    ] {
        let found = changed(change);
        assert!(found.contains(&format!("$.transitions[0]{path}")), "{path}: {found:?}");
    }
    // a transition that is left out, and one that is put in
    let parts = [part(100), part(200)];
    assert_eq!(faults(write(&chain(&parts), &parts[..1]).as_bytes()), ["$.transitions"; 2]);
    assert_eq!(faults(write(&chain(&parts[..1]), &parts).as_bytes()), ["$.transitions[1]"]);
}

#[test]
fn what_is_older_than_the_chain_is_told_and_is_no_fault() {
    let checked = check(write(&[], &[part(100)]).as_bytes()).unwrap();
    assert_eq!((checked.faults.len(), checked.unsealed), (0, 1));
}

#[test]
fn another_file_is_no_dossier() {
    for other in ["", "{}", "[]", "hello", "{\"format\":\"planshift-account.v1\"}", "\u{0}"] {
        assert!(check(other.as_bytes()).is_err(), "{other}");
    }
    assert!(check(small().replace("dossier.v1", "dossier.v2").as_bytes()).is_err(), "of a version that this one does not know");
    // laid out anew by another program: the message says how it is put right
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&small()).unwrap()).unwrap();
    let found = check(pretty.as_bytes()).unwrap().faults;
    assert!(found.len() == 1 && found[0].text.contains("jq -cS"), "{found:?}");
}
