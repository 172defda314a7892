//! Messages of every released version are read by this one: by the documents, and one of each type by a system that runs.

use planshift_tests::{
    accounts,
    upgrade::{kept::Kept, message::KeptMessage, schema},
};
use std::{collections::BTreeSet, path::Path};

/// Types that nothing in a kept run provokes: they answer faults.
const NOT_PROVOKED: [&str; 2] = ["PacketGivenUp.v1", "TellAgain.v1"];

#[test]
fn every_message_of_every_version_is_read_by_this_one() {
    let here = accounts::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/asyncapi.json"));
    for kept in Kept::all() {
        let faults = schema::unread(&kept.asyncapi(), &here);
        assert!(faults.is_empty(), "{}:\n{}", kept.version, faults.join("\n"));
    }
}

#[test]
fn one_of_each_type_is_kept() {
    for kept in Kept::all() {
        let messages = kept.messages();
        let kinds: BTreeSet<&str> = messages.iter().map(KeptMessage::kind).collect();
        let document = kept.asyncapi();
        let all = document["components"]["messages"].as_object().expect("messages");
        let missing: Vec<&String> =
            all.keys().filter(|kind| !kinds.contains(kind.as_str()) && !NOT_PROVOKED.contains(&kind.as_str())).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", kept.version);
    }
}
