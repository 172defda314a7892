//! Account documents, and what is done to them: a sample's customers may all move, and here some may not.

use crate::chance::Chance;
use planshift_domain::{
    account::{
        self,
        facts::{CustomerPart, PartnerFacts, Relationship, SubscriptionStatus},
        sample::{self, SampleOptions},
    },
    time::Timestamp,
};
use std::ops::ControlFlow;

/// A document, read.
#[derive(Clone, Debug)]
pub struct Import {
    /// Whose customers.
    pub partner: PartnerFacts,
    /// The customers, or parts of them.
    pub parts: Vec<CustomerPart>,
    /// When the import begins, as the document's reader tells it.
    pub begun_at: Timestamp,
}

/// One to three documents, with 4 to 24 customers altogether.
pub(super) fn draw(chance: &mut Chance, begins_at: i64) -> Result<Vec<Import>, String> {
    let count = chance.between(1, 3);
    (0..count)
        .map(|_| {
            let options = SampleOptions {
                customers: chance.between(4, 24 / count) as u32,
                subscriptions: *chance.pick(&[1, 2, 4, 7]),
                seed: chance.draw(),
                resellers: chance.below(4) as u32,
            };
            let mut import = read(options, begins_at)?;
            import.parts.iter_mut().for_each(|part| spoil(chance, part));
            Ok(import)
        })
        .collect()
}

fn read(options: SampleOptions, begins_at: i64) -> Result<Import, String> {
    let mut document = Vec::new();
    sample::write(options, &mut document).map_err(|error| error.to_string())?;
    let checked = account::check(&document[..]).map_err(|error| error.to_string())?;
    let mut parts = Vec::new();
    let read: Result<ControlFlow<()>, _> = account::read(&document[..], &checked, |customer| {
        parts.extend(customer);
        ControlFlow::Continue(())
    });
    // nothing breaks it off
    let _ = read.map_err(|error| error.to_string())?;
    Ok(Import { partner: checked.partner, parts, begun_at: Timestamp::from_micros(begins_at) })
}

/// Some customers are not eligible, and some have subscriptions that are not in scope.
fn spoil(chance: &mut Chance, part: &mut CustomerPart) {
    if chance.happens(0.06) {
        part.customer.relationship_to_partner = Relationship::Advisor;
    }
    if chance.happens(0.1)
        && let Some(subscription) = part.subscriptions.last_mut()
    {
        subscription.status = *chance.pick(&[SubscriptionStatus::Deleted, SubscriptionStatus::Suspended]);
    }
}
