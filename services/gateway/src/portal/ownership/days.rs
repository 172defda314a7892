//! A month's days on both invoices, before and after the cut: bars, and the table that they are of.

use crate::portal::{
    billing::{Amounts, money},
    visit::Visit,
};
use maud::{Markup, html};
use planshift_billing::Decimal;
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A meter's day, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Day {
    day: String,
    unit: String,
    d: Decimal,
    g: Decimal,
    basis: String,
    rated_says: Option<String>,
    amounts: Amounts,
}

/// A day of all meters of a unit.
#[derive(Default)]
struct Sum {
    d: Decimal,
    g: Decimal,
    /// The daily rated file says otherwise, or nothing splits the day.
    is_doubtful: bool,
}

/// How high the bars are, in the picture's units, and how far from one to the next.
const HEIGHT: f64 = 90.0;
const STEP: usize = 22;

pub(super) fn shown(visit: &Visit, days: &[Day], cut: Option<Timestamp>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let mut units: BTreeMap<&str, BTreeMap<&str, Sum>> = BTreeMap::new();
    for day in days {
        let sum = units.entry(&day.unit).or_default().entry(&day.day).or_default();
        sum.d = std::mem::take(&mut sum.d) + day.d.clone();
        sum.g = std::mem::take(&mut sum.g) + day.g.clone();
        sum.is_doubtful |= day.basis == "unproven" || day.rated_says.is_some();
    }
    let day_of_cut = cut.map(|cut| cut.to_string().chars().take(10).collect::<String>());
    html! {
        @for (unit, of) in &units { (bars(visit, unit, of, day_of_cut.as_deref())) }
        details.group {
            summary { (say("By day and meter", "Par jour et compteur")) }
            div.scroll tabindex="0" role="region" aria-label=(say("By day and meter", "Par jour et compteur")) {
                table.list {
                    thead { tr {
                        th scope="col" { (say("Day", "Jour")) } th scope="col" { (say("Unit", "Unité")) } th.amount scope="col" { "D" } th.amount scope="col" { "G" }
                        th.amount scope="col" { (say("Amount on D", "Montant sur D")) } th.amount scope="col" { (say("Amount on G", "Montant sur G")) } th scope="col" { (say("By", "D’après")) }
                    } }
                    tbody { @for day in days { tr {
                        td { span.id { (day.day) } @if day_of_cut.as_deref() == Some(&day.day) { " " span.mark.moving { (say("the cut", "la coupure")) } } }
                        td { (day.unit) } td.amount { (day.d) } td.amount { (day.g) } td.amount { (money(&day.amounts.d)) } td.amount { (money(&day.amounts.g)) }
                        td { (basis(visit, &day.basis)) @if let Some(other) = &day.rated_says { span.under.fault { (say("the daily rated file says ", "le fichier quotidien dit ")) (other) } } }
                    } } }
                }
            }
        }
    }
}

fn bars(visit: &Visit, unit: &str, days: &BTreeMap<&str, Sum>, day_of_cut: Option<&str>) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    // of a picture, where a tenth of a pixel is nothing
    let rough = |quantity: &Decimal| quantity.to_string().parse::<f64>().unwrap_or_default().max(0.0);
    let highest = days.values().map(|sum| rough(&sum.d) + rough(&sum.g)).fold(f64::MIN_POSITIVE, f64::max);
    let scaled = |quantity: &Decimal| (rough(quantity) / highest * HEIGHT * 10.0).round() / 10.0;
    let (d, g) = days.values().fold((Decimal::default(), Decimal::default()), |(d, g), sum| (d + sum.d.clone(), g + sum.g.clone()));
    let width = STEP * days.len() + STEP;
    html! {
        figure.bars {
            h3 { (unit) (visit.colon()) (d) (say(" on D, ", " sur D, ")) (g) (say(" on G", " sur G")) }
            div.scroll tabindex="0" role="region" aria-label={ (unit) ", " (say("by day", "par jour")) } {
                svg viewBox={ "0 0 " (width) " 130" } width=(width) height="130" role="img" aria-label={ (unit) (visit.colon()) (d) (say(" on D, ", " sur D, ")) (g) (say(" on G", " sur G")) } {
                    @for (place, (day, sum)) in days.iter().enumerate() {
                        @let left = STEP / 2 + place * STEP;
                        @let (legacy, plan) = (scaled(&sum.d), scaled(&sum.g));
                        g {
                            title { (day) ": D " (sum.d) ", G " (sum.g) @if sum.is_doubtful { " – " (say("in doubt", "douteux")) } }
                            rect.legacy x=(left) width=(STEP - 4) y=(HEIGHT + 14.0 - legacy) height=(legacy) {}
                            rect.plan x=(left) width=(STEP - 4) y=(HEIGHT + 14.0 - legacy - plan) height=(plan) {}
                        }
                        @if day_of_cut == Some(*day) { line.cut x1=(left + STEP / 2 - 2) x2=(left + STEP / 2 - 2) y1="0" y2=(HEIGHT + 14.0) {} }
                        text.when x=(left + STEP / 2 - 2) y="120" text-anchor="middle" { (day.get(8..).unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

fn basis<'a>(visit: &Visit, basis: &'a str) -> &'a str {
    match basis {
        "utilization" => visit.say("utilisation records", "relevés d’utilisation"),
        "rated" => visit.say("daily rated usage", "consommation quotidienne"),
        "utilizationAndRated" => {
            visit.say("hours until the cut, daily rated usage after it", "heures avant la coupure, consommation quotidienne après")
        }
        "unproven" => visit.say("nothing splits this day", "rien ne partage ce jour"),
        other => other,
    }
}
