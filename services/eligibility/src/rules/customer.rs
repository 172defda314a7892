//! What the customer must be to move, and what it should know before.

use super::{Found, Subject};
use planshift_domain::account::{
    codes::{Blocking, Warning},
    facts::{Cloud, Relationship},
    scope::{is_commercial, is_pending_order},
};

pub(super) fn assess(subject: &Subject<'_>, found: &mut Found) {
    block(subject, found);
    warn(subject, found);
}

fn block(subject: &Subject<'_>, found: &mut Found) {
    let customer = subject.customer;
    let name = &customer.company_name;
    let mut block = |code, what| found.block(code, subject.customer_id.to_string(), what);
    if customer.relationship_to_partner != Relationship::Reseller {
        let is = customer.relationship_to_partner;
        block(
            Blocking::ResellerRelationshipMissing,
            format!(
                "The relationship of {name} to {} is \"{is}\" and not \"reseller\": send the customer a reseller relationship request and have it accepted.",
                subject.partner.name
            ),
        );
    }
    if !customer.has_agreed(subject.now) {
        block(
            Blocking::CustomerAgreementMissing,
            format!(
                "{name} has not agreed to the Microsoft Customer Agreement: confirm its acceptance in Partner Center, or have the customer sign it directly."
            ),
        );
    }
    if customer.is_shared_services {
        block(
            Blocking::PartnerSharedServices,
            format!("{name} is a tenant for Azure Partner Shared Services, which cannot be moved: buy an Azure plan for it instead."),
        );
    }
    if customer.cloud != Cloud::Public {
        let cloud = customer.cloud;
        block(
            Blocking::CloudNotSupported,
            format!("{name} is in the cloud {cloud}, and there are Azure plans in the public cloud only: it stays on its present offer."),
        );
    }
    if let Some(markets) = &subject.partner.azure_plan_markets
        && !markets.contains(&customer.country)
    {
        let country = &customer.country;
        block(
            Blocking::CatalogItemNotFound,
            format!(
                "{name} is in {country}, where {} cannot buy an Azure plan: check the customer's country, or wait until the plan is offered there.",
                subject.partner.name
            ),
        );
    }
    if let Some(order) = customer.orders.iter().find(|order| is_pending_order(&order.status)) {
        let id = &order.id;
        block(Blocking::PendingOrder, format!("Order {id} of {name} is still pending: wait until it is completed, or cancel it."));
    }
}

fn warn(subject: &Subject<'_>, found: &mut Found) {
    let customer = subject.customer;
    let name = &customer.company_name;
    let mut warn = |code, what| found.warn(code, subject.customer_id.to_string(), what);
    if !is_commercial(&customer.segment) {
        let segment = &customer.segment;
        warn(
            Warning::SegmentNotCommercial,
            format!(
                "{name} is of the segment \"{segment}\", and Azure plans are priced for Commercial: check that its special prices are not missed."
            ),
        );
    }
    if customer.has_support_plan {
        warn(
            Warning::SupportPlanPresent,
            format!(
                "{name} has a support plan, which does not move along: support comes from the partner from then on. Cancel the plan where it is no longer needed."
            ),
        );
    }
    if let Some(budget) = &customer.budget {
        let currency = &customer.currency_code;
        warn(
            Warning::BudgetWillNotCarryOver,
            format!("The budget of {name}, {budget} {currency}, does not carry over: set it again in the Azure portal, with its alert."),
        );
    }
    warn(
        Warning::ReportingWillChange,
        format!(
            "For {name} the utilisation API and hourly usage data stop, and lists show Azure plans in place of subscriptions: change reports and tools that read them."
        ),
    );
}

pub(super) fn assess_nothing_in_scope(subject: &Subject<'_>, found: &mut Found) {
    let name = &subject.customer.company_name;
    found.block(
        Blocking::NoAzureSubscriptions,
        subject.customer_id.to_string(),
        format!("{name} has no Azure subscription of the offer MS-AZR-0145P that could be moved: there is nothing to do. If it should have one, export the customer again."),
    );
}
