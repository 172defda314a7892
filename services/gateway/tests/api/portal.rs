//! Pages of batches, schedules and operations, as a browser without scripts asks for them. What people see of them in a browser is checked
//! there (tests/browser); here is what the API behind them was made to do.

use crate::{
    batches::Fake,
    letters::{Mapping, bury},
    upgrades::{assessed, finding},
    world::*,
};
use planshift_domain::{
    message::{
        Body as _,
        request::{AssessCustomer, CustomerAssessed},
    },
    step::{Action, Step},
    transition::{Findings, PacketRow, State},
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::Value;
use uuid::Uuid;

const FORM: &str = "application/x-www-form-urlencoded";

/// A page, and its status.
async fn page(world: &World, path: &str) -> (u16, String) {
    let response = world.get(path).header("accept", "text/html").send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A form is sent; where it leads to is looked at.
async fn sent(world: &World, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
    let request = world.client.post(format!("{}{path}", world.base)).header("accept", "text/html").header("content-type", kind);
    let response = request.body(body.into()).send().await.unwrap();
    let status = response.status().as_u16();
    match response.headers().get("location").map(|to| to.to_str().unwrap().to_owned()) {
        Some(to) => page(world, &to).await,
        None => (status, response.text().await.unwrap()),
    }
}

async fn pressed(world: &World, path: &str, fields: &str) -> (u16, String) {
    sent(world, path, FORM, format!("key={}&{fields}", Uuid::new_v4())).await
}

/// A form with a file.
fn with_file(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let key = Uuid::new_v4().to_string();
    let mut body = Vec::new();
    for (name, value) in fields.iter().chain(&[("key", key.as_str())]) {
        body.extend(format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--xyz--\r\n");
    body
}

async fn upload(world: &World, reference: &str, file: &[u8]) -> (u16, String) {
    let body = with_file(&[("source", "file"), ("reference", reference)], file);
    sent(world, "/portal/batches/upload", "multipart/form-data; boundary=xyz", body).await
}

async fn batches(world: &World) -> Vec<Value> {
    let listed: Value = world.get("/v1/productUpgrades/batches").send().await.unwrap().json().await.unwrap();
    listed["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_becomes_a_batch_with_a_dry_run_or_is_told_what_is_wrong_with_it() {
    let fake = Fake::default();
    let world = World::new(fake.script()).await;
    for n in [1, 2] {
        world.tell_customer(1, n).await;
    }
    let (status, text) = upload(&world, "wrong", format!("customerId\r\n{}\r\n<b>x</b>\r\n", guid(1)).as_bytes()).await;
    assert_eq!(status, 400);
    for part in ["1</b> faults. Nothing of it was taken", "&lt;b&gt;x&lt;/b&gt;", "customerId", "value=\"wrong\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, _) = upload(&world, "empty", b"").await;
    assert_eq!(status, 400);
    assert!(batches(&world).await.is_empty(), "nothing was taken");
    for wrong in [&b"--xyz\r\n"[..], b"", b"--xyz\r\nContent-Disposition: form-data; name=\"source\"\r\n\r\nall"] {
        let (status, text) = sent(&world, "/portal/batches/upload", "multipart/form-data; boundary=xyz", wrong).await;
        assert_eq!((status, text.contains("The form cannot be read")), (400, true), "{text}");
    }
    // both kinds of files, and a file that says something itself
    let (status, text) = upload(&world, "table", format!("customerId\n{}\n", guid(1)).as_bytes()).await;
    assert_eq!((status, text.contains("<h1>table</h1>")), (200, true), "{text}");
    let document = format!("{{\"atOnce\": 7, \"rows\": [{{ \"customerId\": \"{}\" }}]}}", guid(2));
    let (status, text) = upload(&world, "document", document.as_bytes()).await;
    assert_eq!((status, text.contains("<h1>document</h1>")), (200, true), "{text}");
    let made = batches(&world).await;
    let shown: Vec<_> = made.iter().map(|one| (&one["externalReferenceId"], &one["options"]["dryRun"], &one["options"]["start"])).collect();
    assert_eq!(shown, [(&"document".into(), &true.into(), &false.into()), (&"table".into(), &true.into(), &false.into())]);
    assert_eq!(made[0]["options"]["atOnce"], 7, "the file's own word");
    assert!(fake.inner().started.is_empty(), "nothing has begun");
}

#[tokio::test]
async fn acts_on_a_batch_have_their_reasons_and_a_schedule_is_made_and_moved() {
    let fake = Fake::default();
    let world = World::new(fake.script()).await;
    for n in [1, 2] {
        world.tell_customer(1, n).await;
    }
    upload(&world, "one", format!("customerId\n{}\n", guid(1)).as_bytes()).await;
    let id = batches(&world).await[0]["batchId"].as_str().unwrap().to_owned();
    let here = format!("/portal/batches/{id}");
    world.eventually(async || page(&world, &here).await.1.contains("act=start")).await;
    let (status, text) = page(&world, &format!("{here}/act?act=start")).await;
    assert!(status == 200 && text.contains("name=\"keep\"") && text.contains("name=\"reason\""), "{text}");
    assert_eq!(page(&world, &format!("{here}/act?act=fly")).await.0, 400);
    let (status, _) = pressed(&world, &format!("{here}/act"), "act=start&keep=1&reason=because+%26+so").await;
    assert_eq!(status, 200);
    world.eventually(async || page(&world, &here).await.1.contains("because &amp; so")).await;
    world.eventually(async || !fake.inner().started.is_empty()).await;
    world.eventually(async || !page(&world, &here).await.1.contains("act=start")).await;
    let (status, table) = page(&world, &format!("{here}/results?format=csv")).await;
    assert!(status == 200 && table.starts_with("row,customerId") && table.contains(&guid(1)), "{table}");

    let later = planshift_worker::Ports::system().clock.now().plus_seconds(20 * 24 * 3600).to_string()[..10].to_owned();
    let fields = format!("customers={}&reference=night&timezone=Europe%2FParis&day=Saturday&from=22%3A00&to=05%3A00", guid(2));
    let (status, text) = pressed(&world, "/portal/schedules", &format!("{fields}&on=yesterday&spread=0&reason=why")).await;
    assert!(status == 400 && text.contains("yesterday") && text.contains(&guid(2)) && text.contains("value=\"why\""), "{text}");
    for fault in
        ["at-fault\"", "spread-fault\"", "href=\"#spread\"", "<option selected>Europe/Paris</option>", "value=\"Saturday\" checked"]
    {
        assert!(text.contains(fault), "{fault}: {text}");
    }
    assert!(!text.contains("id=\"timezone-fault") && !text.contains("id=\"window-fault"), "what is right is not at fault: {text}");
    let (status, text) = pressed(&world, "/portal/schedules", "customers=x&timezone=Mars%2FBase&from=22%3A00&on=2020-01-01").await;
    for fault in ["id=\"customerids-fault\"", "id=\"timezone-fault\"", "id=\"window-fault\"", "<option selected>Mars/Base</option>"] {
        assert!(status == 400 && text.contains(fault), "{fault}: {text}");
    }
    let (status, text) = pressed(&world, "/portal/schedules", &format!("{fields}&on={later}&spread=1")).await;
    assert!(status == 200 && text.contains("<h1>night</h1>") && text.contains("22:00 – 05:00") && text.contains("Saturday"), "{text}");
    let listed: Value = world.get("/v1/productUpgrades/schedules").send().await.unwrap().json().await.unwrap();
    let here = format!("/portal/schedules/{}", listed["items"][0]["scheduleId"].as_str().unwrap());
    let (status, text) = pressed(&world, &format!("{here}/move"), &format!("on={later}&time=10%3A00&timezone=UTC&reason=asked")).await;
    assert!(status == 200 && text.contains("asked") && text.contains(&format!("{later}T10:00:00, UTC")), "{text}");
    let (status, text) = pressed(&world, &format!("{here}/cancel"), "reason=no").await;
    assert!(status == 200 && !text.contains("/cancel\""), "{text}");
    assert_eq!(pressed(&world, &format!("{here}/cancel"), "").await.0, 409);
}

/// Eligibility: customer 2,001 is blocked by one thing, 2,002 by three, of which one is that it moves already.
fn eligibility(delivery: &Delivery) -> Vec<Outgoing> {
    if delivery.message.kind != AssessCustomer::TYPE {
        return Vec::new();
    }
    let question: AssessCustomer = codec::body(&delivery.message).unwrap();
    let codes: &[&str] = match question.customer_id.0.as_u128() {
        2_001 => &["PendingOrder"],
        2_002 => &["UpgradeInProgress", "PendingOrder", "TenantMismatch"],
        _ => &[],
    };
    let outcome = assessed(false, codes.iter().map(|code| finding(code, "c")).collect());
    vec![answer(delivery, &CustomerAssessed { request_id: question.request_id, outcome })]
}

#[tokio::test]
async fn customers_that_nobody_has_looked_at_are_looked_at_and_found_by_what_stands_in_their_way() {
    let world = World::new(eligibility).await;
    for n in 2_001..=2_003 {
        world.tell_customer(1, n).await;
    }
    let order = |text: &str| -> Vec<u32> {
        let places = (2_001..=2_003).filter_map(|n: u32| Some((text.find(&format!("/portal/customers/{}\"", guid(n.into())))?, n)));
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        places.into_iter().map(|(_, n)| n).collect()
    };
    let (_, text) = page(&world, "/portal/customers?sort=blockers&back=1").await;
    assert!(text.contains("data-left=\"3\""), "nobody has looked: {text}");
    let (status, text) = pressed(&world, "/portal/customers/look", "sort=blockers&back=1").await;
    assert_eq!((status, text.contains("data-left"), order(&text)), (200, false, vec![2_002, 2_001, 2_003]), "{text}");
    let (_, text) = page(&world, "/portal/customers?way=free").await;
    assert_eq!(order(&text), [2_003]);
    // what a page shows is known by it, too
    let (_, text) = page(&world, &format!("/portal/blockers?customers={},{}", guid(2_002), guid(2_003))).await;
    assert!(text.contains("+1") && text.contains("Nothing"), "{text}");
    let (status, text) = page(&world, "/portal/customers?way=somehow").await;
    assert!(status == 400 && text.contains("way"), "{text}");
}

#[tokio::test]
async fn a_dry_run_has_looked_at_its_customers() {
    let fake = Fake::default();
    fake.inner().refused = [2].into_iter().collect();
    let world = World::new(fake.script()).await;
    for n in 1..=4 {
        world.tell_customer(1, n).await;
    }
    let shown = async |way: &str| {
        let (_, text) = page(&world, &format!("/portal/customers?way={way}")).await;
        (1..=4).filter(|n: &u32| text.contains(&format!("/portal/customers/{}\"", guid((*n).into())))).collect::<Vec<_>>()
    };
    assert_eq!(shown("unknown").await, [1, 2, 3, 4]);
    upload(&world, "dry", format!("customerId\n{}\n{}\n{}\n", guid(1), guid(2), guid(3)).as_bytes()).await;
    world.eventually(async || batches(&world).await[0]["state"] == "Planned").await;
    assert_eq!((shown("free").await, shown("blocked").await, shown("unknown").await), (vec![1, 3], vec![2], vec![4]));
    // the plan's number is the one that a look finds: two things, so it is before those with one and none
    let (_, text) = page(&world, "/portal/customers?sort=blockers&back=1").await;
    let place = |n: u128| text.find(&format!("/portal/customers/{}\"", guid(n))).unwrap();
    assert!(place(2) < place(3) && place(3) < place(4) && text.contains("data-left=\"1\""), "{text}");
    assert!(fake.inner().started.is_empty());
}

#[tokio::test]
async fn an_operator_of_several_partners_chooses_one_by_name() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_001).await;
    world.tell_customer(2, 2_002).await;
    for path in ["/portal/customers", "/portal/billing", "/portal/batches/new", "/portal/schedules/new"] {
        let (status, text) = page(&world, path).await;
        // both are called P: the beginning of the id tells them apart where one is chosen
        let choice = format!("<option value=\"{}\"", guid(2));
        assert!(status == 200 && text.contains(&choice) && text.contains(">P"), "{path}: {text}");
    }
    let (_, text) = page(&world, &format!("/portal/billing?partnerId={}", guid(2))).await;
    assert!(text.contains("Another partner"), "{text}");
}

#[tokio::test]
async fn an_operator_sorts_the_customers_of_several_partners_and_looks_at_all_of_them() {
    let world = World::new(eligibility).await;
    for (partner, n) in [(1, 2_001), (2, 2_002), (2, 2_003), (1, 2_003)] {
        world.tell_customer(partner, n).await;
    }
    let order = |text: &str| -> Vec<(u32, u32)> {
        let all = [(1, 2_001), (2, 2_002), (2, 2_003), (1, 2_003)];
        let link = |(partner, n): (u32, u32)| format!("/portal/customers/{}?partnerId={}\"", guid(n.into()), guid(partner.into()));
        let mut places: Vec<_> = all.into_iter().filter_map(|one| Some((text.find(&link(one))?, one))).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, one)| one).collect()
    };
    let (_, text) = page(&world, "/portal/customers?sort=blockers&back=1").await;
    assert!(text.contains("data-left=\"4\"") && text.contains("sort=country"), "nobody has looked: {text}");
    let (status, text) = pressed(&world, "/portal/customers/look", "sort=blockers&back=1").await;
    let worst_first = vec![(2, 2_002), (1, 2_001), (2, 2_003), (1, 2_003)];
    assert_eq!((status, text.contains("data-left"), order(&text)), (200, false, worst_first.clone()), "{text}");
    let (_, text) = page(&world, "/portal/customers?way=free&sort=country").await;
    assert_eq!(order(&text), [(1, 2_003), (2, 2_003)]);
    for sort in ["name", "country", "state", "azure", "reseller", "blockers"] {
        for back in ["", "&back=1"] {
            let (status, text) = page(&world, &format!("/portal/customers?sort={sort}{back}")).await;
            let mark = if back.is_empty() { "ascending" } else { "descending" };
            assert!(status == 200 && order(&text).len() == 4 && text.contains(&format!("aria-sort=\"{mark}\"")), "{sort} {back}: {text}");
        }
    }
}

#[tokio::test]
async fn a_customer_that_has_moved_stays_moved_and_what_is_left_of_it_is_told_beside() {
    let world = World::new(eligibility).await;
    for n in 2_001..=2_003 {
        world.tell_customer(1, n).await;
        world.tell(changed(n - 2_000, 5, State::Completed)).await;
    }
    // each is tried again: one has nothing left, one is blocked by something else, one is undone
    for (n, of, state, code) in [
        (11, 2_001, State::Ineligible, "UpgradeAlreadyCompleted"),
        (12, 2_002, State::Ineligible, "PendingOrder"),
        (13, 2_003, State::Compensated, ""),
    ] {
        let mut event = changed(n, 5, state);
        event.transition.customer_id = id(of);
        let findings = Findings { reasons: vec![finding(code, "c")], ..Findings::default() };
        event.packets = vec![PacketRow {
            step: Step::Eligibility,
            action: Action::Do,
            packet: 0,
            attempt: 1,
            good: 1,
            refused: 0,
            findings,
            version: 4,
        }];
        world.tell(event).await;
    }
    let shown = async |path: &str| {
        let (status, text) = page(&world, path).await;
        assert_eq!(status, 200, "{path}: {text}");
        let has = |n: u32| text.contains(&format!("/portal/customers/{}\"", guid(n.into())));
        (2_001..=2_003).filter(|n| has(*n)).collect::<Vec<u32>>()
    };
    assert_eq!(shown("/portal/customers?state=completed").await, [2_001, 2_002, 2_003]);
    assert_eq!(shown("/portal/customers?state=blocked").await, [2_002]);
    assert_eq!(shown("/portal/customers?state=undone").await, [2_003]);
    assert_eq!(shown("/portal/customers?way=unknown").await, [2_002, 2_003], "what is left may be blocked");
    let (_, text) = page(&world, "/portal/customers?state=blocked").await;
    assert!(text.contains(">On the Azure plan</span>") && text.contains("what was left") && text.contains("data-blocker="), "{text}");
    let (_, text) = page(&world, &format!("/portal/customers?q={}", guid(2_001))).await;
    let row = &text[text.find("<tbody>").unwrap()..];
    assert!(
        row.contains(&format!("/portal/transitions/{}\"", guid(1))) && !row.contains("Blocked") && !row.contains("data-blocker="),
        "{row}"
    );
}

#[tokio::test]
async fn dead_letters_are_redriven_and_dropped_from_their_pages() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}", b"<i>no</i>", b"{\"a\":1}"]).await;
    let (status, text) = page(&world, "/portal/operations/letters").await;
    assert!(status == 200 && text.contains("AttemptsUsedUp") && text.contains("Unreadable"), "{text}");
    // the coordinator is silent: its part is missing, and says so; the others are there
    let (status, text) = page(&world, "/portal/operations").await;
    assert!(status == 200 && text.contains("This cannot be told now") && text.contains("AttemptsUsedUp"), "{text}");
    let listed: Value = world.get("/v1/deadLetters?code=Unreadable").send().await.unwrap().json().await.unwrap();
    let key = listed["items"][0]["key"].as_str().unwrap();
    let (_, text) = page(&world, &format!("/portal/operations/letters/{key}")).await;
    assert!(text.contains("&lt;i&gt;no&lt;/i&gt;"), "a body is text: {text}");

    let (_, text) = page(&world, "/portal/operations/redrive?code=AttemptsUsedUp").await;
    assert!(text.contains("<b>2</b> letters are meant"), "{text}");
    assert_eq!(pressed(&world, "/portal/operations/redrive", "code=AttemptsUsedUp").await.0, 400, "why?");
    assert_eq!(pressed(&world, "/portal/operations/redrive", "reason=x").await.0, 400, "which ones?");
    let mapping = Mapping::dying(&[]);
    mapping.start(&world);
    let (status, text) = pressed(&world, "/portal/operations/redrive", "code=AttemptsUsedUp&canary=1&rate=100&reason=mended").await;
    assert!(status == 200 && text.contains("mended"), "{text}");
    let listed: Value = world.get("/v1/deadLetters/redrives").send().await.unwrap().json().await.unwrap();
    let here = format!("/portal/operations/redrives/{}", listed["items"][0]["redriveId"].as_str().unwrap());
    world.eventually(async || page(&world, &here).await.1.contains("mark good")).await;
    assert_eq!(mapping.got().len(), 2, "those that were meant");
    let (status, _) = pressed(&world, "/portal/operations/drop", &format!("letter={key}&reason=noise")).await;
    assert_eq!(status, 200);
    let left: Value = world.get("/v1/deadLetters").send().await.unwrap().json().await.unwrap();
    assert_eq!(left["totalCount"], 0);
}
