//! Defects made between a service and the system outside.

use planshift_provisioner::effects::{Effects, State};
use planshift_worker::provisioner::{Call, Effect, Reply};

/// The worker hears that there is nothing, and nothing was undone.
pub(super) fn fence_not_told(_effects: &mut Effects, call: Call, _effect: &Effect) -> Option<Reply> {
    (call == Call::Undo).then_some(Reply::Gone { had: false })
}

/// The second call with a key is as one with another key: its effect is had again, and nobody knows of it.
pub(super) fn another_key(effects: &mut Effects, call: Call, effect: &Effect) -> Option<Reply> {
    let is_repeated = call == Call::Provision && effects.look_up(&effect.key).is_some();
    if is_repeated {
        effects.provision(&format!("{}.again", effect.key), None);
    }
    // and so a look finds nothing
    (call == Call::LookUp).then_some(Reply::Absent)
}

/// Each tenth effect is said to be there, and is not.
pub(super) fn asked_is_had(_effects: &mut Effects, call: Call, effect: &Effect) -> Option<Reply> {
    let is_hit = effect.key.bytes().map(u32::from).sum::<u32>() % 10 == 0;
    (call == Call::Provision && is_hit).then_some(Reply::Done)
}

/// A call that comes after the undo has its effect.
pub(super) fn forgets_the_undone(effects: &mut Effects, call: Call, effect: &Effect) -> Option<Reply> {
    let state = effects.look_up(&effect.key).map(|entry| entry.state)?;
    if call == Call::Provision && matches!(state, State::Undone | State::Fenced) {
        effects.forget(&effect.key);
    }
    None
}
