//! Customers by what stands in their way, and partners by name.

use super::*;

fn told(partner: u128, name: &str, at_second: i64, version: u32, customers: std::ops::RangeInclusive<u128>) -> AccountImported {
    let customer = |n: u128| ImportedCustomer {
        customer_id: id(n),
        version,
        company_name: format!("company {n}"),
        domain: format!("c{n}.example"),
        country: "FR".into(),
        relationship_to_partner: Some(Relationship::Reseller),
        budget: None,
        part: 0,
        azure_subscriptions: None,
        currency_code: "EUR".into(),
        resellers: Vec::new(),
    };
    AccountImported {
        partner_id: id(partner),
        partner_name: name.into(),
        begun_at: Some(at(at_second)),
        customers: customers.map(customer).collect(),
        resellers: Vec::new(),
        audit: Vec::new(),
    }
}

impl Fixture {
    async fn tell_account(&self, event: AccountImported) {
        let mut changes = Changes::default();
        changes.account(event);
        self.model.apply(&changes, at(0), GAP).await.unwrap();
    }

    /// The customers of partner 1 in this order, page by page, and how many the list says that there are.
    async fn in_order(&self, by: SortBy, back: bool, way: Option<Way>) -> (Vec<u128>, u64) {
        let filter = OverviewFilter { partner: Some(id(1)), way, ..OverviewFilter::default() };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = self.model.overview(&filter, (by, back), after, 2, None).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.customer_id.0.as_u128()));
            after = page.next;
            if after.is_none() {
                return (seen, page.total);
            }
        }
    }

    async fn look(&self, found: &[(u128, u32)]) {
        let keys: Vec<_> = found.iter().map(|(n, _)| (id(1), id(*n))).collect();
        let before = self.model.before_looking(&keys).await.unwrap();
        let of = |one: &LookedAt| found.iter().find(|(n, _)| one.customer == id(*n)).unwrap().1;
        let found: Vec<Blocked> = before.iter().map(|one| (*one, of(one))).collect();
        self.model.keep_blockers(&found).await.unwrap();
    }
}

#[tokio::test]
async fn customers_are_in_the_order_of_what_stands_in_their_way_until_an_import_takes_it_away() {
    let fixture = fixture().await;
    fixture.tell_account(told(1, "one", 1, 1, 1..=6)).await;
    fixture.tell_account(told(2, "two", 1, 1, 1..=1)).await;
    let all = OverviewFilter { partner: Some(id(1)), ..OverviewFilter::default() };
    assert_eq!(fixture.model.count_not_looked_at(&all).await.unwrap(), 6);
    assert_eq!(fixture.model.not_looked_at(&all, 4).await.unwrap().len(), 4);

    fixture.look(&[(1, 0), (2, 3), (3, 1), (4, 0), (5, 3)]).await;
    assert_eq!(fixture.in_order(SortBy::Blockers, true, None).await, (vec![5, 2, 3, 4, 1, 6], 6));
    assert_eq!(fixture.in_order(SortBy::Blockers, false, None).await, (vec![6, 1, 4, 3, 2, 5], 6));
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Free)).await, (vec![1, 4], 2));
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Blocked)).await, (vec![2, 3, 5], 3));
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Unknown)).await, (vec![6], 1));
    assert_eq!(fixture.model.count_not_looked_at(&all).await.unwrap(), 1, "the other partner's is the other partner's");

    // who moves, or has moved, is in no filter
    fixture.tell([moved(1, 4, State::Completed), moved(2, 1, State::MappingSubscriptions)]).await;
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Free)).await, (Vec::new(), 0));

    // an import takes away what was known, and what was asked before it is not kept after it
    let asked_before = fixture.model.before_looking(&[(id(1), id(3))]).await.unwrap();
    fixture.tell_account(told(1, "one", 2, 2, 2..=3)).await;
    fixture.model.keep_blockers(&[(asked_before[0], 7)]).await.unwrap();
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Unknown)).await, (vec![2, 3, 6], 3));
    // the same import again takes nothing away
    fixture.look(&[(2, 1), (3, 0)]).await;
    fixture.tell_account(told(1, "one", 2, 2, 2..=3)).await;
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Unknown)).await, (vec![6], 1));
}

fn moved(n: u128, customer: u128, state: State) -> TransitionChanged {
    let mut row = transition(n, 1, state);
    (row.partner_id, row.customer_id) = (id(1), id(customer));
    changed(row)
}

#[tokio::test]
async fn partners_have_the_names_that_their_newest_imports_say() {
    let fixture = fixture().await;
    fixture.tell_account(told(1, "zeta", 5, 1, 1..=2)).await;
    fixture.tell_account(told(2, "Alpha", 5, 1, 1..=1)).await;
    // one that began earlier comes late; one without a name is about chains alone
    fixture.tell_account(told(1, "older", 4, 1, 3..=3)).await;
    fixture.tell_account(AccountImported { partner_name: String::new(), ..told(2, "", 9, 1, 2..=2) }).await;
    let names = async || fixture.model.partners(10).await.unwrap().into_iter().map(|one| (one.id, one.name)).collect::<Vec<_>>();
    assert_eq!(names().await, [(id(2), "Alpha".to_owned()), (id(1), "zeta".to_owned())]);
    fixture.tell_account(told(1, "Aaa", 6, 2, 1..=1)).await;
    assert_eq!(names().await[0], (id(1), "Aaa".to_owned()));
    assert_eq!(fixture.model.partners(1).await.unwrap().len(), 1);
}
