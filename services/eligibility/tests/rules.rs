//! Each rule on its own: what just blocks, and what just does not.

use planshift_domain::{
    account::facts::{
        AgreementFacts, Cloud, CustomerFacts, OrderFacts, PartnerFacts, PartnerType, Relationship, ResellerFacts, RoleFacts,
        SubscriptionFacts, SubscriptionStatus,
    },
    ids::{MpnId, Reseller},
    time::Timestamp,
    transition::Finding,
};
use planshift_eligibility::rules::{Assessed, Assessment, RuleSettings, Subject};
use std::collections::{BTreeMap, BTreeSet};

const PARTNER: &str = "00000000-0000-4000-8000-000000000001";
const CUSTOMER: &str = "00000000-0000-4000-8000-000000000002";
const AZURE: &str = "a0000000-0000-4000-8000-000000000001";
const COMMERCE: &str = "c0000000-0000-4000-8000-000000000001";

fn mpn(text: &str) -> MpnId {
    MpnId::try_new(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Everything about one customer that may move without any warning but the one that always stands there.
struct Case {
    partner: PartnerFacts,
    customer: CustomerFacts,
    resellers: Vec<ResellerFacts>,
    plans: Vec<Reseller>,
    subscriptions: Vec<SubscriptionFacts>,
    settings: RuleSettings,
}

fn good() -> Case {
    Case {
        partner: PartnerFacts {
            id: PARTNER.parse().unwrap(),
            name: "Wide World".into(),
            mpn_id: mpn("100"),
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
            segment: "commercial".into(),
            agreements: vec![AgreementFacts {
                kind: "microsoftcustomeragreement".into(),
                date_agreed: at("2026-06-01T12:00:00Z"),
                template_id: None,
                primary_contact: None,
            }],
            has_signed_directly: false,
            budget: None,
            currency_code: "EUR".into(),
            has_support_plan: false,
            orders: vec![OrderFacts { id: "o1".into(), status: "completed".into() }],
        },
        resellers: vec![reseller("200", "Active", true)],
        plans: Vec::new(),
        subscriptions: vec![subscription()],
        settings: RuleSettings::default(),
    }
}

fn reseller(mpn_id: &str, state: &str, is_agreement_signed: bool) -> ResellerFacts {
    ResellerFacts {
        id: None,
        mpn_id: mpn(mpn_id),
        name: format!("Reseller {mpn_id}"),
        state: state.into(),
        location: None,
        is_agreement_signed,
    }
}

fn role(mpn_id: &str, role: &str) -> RoleFacts {
    RoleFacts { mpn_id: mpn(mpn_id), role: role.into() }
}

fn subscription() -> SubscriptionFacts {
    SubscriptionFacts {
        commerce_subscription_id: COMMERCE.parse().unwrap(),
        azure_subscription_id: Some(AZURE.parse().unwrap()),
        friendly_name: "Production".into(),
        status: SubscriptionStatus::Active,
        creation_date: at("2020-01-01T00:00:00Z"),
        reseller: Reseller(Some(mpn("200"))),
        order_id: None,
        tenant_id: Some(CUSTOMER.parse().unwrap()),
        has_reservations: false,
        transfers: vec!["Completed".into()],
        roles: vec![role("100", "owner")],
    }
}

const NOW: &str = "2026-06-01T12:00:00Z";

fn assess(case: &Case) -> Assessed {
    let resellers: BTreeMap<_, _> = case.resellers.iter().map(|r| (r.mpn_id.clone(), r.clone())).collect();
    let active_plans: BTreeSet<_> = case.plans.iter().cloned().collect();
    let mut assessment = Assessment::begin(Subject {
        partner: &case.partner,
        customer_id: CUSTOMER.parse().unwrap(),
        customer: &case.customer,
        resellers: &resellers,
        active_plans: &active_plans,
        now: at(NOW),
        settings: case.settings,
    });
    for subscription in &case.subscriptions {
        assessment.subscription(subscription);
    }
    assessment.finish()
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {}", f.code, f.resource_id)).collect()
}

/// The reasons after a change to the good case.
fn reasons(change: impl FnOnce(&mut Case)) -> Vec<String> {
    let mut case = good();
    change(&mut case);
    texts(&assess(&case).findings.reasons)
}

/// The warnings after a change to the good case, but for the one that always stands there.
fn warnings(change: impl FnOnce(&mut Case)) -> Vec<String> {
    let mut case = good();
    change(&mut case);
    let mut texts = texts(&assess(&case).findings.warnings);
    let always = format!("ReportingWillChange {CUSTOMER}");
    let before = texts.len();
    texts.retain(|text| *text != always);
    assert_eq!(texts.len() + 1, before);
    texts
}

fn one(code: &str, id: &str) -> Vec<String> {
    vec![format!("{code} {id}")]
}

const NOTHING: Vec<String> = Vec::new();

#[test]
fn the_good_case_is_good() {
    assert_eq!(reasons(|_| {}), NOTHING);
    assert_eq!(warnings(|_| {}), NOTHING);
    assert_eq!(assess(&good()).groups, BTreeMap::from([(Reseller(Some(mpn("200"))), 1)]));
}

#[test]
fn rules_of_the_partner() {
    assert_eq!(reasons(|c| c.partner.kind = PartnerType::IndirectReseller), one("PartnerTypeNotAllowed", PARTNER));
    assert_eq!(reasons(|c| c.partner.is_agreement_signed = false), one("PartnerAgreementMissing", PARTNER));
    assert_eq!(reasons(|c| c.partner.program_status = "Suspended".into()), one("PartnerProgramInactive", PARTNER));
    assert_eq!(reasons(|c| c.partner.program_status = "ACTIVE".into()), NOTHING);
}

#[test]
fn rules_of_the_relationship_and_the_agreement() {
    for relationship in [Relationship::None, Relationship::Advisor, Relationship::Unknown] {
        assert_eq!(reasons(|c| c.customer.relationship_to_partner = relationship), one("ResellerRelationshipMissing", CUSTOMER));
    }
    let missing = one("CustomerAgreementMissing", CUSTOMER);
    assert_eq!(reasons(|c| c.customer.agreements.clear()), missing);
    assert_eq!(reasons(|c| c.customer.agreements[0].date_agreed = at("2026-06-01T12:00:00.000001Z")), missing);
    assert_eq!(reasons(|c| c.customer.agreements[0].kind = "MicrosoftCloudAgreement".into()), missing);
    let directly = |c: &mut Case| {
        c.customer.agreements.clear();
        c.customer.has_signed_directly = true;
    };
    assert_eq!(reasons(directly), NOTHING);
}

#[test]
fn rules_of_the_customer() {
    assert_eq!(reasons(|c| c.subscriptions.clear()), one("NoAzureSubscriptions", CUSTOMER));
    assert_eq!(reasons(|c| c.customer.is_shared_services = true), one("PartnerSharedServices", CUSTOMER));
    for cloud in [Cloud::UsGov, Cloud::China, Cloud::Germany] {
        assert_eq!(reasons(|c| c.customer.cloud = cloud), one("CloudNotSupported", CUSTOMER));
    }
    assert_eq!(reasons(|c| c.partner.azure_plan_markets = Some(vec![])), one("CatalogItemNotFound", CUSTOMER));
    assert_eq!(reasons(|c| c.partner.azure_plan_markets = Some(vec!["DE".into()])), one("CatalogItemNotFound", CUSTOMER));
    assert_eq!(reasons(|c| c.partner.azure_plan_markets = Some(vec!["DE".into(), "FR".into()])), NOTHING);
    let order = |status: &str| OrderFacts { id: "o2".into(), status: status.into() };
    assert_eq!(reasons(|c| c.customer.orders.extend([order("Pending"), order("pending")])), one("PendingOrder", CUSTOMER));
    assert_eq!(reasons(|c| c.customer.orders.push(order("pending review"))), NOTHING);
}

#[test]
fn rules_of_a_subscription() {
    for status in [
        SubscriptionStatus::None,
        SubscriptionStatus::Pending,
        SubscriptionStatus::Suspended,
        SubscriptionStatus::Expired,
        SubscriptionStatus::Disabled,
    ] {
        assert_eq!(reasons(|c| c.subscriptions[0].status = status), one("SubscriptionStatusNotActive", AZURE));
    }
    let without_azure_id = reasons(|c| c.subscriptions[0].azure_subscription_id = None);
    assert_eq!(without_azure_id, one("SubscriptionNotProvisioned", COMMERCE));
    for status in ["Pending", "InProgress", "pending"] {
        assert_eq!(reasons(|c| c.subscriptions[0].transfers.push(status.into())), one("TransferInProgress", AZURE));
    }
    assert_eq!(reasons(|c| c.subscriptions[0].tenant_id = Some(PARTNER.parse().unwrap())), one("TenantMismatch", AZURE));
    assert_eq!(reasons(|c| c.subscriptions[0].tenant_id = None), NOTHING);
}

#[test]
fn a_subscription_is_too_recent_for_less_than_the_window() {
    let recent = one("SubscriptionTooRecent", AZURE);
    let bought = |text: &'static str| move |c: &mut Case| c.subscriptions[0].creation_date = at(text);
    assert_eq!(reasons(bought("2026-05-31T12:00:00Z")), NOTHING);
    assert_eq!(reasons(bought("2026-05-31T12:00:00.000001Z")), recent);
    assert_eq!(reasons(bought("2027-01-01T00:00:00Z")), recent);
    let without_window = |text: &'static str| {
        reasons(move |c| {
            c.settings.recent_window_hours = 0;
            c.subscriptions[0].creation_date = at(text);
        })
    };
    assert_eq!(without_window(NOW), NOTHING);
    assert_eq!(without_window("2026-06-01T12:00:01Z"), recent);
}

#[test]
fn rules_of_the_reseller_on_record() {
    let invalid = one("PartnerIdOnRecordInvalid", AZURE);
    assert_eq!(reasons(|c| c.resellers.clear()), invalid);
    assert_eq!(reasons(|c| c.resellers[0].state = "Inactive".into()), invalid);
    assert_eq!(reasons(|c| c.partner.kind = PartnerType::DirectBill), invalid);
    assert_eq!(reasons(|c| c.subscriptions[0].reseller = Reseller::NONE), NOTHING);
    // inactive and unsigned: the one that says what is wrong with the record
    assert_eq!(reasons(|c| c.resellers[0] = reseller("200", "Inactive", false)), invalid);
    assert_eq!(
        reasons(|c| {
            c.partner.kind = PartnerType::DirectBill;
            c.resellers[0].is_agreement_signed = false;
        }),
        invalid
    );
}

#[test]
fn a_reseller_without_agreement_is_named_once() {
    let twice = reasons(|c| {
        c.resellers[0].is_agreement_signed = false;
        let mut other = subscription();
        other.azure_subscription_id = Some("a0000000-0000-4000-8000-000000000009".parse().unwrap());
        c.subscriptions.push(other);
    });
    assert_eq!(twice, one("ResellerAgreementMissing", "200"));
}

#[test]
fn warnings_of_the_customer() {
    assert_eq!(warnings(|c| c.customer.segment = "Education".into()), one("SegmentNotCommercial", CUSTOMER));
    assert_eq!(warnings(|c| c.customer.has_support_plan = true), one("SupportPlanPresent", CUSTOMER));
    assert_eq!(warnings(|c| c.customer.budget = Some("0".into())), one("BudgetWillNotCarryOver", CUSTOMER));
}

#[test]
fn a_plan_is_there_already_only_for_a_reseller_on_record() {
    assert_eq!(warnings(|c| c.plans.push(Reseller(Some(mpn("200"))))), one("AzurePlanAlreadyExists", "200"));
    assert_eq!(warnings(|c| c.plans.push(Reseller::NONE)), NOTHING);
    let without = warnings(|c| {
        c.plans.push(Reseller::NONE);
        c.subscriptions[0].reseller = Reseller::NONE;
    });
    assert_eq!(without, one("AzurePlanAlreadyExists", "none"));
}

#[test]
fn warnings_of_a_subscription() {
    assert_eq!(warnings(|c| c.subscriptions[0].has_reservations = true), one("ReservationPresent", AZURE));
    let missing = one("AdminAccessMissing", AZURE);
    assert_eq!(warnings(|c| c.subscriptions[0].roles.clear()), missing);
    assert_eq!(warnings(|c| c.subscriptions[0].roles = vec![role("100", "Reader"), role("300", "Owner")]), missing);
    assert_eq!(warnings(|c| c.subscriptions[0].roles = vec![role("200", "CONTRIBUTOR")]), NOTHING);
    let other_reseller = warnings(|c| {
        c.subscriptions[0].roles = vec![role("200", "Owner")];
        c.subscriptions[0].reseller = Reseller::NONE;
    });
    assert_eq!(other_reseller, missing);
    let without_azure_id = warnings(|c| c.subscriptions[0].azure_subscription_id = None);
    assert_eq!(without_azure_id, one("AdminAccessMissing", COMMERCE));
}

#[test]
fn all_that_hold_are_named_in_the_order_of_the_table_and_then_of_the_text() {
    let mut case = good();
    case.partner.is_agreement_signed = false;
    case.customer.relationship_to_partner = Relationship::None;
    case.customer.is_shared_services = true;
    case.resellers = vec![reseller("30", "Active", false), reseller("200", "Active", false)];
    case.subscriptions = ["e", "b", "d"]
        .iter()
        .map(|first| {
            let mut one = subscription();
            one.azure_subscription_id = Some(format!("{first}0000000-0000-4000-8000-000000000000").parse().unwrap());
            one.status = SubscriptionStatus::Suspended;
            one.has_reservations = true;
            one
        })
        .collect();
    case.subscriptions[0].reseller = Reseller(Some(mpn("30")));
    case.subscriptions[2].roles.clear();
    let assessed = assess(&case);
    let id = |first: &str| format!("{first}0000000-0000-4000-8000-000000000000");
    assert_eq!(
        texts(&assessed.findings.reasons),
        [
            format!("PartnerAgreementMissing {PARTNER}"),
            format!("ResellerRelationshipMissing {CUSTOMER}"),
            format!("PartnerSharedServices {CUSTOMER}"),
            format!("SubscriptionStatusNotActive {}", id("b")),
            format!("SubscriptionStatusNotActive {}", id("d")),
            format!("SubscriptionStatusNotActive {}", id("e")),
            "ResellerAgreementMissing 200".to_owned(),
            "ResellerAgreementMissing 30".to_owned(),
        ]
    );
    assert_eq!(
        texts(&assessed.findings.warnings),
        [
            format!("ReportingWillChange {CUSTOMER}"),
            format!("ReservationPresent {}", id("b")),
            format!("ReservationPresent {}", id("d")),
            format!("ReservationPresent {}", id("e")),
            format!("AdminAccessMissing {}", id("d")),
        ]
    );
}
