//! A month's reconciliation: is what was metered on D and on G together all that was metered? And each subscription, by customer.

use super::{
    asked::{Asked, Part, choose},
    shapes::{Amounts, Unit, agreement, money},
};
use crate::{
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::Page,
        parts::{id, number},
        visit::Visit,
    },
};
use maud::{Markup, html};
use planshift_domain::ids::CustomerId;
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// For how long the sum of all is waited for: it looks at every subscription, and a page does not wait for a hundred thousand.
const SUM_TIME: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    subscriptions: u64,
    units: Vec<Unit>,
    amounts: Amounts,
    unproven_days: u64,
    otherwise_days: u64,
    disagreeing: u64,
    agrees: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    azure_subscription_id: String,
    customer_id: CustomerId,
    units: Vec<Unit>,
    amounts: Amounts,
    effective_at: Option<planshift_domain::time::Timestamp>,
    unproven_days: u64,
    otherwise_days: u64,
}

/// `GET /portal/billing`.
pub(in crate::portal) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let Some(asked) = Asked::of(&visit, &parameters).await? else { return choose(&visit, Part::Month).await };
    let found: Collection<One> = visit.get(&format!("/v1/reconciliation?{}{}", asked.query(), asked.going_on())).await?;
    let sum = format!("/v1/reconciliation/totals?{}", asked.query());
    let totals = tokio::select! {
        totals = visit.get::<Totals>(&sum) => Some(totals?),
        () = visit.app.ports.clock.sleep(SUM_TIME) => None,
    };
    let mut ids: Vec<_> = found.items.iter().map(|one| one.customer_id).collect();
    ids.dedup();
    let names = visit.app.model.customer_names(Some(asked.partner), &ids).await?;
    let customer = asked.customer_name(&visit).await?;
    let say = |en, fr| visit.say(en, fr);
    let next = found.next().map(|next| format!("{}&after={}", asked.to(Part::Month, asked.month), encoded(&next)));
    let body = html! {
        (asked.choice(&visit, Part::Month, customer.as_deref()))
        @match &totals {
            Some(totals) if totals.subscriptions == 0 => div.empty {
                p.lead { (say("No usage of this month is known.", "Aucune consommation de ce mois n’est connue.")) }
                p { a.button href=(asked.to(Part::Usage, asked.month)) { (say("Bring usage records…", "Apporter la consommation…")) } }
            },
            Some(totals) => (sums(&visit, totals)),
            None => p.notice.held { (say("Adding everything up takes longer than a page may. Choose a customer, or use the command line: ", "Tout additionner prend plus de temps qu’une page n’en a. Choisissez un client, ou la ligne de commande : ")) code { "planshift reconcile --month " (asked.month) } },
        }
        @if !found.items.is_empty() {
            section {
                div.title {
                    h2 { (say("By customer", "Par client")) }
                    span.push {
                        @for (of, text) in [("subscription", say("CSV by subscription", "CSV par abonnement")), ("meter", say("by meter", "par compteur")), ("day", say("by day", "par jour"))] {
                            a.button href=(asked.table(of)) { (text) }
                        }
                    }
                }
                (table(&visit, &asked, &found.items, &names))
            }
        }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if asked.after.is_some() { a.button href=(asked.to(Part::Month, asked.month)) { (say("First page", "Première page")) } }
            @if let Some(next) = next { a.button rel="next" href=(next) { (say("Next page", "Page suivante")) } }
        }
    };
    Ok(asked.page(&visit, Part::Month, &body))
}

fn sums(visit: &Visit, totals: &Totals) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        div class={ "notice " (if totals.agrees { "good" } else { "bad" }) } data-agrees=(totals.agrees) {
            @if totals.agrees {
                p.lead { (say("It agrees: everything that was metered is on D or on G, and on one of them alone.", "Tout concorde : ce qui a été mesuré est sur D ou sur G, et sur une seule des deux.")) }
            } @else {
                p.lead { (say("It does not agree: what was metered is not D and G together.", "Cela ne concorde pas : ce qui a été mesuré n’est pas D et G ensemble.")) }
                p { (say("Subscriptions of which that is so: ", "Abonnements dans ce cas : ")) b { (number(totals.disagreeing, locale)) } }
            }
            @if totals.unproven_days > 0 {
                p { (say("Days of a change that nothing splits, since no hourly records tell how much was before it: ", "Jours de changement que rien ne partage, faute de relevés horaires : ")) b { (number(totals.unproven_days, locale)) } }
            }
            @if totals.otherwise_days > 0 {
                p { (say("Days on which the daily rated file says otherwise than the hours: ", "Jours où le fichier quotidien dit autre chose que les heures : ")) b { (number(totals.otherwise_days, locale)) } }
            }
        }
        div.scroll tabindex="0" role="region" aria-label=(say("Sums", "Sommes")) {
            table.list {
                thead { tr {
                    th scope="col" { (say("Unit", "Unité")) } th.amount scope="col" { (say("Metered", "Mesuré")) }
                    th.amount scope="col" { (say("D, legacy offer", "D, ancienne offre")) } th.amount scope="col" { (say("G, Azure plan", "G, plan Azure")) }
                    th.amount scope="col" { (say("Difference", "Écart")) } th.amount.wide scope="col" { (say("Told twice", "Dit deux fois")) } th scope="col" { (say("Check", "Contrôle")) }
                } }
                tbody { @for unit in &totals.units { tr {
                    td { (unit.unit) } td.amount { (unit.metered) } td.amount { (unit.d) } td.amount { (unit.g) } td.amount { (unit.difference) }
                    td.amount.wide { (unit.told_twice) } td { (agreement(visit, unit)) }
                } } }
            }
        }
        div.figures {
            div.figure { b { (money(&totals.amounts.d)) } span { (say("on D, by known prices", "sur D, aux prix connus")) } }
            div.figure { b { (money(&totals.amounts.g)) } span { (say("on G", "sur G")) } }
            div.figure { b { (number(totals.subscriptions, locale)) } span { (say("subscriptions with usage", "abonnements avec consommation")) } }
        }
    }
}

fn table(visit: &Visit, asked: &Asked, rows: &[One], names: &HashMap<CustomerId, String>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("By customer", "Par client")) {
            table.list {
                thead { tr {
                    th scope="col" { (say("Azure subscription", "Abonnement Azure")) } th scope="col" { (say("Unit", "Unité")) }
                    th.amount scope="col" { (say("Metered", "Mesuré")) } th.amount scope="col" { "D" } th.amount scope="col" { "G" }
                    th.amount.wide scope="col" { (say("Amount on D", "Montant sur D")) } th.amount.wide scope="col" { (say("Amount on G", "Montant sur G")) }
                    th scope="col" { (say("Check", "Contrôle")) }
                } }
                @for of in rows.chunk_by(|one, other| one.customer_id == other.customer_id) { tbody {
                    @let customer = of[0].customer_id;
                    tr.group-head { th colspan="8" scope="rowgroup" {
                        @match names.get(&customer) { Some(name) => (name), None => code { (customer) } }
                        " · " a href=(asked.narrowed(&customer)) { (say("this customer alone", "ce client seul")) }
                    } }
                    @for one in of { @for (place, unit) in one.units.iter().enumerate() { tr {
                        td { @if place == 0 {
                            a href={ "/portal/customers/" (customer) "/azure/" (one.azure_subscription_id) "?month=" (asked.month) (asked.named('&')) } aria-label={ (say("Ownership of ", "Propriété de ")) (one.azure_subscription_id) } { (say("ownership", "propriété")) }
                            " " (id(visit, &one.azure_subscription_id))
                            @if one.effective_at.is_some() { " " span.mark.moving { (say("moved", "passé")) } }
                        } }
                        td { (unit.unit) } td.amount { (unit.metered) } td.amount { (unit.d) } td.amount { (unit.g) }
                        td.amount.wide { @if place == 0 { (money(&one.amounts.d)) } } td.amount.wide { @if place == 0 { (money(&one.amounts.g)) } }
                        td {
                            (agreement(visit, unit))
                            @if place == 0 && one.unproven_days > 0 { span.under { (say("days unproven: ", "jours non prouvés : ")) (one.unproven_days) } }
                            @if place == 0 && one.otherwise_days > 0 { span.under { (say("days told otherwise: ", "jours dits autrement : ")) (one.otherwise_days) } }
                        }
                    } } }
                } }
            }
        }
    }
}
