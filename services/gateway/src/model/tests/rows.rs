//! What is kept of each thing: its newest version, whatever comes in which order.

use super::*;

#[tokio::test]
async fn order_and_duplicates_do_not_matter() {
    let mut expected = None;
    // forwards, backwards, twice, one at a time, all at once, and cut in the middle
    for order in [vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0], vec![2, 2, 4, 0, 4, 1, 3, 0], vec![3, 0, 4, 2, 1]] {
        for size in [1, 2, 5] {
            let fixture = fixture().await;
            for batch in order.chunks(size) {
                fixture.tell(batch.iter().map(|n| story().swap_remove(*n))).await;
            }
            let parts = fixture.model.parts(id(1)).await.unwrap().unwrap();
            assert!(parts.known.whole && parts.known.settled() && parts.known.row.version == 5);
            let history = fixture.model.history(id(1), 0, 100).await.unwrap();
            assert_eq!(history.iter().map(|e| e.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
            let got = (parts.known.row, parts.lines, parts.plans, parts.packets.len(), history);
            assert_eq!(expected.get_or_insert_with(|| got.clone()), &got, "{order:?} by {size}");
        }
    }
    let (_, lines, ..) = expected.unwrap();
    assert_eq!(lines[0].error.as_ref().unwrap().1.code, "2012");
    assert_eq!(lines[1].undo, Some(Evidence::Undone));
}

#[tokio::test]
async fn a_gap_is_asked_for_once_it_has_lasted_and_not_when_it_closes() {
    let fixture = fixture().await;
    let claim = async |second| fixture.model.claim_gaps(at(second), GAP).await.unwrap();
    let mut events = story();
    let last = events.pop().unwrap();
    fixture.tell_at(100, [last.clone()]).await;
    let known = fixture.model.transition(id(1)).await.unwrap().unwrap();
    assert!(!known.whole && !known.settled(), "its end is known, and not what led to it");
    // later news do not make the gap any younger
    fixture.tell_at(105, [last]).await;
    assert!(claim(109).await.is_empty());
    assert_eq!(claim(110).await, [id::<TransitionId>(1)]);
    assert!(claim(119).await.is_empty(), "asked once, then waited for");
    assert_eq!(claim(120).await.len(), 1);
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().settled(), "asked for often enough: shown as it is");
    fixture.tell_at(121, events).await;
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().whole);
    assert!(claim(1_000).await.is_empty());
}

#[tokio::test]
async fn one_under_way_of_which_nothing_more_is_told_is_asked_for() {
    let fixture = fixture().await;
    let mut quiet = transition(1, 3, State::MappingSubscriptions);
    quiet.history = 0;
    let mut told = transition(2, 3, State::MappingSubscriptions);
    told.history = 0;
    let mut ended = transition(3, 3, State::Ineligible);
    ended.history = 0;
    fixture.tell_at(0, [quiet, told.clone(), ended].map(changed)).await;
    let claim = async |second| fixture.model.claim_gaps(at(second), GAP).await.unwrap();
    assert!(claim(1_000).await.is_empty(), "nothing shows that anything is missing");
    assert_eq!(fixture.model.doubt_unsettled(at(1_000), GAP).await.unwrap(), 2);
    told.version = 4;
    fixture.tell_at(1_005, [changed(told)]).await;
    assert_eq!(claim(1_010).await, [id::<TransitionId>(1)], "the other one has told by itself");
}

#[tokio::test]
async fn a_completed_one_is_whole_when_its_packets_are_there_too() {
    let fixture = fixture().await;
    let mut row = transition(1, 9, State::Completed);
    row.lines = 2;
    let lines = vec![line(11, 0, 3), line(12, 1, 3)];
    fixture.tell([TransitionChanged { lines, packets: vec![packet(Step::Eligibility, 1, 3)], ..changed(row.clone()) }]).await;
    assert!(!fixture.model.transition(id(1)).await.unwrap().unwrap().whole, "eligibility's packet 0 is missing");
    let some =
        vec![packet(Step::Eligibility, 0, 3), packet(Step::Mapping, 0, 4), packet(Step::Mapping, 1, 5), packet(Step::Suspension, 0, 6)];
    fixture.tell([TransitionChanged { packets: some, ..changed(row.clone()) }]).await;
    assert!(!fixture.model.transition(id(1)).await.unwrap().unwrap().whole, "a packet of suspension is missing");
    fixture.tell([TransitionChanged { packets: vec![packet(Step::Suspension, 1, 7)], ..changed(row) }]).await;
    assert!(fixture.model.transition(id(1)).await.unwrap().unwrap().whole);
}

#[tokio::test]
async fn customers_keep_their_newest_version() {
    let fixture = fixture().await;
    let tell = async |partner, version, name: &str| {
        let mut changes = Changes::default();
        let told = ImportedCustomer {
            customer_id: id(5),
            version,
            company_name: name.into(),
            domain: "d".into(),
            country: "FR".into(),
            relationship_to_partner: None,
            budget: None,
            part: 0,
            azure_subscriptions: None,
            currency_code: "EUR".into(),
            resellers: Vec::new(),
        };
        let (partner_name, begun_at, resellers) = ("p".into(), None, Vec::new());
        changes.account(AccountImported {
            partner_id: id(partner),
            partner_name,
            begun_at,
            customers: vec![told],
            resellers,
            audit: Vec::new(),
        });
        fixture.model.apply(&changes, at(0), GAP).await.unwrap();
    };
    for (version, name) in [(2, "two"), (0, "none"), (3, "three"), (1, "one")] {
        tell(1, version, name).await;
    }
    tell(2, 1, "other").await;
    assert_eq!(fixture.model.partners_of(id(5)).await.unwrap(), [id(1), id(2)]);
    static NAME: planshift_storage::Statement =
        planshift_storage::Statement::new("SELECT company_name FROM customers WHERE partner_id = $1");
    let rows = fixture.model.database.query(&NAME, planshift_storage::Args::new().value(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(rows[0].get::<String>(0).unwrap(), "three");
}

#[tokio::test]
async fn a_key_has_one_request_and_one_answer() {
    let fixture = fixture().await;
    let (partner, key) = (Uuid::nil(), Uuid::from_u128(9));
    let reserve = async |hash: &str| fixture.model.reserve(partner, key, "POST /x", hash, at(0)).await.unwrap();
    assert_eq!(reserve("a").await, Reserved::UnderWay);
    assert_eq!(reserve("a").await, Reserved::UnderWay);
    assert_eq!(reserve("b").await, Reserved::Another);
    let answer = |status| StoredAnswer { status, headers: vec![("location".into(), "x".into())], body: "{}".into() };
    assert_eq!(fixture.model.answer(partner, key, answer(202)).await.unwrap(), answer(202));
    assert_eq!(fixture.model.answer(partner, key, answer(403)).await.unwrap(), answer(202), "the first one stays");
    assert_eq!(reserve("a").await, Reserved::Answered(answer(202)));
    assert_eq!(reserve("b").await, Reserved::Another);
    assert_eq!(fixture.model.forget_requests(at(0)).await.unwrap(), 0);
    assert_eq!(fixture.model.forget_requests(at(1)).await.unwrap(), 1);
    assert_eq!(reserve("b").await, Reserved::UnderWay);
}

/// Packets 0 and 2 of 3 had come when it was cancelled, and the one between never will.
#[tokio::test]
async fn a_check_that_was_cancelled_in_the_middle_leaves_no_gap() {
    let fixture = fixture().await;
    let mut row = transition(1, 5, State::Compensated);
    row.history = 1;
    let packets = vec![packet(Step::Eligibility, 0, 3), packet(Step::Eligibility, 2, 3)];
    fixture.tell([TransitionChanged { packets, history: vec![entry(1)], ..changed(row) }]).await;
    assert!(fixture.model.transition(TransitionId(Uuid::from_u128(1))).await.unwrap().unwrap().settled());
}

/// Two transitions of one customer: the first failed and was undone, the second moved its lines under the same plan.
#[tokio::test]
async fn how_subscriptions_and_plans_stand_is_what_all_transitions_made_of_them() {
    let fixture = fixture().await;
    let (partner, customer) = (id(1_000), id(5));
    let of = |n: u128, state, lines: Vec<_>, plan_status, reused, packets| {
        let mut row = transition(n, 9, state);
        (row.customer_id, row.effective_at, row.ended_at) = (customer, Some(at(3_600)), Some(at(100 + i64::try_from(n).unwrap())));
        (row.lines, row.plans) = (u32::try_from(lines.len()).unwrap(), 1);
        let mut bought = plan("10", 77, 5);
        (bought.status, bought.reused) = (Some(plan_status), reused);
        TransitionChanged { lines, plans: vec![bought], packets, ..changed(row) }
    };
    let (mut undone, mut failed) = (line(11, 0, 5), line(12, 0, 5));
    undone.undo = Some(Evidence::Undone);
    failed.error = Some((Step::Mapping, ItemError { code: "2012".into(), description: "no".into() }));
    failed.undo = Some(Evidence::Fenced);
    let first = of(1, State::Compensated, vec![undone, failed], PlanStatus::Suspended, false, vec![packet(Step::Mapping, 0, 4)]);
    fixture.tell([first]).await;
    let standings = async |ids: &[u128]| fixture.model.standings(partner, customer, ids.iter().map(|n| id(*n))).await.unwrap();
    let standing = &standings(&[11, 99]).await[&id(11)];
    assert_eq!((standing.plan_id, standing.effective_at, standing.suspended), (None, None, None));
    let own = fixture.model.own_plans(partner, customer).await.unwrap();
    assert_eq!((own.len(), own[0].id, own[0].status, own[0].bought_at), (1, id(77), PlanStatus::Suspended, Some(at(1))));
    assert_eq!(fixture.model.under_plan((partner, customer), id(77), Uuid::nil(), 10, None).await.unwrap(), (Vec::new(), 0));

    // more lines than a page, and one whose suspension has not been answered yet
    let mut lines: Vec<_> = (11..=15).map(|n| line(n, 0, 5)).collect();
    lines.push(line(16, 1, 5));
    let packets = vec![packet(Step::Mapping, 0, 4), packet(Step::Mapping, 1, 4), packet(Step::Suspension, 0, 6)];
    fixture.tell([of(2, State::SuspendingCommerce, lines, PlanStatus::Active, true, packets)]).await;
    let now = standings(&[11, 16]).await;
    assert_eq!((now[&id(11)].plan_id, now[&id(11)].suspended, now[&id(11)].transition_id), (Some(id(77)), Some(Some(at(102))), id(2)));
    assert_eq!((now[&id(16)].plan_id, now[&id(16)].suspended), (Some(id(77)), None));
    let own = fixture.model.own_plans(partner, customer).await.unwrap();
    assert_eq!((own[0].status, own[0].bought_at), (PlanStatus::Active, Some(at(1))), "when it was bought stays");
    let (mut seen, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let (page, total) = fixture.model.under_plan((partner, customer), id(77), after, 2, None).await.unwrap();
        assert_eq!(total, 6);
        let Some(last) = page.last() else { break };
        after = last.azure_subscription_id.0;
        seen.extend(page.iter().map(|standing| standing.azure_subscription_id.0.as_u128()));
    }
    assert_eq!(seen, [11, 12, 13, 14, 15, 16]);
    assert!(fixture.model.standings(id(1_001), customer, [id(11)]).await.unwrap().is_empty(), "another partner's");
    assert!(fixture.model.own_plans(id(1_001), customer).await.unwrap().is_empty());
    assert!(fixture.model.versions_of(partner, customer).await.unwrap() == 18);
}
