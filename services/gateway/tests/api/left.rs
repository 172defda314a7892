//! A commerce subscription that a transition has suspended stays in the lists, also when a newer document tells nothing of it.

use crate::{holder::*, world::*};
use planshift_domain::{
    account::facts::PlanStatus,
    ids::Reseller,
    message::event::TransitionChanged,
    step::{Action, Step},
    time::Timestamp,
    transition::{Findings, LineRow, PacketRow, PlanRow, State},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The transition of the customer has completed, so many days ago.
fn completed(holder: &Holder, customer: &str, days: i64) -> TransitionChanged {
    let ended = planshift_worker::Ports::system().clock.now().plus_seconds(-days * 24 * 3600);
    let mut event = changed(7, 9, State::Completed);
    let (partner, subscriptions) = holder.look(customer, |held| (held.partner.id, held.part.subscriptions.clone()));
    let lines: Vec<LineRow> = subscriptions
        .iter()
        .map(|facts| LineRow {
            azure_subscription_id: facts.azure_subscription_id.unwrap(),
            commerce_subscription_id: facts.commerce_subscription_id,
            reseller: facts.reseller.clone(),
            packet: 0,
            error: None,
            undo: None,
            version: 9,
        })
        .collect();
    let resellers: std::collections::BTreeSet<Reseller> = lines.iter().map(|line| line.reseller.clone()).collect();
    let packet = |step| PacketRow {
        step,
        action: Action::Do,
        packet: 0,
        attempt: 1,
        good: u32::try_from(lines.len()).unwrap(),
        refused: 0,
        findings: Findings::default(),
        version: 9,
    };
    event.packets = vec![packet(Step::Mapping), packet(Step::Suspension)];
    let plan = |(n, reseller)| PlanRow {
        reseller,
        plan_id: Some(id(n)),
        reused: false,
        status: Some(PlanStatus::Active),
        error: None,
        undo: None,
        version: 9,
    };
    event.plans = (900..).zip(resellers).map(plan).collect();
    let row = &mut event.transition;
    (row.partner_id, row.customer_id, row.facts_version) = (partner, customer.parse().unwrap(), 1);
    (row.lines, row.plans) = (u32::try_from(lines.len()).unwrap(), u32::try_from(event.plans.len()).unwrap());
    (row.mapped, row.suspended) = (row.lines, row.lines);
    (row.ended_at, row.effective_at) = (Some(ended), Some(Timestamp::from_micros(0)));
    event.lines = lines;
    event
}

async fn get(world: &World, path: &str) -> Value {
    let response = world.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_a_newer_document_lacks_stays_with_its_ids() {
    for (days, status) in [(1, "suspended"), (91, "deleted")] {
        let holder = Holder::default();
        let world = World::new(holder.script()).await;
        let (document, customer) = one_customer(3);
        import(&world, &document).await;
        let event = completed(&holder, &customer, days);
        let (lines, plans) = (event.lines.clone(), event.plans.len());
        assert!(lines.len() > 1);
        world.tell(event).await;
        let path = format!("/v1/customers/{customer}/subscriptions");
        let before = get(&world, &path).await;
        assert_eq!(before["totalCount"], lines.len() + plans);

        // a document without the first of them
        let gone = lines[0].commerce_subscription_id.to_string();
        let mut newer = document.clone();
        let listed = newer["customers"][0]["subscriptions"].as_array_mut().unwrap();
        listed.retain(|subscription| !subscription["id"].as_str().unwrap().eq_ignore_ascii_case(&gone));
        import(&world, &newer).await;
        let now = get(&world, &path).await;
        assert_eq!((ids(&now), &now["totalCount"]), (ids(&before), &before["totalCount"]), "{status}");
        let item = now["items"].as_array().unwrap().iter().find(|item| item["id"] == gone.as_str()).unwrap().clone();
        let azure = lines[0].azure_subscription_id;
        assert_eq!((&item["status"], &item["entitlementId"]), (&json!(status), &json!(azure)));
        assert_eq!((&item["suspensionReasons"], &item["upgradeId"]), (&json!(["TransitionedToAzurePlan"]), &json!(Uuid::from_u128(7))));
        assert_eq!((&item["partnerId"], &item["friendlyName"]), (&json!(lines[0].reseller), &Value::Null));
        assert!(item["azurePlanId"].is_string());
        assert_eq!(get(&world, &format!("{path}/{gone}")).await, item, "alone as in the list");

        // page by page it is the same list
        let (mut seen, mut at) = (Vec::new(), format!("{path}?size=1"));
        loop {
            let page = get(&world, &at).await;
            seen.extend(ids(&page));
            let Some(next) = page["links"]["next"]["uri"].as_str() else { break };
            at = format!("/v1{next}");
        }
        assert_eq!(seen, ids(&now));
        let reseller = lines[0].reseller.0.as_ref().map(|mpn| mpn.as_str().to_owned());
        if let Some(mpn) = reseller {
            assert!(ids(&get(&world, &format!("{path}?mpn_id={mpn}")).await).contains(&gone));
        }
        assert!(ids(&get(&world, &format!("{path}?mpn_id=1")).await).is_empty());
        assert_eq!(get(&world, &format!("{path}?order_id=x")).await["totalCount"], 0);

        let patched = world.client.patch(format!("{}{path}/{gone}", world.base)).json(&json!({ "status": "active" })).send().await.unwrap();
        let (code, body) = error(patched).await;
        assert_eq!((code, body["code"].as_str()), (400, Some("800096")));
    }
}
