//! I9: Azure ids and role assignments are the same before and after.

use crate::{
    Checked,
    data::{Effect, Id, Stand, Transition},
};

/// The role assignments of one Azure subscription as the facts told them, and as mapping has them; of the same facts.
pub fn roles_are_kept<R: Ord>(azure: Id, imported: &[R], stored: &[R]) -> Checked {
    let mut checked = Checked::of("I9");
    checked.item();
    let sorted = |roles: &[R]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..roles.len()).collect();
        order.sort_by(|a, b| roles[*a].cmp(&roles[*b]));
        order
    };
    let pairs = sorted(imported).into_iter().zip(sorted(stored));
    let same = imported.len() == stored.len() && pairs.into_iter().all(|(a, b)| imported[a] == stored[b]);
    checked
        .expect(same, azure, || format!("the role assignments of the Azure subscription {azure} are not those that it was imported with"));
    checked
}

/// The Azure subscription of each line that was mapped is there under the line's id.
pub fn azure_ids_are_kept(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I9");
    for line in &transition.lines {
        let was_mapped = transition.ledger.mappings.get(&line.azure).is_some_and(|entry| entry.effect == Effect::Done);
        if !was_mapped && transition.stand != Stand::Completed {
            continue;
        }
        checked.item();
        checked.expect(line.attachment.is_some(), transition.id, || {
            format!("the Azure subscription {} of the transition {} is no longer known under its id", line.azure, transition.id)
        });
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{completed, id};

    #[test]
    fn roles_are_the_same_in_any_order() {
        assert!(roles_are_kept(id(1), &["a", "b", "b"], &["b", "a", "b"]).violations.is_empty());
        assert!(roles_are_kept::<&str>(id(1), &[], &[]).violations.is_empty());
        for stored in [&["a"][..], &["a", "a"], &["a", "b", "b"], &[]] {
            assert_eq!(roles_are_kept(id(1), &["a", "b"], stored).violations.len(), 1, "{stored:?}");
        }
    }

    #[test]
    fn an_azure_id_that_is_lost_is_found() {
        assert!(azure_ids_are_kept(&completed()).violations.is_empty());
        let mut lost = completed();
        lost.lines[0].attachment = None;
        assert_eq!(azure_ids_are_kept(&lost).violations.len(), 1);
    }
}
