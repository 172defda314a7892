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
        let (seen, total) = self.pages(&filter, by, back).await;
        (seen.into_iter().map(|(_, customer)| customer).collect(), total)
    }

    /// Partners and customers that meet the filter, page by page, and how many the list says that there are.
    async fn pages(&self, filter: &OverviewFilter, by: SortBy, back: bool) -> (Vec<(u128, u128)>, u64) {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = self.model.overview(filter, (by, back), after, 2, None).await.unwrap();
            seen.extend(page.rows.iter().map(|row| (row.partner_id.0.as_u128(), row.customer_id.0.as_u128())));
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

#[tokio::test]
async fn customers_of_several_partners_are_in_the_order_of_any_column_each_once() {
    let fixture = fixture().await;
    // the same ids at two partners: a page may end between them
    for (partner, countries) in [(1, ["FR", "DE", "FR"]), (2, ["DE", "AT", "DE"])] {
        let mut event = told(partner, "p", 1, 1, 1..=3);
        for (customer, (azure, country)) in event.customers.iter_mut().zip([4, 9, 2].into_iter().zip(countries)) {
            customer.country = country.into();
            customer.azure_subscriptions = Some(azure + u32::try_from(partner).unwrap());
            customer.resellers = vec![MpnId::try_new(&format!("{}", 100 - u32::from(azure > 3))).unwrap()];
        }
        fixture.tell_account(event).await;
    }
    fixture.tell([moved(1, 1, State::Completed), moved(2, 3, State::PurchasingPlans)]).await;
    fixture.look(&[(1, 2), (2, 0)]).await;
    let all = OverviewFilter::default();
    let expected = [
        (SortBy::Name, [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]),
        (SortBy::Country, [(2, 2), (2, 1), (1, 2), (2, 3), (1, 1), (1, 3)]),
        (SortBy::Standing, [(2, 1), (1, 2), (2, 2), (2, 3), (1, 1), (1, 3)]),
        (SortBy::AzureSubscriptions, [(1, 3), (2, 3), (1, 1), (2, 1), (1, 2), (2, 2)]),
        (SortBy::Reseller, [(1, 3), (2, 3), (1, 1), (2, 1), (1, 2), (2, 2)]), // as text: "100" is before "99"
        (SortBy::Blockers, [(2, 1), (2, 2), (1, 3), (2, 3), (1, 2), (1, 1)]),
    ];
    for (by, mut order) in expected {
        assert_eq!(fixture.pages(&all, by, false).await, (order.to_vec(), 6), "{by:?}");
        order.reverse();
        assert_eq!(fixture.pages(&all, by, true).await, (order.to_vec(), 6), "{by:?}, backwards");
    }
    let unknown = OverviewFilter { way: Some(Way::Unknown), ..OverviewFilter::default() };
    assert_eq!(fixture.pages(&unknown, SortBy::AzureSubscriptions, false).await, (vec![(2, 3), (2, 1), (2, 2)], 3));
    assert_eq!(fixture.model.count_not_looked_at(&all).await.unwrap(), 3, "one that is under way is not asked about");
    let partners: Vec<PartnerId> = fixture.model.not_looked_at(&all, 10).await.unwrap().iter().map(|one| one.partner).collect();
    assert_eq!(partners, [id(2), id(2), id(2)]);
}

/// What a check has found, told with its only packet.
fn refused(n: u128, customer: u128, codes: &[&str]) -> TransitionChanged {
    let mut told = packet(Step::Eligibility, 0, 1);
    let finding = |code: &&str| Finding {
        code: (*code).to_owned(),
        resource_id: "c".into(),
        description: "\"code\":\"NoAzureSubscriptions\"".into(),
    };
    told.findings.reasons = codes.iter().map(finding).collect();
    TransitionChanged { packets: vec![told], ..moved(n, customer, State::Ineligible) }
}

#[tokio::test]
async fn one_that_has_moved_and_is_tried_again_has_moved_and_what_is_left_is_told_beside_it() {
    let fixture = fixture().await;
    fixture.tell_account(told(1, "one", 1, 1, 1..=7)).await;
    let stand = async |n: u128| {
        let filter = OverviewFilter { id: Some(Uuid::from_u128(n)), ..OverviewFilter::default() };
        let page = fixture.model.overview(&filter, (SortBy::Name, false), None, 1, None).await.unwrap();
        let row = &page.rows[0];
        assert_eq!(fixture.model.stand_of(id(1), id(n)).await.unwrap(), row.stand);
        (row.stand.text(), row.moved_by.map(|id| id.0.as_u128()))
    };
    let found = async |state, has_moved| {
        let stands = Some(vec![Stand { has_moved, state }]);
        let filter = OverviewFilter { stands, ..OverviewFilter::default() };
        fixture.pages(&filter, SortBy::Standing, false).await.0.into_iter().map(|(_, customer)| customer).collect::<Vec<_>>()
    };
    fixture.tell((1..=5).map(|n| moved(n, n, State::Completed))).await;
    assert_eq!(stand(1).await, ("Completed".to_owned(), Some(1)));
    fixture
        .tell([
            refused(11, 1, &["UpgradeAlreadyCompleted"]),
            refused(12, 2, &["PartnerProgramInactive", "NoAzureSubscriptions"]),
            refused(13, 3, &["PendingOrder"]),
            moved(14, 4, State::Compensated),
            moved(15, 5, State::MappingSubscriptions),
            refused(16, 6, &["NoAzureSubscriptions"]),
        ])
        .await;
    let expected = [
        (1, "Completed", Some(1)),
        (2, "Completed", Some(2)),
        (3, "Completed+Ineligible", Some(3)),
        (4, "Completed+Compensated", Some(4)),
        (5, "MappingSubscriptions", Some(5)),
        (6, "Ineligible", None),
        (7, "", None),
    ];
    for (n, text, moved_by) in expected {
        assert_eq!(stand(n).await, (text.to_owned(), moved_by), "{n}");
    }
    assert_eq!(found(Some(State::Completed), false).await, [1, 2]);
    assert_eq!(found(Some(State::Ineligible), true).await, [3]);
    assert_eq!(found(Some(State::Ineligible), false).await, [6]);
    assert_eq!(found(None, false).await, [7]);
    // what stands in the way is asked of those that may have something left
    let all = OverviewFilter::default();
    assert_eq!(fixture.model.count_not_looked_at(&all).await.unwrap(), 4, "3, 4, 6 and 7");
    fixture.look(&[(3, 1)]).await;
    assert_eq!(fixture.in_order(SortBy::Name, false, Some(Way::Blocked)).await, (vec![3], 1));

    // events come late, and in any order: what a check found after its end, and the earlier one's end after the later one's
    fixture.tell([moved(21, 7, State::Ineligible)]).await;
    assert_eq!(stand(7).await.0, "Ineligible");
    assert_eq!(found(Some(State::Ineligible), false).await, [6, 7]);
    fixture.tell([moved(20, 7, State::Completed)]).await;
    assert_eq!(found(Some(State::Ineligible), true).await, [3, 7]);
    fixture.tell([refused(21, 7, &["UpgradeAlreadyCompleted"])]).await;
    assert_eq!(found(Some(State::Completed), false).await, [1, 2, 7]);
    // and the rest has moved, too
    fixture.tell([moved(33, 3, State::Completed)]).await;
    assert_eq!(found(Some(State::Completed), false).await, [1, 2, 3, 7]);
    assert_eq!(stand(3).await.1, Some(33));
}

/// The migration, on what an earlier version has stored.
#[tokio::test]
async fn a_customer_that_is_told_of_after_its_transition_stands_as_that() {
    let fixture = fixture().await;
    fixture.tell([moved(1, 1, State::Completed)]).await;
    let completed =
        OverviewFilter { stands: Some(vec![Stand { has_moved: false, state: Some(State::Completed) }]), ..OverviewFilter::default() };
    // the changes until then are taken over, for nobody
    assert_eq!(fixture.pages(&completed, SortBy::Name, false).await, (vec![], 0));
    fixture.tell_account(told(1, "one", 1, 1, 1..=2)).await;
    assert_eq!(fixture.pages(&completed, SortBy::Name, false).await, (vec![(1, 1)], 1));
}

#[tokio::test]
async fn what_an_earlier_version_has_stored_stands_as_it_would_now() {
    let fixture = fixture().await;
    fixture.tell_account(told(1, "one", 1, 1, 1..=5)).await;
    fixture.tell([1, 2, 3].map(|n| moved(n, n, State::Completed))).await;
    fixture
        .tell([
            refused(11, 1, &["UpgradeAlreadyCompleted"]),
            refused(12, 2, &["PendingOrder"]),
            moved(13, 3, State::Compensated),
            refused(14, 4, &["NoAzureSubscriptions"]),
        ])
        .await;
    let all = OverviewFilter::default();
    let standings = async || {
        let rows = fixture.model.database.query(&STANDINGS, Args::new()).await.unwrap();
        rows.iter().map(|row| row.get::<String>(0).unwrap()).collect::<Vec<_>>()
    };
    static STANDINGS: Statement = Statement::new("SELECT standing FROM customers ORDER BY customer_id");
    static AS_BEFORE: Statement = Statement::new(
        "UPDATE customers SET standing = coalesce((SELECT t.state FROM transitions AS t WHERE t.customer_id = customers.customer_id
                                                   ORDER BY t.started_at DESC LIMIT 1), '')",
    );
    fixture.model.overview(&all, (SortBy::Name, false), None, 1, None).await.unwrap();
    let now = standings().await;
    assert_eq!(now, ["Completed", "Completed+Ineligible", "Completed+Compensated", "Ineligible", ""]);
    fixture.model.database.execute(&AS_BEFORE, Args::new()).await.unwrap();
    assert_eq!(standings().await, ["Ineligible", "Ineligible", "Compensated", "Ineligible", ""]);
    let migration = MIGRATIONS.iter().find(|migration| migration.version == 20).unwrap().sql;
    let update: &'static str = migration[migration.find("UPDATE customers").unwrap()..].trim_end().trim_end_matches(';');
    fixture.model.database.execute(Box::leak(Box::new(Statement::new(update))), Args::new()).await.unwrap();
    assert_eq!(standings().await, now);
}

#[tokio::test]
async fn every_order_is_that_of_an_index() {
    let fixture = fixture().await;
    let of_all = |by| match by {
        SortBy::Name => "customers_by_name",
        SortBy::Country => "all_customers_by_country",
        SortBy::Standing => "all_customers_by_standing",
        SortBy::AzureSubscriptions => "all_customers_by_azure",
        SortBy::Reseller => "all_customers_by_reseller",
        SortBy::Blockers => "all_customers_by_blockers",
    };
    let of_one = |by| match by {
        SortBy::Name => "customers_of_partner",
        SortBy::Country => "customers_by_country",
        SortBy::Standing => "customers_by_standing",
        SortBy::AzureSubscriptions => "customers_by_azure",
        SortBy::Reseller => "customers_by_reseller",
        SortBy::Blockers => "customers_by_blockers",
    };
    for by in SortBy::ALL {
        for (back, of_partner) in [(false, false), (true, false), (false, true), (true, true)] {
            let key = if by.is_number() { "0" } else { "''" };
            let plan = fixture.plan(by.reading(back, of_partner), &[key, A_UUID, A_UUID, "51"], of_partner).await;
            let index = if of_partner { of_one(by) } else { of_all(by) };
            assert!(plan.contains(&format!(" {index} ")), "{by:?} {back} {of_partner}: {plan}");
            assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{by:?} {back} {of_partner}: {plan}");
        }
    }
    // of the API
    for (list, of_partner, index) in [(&customers::ALL, false, "customers_by_name"), (&customers::OF_PARTNER, true, "customers_of_partner")]
    {
        let plan = fixture.plan(list, &["''", A_UUID, A_UUID, "51"], of_partner).await;
        assert!(plan.contains(&format!(" {index} ")) && !plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    let plan = fixture.plan(&blockers::ALL_UNKNOWN, &["200"], false).await;
    assert!(plan.contains(" all_customers_by_blockers ") && !plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
}

const A_UUID: &str = "'00000000-0000-0000-0000-000000000001'";

impl Fixture {
    /// How the database reads a list without a filter: the plan of every call, whatever it asks for.
    async fn plan(&self, list: &Statement, values: &[&str], of_partner: bool) -> String {
        let leak = |text: String| -> &'static Statement { Box::leak(Box::new(Statement::new(text.leak()))) };
        let mut transaction = self.model.database.begin().await.unwrap();
        let rows = if std::env::var("PLANSHIFT_TEST_POSTGRES_URL").is_ok() {
            let partner = if of_partner { A_UUID } else { "NULL" };
            let values = values.join(", ");
            transaction.execute(&ordered::NO_SORT, Args::new()).await.unwrap();
            // within texts, for its parameters are given below
            let quoted = |text: String| text.replace('\'', "''");
            let prepare = quoted(format!("PREPARE looked AS {}", list.sql().postgres));
            let prepare = format!("DO '{}'", quoted(format!("BEGIN EXECUTE '{prepare}'; END")));
            transaction.execute(leak(prepare), Args::new()).await.unwrap();
            let explain = leak(format!("EXPLAIN EXECUTE looked({partner}, NULL, NULL, NULL, NULL, NULL, {values})"));
            let rows = transaction.query(explain, Args::new()).await.unwrap();
            transaction.execute(leak("DEALLOCATE looked".to_owned()), Args::new()).await.unwrap();
            rows.iter().map(|row| row.get::<String>(0).unwrap()).collect::<Vec<_>>()
        } else {
            // one plan for all values: none is given
            let rows = transaction.query(leak(format!("EXPLAIN QUERY PLAN {}", list.template())), nothing(6 + values.len())).await.unwrap();
            rows.iter().map(|row| row.get::<String>(3).unwrap() + " ").collect()
        };
        transaction.commit().await.unwrap();
        rows.join("\n")
    }
}

fn nothing(values: usize) -> Args {
    (0..values).fold(Args::new(), |args, _| args.value(Value::Null))
}
