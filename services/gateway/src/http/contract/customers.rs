//! Customers, their resellers, their budgets. Source: the domain's sections 6.3 and 6.6.

use super::{
    api::Api,
    operation::Operation,
    shapes::{
        Object, Schema, always, collection, count, flag, guid, list, mpn_id, object, one_of, or_null, pattern, plain_and_not_empty, text,
        time,
    },
    upgrades::who_and_why,
};
use planshift_domain::account::facts::{Cloud, Relationship};
use serde_json::json;

const OPERATORS: [&str; 5] = ["equals", "not_equals", "substring", "starts_with", "not_starts_with"];
const MONTH: &str = "Which month, as `2026-11`; the present one, unless said.";
const TOKEN: &str = "Where the next page begins, where there is one.";

pub(super) fn describe(api: &Api) {
    resources(api);
    resellers(api);
    budget(api);
    budget_task(api);
    spending(api);
}

fn resources(api: &Api) {
    let by_text =
        object().has("Field", one_of(&["CompanyName", "Domain"])).has("Value", plain_and_not_empty()).has("Operator", one_of(&OPERATORS));
    let by_reseller =
        object().has("Field", always("IndirectReseller")).has("Value", guid()).has("Operator", one_of(&["equals", "starts_with"]));
    let filter = json!({ "anyOf": [Schema::from(by_text), Schema::from(by_reseller)] });
    let company = object().has("tenantId", guid()).has("domain", text()).has("companyName", text()).of_type("CustomerCompanyProfile");
    let address = object().has("country", text());
    let item = object()
        .has("id", guid())
        .has("companyProfile", company.clone())
        .has("billingProfile", object().has("defaultAddress", address.clone()).of_type("CustomerBillingProfile"))
        .has("relationshipToPartner", or_null(one_of(Relationship::TEXTS)))
        .has("partnerId", guid())
        .links(&[])
        .of_type("Customer");
    api.add(
        Operation::get("/v1/customers", "listCustomers", "Customers, in the order of their names.")
            .of_partner()
            .query_json("filter", filter, "A condition; `IndirectReseller` is the tenant of a reseller.")
            .pages()
            .json(200, "A page of them.", collection(api.named("ListedCustomer", item)))
            .may_give(200, "MS-ContinuationToken", TOKEN)
            .leads_to(200, "getCustomer", &[("customer", "$response.body#/items/0/id")]),
    );
    let billing = object().has("companyName", text()).has("defaultAddress", address).of_type("CustomerBillingProfile");
    let customer = object()
        .has("id", guid())
        .has("companyProfile", company.links(&[]))
        .has("billingProfile", billing)
        .has("relationshipToPartner", one_of(Relationship::TEXTS))
        .has("currencyCode", text())
        .has("cloud", one_of(Cloud::TEXTS))
        .has("segment", text())
        .has("isSharedServices", flag())
        .has("hasSupportPlan", flag())
        .has("partnerId", guid())
        .has("factsVersion", count())
        .links(&[])
        .of_versioned_type("Customer");
    api.add(
        Operation::get("/v1/customers/{customer}", "getCustomer", "One customer.")
            .of_partner()
            .json(200, "As the newest import tells of it.", api.named("Customer", customer))
            .fails(&[409]),
    );
}

fn resellers(api: &Api) {
    let relationship = api.named("PartnerRelationship", relationship());
    api.add(
        Operation::get(
            "/v1/customers/{customer}/relationships",
            "listResellersOfCustomer",
            "Resellers on record of a customer's subscriptions.",
        )
        .of_partner()
        .json(200, "All of them.", collection(relationship.clone()))
        .fails(&[409]),
    );
    api.add(
        Operation::get("/v1/relationships", "listResellers", "All resellers of the partner.")
            .of_partner()
            .query("relationship_type", always("IsIndirectCloudSolutionProviderOf"), "The one type that there is.")
            .pages()
            .json(200, "A page of them.", collection(relationship))
            .may_give(200, "MS-ContinuationToken", TOKEN),
    );
    let profile = object().has("mpnId", mpn_id()).has("partnerName", text()).links(&[]).of_type("MpnProfile");
    api.add(
        Operation::get("/v1/profiles/mpn", "getMpnProfile", "Is this an MPN id that is known?")
            .needs("mpnId", mpn_id(), "The MPN id.")
            .of_partner()
            .json(200, "It is a reseller's.", profile)
            .fails(&[404]),
    );
}

fn relationship() -> Object {
    object()
        .has("id", or_null(guid()))
        .has("name", text())
        .has("relationshipType", always("is_indirect_cloud_solution_provider_of"))
        .has("state", text())
        .has("mpnId", mpn_id())
        .has("location", or_null(text()))
        .of_type("PartnerRelationship")
}

fn budget(api: &Api) {
    let amount = || or_null(json!({ "type": "number", "minimum": 0 }));
    let budget = object()
        .has("amount", amount())
        .has("usageSpendingBudget", amount())
        .has("currencyCode", pattern("^[A-Z]{3}$"))
        .links(&[])
        .of_type("SpendingBudget");
    let budget = api.named("SpendingBudget", budget);
    const PATH: &str = "/v1/customers/{customer}/usagebudget";
    api.add(
        Operation::get(PATH, "getBudget", "The spending budget of a customer.")
            .of_partner()
            .json(200, "The budget, in the customer's currency; null where there is none.", budget.clone())
            .fails(&[409]),
    );
    api.add(
        Operation::patch(PATH, "setBudget", "Sets the spending budget of a customer, or takes it away with null.")
            .of_partner()
            .body(object().has("amount", amount()))
            .json(200, "The budget as it is now; every digit is kept.", budget)
            .fails(&[409]),
    );
}

fn budget_task(api: &Api) {
    let amount = || pattern("^[0-9.eE+-]+$");
    let currency = || pattern("^([A-Z]{3})?$");
    let done = object().has("amount", amount()).has("currencyCode", currency()).has("at", time()).has("by", text()).has("reason", text());
    let portal = object()
        .has("task", one_of(&["notNeeded", "open", "done"]))
        .has("transitionId", or_null(guid()))
        .has("since", or_null(time()))
        .has("link", text())
        .has("lastDone", or_null(Schema::from(done)));
    let decimal = || pattern("^-?[0-9]+(\\.[0-9]+)?$");
    let month = || pattern("^[0-9]{4}-(0[1-9]|1[0-2])$");
    let stated = object().has("currencyCode", text()).has("amount", decimal()).has("records", count());
    let spending = || {
        object()
            .has("month", month())
            .has("amount", or_null(decimal()))
            .has("currencyCode", currency())
            .has("percentUsed", or_null(decimal()))
            .has("isComplete", flag())
            .has("ratedRecords", count())
            .has("withoutPrice", count())
            .has("inOtherCurrencies", count())
            .has("utilizationRecords", count())
            .has("amounts", list(Schema::from(stated.clone())))
            .has("reckonedAt", or_null(time()))
    };
    let seen = object().has("at", time()).has("by", text()).has("reason", text());
    let warning = object()
        .has("threshold", count())
        .has("amount", amount())
        .has("currencyCode", currency())
        .has("spent", decimal())
        .has("percentUsed", or_null(decimal()))
        .has("at", time())
        .has("acknowledged", or_null(Schema::from(seen)));
    let budget = || {
        object()
            .has("customerId", guid())
            .has("partnerId", guid())
            .has("amount", or_null(amount()))
            .has("currencyCode", currency())
            .has("azurePortal", portal.clone())
    };
    let one = budget().has("spending", spending().has("isUpToDate", flag())).has("warnings", list(Schema::from(warning)));
    let one = api.named("BudgetTask", one.links(&[]).of_type("Budget"));
    let listed = budget().has("spending", spending()).has("companyName", text());
    let listed = api.named("ListedBudget", listed.links(&[]).of_type("Budget"));
    const PATH: &str = "/v1/customers/{customer}/budget";
    api.add(
        Operation::get(PATH, "getBudgetTask", "A customer's budget, whether it is set in the Azure portal too, and what is spent.")
            .of_partner()
            .query("month", month(), MONTH)
            .json(200, "The budget; `task` is `open` once a transition has completed, until somebody says that it is done.", one.clone())
            .fails(&[409]),
    );
    api.add(
        Operation::post("/v1/customers/{customer}/budget/done", "budgetDone", "The budget is set in the Azure portal.")
            .of_partner()
            .may_have_body(who_and_why())
            .json(200, "The budget as it is now; said twice, the first one counts.", one.clone())
            .fails(&[409]),
    );
    api.add(
        Operation::post(
            "/v1/customers/{customer}/budget/acknowledge",
            "acknowledgeWarnings",
            "Somebody has seen to the warnings of a month.",
        )
        .of_partner()
        .query("month", month(), MONTH)
        .query("until", time(), "Only those that had come until this time: what comes while somebody looks stays open. Now, unless said.")
        .may_have_body(who_and_why())
        .json(200, "The budget as it is now; said twice, the first one counts.", one)
        .fails(&[409]),
    );
    api.add(
        Operation::get("/v1/budgets", "listBudgets", "Budgets, in the order of the customers' names.")
            .of_partner()
            .query(
                "azurePortal",
                one_of(&["open", "done"]),
                "Those that have moved, and whose budget is not set in the Azure portal, or is.",
            )
            .query(
                "over",
                json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 }),
                "Those that have spent so many percent, or more.",
            )
            .query("month", month(), MONTH)
            .pages()
            .json(200, "A page of them.", collection(listed))
            .may_give(200, "MS-ContinuationToken", TOKEN),
    );
}

fn spending(api: &Api) {
    let month = || pattern("^[0-9]{4}-(0[1-9]|1[0-2])$");
    let number = || or_null(json!({ "type": "number" }));
    let budget = object().has("amount", or_null(json!({ "type": "number", "minimum": 0 }))).of_type("SpendingBudget");
    let costs = || {
        object()
            .has("budget", budget.clone())
            .has("resourceId", guid())
            .has("resourceName", text())
            .has("totalCost", number())
            .has("currencyCode", pattern("^([A-Z]{3})?$"))
            .has("usdTotalCost", number())
            .has("lastModifiedDate", or_null(time()))
    };
    let record = costs().has("percentUsed", number()).has("isUpgraded", flag()).has("partnerId", guid());
    let record = api.named("CustomerMonthlyUsageRecord", record.links(&[]).of_type("CustomerMonthlyUsageRecord"));
    let summary = costs().has("billingStartDate", time()).has("billingEndDate", time());
    let summary = api.named("CustomerUsageSummary", summary.links(&[]).of_type("CustomerUsageSummary"));
    api.add(
        Operation::get("/v1/customers/usagerecords", "listCustomerUsageRecords", "What customers have spent of their budgets.")
            .of_partner()
            .query("month", month(), MONTH)
            .pages()
            .json(200, "A page of those that have a budget or usage; a cost is null where nothing states it.", collection(record))
            .may_give(200, "MS-ContinuationToken", TOKEN),
    );
    api.add(
        Operation::get("/v1/customers/{customer}/usagesummary", "getUsageSummary", "What a customer has spent in a month.")
            .of_partner()
            .query("month", month(), MONTH)
            .json(200, "The sum; null where nothing states it.", summary)
            .fails(&[409]),
    );
}
