//! Chains of customers and their records.

use super::*;

/// An entry of the chain of customer `n` of a partner.
fn audited(partner: u128, n: u128, number: u32, event: &str, second: i64) -> CustomerEntry {
    CustomerEntry {
        partner_id: id(partner),
        customer_id: id(n),
        number,
        at: at(second),
        event: event.into(),
        text: String::new(),
        actor: "maria".into(),
        transition: None,
        request_id: None,
        correlation_id: None,
        old_value: None,
        new_value: None,
        hash: String::new(),
    }
}

impl Fixture {
    async fn tell_of(&self, second: i64, entries: Vec<CustomerEntry>) {
        let mut changes = Changes::default();
        let customer = |n, name: &str| ImportedCustomer {
            customer_id: id(n),
            version: 1,
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
        let customers = vec![customer(5, "Contoso 100% Ltd"), customer(6, "Fabrikam")];
        let (begun_at, resellers) = (None, Vec::new());
        changes.account(AccountImported { partner_id: id(1), partner_name: "p".into(), begun_at, customers, resellers, audit: entries });
        self.model.apply(&changes, at(second), GAP).await.unwrap();
    }
}

#[tokio::test]
async fn a_gap_in_a_chain_is_asked_for_from_where_it_begins() {
    let fixture = fixture().await;
    let claim = async |second| fixture.model.claim_chain_gaps(at(second), GAP).await.unwrap();
    fixture.tell_of(100, vec![audited(1, 5, 1, event::IMPORTED, 1), audited(1, 5, 2, event::STARTED, 2)]).await;
    assert!(claim(1_000).await.is_empty(), "none is missing");
    fixture.tell_of(100, vec![audited(1, 5, 5, event::ENDED, 5), audited(1, 6, 2, event::STARTED, 2)]).await;
    assert!(claim(109).await.is_empty());
    let mut claimed = claim(110).await;
    claimed.sort();
    assert_eq!(claimed, [((id(1), id(5)), 2), ((id(1), id(6)), 0)]);
    assert!(claim(110).await.is_empty(), "asked once, then waited for");
    assert!(!fixture.model.chain((id(1), id(5))).await.unwrap().unwrap().whole);
    fixture
        .tell_of(120, vec![audited(1, 5, 4, event::MAPPED, 4), audited(1, 5, 3, event::CANCELLED, 3), audited(1, 6, 1, event::IMPORTED, 1)])
        .await;
    assert!(claim(1_000).await.is_empty());
    let chain = fixture.model.chain((id(1), id(5))).await.unwrap().unwrap();
    assert!(chain.whole && chain.entries.iter().map(|entry| entry.number).eq(1..=5));

    // far behind the place up to which it was known to be whole
    let many = |numbers: std::ops::RangeInclusive<u32>| numbers.map(|number| audited(1, 7, number, event::STARTED, 1)).collect::<Vec<_>>();
    for number in 1..=120 {
        fixture.tell_of(200, many(number..=number)).await;
    }
    assert!(claim(1_000).await.is_empty());
    fixture.tell_of(200, many(131..=140)).await;
    fixture.tell_of(200, many(141..=200)).await;
    assert_eq!(claim(1_000).await, [((id(1), id(7)), 120)]);
    fixture.tell_of(200, many(121..=130)).await;
    assert!(claim(100_000).await.is_empty());
}

#[tokio::test]
async fn records_are_found_by_each_filter_and_in_pages() {
    let fixture = fixture().await;
    let mut entries: Vec<CustomerEntry> = (1..=5).map(|number| audited(1, 5, number, event::STARTED, 10)).collect();
    entries.push(audited(1, 6, 1, event::MAPPED, 11));
    entries.push(audited(2, 5, 1, event::IMPORTED, 12));
    fixture.tell_of(100, entries).await;
    let all = RecordFilter { partner: None, customer: None, resource_type: None, company: None, from: at(0), until: at(100) };
    let found = async |filter: &RecordFilter| {
        let (records, more) = fixture.model.records(filter, None, 100).await.unwrap();
        assert!(!more);
        records.iter().map(|record| (record.entry.partner_id.0.as_u128(), record.entry.customer_id.0.as_u128())).collect::<Vec<_>>()
    };
    assert_eq!(found(&all).await.len(), 7);
    assert_eq!(found(&RecordFilter { partner: Some(id(1)), ..all.clone() }).await.len(), 6);
    assert_eq!(found(&RecordFilter { customer: Some(id(5)), ..all.clone() }).await.len(), 6);
    assert_eq!(found(&RecordFilter { partner: Some(id(2)), customer: Some(id(5)), ..all.clone() }).await, [(2, 5)]);
    assert_eq!(found(&RecordFilter { resource_type: Some("azure_entitlement".into()), ..all.clone() }).await, [(1, 6)]);
    for (part, count) in [("fabri", 1), ("00% l", 5), ("0_%", 0), ("\\", 0), ("CONTOSO", 5)] {
        assert_eq!(found(&RecordFilter { company: Some(part.into()), ..all.clone() }).await.len(), count, "{part}");
    }
    assert_eq!(found(&RecordFilter { from: at(11), until: at(12), ..all.clone() }).await, [(1, 6)], "the end is not in it");
    let (mut numbers, mut after) = (Vec::new(), None);
    loop {
        let (page, more) = fixture.model.records(&all, after, 2).await.unwrap();
        numbers.extend(page.iter().map(|record| record.entry.number));
        let last = page.last().unwrap();
        after = Some((last.entry.at, last.entry.partner_id, last.entry.customer_id, last.entry.number));
        if !more {
            break;
        }
    }
    assert_eq!(numbers, [1, 1, 5, 4, 3, 2, 1], "newest first, no record twice, none left out");
}
