//! Pages of billing: sums that do not agree are said so, undone changes are seen, and a file that is refused is told where it was chosen.

use crate::{holder::*, world::*};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, Reseller},
    message::{
        Body as _,
        ownership::{OwnedSubscription, OwnershipPoint, OwnershipRead, ReadOwnership},
    },
    time::Timestamp,
    transition::{LineRow, State},
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_storage::{Args, Statement};
use planshift_worker::codec;
use uuid::Uuid;

const CUSTOMER: u128 = 2_009;
const AZURE: u128 = 11;
const BOUNDARY: &str = "a-boundary-of-the-test";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Mapping: moved for ten o'clock, given back at eleven; and once more for the next day, undone before it counted.
fn owners(delivery: &Delivery, customer: CustomerId, azure: AzureSubscriptionId) -> Vec<Outgoing> {
    let question: ReadOwnership = codec::body(&delivery.message).unwrap();
    let point =
        |from: &str, revision, plan: Option<u128>| OwnershipPoint { from: at(from), revision, plan_id: plan.map(id), transition_id: id(9) };
    let points = vec![
        point("2026-09-18T10:00:00Z", 0, Some(77)),
        point("2026-09-18T11:00:00Z", 0, None),
        point("2026-09-19T10:00:00Z", 0, Some(77)),
        point("2026-09-19T10:00:00Z", 1, None),
    ];
    let is_known = question.azure_subscription_ids.contains(&azure);
    let known = OwnedSubscription { azure_subscription_id: azure, customer_id: customer, points };
    vec![answer(
        delivery,
        &OwnershipRead { request_id: question.request_id, subscriptions: is_known.then_some(known).into_iter().collect() },
    )]
}

fn mapping(delivery: &Delivery) -> Vec<Outgoing> {
    match delivery.message.kind.as_str() {
        ReadOwnership::TYPE => owners(delivery, id(CUSTOMER), id(AZURE)),
        _ => Vec::new(),
    }
}

async fn world() -> World {
    let world = World::new(mapping).await;
    world.tell_customer(1, CUSTOMER).await;
    let mut event = changed(9, 5, State::Compensated);
    event.transition.lines = 1;
    event.lines = vec![LineRow { reseller: Reseller::NONE, ..line(AZURE) }];
    world.tell(event).await;
    world
}

fn hours() -> String {
    let row = |hour: u32| {
        let start = at(&format!("2026-09-18T{hour:02}:00:00Z"));
        format!("{start},{},meter,1,Hours,/subscriptions/{}/vm\n", start.plus_seconds(3_600), guid(AZURE))
    };
    format!("usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n{}", (0..24).map(row).collect::<String>())
}

async fn page(world: &World, path: &str) -> (u16, String) {
    let response = world.get(path).header("accept", "text/html").send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A form of a page, with its file.
async fn upload(world: &World, path: &str, fields: &[(&str, &str)], file: Option<(&str, &str)>) -> (u16, String, String) {
    let mut body: String = fields
        .iter()
        .map(|(name, value)| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"))
        .collect();
    if let Some((name, text)) = file {
        body += &format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/vnd.ms-excel\r\n\r\n{text}\r\n"
        );
    }
    body += &format!("--{BOUNDARY}--\r\n");
    raw(world, path, body).await
}

async fn raw(world: &World, path: &str, body: String) -> (u16, String, String) {
    let plain = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = plain.post(format!("{}{path}", world.base)).bearer_auth(TOKEN).header("accept", "text/html");
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body);
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    (response.status().as_u16(), location, response.text().await.unwrap())
}

async fn imports(world: &World) -> usize {
    let list: serde_json::Value = world.get("/v1/usage/imports").send().await.unwrap().json().await.unwrap();
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn sums_that_do_not_agree_are_said_so_and_by_how_much() {
    let world = world().await;
    let (status, to, text) = upload(&world, "/portal/billing/usage", &[], Some(("Usage of September.CSV", &hours()))).await;
    assert_eq!((status, to.starts_with("/portal/billing/usage?import=")), (303, true), "{to} {text}");
    let (status, text) = page(&world, "/portal/billing?month=2026-09").await;
    assert!(status == 200 && text.contains("data-agrees=\"true\"") && text.contains("It agrees"), "{text}");
    // a hand in the database gives an hour to a plan that never owned it
    static STRAY: Statement = Statement::new("UPDATE usage_records SET plan_id = $2 WHERE azure_id = $1 AND start_at = $3");
    let args = Args::new().value(Uuid::from_u128(AZURE)).value(Uuid::from_u128(71)).value(at("2026-09-18T03:00:00Z").as_micros());
    world.database.execute(&STRAY, args).await.unwrap();
    let (_, text) = page(&world, "/portal/billing?month=2026-09").await;
    assert!(text.contains("data-agrees=\"false\"") && text.contains("differs by 1<"), "{text}");
    assert!(!text.contains("It agrees"), "{text}");
}

#[tokio::test]
async fn what_was_undone_is_seen_whether_it_counted_or_not() {
    let (document, customer) = one_customer(2);
    let subscriptions = document["customers"][0]["subscriptions"].as_array().unwrap();
    let line = subscriptions.iter().find(|one| one["entitlementId"].is_string()).unwrap();
    let azure = line["entitlementId"].as_str().unwrap().to_lowercase();
    let (whose, which): (Uuid, Uuid) = (customer.parse().unwrap(), azure.parse().unwrap());
    let mut held = Holder::default().script();
    let world = World::new(move |delivery: &Delivery| match delivery.message.kind.as_str() {
        ReadOwnership::TYPE => owners(delivery, whose.into(), which.into()),
        _ => held(delivery),
    })
    .await;
    import(&world, &document).await;
    let (status, text) = page(&world, &format!("/portal/customers/{customer}/azure/{azure}")).await;
    assert_eq!(status, 200, "{text}");
    for id in [&azure, &line["id"].as_str().unwrap().to_lowercase(), &guid(77), &guid(9)] {
        assert!(text.contains(&format!("data-copy=\"{id}\"")), "{id} cannot be copied");
    }
    let classes: Vec<&str> = text.split("<rect class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(classes, ["legacy", "back", "legacy", "legacy"], "an hour of the plan between the legacy offer's");
    assert_eq!(text.matches("<circle class=\"undone\"").count(), 1, "and one that never counted");
    assert!(!text.contains("class=\"cut\"") && !text.contains(" style="), "nothing of it stays, so there is no cut");
    let (status, _) = page(&world, &format!("/portal/customers/{customer}/azure/{}", guid(12))).await;
    assert_eq!(status, 404, "a subscription that the customer does not have");
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_is_told_where_it_was_chosen_and_leaves_nothing() {
    let world = world().await;
    let path = "/portal/billing/usage";
    let wrong = hours().replacen(",1,", ",ten,", 1);
    let (status, _, text) = upload(&world, path, &[], Some(("usage.csv", &wrong))).await;
    assert!(
        status == 400 && text.contains("<td class=\"amount\">2</td>") && text.contains("quantity") && text.contains("enctype"),
        "{text}"
    );
    let (status, _, text) = upload(&world, path, &[], Some(("usage.pdf", &hours()))).await;
    assert!(status == 415 && text.contains("must end with .csv"), "{text}");
    let before = imports(&world).await;
    // cut off before its end: whatever was there of it is not taken for whole
    let half = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"usage.csv\"\r\n\r\n{}", hours());
    let (status, _, text) = raw(&world, path, half).await;
    assert!(status == 400, "{status} {text}");
    let records: serde_json::Value =
        world.get(&format!("/v1/usage?azureSubscriptionId={}", guid(AZURE))).send().await.unwrap().json().await.unwrap();
    assert_eq!(records["items"].as_array().unwrap().len(), 0, "{records}");
    for (fields, file) in
        [(&[][..], None), (&[("a", "b")], Some(("", "x"))), (&[("a", &"x".repeat(5_000) as &str)], Some(("usage.csv", "x")))]
    {
        let (status, _, text) = upload(&world, path, fields, file).await;
        assert_eq!(status, 400, "{text}");
    }
    assert!(imports(&world).await <= before + 1, "what is no file leaves no import");
    let (status, _, text) = upload(&world, "/portal/billing/invoices", &[("series", "X")], Some(("d.csv", "x"))).await;
    assert!(status == 400 && text.contains("must be D or G"), "{text}");
}

#[tokio::test]
async fn a_corrected_file_takes_the_place_of_an_invoice_or_changes_nothing() {
    let world = world().await;
    let columns = "CustomerId,InvoiceNumber,ChargeStartDate,ChargeEndDate,SubscriptionId,ResourceGUID,DetailLineItemId,OverageQuantity,ListPrice,PretaxCharges\n";
    let invoice =
        |quantity: &str| format!("{columns}{},D-1,2026-09-01,2026-09-30,usCBMgAAAAAAAAIA,meter,1,{quantity},$1,3\n", guid(CUSTOMER));
    let (status, first, text) = upload(&world, "/portal/billing/invoices", &[("series", "D")], Some(("d.csv", &invoice("3")))).await;
    assert_eq!(status, 303, "{text}");
    let (_, text) = page(&world, &first).await;
    assert!(text.contains("/replace\"") && text.contains("<b>D-1</b>") && text.contains("1 line, brought"), "{text}");
    let replace = format!("{first}/replace");
    // faults, and what is no file, are told there; the first one counts as before
    let (status, _, text) = upload(&world, &replace, &[], Some(("d.csv", &invoice("three")))).await;
    assert!(
        status == 400 && text.contains("role=\"alert\"") && text.contains("three") && text.contains("<details class=\"group\" open"),
        "{text}"
    );
    let (status, _, text) = upload(&world, &replace, &[], Some(("d.pdf", &invoice("4")))).await;
    assert!(status == 415 && text.contains("must end with .csv"), "{text}");
    let counts = async |path: &str| {
        let file: serde_json::Value = world.get(&path.replace("/portal/billing", "/v1")).send().await.unwrap().json().await.unwrap();
        (file["state"].as_str().unwrap().to_owned(), file["withdrawn"]["replacedBy"].as_str().map(str::to_owned))
    };
    assert_eq!(counts(&first).await, ("Done".to_owned(), None));
    let (status, second, text) = upload(&world, &replace, &[], Some(("d.csv", &invoice("4")))).await;
    assert_eq!(status, 303, "{text}");
    let id = second.rsplit('/').next().unwrap().to_owned();
    assert_eq!((counts(&first).await, counts(&second).await), (("Withdrawn".to_owned(), Some(id.clone())), ("Done".to_owned(), None)));
    let (_, text) = page(&world, &first).await;
    assert!(text.contains(&id) && !text.contains("/replace\""), "{text}");
    // it has been replaced: not once more
    let (status, _, text) = upload(&world, &replace, &[], Some(("d.csv", &invoice("5")))).await;
    assert!(status == 409 && text.contains("does not count"), "{text}");
    let (status, _, _) =
        upload(&world, &format!("/portal/billing/invoices/{}/replace", guid(9)), &[], Some(("d.csv", &invoice("5")))).await;
    assert_eq!(status, 404);
}
