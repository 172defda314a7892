//! The eligibility worker: checks, their answers in packets, lines, releases.

#[path = "../../../shared/worker/tests/support/mod.rs"]
mod support;

use planshift_domain::{
    account::{
        self, codes,
        facts::{
            AgreementFacts, Cloud, CustomerFacts, PartnerFacts, PartnerType, PlanFacts, PlanStatus, Relationship, ResellerFacts,
            SubscriptionFacts, SubscriptionStatus,
        },
    },
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, ImportId, MpnId, PlanId, Reseller, TransitionId},
    message::{
        command::{CustomerItem, EligibilityFacts, FactsPart, Packet, TakeFacts},
        plan::{PlanOutcome, PlanSource, PlanTransition, PlannedTransition, TransitionPlanned},
        reply::{EligibilityChecked, PacketAnswer, PacketGivenUp},
        request::{
            ASSESSED_FINDINGS, AssessCustomer, AssessOutcome, CustomerAssessed, CustomerPage, CustomerRead, READ_AT_MOST, ReadCustomer,
            ReadOutcome, Wanted,
        },
    },
    step::Action,
    transition::{Evidence, Finding, Findings},
};
use planshift_eligibility::{Eligibility, MIGRATIONS, Options, inspect};
use planshift_messaging::{Delivery, Destination, Service};
use planshift_worker::{End, Handled, Handler, step::StepHandler};
use serde::Deserialize;
use std::{collections::BTreeMap, ops::ControlFlow, path::PathBuf};
use support::*;
use uuid::Uuid;

fn mpn(text: &str) -> MpnId {
    MpnId::try_new(text).unwrap()
}

/// Subscription `number`; the Azure ids run against the commerce ids, so that their orders differ.
fn subscription(number: u32) -> SubscriptionFacts {
    SubscriptionFacts {
        commerce_subscription_id: CommerceSubscriptionId(Uuid::from_u128(0xC000_0000 + u128::from(number))),
        azure_subscription_id: Some(AzureSubscriptionId(Uuid::from_u128(0xF000_0000 - u128::from(number)))),
        friendly_name: format!("subscription {number}"),
        status: SubscriptionStatus::Active,
        creation_date: at("2026-01-01T00:00:00Z"),
        reseller: Reseller(Some(mpn(if number.is_multiple_of(2) { "7" } else { "8" }))),
        order_id: None,
        tenant_id: None,
        has_reservations: false,
        transfers: vec![],
        roles: vec![],
    }
}

fn told(subscriptions: Vec<SubscriptionFacts>) -> EligibilityFacts {
    let reseller = |id: &str| ResellerFacts {
        id: None,
        mpn_id: mpn(id),
        name: format!("reseller {id}"),
        state: "Active".into(),
        location: None,
        is_agreement_signed: true,
    };
    EligibilityFacts {
        partner: PartnerFacts {
            id: PARTNER,
            name: "Wide World".into(),
            mpn_id: mpn("1"),
            kind: PartnerType::IndirectProvider,
            is_agreement_signed: true,
            program_status: "Active".into(),
            azure_plan_markets: None,
        },
        customer: CustomerFacts {
            company_name: "Contoso".into(),
            domain: "contoso.example".into(),
            country: "FR".into(),
            relationship_to_partner: Relationship::Reseller,
            is_shared_services: false,
            cloud: Cloud::Public,
            segment: "Commercial".into(),
            agreements: vec![AgreementFacts {
                kind: "MicrosoftCustomerAgreement".into(),
                date_agreed: at("2026-01-01T00:00:00Z"),
                template_id: None,
                primary_contact: None,
            }],
            has_signed_directly: false,
            budget: None,
            currency_code: "EUR".into(),
            has_support_plan: false,
            orders: vec![],
        },
        resellers: vec![reseller("7"), reseller("8")],
        subscriptions,
        plans: vec![],
    }
}

fn check_packet(transition: TransitionId, packet_items: u32) -> Packet<CustomerItem> {
    packet(transition, 0, 1, vec![CustomerItem { packet_items, plan_hash: None }])
}

async fn world(subscriptions: Vec<SubscriptionFacts>) -> (World, StepHandler<Eligibility>) {
    let world = World::new(MIGRATIONS).await;
    let handler = Options::default().handler(world.database.clone(), world.ports.clone());
    assert_eq!(handle(&handler, &[facts::<Eligibility>(CUSTOMER, 1, told(subscriptions))]).await.ends, [End::Done]);
    (world, handler)
}

fn checked(handled: &Handled<()>) -> Vec<EligibilityChecked> {
    handled.publish.iter().filter(|out| out.message.kind == "EligibilityChecked.v1").map(read).collect()
}

async fn check(handler: &StepHandler<Eligibility>, packet: &Packet<CustomerItem>) -> Vec<EligibilityChecked> {
    let handled = handle(handler, &[command::<Eligibility>(packet)]).await;
    assert_eq!(handled.ends, [End::Done]);
    let answers = checked(&handled);
    for (number, (answer, out)) in answers.iter().zip(&handled.publish).enumerate() {
        let id = format!("{}/eligibility/do/{number}/{}/answer", packet.transition_id, packet.attempt);
        assert_eq!(
            (out.message.message_id.as_str(), answer.packet as usize, answer.packets as usize),
            (id.as_str(), number, answers.len())
        );
    }
    answers
}

async fn release(handler: &StepHandler<Eligibility>, transition: TransitionId) -> Vec<Evidence> {
    let answer = answer(handler, undo::<Eligibility>(&check_packet(transition, 50))).await;
    assert!(is_undo(&answer));
    assert_eq!(answer.items[0].item, "customer");
    evidence(&answer)
}

fn codes_of(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.resource_id.as_str())).collect()
}

async fn lines(world: &World) -> Vec<inspect::Line> {
    inspect::lines(&world.database, None, 100_000).await.unwrap()
}

#[tokio::test]
async fn a_check_is_answered_in_packets_and_again_the_same() {
    let (world, handler) = world((0..5).map(subscription).collect()).await;
    let first = check(&handler, &check_packet(T1, 2)).await;
    // 5 lines, 6 findings: the warnings decide nothing, the more numerous does
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|a| a.eligible && !a.nothing_in_scope && (a.lines_total, a.resellers_total) == (5, 2)));
    assert!(first.iter().all(|a| a.checked_at == at("2026-11-22T15:20:00Z") && a.transition_id == T1 && a.attempt == 1));
    let ids: Vec<_> = first.iter().flat_map(|a| &a.lines).map(|line| line.azure_subscription_id).collect();
    let mut sorted: Vec<_> = (0..5).filter_map(|n| subscription(n).azure_subscription_id).collect();
    sorted.sort_unstable();
    assert_eq!(ids, sorted);
    assert_eq!(first[0].lines[0].commerce_subscription_id, subscription(4).commerce_subscription_id);
    let warnings: Vec<Finding> = first.iter().flat_map(|a| a.findings.warnings.clone()).collect();
    assert_eq!((warnings.len(), warnings[0].code.as_str()), (6, "ReportingWillChange"));
    assert!(first.iter().all(|a| a.lines.len() <= 2 && a.findings.warnings.len() <= 2));
    world.clock.set("2027-11-22T15:20:00Z");
    assert_eq!(check(&handler, &check_packet(T1, 2)).await, first);
    assert_eq!(lines(&world).await.len(), 5);
}

#[tokio::test]
async fn a_release_frees_the_lines_and_refuses_the_check_for_ever() {
    let (world, handler) = world((0..3).map(subscription).collect()).await;
    check(&handler, &check_packet(T1, 50)).await;
    assert_eq!(release(&handler, T1).await, [Evidence::Undone]);
    assert_eq!(release(&handler, T1).await, [Evidence::Undone]);
    assert!(lines(&world).await.is_empty());
    assert!(check(&handler, &check_packet(T1, 50)).await.is_empty());
    assert!(lines(&world).await.is_empty());
    assert_eq!(check(&handler, &check_packet(T2, 50)).await[0].lines_total, 3);
}

#[tokio::test]
async fn a_release_that_comes_first_fences_the_check() {
    let (world, handler) = world((0..3).map(subscription).collect()).await;
    assert_eq!(release(&handler, T1).await, [Evidence::Fenced]);
    assert!(check(&handler, &check_packet(T1, 50)).await.is_empty());
    assert!(lines(&world).await.is_empty());
}

#[tokio::test]
async fn a_check_and_its_release_in_one_batch_leave_nothing() {
    let (world, handler) = world((0..3).map(subscription).collect()).await;
    let p = check_packet(T1, 50);
    let batch = [command::<Eligibility>(&p), undo::<Eligibility>(&p), command::<Eligibility>(&p)];
    let handled = handle(&handler, &batch).await;
    assert_eq!(handled.ends, [End::Done, End::Done, End::Done]);
    assert_eq!(checked(&handled).len(), 1);
    let released: PacketAnswer = read(handled.publish.iter().find(|out| out.message.kind == "EligibilityReleased.v1").unwrap());
    assert_eq!(evidence(&released), [Evidence::Undone]);
    assert!(lines(&world).await.is_empty());
}

#[tokio::test]
async fn facts_that_are_not_here_are_waited_for_and_older_ones_change_nothing() {
    let (_world, handler) = world(vec![subscription(0)]).await;
    let late = Packet { facts_version: 3, ..check_packet(T1, 50) };
    assert!(matches!(handle(&handler, &[command::<Eligibility>(&late)]).await.ends[0], End::NotYet(_)));
    let part = |number, part| facts_part::<Eligibility>(CUSTOMER, 3, part, 2, told(vec![subscription(number)]));
    handle(&handler, &[part(1, 1)]).await;
    assert!(matches!(handle(&handler, &[command::<Eligibility>(&late)]).await.ends[0], End::NotYet(_)));
    handle(&handler, &[part(2, 0)]).await;
    let suspended = SubscriptionFacts { status: SubscriptionStatus::Suspended, ..subscription(1) };
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, told(vec![suspended, subscription(5)]))]).await;
    // subscription 0 is missing from version 3, and version 2 came too late
    let answers = check(&handler, &late).await;
    let found: Vec<_> = answers[0].lines.iter().map(|line| line.commerce_subscription_id).collect();
    assert_eq!(found, [2, 1].map(|n| subscription(n).commerce_subscription_id));
}

#[tokio::test]
async fn a_customer_that_may_not_move_has_reasons_and_no_lines() {
    let deleted = SubscriptionFacts { status: SubscriptionStatus::Deleted, ..subscription(2) };
    let suspended = SubscriptionFacts { status: SubscriptionStatus::Suspended, ..subscription(1) };
    let id = suspended.resource_id();
    let (world, handler) = world(vec![subscription(0), suspended, deleted]).await;
    let answers = check(&handler, &check_packet(T1, 50)).await;
    assert_eq!(codes_of(&answers[0].findings.reasons), [("SubscriptionStatusNotActive", id.as_str())]);
    assert_eq!((answers[0].eligible, answers[0].lines_total, answers[0].resellers_total, answers[0].lines.len()), (false, 0, 0, 0));
    assert!(lines(&world).await.is_empty());
}

#[tokio::test]
async fn what_an_earlier_transition_moved_is_out_of_scope() {
    let (_world, handler) = world((0..2).map(subscription).collect()).await;
    check(&handler, &check_packet(T1, 50)).await;
    let nothing = check(&handler, &check_packet(T2, 50)).await;
    assert!(nothing[0].nothing_in_scope && !nothing[0].eligible);
    assert_eq!(codes_of(&nothing[0].findings.reasons), [("NoAzureSubscriptions", CUSTOMER.to_string().as_str())]);
    // a newer document has the moved ones too, one of them under another commerce id, and a new one of the same reseller
    let moved = SubscriptionFacts { commerce_subscription_id: subscription(9).commerce_subscription_id, ..subscription(1) };
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, told(vec![subscription(0), moved, subscription(4)]))]).await;
    let third = TransitionId(Uuid::from_u128(0x73));
    let answers = check(&handler, &Packet { facts_version: 2, ..check_packet(third, 50) }).await;
    assert_eq!(answers[0].lines.iter().map(|l| l.commerce_subscription_id).collect::<Vec<_>>(), [subscription(4).commerce_subscription_id]);
    assert!(codes_of(&answers[0].findings.warnings).contains(&("AzurePlanAlreadyExists", "7")));
    assert_eq!(check(&handler, &Packet { facts_version: 2, ..check_packet(third, 50) }).await, answers);
}

#[tokio::test]
async fn an_active_plan_of_the_newest_facts_is_worth_a_warning() {
    let (_world, handler) = world(vec![subscription(0)]).await;
    let plan =
        |reseller: &str, status| PlanFacts { id: PlanId(Uuid::from_u128(1)), reseller: Reseller::from_key(reseller).unwrap(), status };
    for (version, plans, warned) in [
        (2, vec![plan("7", PlanStatus::Active)], true),
        (3, vec![plan("7", PlanStatus::Suspended)], false),
        (4, vec![plan("8", PlanStatus::Active)], false),
        (5, vec![], false),
    ] {
        handle(&handler, &[facts::<Eligibility>(CUSTOMER, version, EligibilityFacts { plans, ..told(vec![subscription(0)]) })]).await;
        let transition = TransitionId(Uuid::from_u128(0x80 + u128::from(version)));
        let answers = check(&handler, &Packet { facts_version: version, ..check_packet(transition, 50) }).await;
        assert_eq!(codes_of(&answers[0].findings.warnings).contains(&("AzurePlanAlreadyExists", "7")), warned, "{version}");
        release(&handler, transition).await;
    }
}

#[tokio::test]
async fn large_customers_are_read_page_by_page() {
    let (world, handler) = world((0..4_500).map(subscription).collect()).await;
    let others: Vec<CustomerId> = (0..3).map(|n| CustomerId(Uuid::from_u128(0x100 + n))).collect();
    // commerce and Azure ids of their own for every customer
    let shifted = |start: u32, count: u32| told((start..start + count).map(subscription).collect());
    for (start, (other, count)) in [10_000, 20_000, 30_000].into_iter().zip(others.iter().zip([3_000, 1, 2_000])) {
        handle(&handler, &[facts::<Eligibility>(*other, 1, shifted(start, count))]).await;
    }
    let customers: Vec<CustomerId> = others[..2].iter().copied().chain([CUSTOMER, others[2]]).collect();
    let batch: Vec<_> = (0x90..)
        .zip(&customers)
        .map(|(t, customer)| {
            command::<Eligibility>(&Packet { customer_id: *customer, ..check_packet(TransitionId(Uuid::from_u128(t)), 50) })
        })
        .collect();
    let all = checked(&handle(&handler, &batch).await);
    for (t, total) in (0x90..).zip([3_000, 1, 4_500, 2_000]) {
        let of: Vec<_> = all.iter().filter(|a| a.transition_id.0.as_u128() == t).collect();
        assert!(of.iter().all(|a| a.lines_total == total), "{t:x}");
        assert_eq!(of.iter().map(|a| a.lines.len()).sum::<usize>(), total as usize);
    }
    assert_eq!(lines(&world).await.len(), 9_501);
}

#[tokio::test]
async fn a_check_that_cannot_be_made_is_told_and_may_be_asked_again() {
    let (world, handler) = world(vec![subscription(0)]).await;
    let broken = [("INSERT", "lines", format!("NEW.transition_id = '{T1}'"))];
    world.break_writes(&broken).await;
    for _ in 0..2 {
        let handled = handle(&handler, &[command::<Eligibility>(&check_packet(T1, 50))]).await;
        assert_eq!((handled.ends, handled.publish.len()), (vec![End::Done], 1));
        let body: PacketGivenUp = read(&handled.publish[0]);
        assert_eq!((body.action, body.attempt, body.error.code.as_str()), (Action::Do, 1, "InternalError"));
    }
    world.mend_writes(&broken).await;
    assert!(check(&handler, &Packet { attempt: 2, ..check_packet(T1, 50) }).await[0].eligible);
    assert_eq!(handler.given_up(&command::<Eligibility>(&check_packet(T1, 50)), "why").len(), 1);
}

/// May the usual customer move? As the gateway asks it.
fn question(number: u128) -> Delivery {
    let body = AssessCustomer { request_id: Uuid::from_u128(number), partner_id: PARTNER, customer_id: CUSTOMER };
    let mut delivery = delivery_from(Some(Service::Gateway), "AssessCustomer.v1", serde_json::to_vec(&body).unwrap());
    delivery.message.reply_to = Some("answers.7".to_owned());
    delivery
}

async fn assess(handler: &StepHandler<Eligibility>) -> AssessOutcome {
    let handled = handle(handler, &[question(7)]).await;
    assert_eq!((handled.ends.as_slice(), handled.publish.len()), ([End::Done].as_slice(), 1));
    let out = &handled.publish[0];
    assert_eq!(out.to, Destination::Answer("answers.7".to_owned()));
    assert_eq!(out.message.message_id, format!("{}/answer", Uuid::from_u128(7)));
    let answer: CustomerAssessed = read(out);
    assert_eq!((out.message.kind.as_str(), answer.request_id), ("CustomerAssessed.v1", Uuid::from_u128(7)));
    answer.outcome
}

/// The findings, and whether nothing is in scope; the totals are theirs.
async fn assessed(handler: &StepHandler<Eligibility>, version: u32, now: &str) -> (Findings, bool) {
    let AssessOutcome::Assessed { facts_version, checked_at, nothing_in_scope, findings, reasons_total, warnings_total } =
        assess(handler).await
    else {
        panic!("not assessed")
    };
    assert_eq!((facts_version, checked_at), (version, at(now)));
    assert_eq!((reasons_total as usize, warnings_total as usize), (findings.reasons.len(), findings.warnings.len()));
    (findings, nothing_in_scope)
}

/// Everything that is stored, as text.
async fn stored(world: &World) -> String {
    let ledger = inspect::ledger(&world.database, None, 1_000).await.unwrap();
    let subscriptions = inspect::subscriptions(&world.database, None, 1_000).await.unwrap();
    format!("{ledger:?} {subscriptions:?} {:?}", lines(world).await)
}

#[tokio::test]
async fn a_question_is_answered_as_a_check_would_be_and_changes_nothing() {
    let (world, handler) = world((0..3).map(subscription).collect()).await;
    let before = stored(&world).await;
    world.clock.set("2026-11-22T15:30:00Z");
    let (findings, nothing) = assessed(&handler, 1, "2026-11-22T15:30:00Z").await;
    assert!(findings.reasons.is_empty() && !nothing);
    assert_eq!(stored(&world).await, before);
    assert!(lines(&world).await.is_empty());
    let checked = check(&handler, &check_packet(T1, 50)).await;
    assert_eq!(checked[0].findings, findings);
    // asked again later, it is answered as of then
    world.clock.set("2026-11-22T15:40:00Z");
    assessed(&handler, 1, "2026-11-22T15:40:00Z").await;
}

#[tokio::test]
async fn a_question_about_a_customer_that_may_not_move_is_answered_with_every_reason_in_order() {
    let suspended = SubscriptionFacts { status: SubscriptionStatus::Suspended, ..subscription(1) };
    let recent = SubscriptionFacts { creation_date: at("2026-11-22T15:00:00Z"), ..subscription(2) };
    let (ids, third) = ([suspended.resource_id(), recent.resource_id()], subscription(3).resource_id());
    let mut facts_of = told(vec![recent, suspended, subscription(3)]);
    facts_of.customer.agreements.clear();
    facts_of.resellers.pop();
    let (world, handler) = world(vec![]).await;
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, facts_of)]).await;
    let before = stored(&world).await;
    let (findings, nothing) = assessed(&handler, 2, "2026-11-22T15:20:00Z").await;
    let customer = CUSTOMER.to_string();
    let expected = [
        ("CustomerAgreementMissing", customer.as_str()),
        ("SubscriptionStatusNotActive", &ids[0]),
        ("SubscriptionTooRecent", &ids[1]),
        ("PartnerIdOnRecordInvalid", &third),
        ("PartnerIdOnRecordInvalid", &ids[0]),
    ];
    assert_eq!(codes_of(&findings.reasons), expected);
    assert!(!nothing);
    assert_eq!(stored(&world).await, before);
}

#[tokio::test]
async fn a_question_about_facts_that_are_not_whole_is_answered_so() {
    let world = World::new(MIGRATIONS).await;
    let handler = Options::default().handler(world.database.clone(), world.ports.clone());
    assert_eq!(assess(&handler).await, AssessOutcome::UnknownCustomer);
    let part = |version, part| facts_part::<Eligibility>(CUSTOMER, version, part, 2, told(vec![subscription(part)]));
    handle(&handler, &[part(1, 1)]).await;
    assert_eq!(assess(&handler).await, AssessOutcome::ImportUnderWay);
    handle(&handler, &[part(1, 0)]).await;
    assessed(&handler, 1, "2026-11-22T15:20:00Z").await;
    // rows of version 1 are overwritten: it is not whole any more
    handle(&handler, &[part(2, 0)]).await;
    assert_eq!(assess(&handler).await, AssessOutcome::ImportUnderWay);
    // facts of the same batch count
    let handled = handle(&handler, &[question(7), part(2, 1)]).await;
    assert_eq!(handled.ends, [End::Done, End::Done]);
    let answer: CustomerAssessed = read(&handled.publish[0]);
    assert!(matches!(answer.outcome, AssessOutcome::Assessed { facts_version: 2, .. }));
}

#[tokio::test]
async fn a_question_after_a_completed_transition_finds_what_is_left() {
    let (world, handler) = world((0..2).map(subscription).collect()).await;
    check(&handler, &check_packet(T1, 50)).await;
    let before = stored(&world).await;
    let (findings, nothing) = assessed(&handler, 1, "2026-11-22T15:20:00Z").await;
    assert_eq!((codes_of(&findings.reasons), nothing), (vec![("NoAzureSubscriptions", CUSTOMER.to_string().as_str())], true));
    assert_eq!(stored(&world).await, before);
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, told([0, 1, 4].map(subscription).to_vec()))]).await;
    let (findings, nothing) = assessed(&handler, 2, "2026-11-22T15:20:00Z").await;
    assert!(findings.reasons.is_empty() && !nothing);
    assert!(codes_of(&findings.warnings).contains(&("AzurePlanAlreadyExists", "7")));
}

#[tokio::test]
async fn an_answer_has_the_first_findings_and_says_how_many_there_are() {
    let suspended = |number| SubscriptionFacts { status: SubscriptionStatus::Suspended, has_reservations: true, ..subscription(number) };
    let (_world, handler) = world((0..1_200).map(suspended).collect()).await;
    let AssessOutcome::Assessed { findings, reasons_total, warnings_total, .. } = assess(&handler).await else { panic!("not assessed") };
    assert_eq!((findings.reasons.len(), reasons_total), (ASSESSED_FINDINGS, 1_200));
    assert!(findings.warnings.len() == ASSESSED_FINDINGS && warnings_total > 1_200);
    let first = check(&handler, &check_packet(T1, 10_000)).await;
    assert_eq!(findings.reasons, first[0].findings.reasons[..ASSESSED_FINDINGS]);
    assert_eq!(findings.warnings, first[0].findings.warnings[..ASSESSED_FINDINGS]);
}

async fn told_of(handler: &StepHandler<Eligibility>, wanted: Wanted, after: Option<Uuid>, limit: u32) -> ReadOutcome {
    let body = ReadCustomer { request_id: Uuid::from_u128(6), partner_id: PARTNER, customer_id: CUSTOMER, wanted, after, limit };
    let mut delivery = delivery_from(Some(Service::Gateway), "ReadCustomer.v1", serde_json::to_vec(&body).unwrap());
    delivery.message.reply_to = Some("planshift.answers.x".into());
    let handled = handle(handler, &[delivery]).await;
    let [out] = &handled.publish[..] else { panic!("{:?}", handled.publish) };
    let answer: CustomerRead = read(out);
    assert_eq!((out.message.kind.as_str(), answer.request_id), ("CustomerRead.v1", Uuid::from_u128(6)));
    answer.outcome
}

async fn page_of(handler: &StepHandler<Eligibility>, wanted: Wanted, after: Option<Uuid>, limit: u32) -> CustomerPage {
    match told_of(handler, wanted, after, limit).await {
        ReadOutcome::Read(page) => *page,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_facts_say_is_told_page_by_page_and_by_id() {
    let world = World::new(MIGRATIONS).await;
    let handler = Options::default().handler(world.database.clone(), world.ports.clone());
    assert_eq!(told_of(&handler, Wanted::default(), None, 10).await, ReadOutcome::UnknownCustomer);
    let plan = |n: u128, reseller: &str| PlanFacts {
        id: PlanId(Uuid::from_u128(n)),
        reseller: Reseller::from_key(reseller).unwrap(),
        status: PlanStatus::Active,
    };
    let ordered = SubscriptionFacts { order_id: Some("B23FDEDD".into()), ..subscription(3) };
    let of_customer = told([(0..3).map(subscription).collect(), vec![ordered.clone()]].concat());
    let mut before = of_customer.clone();
    before.subscriptions.push(subscription(9));
    let facts_of = EligibilityFacts { plans: vec![plan(1, "7"), plan(2, "none")], ..of_customer };
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 1, before)]).await;
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, facts_of.clone())]).await;

    let all = page_of(&handler, Wanted::default(), None, 10).await;
    assert_eq!((all.facts_version, &all.partner, &all.customer), (2, &facts_of.partner, &facts_of.customer));
    assert_eq!((all.subscriptions_total, all.plans_total, &all.plans), (4, 2, &facts_of.plans), "the one that is gone does not count");
    assert_eq!(all.resellers.len(), facts_of.resellers.len());
    let ids: Vec<Uuid> = all.subscriptions.iter().map(|facts| facts.commerce_subscription_id.0).collect();
    assert!(ids.is_sorted() && ids.len() == 4);

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = page_of(&handler, Wanted::default(), after, 3).await;
        assert_eq!((page.subscriptions_total, page.plans_total), (4, 2), "of all pages");
        let Some(last) = page.subscriptions.last() else { break };
        after = Some(last.commerce_subscription_id.0);
        seen.extend(page.subscriptions.into_iter().map(|facts| facts.commerce_subscription_id.0));
    }
    assert_eq!(seen, ids);
    let head = page_of(&handler, Wanted::default(), None, 0).await;
    assert!(head.subscriptions.is_empty() && head.plans.is_empty() && head.subscriptions_total == 4);

    let of_reseller = page_of(&handler, Wanted { reseller: Some(Reseller(Some(mpn("7")))), ..Wanted::default() }, None, 10).await;
    assert_eq!((of_reseller.subscriptions_total, of_reseller.plans_total), (2, 1));
    assert!(of_reseller.subscriptions.iter().all(|facts| facts.reseller.key() == "7"));
    let of_order = page_of(&handler, Wanted { order_id: Some("B23FDEDD".into()), ..Wanted::default() }, None, 10).await;
    assert_eq!((of_order.subscriptions, of_order.plans_total), (vec![ordered.clone()], 0));
    let wanted = vec![ordered.commerce_subscription_id.0, Uuid::from_u128(2), subscription(9).commerce_subscription_id.0];
    let by_id = page_of(&handler, Wanted { ids: Some(wanted), ..Wanted::default() }, None, READ_AT_MOST).await;
    assert_eq!((by_id.subscriptions, by_id.plans), (vec![ordered], vec![plan(2, "none")]));
}

#[tokio::test]
async fn a_question_that_cannot_be_read_or_answered_takes_nothing_else_down() {
    let (_world, handler) = world(vec![subscription(0)]).await;
    let mut nobodys = question(8);
    nobodys.message.reply_to = None;
    let unreadable = delivery_from(Some(Service::Gateway), "AssessCustomer.v1", b"{}".to_vec());
    let coordinators = delivery_from(Some(Service::Coordinator), "AssessCustomer.v1", question(9).message.body.to_vec());
    let batch = [unreadable, coordinators, nobodys, question(7), command::<Eligibility>(&check_packet(T1, 50))];
    let handled = handle(&handler, &batch).await;
    let dead = |end: &End| if let End::Dead(why) = end { why.code } else { "" };
    assert_eq!(handled.ends.iter().map(dead).collect::<Vec<_>>(), ["UnreadableBody", "WrongSender", "", "", ""]);
    assert!(handled.ends[2..].iter().all(|end| *end == End::Done));
    let kinds: Vec<_> = handled.publish.iter().map(|out| out.message.kind.as_str()).collect();
    assert_eq!(kinds, ["CustomerAssessed.v1", "EligibilityChecked.v1"]);
    assert!(handler.given_up(&question(7), "why").is_empty());
}

#[derive(Deserialize)]
struct Expected {
    state: String,
    reasons: Vec<Named>,
    warnings: Vec<Named>,
    plans: BTreeMap<String, Vec<String>>,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    code: String,
    resource_id: String,
}

/// A sample through the worker: imported in one message, checked in one batch.
async fn sample(name: &str) -> usize {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/accounts");
    let document = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_slice(&expected).unwrap();
    let whole = account::check(&document[..]).unwrap();
    let mut customers = Vec::new();
    let read_all = account::read(&document[..], &whole, |parts| {
        customers.extend(parts.into_iter().map(|part| {
            let facts = EligibilityFacts {
                partner: whole.partner.clone(),
                customer: part.customer,
                resellers: part.resellers,
                subscriptions: part.subscriptions,
                plans: part.plans,
            };
            FactsPart { customer_id: part.customer_id, version: 1, part: part.part, parts: part.parts, facts }
        }));
        ControlFlow::<()>::Continue(())
    });
    assert!(read_all.unwrap().is_continue());
    let world = World::new(MIGRATIONS).await;
    world.clock.set("2026-11-22T16:20:00Z");
    let handler = Options::default().handler(world.database.clone(), world.ports.clone());
    let ids: Vec<CustomerId> = customers.iter().map(|customer| customer.customer_id).collect();
    let import = TakeFacts { import_id: ImportId(Uuid::from_u128(1)), chunk: 0, partner_id: whole.partner.id, customers };
    handle(&handler, &[delivery("TakeEligibilityFacts.v1", &import)]).await;
    let checks: Vec<_> = ids
        .iter()
        .map(|id| {
            command::<Eligibility>(&Packet { partner_id: whole.partner.id, customer_id: *id, ..check_packet(TransitionId(id.0), 1_000) })
        })
        .collect();
    let answers = checked(&handle(&handler, &checks).await);
    assert_eq!((answers.len(), expected.len()), (ids.len(), ids.len()));
    for answer in &answers {
        let id = answer.transition_id.to_string();
        let Some((_, expected)) = expected.iter().find(|(key, _)| key.eq_ignore_ascii_case(&id)) else { panic!("{id}") };
        let named = |named: &[Named]| named.iter().map(|f| (f.code.clone(), f.resource_id.clone())).collect::<Vec<_>>();
        let found = |found: &[Finding]| found.iter().map(|f| (f.code.clone(), f.resource_id.clone())).collect::<Vec<_>>();
        let mut warnings = named(&expected.warnings);
        warnings.sort_by_key(|(code, resource)| (codes::rank(code), resource.clone()));
        assert_eq!(found(&answer.findings.reasons), named(&expected.reasons), "{id}");
        assert_eq!(found(&answer.findings.warnings), warnings, "{id}");
        assert_eq!(answer.eligible, expected.state != "Ineligible", "{id}");
        let mut plans: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in &answer.lines {
            plans.entry(line.reseller.key().to_owned()).or_default().push(line.azure_subscription_id.to_string());
        }
        assert_eq!(plans, expected.plans, "{id}");
        assert_eq!(answer.resellers_total as usize, plans.len());
    }
    answers.len()
}

#[tokio::test]
async fn the_samples_come_to_what_they_must() {
    for (name, customers) in [("two-resellers", 1), ("direct-one-plan", 1), ("moved-billing-owner", 1), ("blocked", 13), ("portfolio", 40)]
    {
        assert_eq!(sample(name).await, customers, "{name}");
    }
}

/// What would the usual customer's transition do?
async fn planned(handler: &StepHandler<Eligibility>) -> PlanOutcome {
    let body = PlanTransition { request_id: Uuid::from_u128(8), partner_id: PARTNER, customer_id: CUSTOMER };
    let mut delivery = delivery_from(Some(Service::Gateway), "PlanTransition.v1", serde_json::to_vec(&body).unwrap());
    delivery.message.reply_to = Some("answers.7".to_owned());
    let handled = handle(handler, &[delivery]).await;
    assert_eq!((handled.ends.as_slice(), handled.publish.len()), ([End::Done].as_slice(), 1));
    let answer: TransitionPlanned = read(&handled.publish[0]);
    assert_eq!(answer.request_id, Uuid::from_u128(8));
    answer.outcome
}

async fn the_plan(handler: &StepHandler<Eligibility>) -> PlannedTransition {
    let PlanOutcome::Planned(plan) = planned(handler).await else { panic!("no plan") };
    *plan
}

fn keeping_to(transition: TransitionId, hash: &str) -> Packet<CustomerItem> {
    packet(transition, 0, 1, vec![CustomerItem { packet_items: 50, plan_hash: Some(hash.to_owned()) }])
}

#[tokio::test]
async fn a_plan_says_what_a_transition_does_and_changes_nothing() {
    let (world, handler) = world((0..5).map(subscription).collect()).await;
    let before = stored(&world).await;
    let plan = the_plan(&handler).await;
    assert_eq!(stored(&world).await, before);
    assert_eq!((plan.facts_version, plan.subscriptions_total, plan.groups_total, plan.nothing_in_scope), (1, 5, 2, false));
    let groups: Vec<_> = plan.groups.iter().map(|group| (group.reseller.key(), group.subscriptions_total, &group.plan)).collect();
    assert_eq!(groups, [("7", 3, &PlanSource::Bought), ("8", 2, &PlanSource::Bought)]);
    let checked = check(&handler, &keeping_to(T1, &plan.plan_hash)).await;
    assert!(checked[0].eligible, "{:?}", checked[0].findings);
    assert_eq!(plan.findings, checked[0].findings);
    let (shown, moved): (Vec<_>, Vec<_>) = (
        plan.groups.iter().flat_map(|group| &group.subscriptions).filter_map(|shown| shown.azure_subscription_id).collect(),
        checked[0].lines.iter().map(|line| line.azure_subscription_id).collect(),
    );
    assert_eq!(shown.iter().collect::<std::collections::BTreeSet<_>>(), moved.iter().collect());
    // again, after a crash: the lines are this transition's, and the plan is the same
    assert!(check(&handler, &keeping_to(T1, &plan.plan_hash)).await[0].eligible);
}

#[tokio::test]
async fn a_start_that_was_shown_another_plan_does_nothing() {
    let (world, handler) = world((0..3).map(subscription).collect()).await;
    let shown = the_plan(&handler).await;
    world.clock.set("2026-11-22T18:45:00Z");
    assert_eq!(the_plan(&handler).await.plan_hash, shown.plan_hash, "the time of day is no part of it");
    // the same facts under another version are another plan
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, told((0..4).map(subscription).collect()))]).await;
    assert_ne!(the_plan(&handler).await.plan_hash, shown.plan_hash);
    let refused = check(&handler, &Packet { facts_version: 2, ..keeping_to(T1, &shown.plan_hash) }).await;
    assert!(!refused[0].eligible && refused[0].lines.is_empty() && refused[0].lines_total == 0);
    assert_eq!(codes_of(&refused[0].findings.reasons), [("PlanChanged", CUSTOMER.to_string().as_str())]);
    assert!(lines(&world).await.is_empty(), "nothing is marked");
}

#[tokio::test]
async fn a_rule_that_holds_meanwhile_and_a_transition_in_between_make_it_another_plan() {
    let recent = SubscriptionFacts { creation_date: at("2026-11-22T10:00:00Z"), ..subscription(1) };
    let (world, handler) = world(vec![subscription(0), recent]).await;
    let too_recent = the_plan(&handler).await;
    assert_eq!(codes_of(&too_recent.findings.reasons)[0].0, "SubscriptionTooRecent");
    world.clock.set("2026-11-23T10:00:01Z");
    let old_enough = the_plan(&handler).await;
    assert_ne!(old_enough.plan_hash, too_recent.plan_hash);
    // a transition that is undone may leave a plan that is used again
    assert!(check(&handler, &check_packet(T1, 50)).await[0].eligible);
    let moved = the_plan(&handler).await;
    assert!(moved.nothing_in_scope && moved.groups.is_empty());
    release(&handler, T1).await;
    let after = the_plan(&handler).await;
    assert_ne!(after.plan_hash, old_enough.plan_hash);
    assert!(!check(&handler, &keeping_to(T2, &old_enough.plan_hash)).await[0].eligible);
}

#[tokio::test]
async fn plans_that_are_there_are_used() {
    let world = World::new(MIGRATIONS).await;
    let handler = Options::default().handler(world.database.clone(), world.ports.clone());
    assert_eq!(planned(&handler).await, PlanOutcome::UnknownCustomer);
    let plan = |number, status| PlanFacts { id: PlanId(Uuid::from_u128(number)), reseller: Reseller(Some(mpn("7"))), status };
    let plans = vec![plan(3, PlanStatus::Active), plan(2, PlanStatus::Active), plan(1, PlanStatus::Suspended)];
    let told = EligibilityFacts { plans, ..told(vec![subscription(0), subscription(1)]) };
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 1, told.clone())]).await;
    let shown = the_plan(&handler).await;
    assert_eq!(shown.groups[0].plan, PlanSource::InDocument { plan_id: PlanId(Uuid::from_u128(2)) });
    assert_eq!(shown.groups[1].plan, PlanSource::Bought);
    // what is left when an earlier transition has completed
    check(&handler, &check_packet(T1, 50)).await;
    let more = EligibilityFacts { subscriptions: vec![subscription(0), subscription(1), subscription(2), subscription(3)], ..told };
    handle(&handler, &[facts::<Eligibility>(CUSTOMER, 2, more)]).await;
    let shown = the_plan(&handler).await;
    assert_eq!(shown.subscriptions_total, 2);
    assert_eq!(shown.groups[0].plan, PlanSource::OfEarlierTransition { in_document: Some(PlanId(Uuid::from_u128(2))) });
    assert_eq!(shown.groups[1].plan, PlanSource::OfEarlierTransition { in_document: None });
}

#[tokio::test]
async fn a_plan_of_many_subscriptions_lists_the_first_and_is_over_all() {
    let many: Vec<_> = (0..3_000).map(subscription).collect();
    let (_world, handler) = world(many).await;
    let plan = the_plan(&handler).await;
    assert_eq!(plan.subscriptions_total, 3_000);
    assert!(plan.groups.iter().all(|group| (group.subscriptions.len(), group.subscriptions_total) == (100, 1_500)));
    assert!(serde_json::to_vec(&plan).unwrap().len() < 1_000_000);
    assert_eq!(check(&handler, &keeping_to(T1, &plan.plan_hash)).await[0].lines_total, 3_000);
}
