//! Reconciliation over HTTP: the domain's worked examples to the cent, and faults of invoices found line by line.

use crate::world::*;
use planshift_domain::{
    ids::Reseller,
    message::{
        Body as _,
        ownership::{OwnedSubscription, OwnershipPoint, OwnershipRead, ReadOwnership},
    },
    time::Timestamp,
    transition::{LineRow, State},
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::{Value, json};

const CUSTOMER: u128 = 2_009;
const PLAN: u128 = 77;
const METER: &str = "meter";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// From when, and whose: a plan's, or the legacy offer's.
type Points = Vec<(&'static str, Option<u128>)>;

/// Mapping: subscriptions with their change points; of transition 9.
fn mapping(known: Vec<(u128, Points)>) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    move |delivery| {
        assert_eq!(delivery.message.kind, ReadOwnership::TYPE);
        let question: ReadOwnership = codec::body(&delivery.message).unwrap();
        let point = |(from, plan): &(&str, Option<u128>)| OwnershipPoint {
            from: at(from),
            revision: 0,
            plan_id: plan.map(id),
            transition_id: id(9),
        };
        let asked = known.iter().filter(|(azure, _)| question.azure_subscription_ids.contains(&id(*azure)));
        let subscriptions = asked.map(|(azure, points)| OwnedSubscription {
            azure_subscription_id: id(*azure),
            customer_id: id(CUSTOMER),
            points: points.iter().map(point).collect(),
        });
        vec![answer(delivery, &OwnershipRead { request_id: question.request_id, subscriptions: subscriptions.collect() })]
    }
}

async fn bring(world: &World, path: &str, text: String) -> (u16, Value) {
    let request = world.client.post(format!("{}{path}", world.base)).header("content-type", "text/csv").body(text);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn get(world: &World, path: &str) -> Value {
    let response = world.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// An hour each of a machine, of a day of September.
fn hours(azure: u128, day: u32, hours: std::ops::Range<u32>) -> String {
    let row = |hour: u32| {
        let start = at(&format!("2026-09-{day:02}T{hour:02}:00:00Z"));
        format!("{start},{},{METER},1,Hours,/subscriptions/{}/vm\n", start.plus_seconds(3_600), guid(azure))
    };
    format!("usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n{}", hours.map(row).collect::<String>())
}

const RATED: &str = "CustomerId,EntitlementId,SubscriptionId,UsageDate,MeterId,ResourceURI,Quantity,Unit,InvoiceNumber,UnitPrice,EffectiveUnitPrice,\
                     PCToBCExchangeRate,BillingPreTaxTotal,BillingCurrency,PricingCurrency,PartnerEarnedCreditPercentage\n";

/// A line of daily rated usage, as worked example E has it.
fn rated(azure: u128, day: u32, quantity: &str, credit: bool, total: &str) -> String {
    let (effective, percent) = if credit { ("0.7378", "15") } else { ("0.868", "0") };
    let (customer, azure, billing) = (guid(CUSTOMER), guid(azure), guid(4_444));
    format!(
        "{customer},{azure},{billing},2026-09-{day:02},{METER},/vm,{quantity},1 Hour,G1,0.868,{effective},0.846202666,{total},EUR,USD,{percent}\n"
    )
}

fn legacy(rows: &[(&str, &str, &str, &str, &str)]) -> String {
    let row = |(from, to, detail, quantity, charged): &(&str, &str, &str, &str, &str)| {
        format!("{},D1,{from},{to},usCBMgAAAAAAAAIA,{METER},{detail},{quantity},$0.868,{charged}\n", guid(CUSTOMER))
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "CustomerId,InvoiceNumber,ChargeStartDate,ChargeEndDate,SubscriptionId,ResourceGUID,DetailLineItemId,OverageQuantity,ListPrice,PretaxCharges\n{rows}"
    )
}

/// Example E: the cut is on 18 September at 10:00Z; the machine runs all day.
async fn example_e() -> World {
    let world = World::new(mapping(vec![(11, vec![("2026-09-18T10:00:00Z", Some(PLAN))])])).await;
    world.tell_customer(1, CUSTOMER).await;
    let mut event = changed(9, 5, State::Completed);
    (event.transition.lines, event.transition.effective_at) = (1, Some(at("2026-09-18T10:00:00Z")));
    event.lines = vec![line(11)];
    world.tell(event).await;
    for text in [hours(11, 18, 0..24), hours(11, 19, 0..24)] {
        assert_eq!(bring(&world, "/v1/usage", text).await.0, 200);
    }
    let daily = format!("{RATED}{}{}", rated(11, 18, "14", false, "10.28"), rated(11, 19, "24", true, "14.97"));
    assert_eq!(bring(&world, "/v1/usage", daily).await.0, 200);
    world
}

fn faults(page: &Value) -> Vec<(String, String, String, String, Vec<u64>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |one: &Value| {
        let rows = one["lines"].as_array().unwrap().iter().map(|line| line["row"].as_u64().unwrap()).collect();
        (text(&one["fault"]), text(&one["series"]), text(&one["expected"]), text(&one["found"]), rows)
    };
    page["items"].as_array().unwrap().iter().map(one).collect()
}

fn fault(fault: &str, series: &str, expected: &str, found: &str, rows: &[u64]) -> (String, String, String, String, Vec<u64>) {
    (fault.into(), series.into(), expected.into(), found.into(), rows.into())
}

#[tokio::test]
async fn example_e_to_the_cent_with_its_ids_and_its_credit() {
    let world = example_e().await;
    let page = get(&world, "/v1/reconciliation?month=2026-09&by=day").await;
    let one = &page["items"][0];
    // the five ids, joined by the Azure subscription
    assert_eq!((&one["azureSubscriptionId"], &one["commerceSubscriptionId"]), (&guid(11).into(), &guid(500_011).into()), "{one}");
    assert_eq!((&one["planIds"], &one["billingSubscriptionIds"]), (&json!([guid(PLAN)]), &json!([guid(4_444)])));
    assert_eq!((&one["transitionIds"], &one["effectiveAt"]), (&json!([guid(9)]), &"2026-09-18T10:00:00Z".into()));
    // 48 hours were metered; the daily file tells of 38 of them once more, and calls the unit `1 Hour`
    assert_eq!((one["units"].as_array().unwrap().len(), &one["units"][0]["unit"]), (1, &"Hours".into()));
    let unit = &one["units"][0];
    let sums = ["metered", "d", "g", "difference", "toldTwice"].map(|name| unit[name].as_str().unwrap());
    assert_eq!((sums, &unit["agrees"]), (["48", "10", "38", "0", "38"], &true.into()), "{one}");
    let days: Vec<_> = one["days"].as_array().unwrap().iter().collect();
    let amount = |day: &Value, side: &str| day["amounts"][side][0]["amount"].as_str().map(str::to_owned);
    assert_eq!((amount(days[0], "d"), amount(days[0], "g")), (Some("8.68".into()), Some("10.28".into())), "{one}");
    assert_eq!((amount(days[1], "d"), amount(days[1], "g")), (None, Some("14.97".into())));
    assert_eq!((&days[0]["basis"], &days[0]["ratedSays"]), (&"utilization".into(), &Value::Null), "no false alarm on the day of the cut");
    let credit = get(&world, "/v1/reconciliation/credit?month=2026-09").await;
    let told: Vec<_> = credit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["day"].as_str().unwrap(), one["credit"].as_str().unwrap(), one["reason"].as_str(), one["resellerMpnId"].as_str().unwrap())
        })
        .collect();
    assert_eq!(told, [("2026-09-18", "lost", Some("notTheWholeDay"), "4847383"), ("2026-09-19", "earned", None, "4847383")], "{credit}");
    let totals = get(&world, &format!("/v1/reconciliation/totals?transitionId={}", guid(9))).await;
    assert_eq!((&totals["subscriptions"], &totals["agrees"], &totals["month"]), (&1.into(), &true.into(), &"2026-09".into()));
    assert_eq!(totals["amounts"]["g"][0], json!({ "currency": "EUR", "amount": "25.25" }));
    let same = get(&world, &format!("/v1/productUpgrades/{}/reconciliation", guid(9))).await;
    assert_eq!(same["items"][0]["units"], one["units"]);
    let table = world.get("/v1/reconciliation?month=2026-09&by=day&format=csv").send().await.unwrap().text().await.unwrap();
    assert!(table.contains(",2026-09-18,meter,Hours,10,14,utilization,") && table.lines().count() == 3, "{table}");
    // the whole day on the daily file is too much by ten hours, and is said to be
    let whole = format!("{RATED}{}", rated(11, 18, "24", false, "17.63"));
    assert_eq!(bring(&world, "/v1/usage", whole).await.0, 200);
    let page = get(&world, "/v1/reconciliation?month=2026-09&by=day").await;
    let day = &page["items"][0]["days"][0];
    assert_eq!((&day["ratedSays"], &day["g"], amount(day, "g")), (&"24".into(), &"14".into(), Some("10.28".into())));
    assert_eq!(page["items"][0]["otherwiseDays"], 1);
    world.stop().await;
}

#[tokio::test]
async fn planted_faults_of_invoices_are_found_by_their_lines_and_nothing_else_is() {
    let world = example_e().await;
    let g = |lines: &[String]| format!("{RATED}{}", lines.concat());
    let (cut, next) = (rated(11, 18, "14", false, "10.28"), rated(11, 19, "24", true, "14.97"));
    let right_d = legacy(&[("8/28/2026", "9/27/2026", "1", "10", "8.68")]);
    let check = async |d: &str, lines: &[String]| {
        let mut ids = Vec::new();
        for (series, text) in [("D", d.to_owned()), ("G", g(lines))] {
            let (status, file) = bring(&world, &format!("/v1/invoices?series={series}"), text).await;
            assert_eq!((status, &file["state"]), (200, &"Done".into()), "{file}");
            ids.push(file["invoiceId"].as_str().unwrap().to_owned());
        }
        let found = get(&world, "/v1/reconciliation/findings?month=2026-09").await;
        for invoice in ids {
            let path = format!("/v1/invoices/{invoice}/withdraw");
            let withdrawn = world.post(&path, &json!({ "reason": "a trial" })).send().await.unwrap();
            assert_eq!(withdrawn.status(), 200);
        }
        faults(&found)
    };
    assert_eq!(check(&right_d, &[cut.clone(), next.clone()]).await, [], "invoices that are right");
    assert_eq!(check(&right_d, std::slice::from_ref(&cut)).await, [fault("missing", "G", "24", "0", &[])]);
    assert_eq!(check(&right_d, &[cut.clone(), next.clone(), next.clone()]).await, [fault("doubled", "G", "0", "24", &[4])]);
    // the hour 09-10 is on both
    let much = rated(11, 18, "15", false, "11.01");
    assert_eq!(check(&right_d, &[much.clone(), next.clone()]).await, [fault("doubled", "G", "14", "15", &[2])]);
    // and on the plan's alone
    let less = legacy(&[("8/28/2026", "9/27/2026", "1", "9", "7.81")]);
    assert_eq!(check(&less, &[much, next.clone()]).await, [fault("onTheWrongInvoice", "G", "14", "15", &[2])]);
    // a day after the cut on the legacy one
    let more = legacy(&[("8/28/2026", "9/27/2026", "1", "34", "29.51")]);
    assert_eq!(check(&more, std::slice::from_ref(&cut)).await, [fault("onTheWrongInvoice", "D", "10", "34", &[2])]);
    // a cent too much
    let dear = legacy(&[("8/28/2026", "9/27/2026", "1", "10", "8.69")]);
    assert_eq!(check(&dear, &[cut.clone(), next.clone()]).await, [fault("wronglyCharged", "D", "8.68", "8.69", &[2])]);
    // an hour that is reported late is on the next file under its own dates
    let late = legacy(&[("8/28/2026", "9/27/2026", "1", "9", "7.81"), ("9/18/2026", "9/18/2026", "2", "1", "0.87")]);
    assert_eq!(check(&late, &[cut, next]).await, []);
    world.stop().await;
}

#[tokio::test]
async fn a_file_is_taken_once_or_refused_by_row_and_kept_when_it_is_withdrawn() {
    let world = example_e().await;
    let file = legacy(&[("8/28/2026", "9/27/2026", "1", "10", "8.68")]);
    let (_, first) = bring(&world, "/v1/invoices?series=D", file.clone()).await;
    assert_eq!((&first["wasHere"], &first["lines"], &first["numbers"]), (&false.into(), &1.into(), &json!(["D1"])), "{first}");
    assert_eq!((&first["from"], &first["to"]), (&"2026-08-28T07:00:00Z".into(), &"2026-09-28T07:00:00Z".into()));
    let (_, again) = bring(&world, "/v1/invoices?series=D", file.clone()).await;
    assert_eq!((&again["wasHere"], &again["invoiceId"]), (&true.into(), &first["invoiceId"]));
    // the cycle of a day is known by the invoice
    let page = get(&world, "/v1/reconciliation?month=2026-09").await;
    let cycle = &page["items"][0]["legacyCycles"][0];
    assert_eq!((&cycle["cycle"]["from"], &cycle["quantity"]), (&"2026-08-28T07:00:00Z".into(), &"10".into()), "{cycle}");
    let (status, wrong) = bring(&world, "/v1/invoices?series=D", file.replace(",10,", ",ten,")).await;
    assert_eq!((status, wrong["errorName"].as_str(), &wrong["faults"]), (400, Some("InvalidInvoice"), &1.into()), "{wrong}");
    assert_eq!((&wrong["data"][0]["row"], wrong["data"][0]["column"].as_str()), (&2.into(), Some("OverageQuantity")));
    let (status, wrong) = bring(&world, "/v1/invoices?series=G", hours(11, 18, 0..2)).await;
    assert_eq!((status, wrong["errorName"].as_str()), (400, Some("InvalidInvoice")), "utilisation is on no invoice of a plan: {wrong}");
    for (path, status) in [("/v1/invoices", 400), ("/v1/invoices?series=X", 400)] {
        assert_eq!(bring(&world, path, file.clone()).await.0, status, "{path}");
    }
    let corrected = file.replace("8.68", "8.69");
    let replacing = format!("/v1/invoices?series=D&replaces={}", first["invoiceId"].as_str().unwrap());
    let (status, second) = bring(&world, &replacing, corrected.clone()).await;
    assert_eq!((status, &second["state"]), (200, &"Done".into()), "{second}");
    let old = get(&world, &format!("/v1/invoices/{}", first["invoiceId"].as_str().unwrap())).await;
    assert_eq!((&old["state"], &old["withdrawn"]["replacedBy"]), (&"Withdrawn".into(), &second["invoiceId"]), "{old}");
    assert_eq!(bring(&world, &replacing, corrected.replace("8.69", "8.70")).await.0, 409, "it was replaced already");
    let of_old = world.get(&format!("/v1/invoices/{}/findings", first["invoiceId"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(error(of_old).await.0, 409);
    let of_new = get(&world, &format!("/v1/invoices/{}/findings", second["invoiceId"].as_str().unwrap())).await;
    assert_eq!(faults(&of_new), [fault("wronglyCharged", "D", "8.68", "8.69", &[2])]);
    let table = world.get(&format!("/v1/invoices/{}/findings?format=csv", second["invoiceId"].as_str().unwrap())).send().await.unwrap();
    let table = table.text().await.unwrap();
    assert!(table.lines().nth(1).unwrap().starts_with("wronglyCharged,D,") && table.lines().count() == 2, "{table}");
    let all = get(&world, "/v1/invoices").await;
    let states: Vec<_> = all["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "Done").count(), 1, "{states:?}");
    assert!(states.contains(&"Withdrawn") && states.contains(&"Refused"));
    world.stop().await;
}

/// Example C: S1 and S2 are a plan's for one hour, S3 never is.
#[tokio::test]
async fn example_c_one_hour_of_two_subscriptions_is_on_g_and_all_the_rest_on_d() {
    let moved = || vec![("2026-09-18T11:00:00Z", Some(PLAN)), ("2026-09-18T12:00:00Z", None)];
    let world = World::new(mapping(vec![(11, moved()), (12, moved()), (13, Vec::new())])).await;
    world.tell_customer(1, CUSTOMER).await;
    let mut event = changed(9, 5, State::Compensated);
    event.transition.lines = 3;
    event.lines = (11..=13).map(|azure| LineRow { reseller: Reseller::NONE, ..line(azure) }).collect();
    world.tell(event).await;
    for azure in 11..=13 {
        assert_eq!(bring(&world, "/v1/usage", hours(azure, 18, 0..24)).await.0, 200);
    }
    let page = get(&world, "/v1/reconciliation?month=2026-09&size=2").await;
    let next = page["links"]["next"]["uri"].as_str().unwrap();
    let rest = get(&world, &format!("/v1{next}")).await;
    let sums: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .chain(rest["items"].as_array().unwrap())
        .map(|one| {
            let unit = &one["units"][0];
            (unit["d"].as_str().unwrap(), unit["g"].as_str().unwrap(), one["agrees"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(sums, [("23", "1", true), ("23", "1", true), ("24", "0", true)]);
    let credit = get(&world, "/v1/reconciliation/credit?month=2026-09").await;
    let reasons: Vec<_> = credit["items"].as_array().unwrap().iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["notTheWholeDay", "notTheWholeDay"], "{credit}");
    assert!(credit["items"].as_array().unwrap().iter().all(|one| one["resellerMpnId"].is_null()), "the partner sells directly: {credit}");
    let totals = get(&world, &format!("/v1/reconciliation/totals?month=2026-09&customerId={}", guid(CUSTOMER))).await;
    assert_eq!(
        (&totals["units"][0]["metered"], &totals["units"][0]["d"], &totals["units"][0]["g"]),
        (&"72".into(), &"70".into(), &"2".into())
    );
    // a hand in the database gives an hour to a plan that never owned it: the sums say so
    static STRAY: planshift_storage::Statement =
        planshift_storage::Statement::new("UPDATE usage_records SET plan_id = $2 WHERE azure_id = $1 AND start_at = $3");
    let args = planshift_storage::Args::new().value(uuid::Uuid::from_u128(13)).value(uuid::Uuid::from_u128(71));
    world.database.execute(&STRAY, args.value(at("2026-09-18T03:00:00Z").as_micros())).await.unwrap();
    let totals = get(&world, "/v1/reconciliation/totals?month=2026-09").await;
    assert_eq!((&totals["agrees"], &totals["disagreeing"], &totals["units"][0]["difference"]), (&false.into(), &1.into(), &"1".into()));
    let usage = get(&world, &format!("/v1/usage/totals?customerId={}", guid(CUSTOMER))).await;
    assert_eq!((&usage["agrees"], &usage["invoices"][0]["difference"]), (&false.into(), &"1".into()), "{usage}");
    for (path, status) in
        [("/v1/reconciliation", 400), ("/v1/reconciliation?month=2026-13", 400), ("/v1/reconciliation?month=2026-09&by=hour", 400)]
    {
        assert_eq!(error(world.get(path).send().await.unwrap()).await.0, status, "{path}");
    }
    let unknown = world.get(&format!("/v1/reconciliation?transitionId={}", guid(8))).send().await.unwrap();
    assert_eq!(error(unknown).await.0, 404);
    world.stop().await;
}
