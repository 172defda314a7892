//! Partners by name: whoever sees several chooses one of them, and never types an id where a choice can be given.

use super::visit::Visit;
use crate::{http::ApiError, model::PartnerName};
use maud::{Markup, html};
use planshift_domain::ids::PartnerId;

/// How many a choice has at most: beyond that, the id is typed.
const MOST: u32 = 500;

/// All partners by name; none where there are more than a choice has.
pub(super) async fn read(visit: &Visit) -> Result<Vec<PartnerName>, ApiError> {
    let partners = visit.app.model.partners(MOST + 1).await?;
    Ok(if partners.len() > MOST as usize { Vec::new() } else { partners })
}

/// A partner as people know it; before its name is known, its id.
pub(super) fn name(partner: &PartnerName) -> String {
    if partner.name.is_empty() { partner.id.to_string() } else { partner.name.clone() }
}

/// The partner of that id as people know it.
pub(super) fn name_of(partners: &[PartnerName], id: PartnerId) -> String {
    partners.iter().find(|one| one.id == id).map_or_else(|| id.to_string(), name)
}

/// A field of a form that says whose is meant, with its label. Two partners may have the same name: the beginning of the id tells them apart.
pub(super) fn field(visit: &Visit, partners: &[PartnerName], field: &str, label: &str, chosen: &str) -> Markup {
    let is_chosen = |one: &PartnerName| chosen.parse().is_ok_and(|id: PartnerId| id == one.id);
    let is_doubled = |one: &PartnerName| partners.iter().filter(|other| other.name == one.name).count() > 1;
    html! {
        label for="partner" { (label) }
        @if partners.is_empty() {
            input id="partner" name=(field) value=(chosen) autocomplete="off" spellcheck="false" required placeholder=(visit.say("The partner’s id", "L’ID du partenaire"));
        } @else {
            select id="partner" name=(field) required {
                option value="" { (visit.say("Choose…", "Choisir…")) }
                @for one in partners {
                    option value=(one.id) selected[is_chosen(one)] {
                        (name(one)) @if !one.name.is_empty() && is_doubled(one) { " (" (one.id.to_string().get(..8).unwrap_or_default()) ")" }
                    }
                }
            }
        }
    }
}
