//! Lists, searches and counts.

use super::*;

#[tokio::test]
async fn counts_follow_what_changes() {
    const MANY: u128 = 4_500; // more than are counted at once
    let fixture = fixture().await;
    let of = |n: u128, version, state| {
        let mut row = transition(n, version, state);
        row.partner_id = id(1_000 + n % 2);
        changed(row)
    };
    let filter = |partner: Option<u128>, state| Filter { partner: partner.map(id), state, ..Filter::default() };
    let total = async |filter: Filter| fixture.model.list(&filter, None, 1).await.unwrap().total;
    assert_eq!(total(filter(None, None)).await, Some(0));
    fixture.tell((1..=MANY).map(|n| of(n, 1, State::Requested))).await;
    assert_eq!(total(filter(None, None)).await, Some(4_500));
    assert_eq!(total(filter(Some(1_001), Some(State::Requested))).await, Some(2_250));
    // one moves on twice in between, another repeats itself, one comes late
    fixture.tell([of(1, 2, State::CheckingEligibility), of(2, 3, State::Compensated)]).await;
    fixture.tell([of(1, 5, State::Completed), of(3, 1, State::Requested), of(2, 2, State::PurchasingPlans)]).await;
    for (partner, state, expected) in [
        (None, None, 4_500),
        (None, Some(State::Requested), 4_498),
        (Some(1_001), Some(State::Requested), 2_249),
        (Some(1_001), Some(State::Completed), 1),
        (Some(1_000), Some(State::Completed), 0),
        (Some(1_000), Some(State::Compensated), 1),
        (None, Some(State::CheckingEligibility), 0),
        (None, Some(State::PurchasingPlans), 0),
        (Some(9), None, 0),
    ] {
        assert_eq!(total(filter(partner, state)).await, Some(expected), "{partner:?} {state:?}");
        let page = fixture.model.list(&filter(partner, state), None, 5_000).await.unwrap();
        assert_eq!(page.rows.len() as u64, expected, "the count is what the list has");
    }
    // what has a time in it is counted itself
    let before = |second| Filter { started_before: Some(at(second)), ..Filter::default() };
    assert_eq!((total(before(11)).await, total(before(1)).await), (Some(10), Some(0)));

    // who waits is not kept for long, and what is left is counted by and by
    fixture.tell((1..=12_001).map(|n| of(n, 6, State::NeedsOperator))).await;
    assert_eq!(total(filter(None, None)).await, None);
    assert!(total(before(12_000)).await.is_none(), "more than are counted");
    assert!(fixture.model.count_changes(10).await.unwrap());
    assert_eq!(total(filter(None, None)).await, Some(12_001));
    let both = async |n: u128| fixture.tell([of(n, 7, State::SuspendingCommerce)]).await;
    tokio::join!(both(1), both(2), async { fixture.model.count_changes(2).await.unwrap() }, async {
        fixture.model.count_changes(2).await.unwrap()
    });
    assert_eq!((total(filter(None, Some(State::SuspendingCommerce))).await, total(filter(None, None)).await), (Some(2), Some(12_001)));
}

#[tokio::test]
async fn lists_are_read_by_key_and_any_id_finds_its_transition() {
    let fixture = fixture().await;
    let mut events: Vec<_> =
        (1..=7).map(|n| changed(transition(n, 1, if n % 2 == 0 { State::Completed } else { State::Requested }))).collect();
    events[1].transition.started_at = events[0].transition.started_at; // the id decides
    events[4].transition.partner_id = id(1_001);
    events[2].lines = vec![line(33, 0, 1)];
    events[3].plans = vec![plan("10", 77, 1)];
    fixture.tell(events).await;

    let all = [7, 6, 5, 4, 3, 2, 1];
    assert_eq!(fixture.ids(Filter::default()).await, all);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.model.list(&Filter::default(), after, 2).await.unwrap();
        assert!(page.rows.len() <= 2 && page.total == Some(7));
        seen.extend(page.rows.iter().map(|row| row.id.0.as_u128()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all, "no row twice, none left out");

    assert_eq!(fixture.ids(Filter { state: Some(State::Completed), ..Filter::default() }).await, [6, 4, 2]);
    assert_eq!(fixture.ids(Filter { partner: Some(id(1_001)), ..Filter::default() }).await, [5]);
    assert_eq!(fixture.ids(Filter { partner: Some(id(1_001)), state: Some(State::Completed), ..Filter::default() }).await, [0; 0]);
    assert_eq!(fixture.ids(Filter { customer: Some(id(2_003)), ..Filter::default() }).await, [3]);
    for (any, found) in [(6, 6), (2_006, 6), (33, 3), (500_033, 3), (77, 4)] {
        assert_eq!(fixture.ids(Filter { any_id: Some(Uuid::from_u128(any)), ..Filter::default() }).await, [found], "{any}");
    }
    assert_eq!(fixture.ids(Filter { any_id: Some(Uuid::from_u128(99)), ..Filter::default() }).await, [0; 0]);
}

#[tokio::test]
async fn the_newest_transitions_of_a_customer_are_found() {
    let fixture = fixture().await;
    let of_customer = |n, state| {
        let mut row = transition(n, 1, state);
        row.customer_id = id(5);
        changed(row)
    };
    fixture.tell([of_customer(1, State::Completed), of_customer(2, State::Completed), of_customer(3, State::Ineligible)]).await;
    assert!(fixture.model.open_of(id(1_000), id(5)).await.unwrap().is_none());
    assert_eq!(fixture.model.completed_of(id(1_000), id(5)).await.unwrap().unwrap().row.id, id(2));
    fixture.tell([of_customer(4, State::NeedsOperator)]).await;
    assert_eq!(fixture.model.open_of(id(1_000), id(5)).await.unwrap().unwrap().row.id, id(4));
    assert!(fixture.model.open_of(id(1_001), id(5)).await.unwrap().is_none(), "another partner's");
}

#[tokio::test]
async fn a_search_goes_on_where_it_has_come_to_also_where_it_has_found_nothing() {
    let fixture = fixture().await;
    fixture
        .tell((1..=4_500).map(|n| {
            let mut row = transition(n, 1, State::Completed);
            if n == 7 || n == 4_499 {
                row.started_by = "Zoë".into();
            }
            changed(row)
        }))
        .await;
    let (mut after, mut found, mut pages) = (None, Vec::new(), Vec::new());
    loop {
        let page = fixture.model.search(&Filter::default(), "zoË", after, 100).await.unwrap();
        found.extend(page.rows.iter().map(|row| row.id.0.as_u128()));
        pages.push(page.looked_through);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), (vec![4_499, 7], vec![2_000, 2_000, 500]));
}

#[tokio::test]
async fn customers_are_listed_by_name_and_found_by_name_domain_and_reseller() {
    let fixture = fixture().await;
    let mpn = |text: &str| MpnId::try_new(text).unwrap();
    let told = |version, at_second, customers: &[(u128, &str, &[&str])]| AccountImported {
        partner_id: id(1),
        partner_name: "p".into(),
        begun_at: Some(at(at_second)),
        customers: customers
            .iter()
            .map(|(n, name, resellers)| ImportedCustomer {
                customer_id: id(*n),
                version,
                company_name: (*name).into(),
                domain: format!("C{n}.example"),
                country: "FR".into(),
                relationship_to_partner: Some(Relationship::Reseller),
                budget: None,
                part: 0,
                azure_subscriptions: None,
                currency_code: "EUR".into(),
                resellers: resellers.iter().map(|text| mpn(text)).collect(),
            })
            .collect(),
        resellers: [("10", 510_u128), ("20", 520)]
            .map(|(text, tenant)| ResellerFacts {
                id: Some(id(tenant)),
                mpn_id: mpn(text),
                name: format!("of second {at_second}"),
                state: "Active".into(),
                location: None,
                is_agreement_signed: true,
            })
            .to_vec(),
        audit: Vec::new(),
    };
    let tell = async |event| {
        let mut changes = Changes::default();
        changes.account(event);
        fixture.model.apply(&changes, at(0), GAP).await.unwrap();
    };
    tell(told(1, 50, &[(1, "zeta", &["10"]), (2, "Alpha 50%", &["10", "20"]), (3, "alpha", &[]), (4, "Émile", &["20"])])).await;
    tell(told(2, 40, &[(1, "zeta", &["20"])])).await; // its reseller has changed; and told late, by an import that began earlier
    let other = AccountImported { partner_id: id(2), resellers: Vec::new(), ..told(1, 50, &[(1, "alpha", &[])]) };
    tell(other).await;

    let ids = async |filter: CustomerFilter| {
        let page = fixture.model.customers(&filter, None, 100, None).await.unwrap();
        assert_eq!((page.total, page.next), (page.rows.len() as u64, None));
        page.rows.iter().map(|row| (row.partner_id.0.as_u128(), row.customer_id.0.as_u128())).collect::<Vec<_>>()
    };
    let all = [(2, 1), (1, 3), (1, 2), (1, 1), (1, 4)];
    assert_eq!(ids(CustomerFilter::default()).await, all, "by name without regard to case, then by id");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.model.customers(&CustomerFilter::default(), after, 2, None).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.rows.iter().map(|row| (row.partner_id.0.as_u128(), row.customer_id.0.as_u128())));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let own = || CustomerFilter { partner: Some(id(1)), ..CustomerFilter::default() };
    assert_eq!(ids(own()).await, all[1..]);
    let named = |pattern| CustomerFilter { name: Some(pattern), ..own() };
    assert_eq!(ids(named(Pattern::new("", "ALPHA", "%", false))).await, [(1, 3), (1, 2)]);
    assert_eq!(ids(named(Pattern::new("", "alpha", "%", true))).await, [(1, 1), (1, 4)]);
    assert_eq!(ids(named(Pattern::new("%", "0%", "%", false))).await, [(1, 2)], "a percent sign is one");
    assert_eq!(ids(named(Pattern::new("", "alph_", "", false))).await, [(0, 0); 0], "and so is an underscore");
    let domain = Pattern::new("", "c4.EXAMPLE", "", false);
    assert_eq!(ids(CustomerFilter { domain: Some(domain), ..own() }).await, [(1, 4)]);
    let of_reseller = |tenant: u128| CustomerFilter { reseller: Some(Uuid::from_u128(tenant)), ..CustomerFilter::default() };
    assert_eq!(ids(of_reseller(510)).await, [(1, 2)], "not the customer that has changed");
    assert_eq!(ids(of_reseller(520)).await, [(1, 2), (1, 1), (1, 4)]);

    let resellers = fixture.model.resellers(Some(id(1)), (None, None), None, 10).await.unwrap();
    assert_eq!(resellers.iter().map(|row| row.facts.name.as_str()).collect::<Vec<_>>(), ["of second 50"; 2], "the later import holds");
    assert_eq!(fixture.model.resellers(Some(id(1)), (None, None), Some((id(1), "10".into())), 10).await.unwrap(), resellers[1..]);
    assert_eq!(fixture.model.resellers(None, (Some(&mpn("20")), None), None, 10).await.unwrap(), resellers[1..]);
    assert_eq!(fixture.model.resellers(None, (None, Some(Uuid::from_u128(510))), None, 10).await.unwrap(), resellers[..1]);
    assert!(fixture.model.resellers(Some(id(2)), (None, None), None, 10).await.unwrap().is_empty());
    assert_eq!(
        (fixture.model.count_resellers(Some(id(1))).await.unwrap(), fixture.model.count_resellers(Some(id(2))).await.unwrap()),
        (2, 0)
    );
}
