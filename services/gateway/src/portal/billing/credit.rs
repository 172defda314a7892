//! Partner earned credit of a month: earned, or lost, by whom and why. Days that say the same stand in one line.

use super::{
    asked::{Asked, Part, choose},
    shapes::Money,
};
use crate::{
    http::{ApiError, Parameters},
    portal::{api::encoded, customer::Collection, finish::Page, parts::id, visit::Visit},
};
use maud::{Markup, html};
use planshift_billing::Decimal;
use planshift_domain::ids::CustomerId;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    customer_id: CustomerId,
    azure_subscription_id: String,
    day: String,
    credit: String,
    reason: Option<String>,
    reseller_mpn_id: Option<String>,
    amounts: Vec<Money>,
}

/// What days have in common that stand in one line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    customer: CustomerId,
    azure: String,
    credit: String,
    reason: Option<String>,
    reseller: Option<String>,
}

/// The days of the month, and what they come to, by currency.
#[derive(Default)]
struct Days {
    days: Vec<u32>,
    amounts: BTreeMap<String, Decimal>,
}

/// `GET /portal/billing/credit`.
pub(in crate::portal) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let Some(asked) = Asked::of(&visit, &parameters).await? else { return choose(&visit, Part::Credit).await };
    let found: Collection<Day> = visit.get(&format!("/v1/reconciliation/credit?{}{}", asked.query(), asked.going_on())).await?;
    let next = found.next().map(|next| format!("{}&after={}", asked.to(Part::Credit, asked.month), encoded(&next)));
    let lines = gathered(found.items)?;
    let mut ids: Vec<_> = lines.keys().map(|said| said.customer).collect();
    ids.dedup();
    let names = visit.app.model.customer_names(Some(asked.partner), &ids).await?;
    let customer = asked.customer_name(&visit).await?;
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        (asked.choice(&visit, Part::Credit, customer.as_deref()))
        p.quiet { (say("Whole days under the plan earn credit, where the partner or the reseller on record has access. Roles are not known here: what the daily rated file says counts.", "Les jours entiers sous le plan donnent du crédit, si le partenaire ou le revendeur enregistré a accès. Les rôles ne sont pas connus ici : le fichier quotidien fait foi.")) }
        @if lines.is_empty() { div.empty { p.lead { (say("No usage of this month is known.", "Aucune consommation de ce mois n’est connue.")) } } } @else {
            div.title { h2 { (say("By subscription", "Par abonnement")) } span.push { a.button href=(asked.table("credit")) { (say("CSV by day", "CSV par jour")) } } }
            (table(&visit, &asked, &lines, &names))
        }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if asked.after.is_some() { a.button href=(asked.to(Part::Credit, asked.month)) { (say("First page", "Première page")) } }
            @if let Some(next) = next { a.button rel="next" href=(next) { (say("Next page", "Page suivante")) } }
        }
    };
    Ok(asked.page(&visit, Part::Credit, &body))
}

/// Days that say the same, together.
fn gathered(days: Vec<Day>) -> Result<BTreeMap<Said, Days>, ApiError> {
    let mut lines: BTreeMap<Said, Days> = BTreeMap::new();
    for day in days {
        let Day { customer_id, azure_subscription_id, day, credit, reason, reseller_mpn_id, amounts } = day;
        let said = Said { customer: customer_id, azure: azure_subscription_id, credit, reason, reseller: reseller_mpn_id };
        let line = lines.entry(said).or_default();
        line.days.extend(day.get(8..).and_then(|day| day.parse::<u32>().ok()));
        for one in amounts {
            let amount: Decimal = one.amount.parse().map_err(|error| ApiError::internal(&error))?;
            let sum = line.amounts.entry(one.currency.unwrap_or_default()).or_default();
            *sum = std::mem::take(sum) + amount;
        }
    }
    Ok(lines)
}

/// `1–3, 7`.
fn ranges(days: &[u32]) -> String {
    let mut days = days.to_vec();
    days.sort_unstable();
    days.dedup();
    let runs = days.chunk_by(|day, next| day + 1 == *next);
    let run = |run: &[u32]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(", ")
}

fn table(visit: &Visit, asked: &Asked, lines: &BTreeMap<Said, Days>, names: &HashMap<CustomerId, String>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let lines: Vec<_> = lines.iter().collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Partner earned credit", "Crédit obtenu par le partenaire")) {
            table.list {
                thead { tr {
                    th scope="col" { (say("Azure subscription", "Abonnement Azure")) } th scope="col" { (say("Days of the month", "Jours du mois")) } th scope="col" { (say("Credit", "Crédit")) }
                    th scope="col" { (say("Whose", "À qui")) } th scope="col" { (say("Why", "Pourquoi")) } th.amount scope="col" { (say("Comes to", "Montant")) }
                } }
                @for of in lines.chunk_by(|(one, _), (other, _)| one.customer == other.customer) { tbody {
                    @let customer = of[0].0.customer;
                    tr.group-head { th colspan="6" scope="rowgroup" { a href={ "/portal/customers/" (customer) (asked.named('?')) } { @match names.get(&customer) { Some(name) => (name), None => (customer) } } } }
                    @for (said, days) in of { tr {
                        td { (id(visit, &said.azure)) }
                        td { (ranges(&days.days)) }
                        td { (outcome(visit, &said.credit)) }
                        td { @match &said.reseller { Some(mpn) => { (say("reseller ", "revendeur ")) code { (mpn) } }, None => (say("the partner itself", "le partenaire lui-même")) } }
                        td { (reason(visit, said.reason.as_deref())) }
                        td.amount { @if days.amounts.is_empty() { span.quiet { "–" } } @for (currency, amount) in &days.amounts { div { (amount) " " (currency) } } }
                    } }
                } }
            }
        }
    }
}

fn outcome(visit: &Visit, credit: &str) -> Markup {
    let (text, look) = match credit {
        "earned" => (visit.say("earned", "obtenu"), "good"),
        "lost" => (visit.say("lost", "perdu"), "held"),
        "unexpected" => (visit.say("unexpected", "inattendu"), "bad"),
        "unknown" => (visit.say("not known", "inconnu"), "idle"),
        other => (other, "idle"),
    };
    html! { span class={ "mark " (look) } { (text) } }
}

fn reason<'a>(visit: &Visit, reason: Option<&'a str>) -> &'a str {
    match reason {
        Some("legacyOffer") => visit.say("The usage is still the legacy offer's.", "La consommation est encore celle de l’ancienne offre."),
        Some("notTheWholeDay") => visit.say(
            "The plan owns a part of the day alone: the day of a change, or of an undoing.",
            "Le plan n’a qu’une partie du jour : jour d’un changement, ou d’une annulation.",
        ),
        Some("noAccess") => visit.say(
            "The file gives none, and nothing else speaks against it: access is missing (owner or contributor).",
            "Le fichier n’en donne pas, et rien d’autre ne s’y oppose : il manque un accès (propriétaire ou contributeur).",
        ),
        Some("productWithout") => visit.say("A product that earns none.", "Un produit qui n’en donne pas."),
        Some(other) => other,
        None => "–",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_follow_one_another_are_a_range() {
        for (days, text) in [(&[][..], ""), (&[3], "3"), (&[1, 2, 3, 7, 9, 8], "1–3, 7–9"), (&[2, 2, 4], "2, 4")] {
            assert_eq!(ranges(days), text);
        }
    }

    #[test]
    fn what_days_come_to_is_added_by_currency() {
        let day = |day: &str, credit: &str, amount: &str, currency: &str| {
            let text = serde_json::json!({
                "customerId": uuid::Uuid::nil(), "azureSubscriptionId": "a", "day": day, "credit": credit, "reason": null, "resellerMpnId": null,
                "amounts": [{ "currency": currency, "amount": amount }],
            });
            serde_json::from_value::<Day>(text).unwrap()
        };
        let days = vec![
            day("2026-09-01", "earned", "0.10", "EUR"),
            day("2026-09-02", "earned", "0.2", "EUR"),
            day("2026-09-02", "lost", "1", "USD"),
        ];
        let lines = gathered(days).unwrap();
        let told: Vec<_> = lines
            .values()
            .map(|line| (ranges(&line.days), line.amounts.iter().map(|(c, a)| format!("{a} {c}")).collect::<Vec<_>>()))
            .collect();
        assert_eq!(told, [("1–2".to_owned(), vec!["0.3 EUR".to_owned()]), ("2".to_owned(), vec!["1 USD".to_owned()])]);
    }
}
