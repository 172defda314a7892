//! Documents that are being received: one at a time of each partner. One whose document comes slowly holds up nobody but itself.

use planshift_domain::ids::PartnerId;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who sends a document just now. Cheap to clone; clones share.
#[derive(Clone, Default)]
pub(crate) struct Uploads(Arc<Mutex<HashSet<PartnerId>>>);

/// A document that is being received until this is dropped.
pub(crate) struct Upload {
    uploads: Uploads,
    partner: Option<PartnerId>,
}

impl Uploads {
    /// Begins one; nothing where one of this partner has begun and not ended. Operators, who are of none, may send any number.
    pub(crate) fn begin(&self, partner: Option<PartnerId>) -> Option<Upload> {
        let is_free = partner.is_none_or(|partner| self.lock().insert(partner));
        is_free.then(|| Upload { uploads: self.clone(), partner })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PartnerId>> {
        // a panic elsewhere leaves it whole: each change of it is a single one
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(partner) = &self.partner {
            self.uploads.lock().remove(partner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_at_a_time_of_each_partner() {
        let (uploads, partner) = (Uploads::default(), |n| Some(PartnerId(Uuid::from_u128(n))));
        let first = uploads.begin(partner(1)).unwrap();
        assert!(uploads.begin(partner(1)).is_none() && uploads.begin(partner(2)).is_some());
        let operators = [uploads.begin(None), uploads.begin(None)];
        assert!(operators.iter().all(Option::is_some));
        drop(first);
        assert!(uploads.begin(partner(1)).is_some());
    }
}
