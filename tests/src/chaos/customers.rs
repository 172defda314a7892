//! The customers: who moves, and what is to become of each.

use super::chance::Chance;
use crate::program::Program;
use serde_json::Value;
use uuid::Uuid;

/// Subscriptions of each customer; its resellers share them.
const SUBSCRIPTIONS: usize = 4;

/// What is to become of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It completes.
    Completes,
    /// It may not move.
    Ineligible,
    /// An Azure subscription of it is not there: compensated. Then it is there again, and a second transition completes.
    MappingFails,
    /// A commerce subscription of it is not there: past the pivot, so an operator resumes once it is there again.
    SuspensionFails,
    /// Cancelled at some moment: compensated, or too late. Every second one that was compensated is started again.
    Cancelled,
}

/// Of twenty customers.
const SHARES: [(Fate, usize); 5] =
    [(Fate::Completes, 10), (Fate::Ineligible, 2), (Fate::MappingFails, 2), (Fate::SuspensionFails, 1), (Fate::Cancelled, 5)];

/// A customer.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Its id.
    pub id: Uuid,
    /// What is to become of it.
    pub fate: Fate,
    /// Azure and commerce subscription of each line.
    pub lines: Vec<(Uuid, Uuid)>,
}

/// All of them.
#[derive(Debug)]
pub struct Customers {
    /// Their partner.
    pub partner: Uuid,
    /// In the order in which they start.
    pub all: Vec<Customer>,
    /// The account document.
    pub document: Value,
}

/// An id in a document.
fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no id"))
}

/// So many customers, each with its fate.
///
/// # Panics
/// Where `planshift sample` does not write a document.
pub fn generate(count: usize, seed: u64, chance: &mut Chance) -> Customers {
    let sizes = ["--customers", &count.to_string(), "--subscriptions", &SUBSCRIPTIONS.to_string(), "--seed", &seed.to_string()];
    let outcome = Program::planshift(["sample"]).args(sizes).run().expect(0);
    let mut document: Value = serde_json::from_str(&outcome.stdout).expect("a document");
    let mut deck: Vec<Fate> = SHARES.iter().flat_map(|(fate, share)| std::iter::repeat_n(*fate, *share)).collect();
    let mut all = Vec::with_capacity(count);
    let listed = document["customers"].as_array_mut().expect("customers");
    for (number, customer) in listed.iter_mut().enumerate() {
        let place = number % deck.len();
        if place == 0 {
            chance.shuffle(&mut deck);
        }
        let fate = deck[place];
        if fate == Fate::Ineligible {
            customer["relationshipToPartner"] = "none".into();
        }
        let lines = customer["subscriptions"].as_array().into_iter().flatten().filter(|one| !one["entitlementId"].is_null());
        let lines = lines.map(|one| (id(&one["entitlementId"]), id(&one["id"]))).collect();
        all.push(Customer { id: id(&customer["id"]), fate, lines });
    }
    Customers { partner: id(&document["partner"]["id"]), all, document }
}

impl Customers {
    /// The customers with a fate.
    pub fn of(&self, fate: Fate) -> impl Iterator<Item = &Customer> {
        self.all.iter().filter(move |customer| customer.fate == fate)
    }

    /// Statements that take away what the unlucky ones lack: a row older than what is asked for counts as not there.
    pub fn take_away(&self) -> Vec<String> {
        self.all.iter().filter_map(|customer| customer.change(0)).collect()
    }
}

impl Customer {
    /// The statement that gives back what it lacks.
    pub fn give_back(&self) -> Option<String> {
        self.change(1)
    }

    fn change(&self, version: u32) -> Option<String> {
        let (azure, commerce) = self.lines.first()?;
        match self.fate {
            Fate::MappingFails => {
                Some(format!("UPDATE mapping.azure_subscriptions SET facts_version = {version} WHERE azure_subscription_id = '{azure}'"))
            }
            Fate::SuspensionFails => Some(format!(
                "UPDATE suspension.commerce_subscriptions SET facts_version = {version} WHERE commerce_subscription_id = '{commerce}'"
            )),
            Fate::Completes | Fate::Ineligible | Fate::Cancelled => None,
        }
    }
}
