//! Which customers of the list are meant: what is looked for, and how it is sorted. It stands in the address of the page, and in the form
//! that begins a batch of all that match.

use super::{api::encoded, visit::Visit};
use crate::{
    http::{ApiError, Parameters},
    model::{OverviewFilter, OverviewKey, Pattern, SortBy, SortKey, Stand, Way},
    words::words,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use maud::{Markup, html};
use planshift_domain::{
    ids::{CustomerId, MpnId, PartnerId, parse_guid},
    transition::State,
};
use serde_json::json;
use uuid::Uuid;

/// The longest text that is looked for.
const TEXT_CHARS: usize = 200;

/// How a customer stands, as people filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    NotBegun,
    Moving,
    Completed,
    Blocked,
    Undone,
    NeedsOperator,
}

impl Stands {
    pub(super) const ALL: [Self; 6] = [Self::NotBegun, Self::Moving, Self::Completed, Self::Blocked, Self::Undone, Self::NeedsOperator];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "none",
            Self::Moving => "moving",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Undone => "undone",
            Self::NeedsOperator => "operator",
        }
    }

    pub(super) const fn text(self, visit: &Visit) -> &'static str {
        match self {
            Self::NotBegun => visit.say("Not begun", "Pas commencée"),
            Self::Moving => visit.say("Under way", "En cours"),
            Self::Completed => visit.say("On the Azure plan", "Sur le plan Azure"),
            Self::Blocked => visit.say("Blocked", "Bloquée"),
            Self::Undone => visit.say("Undone", "Annulée"),
            Self::NeedsOperator => visit.say("Needs somebody", "Attend quelqu’un"),
        }
    }

    /// A customer that has moved before its last attempt was refused is found by both.
    fn ways(self) -> Vec<Stand> {
        let alone = |state| Stand { has_moved: false, state: Some(state) };
        let rest = |state| Stand { has_moved: true, state: Some(state) };
        match self {
            Self::NotBegun => vec![Stand::default()],
            Self::Completed => vec![alone(State::Completed), rest(State::Ineligible), rest(State::Compensated)],
            Self::Blocked => vec![alone(State::Ineligible), rest(State::Ineligible)],
            Self::Undone => vec![alone(State::Compensated), rest(State::Compensated)],
            Self::NeedsOperator => vec![alone(State::NeedsOperator)],
            Self::Moving => State::ALL.into_iter().filter(|state| !state.is_end() && *state != State::NeedsOperator).map(alone).collect(),
        }
    }
}

/// The columns that a list is sorted by, as the address names them.
pub(super) const COLUMNS: [(&str, SortBy); 6] = [
    ("name", SortBy::Name),
    ("country", SortBy::Country),
    ("state", SortBy::Standing),
    ("azure", SortBy::AzureSubscriptions),
    ("reseller", SortBy::Reseller),
    ("blockers", SortBy::Blockers),
];
/// What stands in the way, as people filter by it.
pub(super) const WAYS: [Way; 3] = [Way::Free, Way::Blocked, Way::Unknown];

/// What is looked for.
#[derive(Clone, Default)]
pub(super) struct Selection {
    pub(super) text: Option<String>,
    pub(super) stands: Option<Stands>,
    pub(super) reseller: Option<MpnId>,
    pub(super) way: Option<Way>,
    pub(super) partner: Option<PartnerId>,
    pub(super) by: SortBy,
    pub(super) back: bool,
}

impl Selection {
    /// From the address of a page.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, ApiError> {
        Self::read(|name| parameters.get(name).map(str::to_owned))
    }

    /// From wherever fields are.
    pub(super) fn read(field: impl Fn(&str) -> Option<String>) -> Result<Self, ApiError> {
        let wrong = |name: &str| {
            let text =
                words!("The parameter {name} is none that a page gives.", "Le paramètre {name} n’est pas de ceux que donne une page.");
            ApiError::bad_input("InvalidParameter", text)
        };
        let text = field("q").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_CHARS) {
            let text = words!("The parameter q may have {TEXT_CHARS} characters.", "Le paramètre q peut avoir {TEXT_CHARS} caractères.");
            return Err(ApiError::bad_input("InvalidParameter", text));
        }
        let stands = field("state").map(|name| Stands::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| wrong("state")));
        let way = field("way").map(|name| WAYS.into_iter().find(|one| one.name() == name).ok_or_else(|| wrong("way")));
        let by = field("sort").map(|name| COLUMNS.iter().find(|(known, _)| *known == name).ok_or_else(|| wrong("sort")));
        Ok(Self {
            text,
            stands: stands.transpose()?,
            way: way.transpose()?,
            reseller: field("reseller").map(|text| MpnId::try_new(text.trim()).map_err(|_| wrong("reseller"))).transpose()?,
            partner: field("partner").map(|text| text.parse().map_err(|_| wrong("partner"))).transpose()?,
            by: by.transpose()?.map_or(SortBy::Name, |(_, by)| *by),
            back: field("back").is_some(),
        })
    }

    /// As the read model takes it; a partner's own customers, whatever is asked for.
    pub(super) fn filter(&self, visit: &Visit, only: Option<PartnerId>) -> OverviewFilter {
        let id = self.text.as_deref().and_then(parse_guid);
        let text = self.text.as_deref().filter(|_| id.is_none()).map(|text| Pattern::new("%", text, "%", false));
        OverviewFilter {
            partner: visit.context.caller.partner.or(self.partner).or(only),
            text,
            id,
            stands: self.stands.map(Stands::ways),
            reseller: self.reseller.clone(),
            way: self.way,
        }
    }

    /// Does the list depend on what stands in the way?
    pub(super) const fn asks_what_blocks(&self) -> bool {
        matches!(self.by, SortBy::Blockers) || self.way.is_some()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let by = COLUMNS.iter().find(|(_, by)| *by == self.by).map_or("name", |(name, _)| *name);
        let fields = [
            ("q", self.text.clone()),
            ("state", self.stands.map(|stands| stands.name().to_owned())),
            ("reseller", self.reseller.as_ref().map(ToString::to_string)),
            ("way", self.way.map(|way| way.name().to_owned())),
            ("partner", self.partner.map(|partner| partner.to_string())),
            ("sort", (by != "name").then(|| by.to_owned())),
            ("back", self.back.then(|| "1".to_owned())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The address of its first page.
    pub(super) fn address(&self) -> String {
        let fields: Vec<String> = self.fields().iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if fields.is_empty() { "/portal/customers".to_owned() } else { format!("/portal/customers?{}", fields.join("&")) }
    }

    /// The address of the page after that key.
    pub(super) fn address_after(&self, key: &OverviewKey, total: u64) -> String {
        let address = self.address();
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}after={}&of={total}", token(key))
    }

    /// The order alone, as fields of a form that are not seen: whoever looks for something else keeps it.
    pub(super) fn order(&self) -> Markup {
        let order = self.fields().into_iter().filter(|(name, _)| ["sort", "back"].contains(name));
        html! { @for (name, value) in order { input type="hidden" name=(name) value=(value); } }
    }

    /// As fields of a form that are not seen.
    pub(super) fn hidden(&self) -> Markup {
        html! { @for (name, value) in self.fields() { input type="hidden" name=(name) value=(value); } }
    }
}

fn token((key, customer, partner): &OverviewKey) -> String {
    let key = match key {
        SortKey::Text(text) => json!(text),
        SortKey::Number(number) => json!(number),
    };
    BASE64_URL_SAFE_NO_PAD.encode(json!([key, customer, partner]).to_string())
}

/// The key that a token leads back to.
pub(super) fn key(token: &str) -> Option<OverviewKey> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (key, customer, partner): (serde_json::Value, Uuid, Uuid) = serde_json::from_slice(&bytes).ok()?;
    let key = match (key.as_str(), key.as_i64()) {
        (Some(text), _) if !text.contains('\0') => SortKey::Text(text.to_owned()),
        (_, Some(number)) => SortKey::Number(number),
        _ => return None,
    };
    Some((key, CustomerId(customer), PartnerId(partner)))
}

/// Is the key one of a list that is sorted like this? A hand may have changed the address.
pub(super) const fn fits(key: &OverviewKey, by: SortBy) -> bool {
    matches!(key.0, SortKey::Number(_)) == by.is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Selection, ApiError> {
        Selection::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_address_leads_back_to_what_was_looked_for() {
        let given = [("q", " a&b=é "), ("state", "moving"), ("reseller", "4847383"), ("way", "free"), ("sort", "azure"), ("back", "1")];
        let address = "/portal/customers?q=a%26b%3D%C3%A9&state=moving&reseller=4847383&way=free&sort=azure&back=1";
        assert_eq!(of(&given).unwrap().address(), address);
        assert_eq!(of(&[]).unwrap().address(), "/portal/customers");
        for wrong in [("state", "x"), ("way", "x"), ("sort", "x"), ("reseller", "x"), ("partner", "x"), ("q", &"x".repeat(201) as &str)] {
            assert!(of(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_leads_back_to_its_key() {
        for key_of in [SortKey::Text("contoso \"é\"".to_owned()), SortKey::Number(-1)] {
            let at = (key_of, CustomerId(Uuid::from_u128(1)), PartnerId(Uuid::from_u128(2)));
            assert_eq!(key(&token(&at)), Some(at));
        }
        for wrong in ["", "x", "W10", "bnVsbA"] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
        let named = (SortKey::Text(String::new()), CustomerId(Uuid::nil()), PartnerId(Uuid::nil()));
        assert!(fits(&named, SortBy::Name) && !fits(&named, SortBy::AzureSubscriptions) && !fits(&named, SortBy::Blockers));
    }
}
