//! The surface that scripts for Partner Center meet: customers, agreements, subscriptions, plans, carts and orders, around transitions that
//! succeed, fail and wait. Embedded and distributed. Source of the worked examples: the domain's section 10, A, B, D and F.

use planshift_contract::Contract;
use planshift_tests::{
    accounts::{Document, read, sample},
    http::{Answer, ask_with, get},
    place::Place,
    program::{PATIENCE, Program},
    wait,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const CONTOSO: &str = "c501c3c4-d776-40ef-9ecf-9cefb59442c1";
const S1: &str = "b1beb621-3cad-4d7a-b360-62db33ce0001";
const S2: &str = "b1beb621-3cad-4d7a-b360-62db33ce0002";
const TAILSPIN: &str = "86bddccf-2a4d-4c3b-8f5a-0d6d7a1c9e02";
const FOURTH: &str = "2ca7b4f4-46e8-46d1-a0c2-1f0b1f5a9d01";
const LEGACY_ITEM: &str = "9DEA7946-EC2C-441E-9FFD-E3B275F7E838:MS-AZR-0145P:MS-AZR-0145P";
const PLAN_ITEM: &str = "DZH318Z0BPS6:0001:DZH318Z0BML6";

struct Api {
    url: String,
    /// What it says of itself: each answer is held against it.
    contract: Contract,
}

impl Api {
    fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let (name, url, path) = (method.to_string(), format!("{}/v1{path}", self.url), format!("/v1{path}"));
        let answer = ask_with(method, &url, headers, body).expect("an answer");
        answer.as_declared(&self.contract, &name, path.split('?').next().unwrap_or_default())
    }
    fn of(url: String) -> Self {
        let contract = Contract::new(&get(&format!("{url}/openapi.json")).json());
        Self { url, contract }
    }
    fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, &[], None).expect(200).json()
    }
    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, &[], Some(body))
    }
    fn patch(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.ask(Method::PATCH, path, headers, Some(body))
    }
    fn subscription(&self, customer: &str, id: &str) -> Value {
        self.get(&format!("/customers/{customer}/subscriptions/{id}"))
    }
    fn subscriptions(&self, customer: &str) -> Vec<Value> {
        self.get(&format!("/customers/{customer}/subscriptions"))["items"].as_array().expect("items").clone()
    }
    fn import(&self, document: &Value) {
        assert_eq!(self.post("/accounts", document).expect(200).json()["refused"], json!([]));
    }
    fn start(&self, customer: &str) -> Answer {
        self.post("/productUpgrades", &json!({ "customerId": customer, "productFamily": "Azure" }))
    }
    fn state(&self, upgrade: &str) -> String {
        self.get(&format!("/productUpgrades/{upgrade}/progress"))["state"].as_str().expect("a state").to_owned()
    }
    fn wait_for(&self, upgrade: &str, state: &str) {
        wait::until(&format!("{upgrade} is {state}"), PATIENCE, || self.state(upgrade) == state);
    }
    /// Moves the customer, to the end.
    fn move_it(&self, customer: &str) -> String {
        let upgrade = upgrade_of(&self.start(customer).expect(202));
        self.wait_for(&upgrade, "Completed");
        upgrade
    }
    /// A cart with one line, checked out.
    fn buy(&self, customer: &str, item: &str) -> Answer {
        self.buy_all(customer, &json!([{ "Id": 0, "CatalogItemId": item, "Quantity": 1 }]))
    }
    fn buy_all(&self, customer: &str, lines: &Value) -> Answer {
        let cart = self.post(&format!("/customers/{customer}/carts"), &json!({ "LineItems": lines })).expect(201).json();
        let id = cart["id"].as_str().expect("an id");
        self.post(&format!("/customers/{customer}/carts/{id}/checkout"), &json!({}))
    }
}

fn upgrade_of(accepted: &Answer) -> String {
    accepted.location.as_deref().expect("a location").strip_prefix("productUpgrades/").expect("a relative one").to_owned()
}

/// An error's code.
#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> Value {
    let body = answer.expect(status).json();
    assert_eq!(body["code"], code, "{body}");
    body
}

#[track_caller]
fn texts(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap_or("null").to_owned()).collect()
}

/// What is read before anything has happened.
fn reads(api: &Api) {
    let all = api.get("/Customers?size=500");
    assert_eq!((&all["totalCount"], &all["items"][0]["companyProfile"]["companyName"]), (&json!(3), &json!("Contoso SA")), "{all}");
    let first = api.ask(Method::GET, "/customers?size=2", &[], None).expect(200).json();
    let next = first["links"]["next"]["uri"].as_str().expect("a next page");
    assert_eq!(texts(api.get(next)["items"].as_array().unwrap(), "id"), [TAILSPIN]);
    let filter = r#"{"Field":"IndirectReseller","Value":"484e548c-f5f3-4528-93a9-c16c6373cb59","Operator":"starts_with"}"#;
    let filtered = api.get(&format!("/customers?filter={}", filter.replace('{', "%7B").replace('}', "%7D").replace('"', "%22")));
    assert_eq!(texts(filtered["items"].as_array().unwrap(), "id"), [CONTOSO]);
    let customer = api.get(&format!("/customers/{}", CONTOSO.to_uppercase()));
    assert_eq!((&customer["id"], &customer["relationshipToPartner"]), (&json!(CONTOSO), &json!("reseller")), "{customer}");
    let resellers = api.get(&format!("/customers/{CONTOSO}/relationships"));
    assert_eq!(texts(resellers["items"].as_array().unwrap(), "mpnId"), ["4847383", "4847433"]);
    assert_eq!(resellers["items"][1]["location"], "FR");
    assert_eq!(api.get("/relationships?relationship_type=IsIndirectCloudSolutionProviderOf")["totalCount"], 2);
    assert_eq!(api.get("/profiles/mpn?mpnId=4847383")["partnerName"], "First Up Consultants");
    assert_eq!(api.get("/compliance/csp/agreementstatus?mpnId=4847433")["isAgreementSigned"], true);
    refused(api.ask(Method::GET, "/compliance/csp/agreementstatus?mpnId=1&tenantId=2", &[], None), 400, "2200");
    assert_eq!(api.get("/agreements?agreementType=MicrosoftCustomerAgreement")["items"][0]["templateId"], TEMPLATE);
    let confirmed = |query: &str| api.get(&format!("/customers/{CONTOSO}/agreements{query}"))["totalCount"].clone();
    let counts = ["", "?agreementType=MicrosoftCustomerAgreement", "?agreementType=*"].map(confirmed);
    assert_eq!(counts, [json!(0), json!(1), json!(1)], "without its parameter it asks for another agreement");
    assert_eq!(api.get(&format!("/customers/{CONTOSO}/directSignedMicrosoftCustomerAgreementStatus"))["isSigned"], false);
    let products = api.get(&format!("/customers/{CONTOSO}/products?targetView=MicrosoftAzure"));
    assert_eq!(products["totalCount"], 2);
    refused(api.ask(Method::GET, &format!("/customers/{CONTOSO}/products"), &[], None), 403, "400036");
    let available = api.get(&format!("/customers/{CONTOSO}/products/DZH318Z0BPS6/skus/0001/availabilities"));
    assert_eq!(available["items"][0]["catalogItemId"], PLAN_ITEM);
    assert_eq!(api.get(&format!("/customers/{CONTOSO}/usagebudget"))["amount"], 1500);
    refused(api.ask(Method::GET, &format!("/customers/{}", Uuid::new_v4()), &[], None), 404, "404");
    refused(api.ask(Method::GET, &format!("/customers/{CONTOSO}/subscriptions/{}", Uuid::new_v4()), &[], None), 404, "20003");
    refused(api.ask(Method::DELETE, &format!("/customers/{CONTOSO}"), &[], None), 405, "405");
    refused(api.ask(Method::GET, &format!("/customers/{CONTOSO}/subscriptions?order_id=%00"), &[], None), 400, "800002");
    // a page at a time gives the same list
    let listed = texts(&api.subscriptions(CONTOSO), "id");
    let of_one = api.get(&format!("/customers/{CONTOSO}/subscriptions?size=1"));
    assert_eq!((&of_one["totalCount"], &of_one["items"][0]["id"]), (&json!(listed.len()), &json!(listed[0])));
    let next = api.get(of_one["links"]["next"]["uri"].as_str().expect("a next page"));
    assert_eq!(next["items"][0]["id"], listed[1].as_str());
    assert!(next["links"]["next"].is_null(), "{next}");
    assert_eq!(api.get(&format!("/customers/{CONTOSO}/subscriptions?mpn_id=4847433"))["items"][0]["id"], S2);
}

const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";

/// Subscriptions are patched with their ETags; one that is suspended blocks the whole customer: example F.
fn patches(api: &Api) {
    let path = format!("/customers/{CONTOSO}/subscriptions/{S1}");
    let mut subscription = api.subscription(CONTOSO, S1);
    let etag = format!("\"{}\"", subscription["attributes"]["etag"].as_str().expect("an ETag"));
    subscription["friendlyName"] = "Production line 1".into();
    let renamed = api.patch(&path, &[("If-Match", &etag)], &subscription).expect(200).json();
    assert_eq!((&renamed["friendlyName"], &renamed["status"]), (&json!("Production line 1"), &json!("active")));
    refused(api.patch(&path, &[("If-Match", &etag)], &json!({ "status": "suspended" })), 400, "2055");
    refused(api.patch(&path, &[], &subscription), 400, "2055"); // its own ETag, in the body
    refused(api.patch(&path, &[], &json!({ "status": "deleted" })), 400, "800096");
    refused(api.patch(&path, &[], &json!({ "status": "gone" })), 400, "800002");
    let suspended = api.patch(&path, &[], &json!({ "Status": "Suspended" })).expect(200).json();
    assert_eq!((&suspended["status"], &suspended["friendlyName"]), (&json!("suspended"), &json!("Production line 1")));
    refused(api.patch(&path, &[], &json!({ "friendlyName": "x" })), 400, "800091");
    let eligibility =
        api.post("/productUpgrades/eligibility", &json!({ "customerId": CONTOSO, "productFamily": "azure" })).expect(200).json();
    assert_eq!((&eligibility["isEligible"], &eligibility["reasons"][0]["microsoftCode"]), (&json!(false), &json!("900105")));
    assert_eq!(eligibility["reasons"][0]["resourceId"], S1);
    refused(api.start(CONTOSO), 403, "900105");
    api.patch(&path, &[], &json!({ "status": "active" })).expect(200);
}

/// A confirmation of the agreement, and a budget with all its digits.
fn agreement_and_budget(api: &Api, customer: &str) {
    let path = format!("/customers/{customer}/agreements");
    let contact = json!({ "firstName": "Nadia", "lastName": "Roy", "email": "nadia@contoso.example" });
    let body = json!({ "primaryContact": contact, "templateId": TEMPLATE, "dateAgreed": "2026-01-02T00:00:00Z", "type": "MicrosoftCustomerAgreement" });
    let before = api.get(&format!("{path}?agreementType=*"))["totalCount"].as_u64().expect("a count");
    let key = Uuid::new_v4().to_string();
    let of_key = [("MS-RequestId", key.as_str())];
    let confirmed = api.ask(Method::POST, &path, &of_key, Some(&body)).expect(201).json();
    assert_eq!(confirmed["primaryContact"]["firstName"], "Nadia");
    assert_eq!(api.ask(Method::POST, &path, &of_key, Some(&body)).expect(201).json(), confirmed, "the same request");
    refused(api.post(&path, &body), 409, "600061");
    let wrong = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        refused(api.post(&path, &body), 400, "800002");
    };
    wrong("dateAgreed", json!("2999-01-01T00:00:00Z"));
    wrong("templateId", json!(Uuid::new_v4()));
    wrong("type", json!("MicrosoftCloudAgreement"));
    wrong("primaryContact", json!({ "firstName": "x" }));
    assert_eq!(api.get(&format!("{path}?agreementType=*"))["totalCount"], before + 1);

    let budget = format!("/customers/{customer}/usagebudget");
    let exact = r#"{"Amount":1000000000000.10,"Attributes":{"ObjectType":"SpendingBudget"}}"#;
    let set = ask_with_text(&api.url, &budget, exact);
    assert!(set.body.contains("\"amount\":1000000000000.10,"), "{}", set.body);
    assert!(api.ask(Method::GET, &budget, &[], None).body.contains("\"usageSpendingBudget\":1000000000000.10"), "every digit is kept");
    refused(api.patch(&budget, &[], &json!({ "amount": -1 })), 400, "800002");
    refused(api.patch(&budget, &[], &json!({})), 400, "800002");
}

fn ask_with_text(base: &str, path: &str, text: &str) -> Answer {
    planshift_tests::http::send_text(Method::PATCH, &format!("{base}/v1{path}"), text).expect("an answer").expect(200)
}

/// Two resellers, two plans: example A. What is there afterwards, and what may not be done any more.
fn moved(api: &Api, upgrade: &str) {
    let items = api.subscriptions(CONTOSO);
    let of_offer = |offer: &str| items.iter().filter(|item| item["offerId"] == offer).cloned().collect::<Vec<_>>();
    let (legacy, plans) = (of_offer("MS-AZR-0145P"), of_offer(PLAN_ITEM));
    assert_eq!((texts(&legacy, "status"), texts(&plans, "status")), (vec!["suspended".into(); 2], vec!["active".to_owned(); 2]));
    assert!(legacy.iter().all(|item| item["suspensionReasons"] == json!(["TransitionedToAzurePlan"]) && item["upgradeId"] == upgrade));
    let mut resellers = texts(&plans, "partnerId");
    resellers.sort();
    assert_eq!(resellers, ["4847383", "4847433"]);
    let plan = plans.iter().find(|plan| plan["partnerId"] == "4847383").expect("the plan of the first")["id"].as_str().unwrap();
    let other = plans.iter().find(|plan| plan["partnerId"] == "4847433").expect("the plan of the second")["id"].as_str().unwrap();
    let under = api.get(&format!("/customers/{CONTOSO}/subscriptions/{plan}/azureEntitlements"));
    assert_eq!(
        (&under["totalCount"], &under["items"][0]["id"], &under["items"][0]["subscriptionId"]),
        (&json!(1), &json!(S1), &json!(plan))
    );
    assert_eq!(under["items"][0]["friendlyName"], "Production line 1");
    assert_eq!(api.get(&format!("/customers/{CONTOSO}/subscriptions/{plan}/azureEntitlements/{S1}"))["status"], "active");
    refused(api.ask(Method::GET, &format!("/customers/{CONTOSO}/subscriptions/{other}/azureEntitlements/{S1}"), &[], None), 404, "800111");
    // any of its ids finds the transition
    for id in [S1, plan, upgrade, CONTOSO] {
        assert_eq!(api.get(&format!("/productUpgrades?id={id}"))["items"][0]["transitionId"], upgrade, "{id}");
    }

    let of = |id: &str| format!("/customers/{CONTOSO}/subscriptions/{id}");
    refused(api.patch(&of(plan), &[], &json!({ "status": "suspended" })), 403, "900115");
    refused(api.patch(&of(S1), &[], &json!({ "status": "active" })), 400, "800096");
    refused(api.buy(CONTOSO, LEGACY_ITEM), 403, "500600");
    refused(api.start(CONTOSO), 400, "900110");
    let sku = "9DEA7946-EC2C-441E-9FFD-E3B275F7E838/skus/MS-AZR-0145P";
    assert_eq!(api.get(&format!("/customers/{CONTOSO}/products/{sku}/availabilities"))["items"][0]["isPurchasable"], false);
}

/// Another commerce id than Azure id after a change of the billing owner: example B.
fn other_ids(api: &Api) {
    api.move_it(TAILSPIN);
    let (commerce, azure) = ("a356ac8c-e310-44f4-bf85-c7f29044af99", "42226ed6-070a-4e0f-b80c-4cdfb3e97aa7");
    let subscription = api.subscription(TAILSPIN, &commerce.to_uppercase());
    assert_eq!((&subscription["entitlementId"], &subscription["status"]), (&json!(azure), &json!("suspended")));
    let plan = subscription["azurePlanId"].as_str().expect("its plan");
    let under = api.get(&format!("/customers/{TAILSPIN}/subscriptions/{plan}/azureEntitlements/{azure}"));
    assert_eq!(under["sourceCommerceSubscriptionId"], commerce);
    refused(api.ask(Method::GET, &format!("/customers/{TAILSPIN}/subscriptions/{azure}"), &[], None), 404, "20003");
}

/// Purchases while nothing stands in their way, and the orders that they become.
fn purchases(api: &Api) {
    let own = |answer: Answer| answer.expect(201).json()["orders"][0].clone();
    refused(api.buy(FOURTH, PLAN_ITEM), 403, "800020");
    let order = own(api.buy(FOURTH, LEGACY_ITEM));
    let (id, bought) = (order["id"].as_str().expect("an order"), order["lineItems"][0]["subscriptionId"].as_str().expect("what it bought"));
    let subscription = api.subscription(FOURTH, bought);
    assert_eq!((&subscription["status"], &subscription["orderId"]), (&json!("active"), &json!(id)));
    assert_eq!(api.get(&format!("/customers/{FOURTH}/subscriptions?order_id={id}"))["totalCount"], 1);
    assert_eq!(api.get(&format!("/customers/{FOURTH}/orders"))["items"][0]["id"], id);
    assert_eq!(api.get(&format!("/customers/{FOURTH}/orders/{id}"))["status"], "completed");
    assert_eq!(api.get(&format!("/customers/{FOURTH}/orders/{id}/provisioningstatus"))["items"][0]["status"], "Fulfilled");
    refused(api.ask(Method::GET, &format!("/customers/{FOURTH}/orders/{}", Uuid::new_v4()), &[], None), 404, "20000");
    refused(api.start(FOURTH), 403, "900130"); // bought a moment ago
    let wrong = |lines: Value| refused(api.post(&format!("/customers/{FOURTH}/carts"), &json!({ "lineItems": lines })), 400, "800009");
    wrong(json!([]));
    assert_eq!(wrong(json!([{ "catalogItemId": "x" }]))["cartErrorCode"], 10001);
    let line = json!([{ "catalogItemId": LEGACY_ITEM, "participants": [{ "key": "transaction_reseller", "value": "4847383" }] }]);
    assert_eq!(wrong(line)["cartErrorCode"], 10004, "a direct-bill partner has no resellers");
    // a cart that is checked out again buys nothing more
    let cart =
        api.post(&format!("/customers/{FOURTH}/carts"), &json!({ "lineItems": [{ "catalogItemId": "MS-AZR-0145P" }] })).expect(201).json();
    let path = format!("/customers/{FOURTH}/carts/{}", cart["id"].as_str().expect("an id"));
    let before = api.subscriptions(FOURTH).len();
    let first = own(api.post(&format!("{path}/checkout"), &json!({})));
    assert_eq!(own(api.post(&format!("{path}/checkout"), &json!({}))), first);
    assert_eq!((api.get(&path)["status"].clone(), api.subscriptions(FOURTH).len()), (json!("Ordered"), before + 1));
    refused(api.ask(Method::GET, &format!("/customers/{CONTOSO}/carts/{}", cart["id"].as_str().unwrap()), &[], None), 404, "800008");
}

/// While a transition is pending, under way, failed: no Azure may be bought, and nobody's facts may change.
fn guards(api: &Api, place: &Place) {
    let document = Document::generated(2, 2, 77);
    let document = read(&document.path());
    api.import(&document);
    let [held, undone] = [0, 1].map(|n| document["customers"][n]["id"].as_str().expect("an id").to_lowercase());
    let steps = |args: &[&str]| {
        Program::planshift(["steps"]).args(args).args(["--api", &api.url]).run().expect(0);
    };
    let buys = |customer: &str, status, code| {
        let refusal = refused(api.buy(customer, LEGACY_ITEM), status, code);
        assert!(refusal["transitionId"].is_string(), "{refusal}");
    };
    steps(&["pause", "eligibility", "--reason", "a test"]);
    let upgrade = upgrade_of(&api.start(&held).expect(202));
    buys(&held, 409, "900112");
    // two starts of one customer: example D
    let second = refused(api.start(&held), 409, "900109");
    assert_eq!(second["transitionId"], upgrade.as_str());
    steps(&["pause", "mapping", "--reason", "a test"]);
    steps(&["resume", "eligibility"]);
    api.wait_for(&upgrade, "MappingSubscriptions");
    buys(&held, 409, "900113");
    let refusal = refused(api.patch(&format!("/customers/{held}/usagebudget"), &[], &json!({ "amount": 5 })), 409, "900109");
    assert_eq!(refusal["transitionId"], upgrade.as_str());
    api.post(&format!("/productUpgrades/{upgrade}/cancel"), &json!({})).expect(202);
    steps(&["resume", "mapping"]); // a step that is paused undoes nothing either
    api.wait_for(&upgrade, "Compensated");
    buys(&held, 409, "900114");
    let plans: Vec<Value> = api.subscriptions(&held).into_iter().filter(|item| item["offerId"] == PLAN_ITEM).collect();
    assert!(!plans.is_empty() && plans.iter().all(|plan| plan["status"] == "suspended"), "{plans:?}");
    refused(
        api.patch(&format!("/customers/{held}/subscriptions/{}", plans[0]["id"].as_str().unwrap()), &[], &json!({ "status": "active" })),
        400,
        "800096",
    );
    api.post(&format!("/productUpgrades/{upgrade}/close"), &json!({})).expect(202);
    // neither the one after the other nor both together
    let both = json!([{ "catalogItemId": LEGACY_ITEM }, { "catalogItemId": PLAN_ITEM }]);
    refused(api.buy_all(&held, &both), 403, "800020");
    let through = |mpn: &str| {
        let participants = json!([{ "key": "transaction_reseller", "value": mpn }]);
        api.buy_all(&held, &json!([{ "catalogItemId": LEGACY_ITEM, "participants": participants }]))
    };
    refused(through("1234567"), 400, "2071");
    let two = json!([{ "key": "transaction_reseller", "value": "1" }, { "key": "transaction_reseller", "value": "2" }]);
    let two = json!({ "lineItems": [{ "catalogItemId": LEGACY_ITEM, "participants": two }] });
    refused(api.post(&format!("/customers/{held}/carts"), &two), 400, "800009");
    let resellers = api.get(&format!("/customers/{held}/relationships"))["items"].as_array().expect("resellers").clone();
    assert!(!resellers.is_empty());
    for reseller in &resellers {
        through(reseller["mpnId"].as_str().expect("an MPN id")).expect(201);
    }
    let eligibility = api.post("/productUpgrades/eligibility", &json!({ "customerId": held, "productFamily": "Azure" })).expect(200).json();
    let reasons = texts(eligibility["reasons"].as_array().expect("reasons"), "code");
    assert!(reasons.iter().all(|code| code == "SubscriptionTooRecent") && reasons.len() == resellers.len(), "{reasons:?}");

    // a new attempt lifts the bar of the one before, and completes
    steps(&["pause", "mapping", "--reason", "a test"]);
    let failed = upgrade_of(&api.start(&undone).expect(202));
    api.wait_for(&failed, "MappingSubscriptions");
    api.post(&format!("/productUpgrades/{failed}/cancel"), &json!({})).expect(202);
    steps(&["resume", "mapping"]);
    api.wait_for(&failed, "Compensated");
    api.move_it(&undone);
    buys(&undone, 403, "500600");
    place.assert_verified();
}

fn everything(place: &Place) {
    let served = place.serve();
    let api = Api::of(served.api.clone());
    for name in ["two-resellers", "direct-one-plan", "moved-billing-owner"] {
        api.import(&read(&sample(name)));
    }
    reads(&api);
    patches(&api);
    agreement_and_budget(&api, CONTOSO);
    large(&api);
    purchases(&api);
    let upgrade = api.move_it(CONTOSO);
    moved(&api, &upgrade);
    agreement_and_budget_after(&api);
    left(&api);
    recorded(&api);
    other_ids(&api);
    guards(&api, place);
    served.stop();
    place.assert_verified();
}

/// A customer whose facts do not fit a message is read a page at a time, and changed by an import alone.
fn large(api: &Api) {
    let document = Document::generated(1, 501, 78);
    let document = read(&document.path());
    api.import(&document);
    let customer = document["customers"][0]["id"].as_str().expect("an id").to_lowercase();
    let first = api.get(&format!("/customers/{customer}/subscriptions"));
    assert_eq!((&first["totalCount"], first["items"].as_array().map(Vec::len)), (&json!(501), Some(500)));
    let next = api.get(first["links"]["next"]["uri"].as_str().expect("a next page"));
    assert_eq!(next["items"].as_array().map(Vec::len), Some(1));
    let refusal = refused(api.patch(&format!("/customers/{customer}/usagebudget"), &[], &json!({ "amount": 5 })), 409, "409");
    assert_eq!(refusal["errorName"], "CustomerTooLarge");
}

/// What was told of the customer through the API is kept over the transition, and may change after it.
fn agreement_and_budget_after(api: &Api) {
    let budget = format!("/customers/{CONTOSO}/usagebudget");
    assert!(api.ask(Method::GET, &budget, &[], None).body.contains("1000000000000.10"), "a budget is never lost");
    assert!(api.patch(&budget, &[], &json!({ "amount": null })).expect(200).json()["amount"].is_null());
    assert_eq!(texts(&api.subscriptions(CONTOSO), "status").iter().filter(|status| *status == "suspended").count(), 2, "nothing came back");
}

/// A newer document that lacks what the transition has suspended: it stays in the list, with its ids.
fn left(api: &Api) {
    let before = api.subscriptions(CONTOSO);
    let mut document = read(&sample("two-resellers"));
    let subscriptions = document["customers"][0]["subscriptions"].as_array_mut().expect("subscriptions");
    subscriptions.retain(|subscription| !subscription["id"].as_str().expect("an id").eq_ignore_ascii_case(S1));
    api.import(&document);
    let now = api.subscriptions(CONTOSO);
    assert_eq!(texts(&now, "id"), texts(&before, "id"));
    let one = api.subscription(CONTOSO, S1);
    assert_eq!((&one["status"], &one["entitlementId"], &one["friendlyName"]), (&json!("suspended"), &json!(S1), &Value::Null));
    assert!(now.contains(&one) && one["azurePlanId"].is_string(), "{one}");
}

/// Every change is in the audit records under Partner Center's name.
fn recorded(api: &Api) {
    let of = |customer: &str| {
        let filter = format!(r#"{{"Field":"CustomerId","Value":"{customer}","Operator":"equals"}}"#);
        let filter = filter.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
        api.get(&format!("/auditrecords?size=500&filter={filter}"))["items"].as_array().expect("items").clone()
    };
    let (contoso, fourth) = (of(CONTOSO), of(FOURTH));
    for (records, operation, kind) in [
        (&contoso, "update_subscription", "subscription"),
        (&contoso, "create_agreement", "agreement"),
        (&contoso, "update_customer_spending_budget", "spending_limit"),
        (&fourth, "create_order", "order"),
    ] {
        let record =
            records.iter().find(|record| record["operationType"] == operation).unwrap_or_else(|| panic!("{operation}: {records:?}"));
        assert_eq!((&record["resourceType"], &record["operationStatus"]), (&json!(kind), &json!("succeeded")));
        let new: Value = serde_json::from_str(record["resourceNewValue"].as_str().expect("JSON as text")).expect("JSON");
        assert!(new.is_object(), "{record}");
    }
    let of_kind = api.get("/auditrecords?filter=%7B%22Field%22:%22ResourceType%22,%22Value%22:%22order%22,%22Operator%22:%22equals%22%7D");
    let orders = of_kind["items"].as_array().expect("items");
    assert!(!orders.is_empty() && orders.iter().all(|record| record["operationType"] == "create_order"), "{orders:?}");
}

#[test]
fn embedded() {
    everything(&Place::embedded());
}

#[test]
fn distributed() {
    everything(&Place::distributed());
}
