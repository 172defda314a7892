//! Budgets, as the API tells them.

use super::{Api, ApiError, Items, REQUEST_ID, said};
use crate::cli::{BudgetAcknowledgeArgs, BudgetListArgs, BudgetOneArgs, WhoArgs};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

/// A customer's budget.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Whose.
    pub customer_id: CustomerId,
    /// And whose customer that is.
    pub partner_id: PartnerId,
    /// Its name, in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// With every digit; none where there is none.
    pub amount: Option<String>,
    /// ISO 4217.
    pub currency_code: String,
    /// Whether it is set there too.
    pub azure_portal: PortalTask,
    /// What of it is spent.
    pub spending: Spending,
    /// Thresholds that were reached in the month, the newest first; none in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// What was spent in a month.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spending {
    /// As `2026-11`.
    pub month: String,
    /// In the budget's currency; none where nothing states it.
    pub amount: Option<String>,
    /// ISO 4217.
    pub currency_code: String,
    /// Of the budget, to two places.
    pub percent_used: Option<String>,
    /// Nothing is missing in the amount.
    pub is_complete: bool,
    /// Rated daily records.
    pub rated_records: u64,
    /// Those of them that state no price.
    pub without_price: u64,
    /// Those that state none in the budget's currency.
    pub in_other_currencies: u64,
    /// Records without prices, of the other kind.
    pub utilization_records: u64,
    /// What is stated, by currency.
    pub amounts: Vec<Stated>,
    /// When it was reckoned.
    pub reckoned_at: Option<Timestamp>,
    /// All usage that was brought is in it; not told in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_up_to_date: Option<bool>,
}

/// What is stated in a currency.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stated {
    /// ISO 4217.
    pub currency_code: String,
    /// With every digit.
    pub amount: String,
    /// By how many records.
    pub records: u64,
}

/// That a threshold was reached.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// In percent.
    pub threshold: u32,
    /// Of this budget,
    pub amount: String,
    /// in this currency;
    pub currency_code: String,
    /// what was spent then,
    pub spent: String,
    /// and how much of it that was.
    pub percent_used: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Who has seen to it.
    pub acknowledged: Option<Acknowledged>,
}

/// That somebody has seen to it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged {
    /// When,
    pub at: Timestamp,
    /// who,
    pub by: String,
    /// and why.
    pub reason: String,
}

/// The open task that a transition leaves behind.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalTask {
    /// `notNeeded`, `open`, `done`.
    pub task: String,
    /// The transition that has moved the customer.
    pub transition_id: Option<TransitionId>,
    /// When that ended.
    pub since: Option<Timestamp>,
    /// Where it is done.
    pub link: String,
    /// Who has done it last.
    pub last_done: Option<Done>,
}

/// That it was done.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// For this amount,
    pub amount: String,
    /// in this currency,
    pub currency_code: String,
    /// then,
    pub at: Timestamp,
    /// by him,
    pub by: String,
    /// for this reason.
    pub reason: String,
}

/// Partner Center's body.
#[derive(Serialize)]
struct SpendingBudget<'a> {
    amount: Option<&'a RawValue>,
}

impl Api {
    /// A page of budgets.
    ///
    /// # Errors
    /// Any.
    pub async fn budgets(&self, args: &BudgetListArgs) -> Result<Items<Budget>, ApiError> {
        let mut request = self
            .client
            .get(format!("{}/v1/budgets", self.base))
            .query(&[("size", args.size)])
            .query(&[("partnerId", args.partner.partner)])
            .query(&[("over", args.over)])
            .query(&[("month", &args.month)]);
        if args.open || args.done {
            request = request.query(&[("azurePortal", if args.open { "open" } else { "done" })]);
        }
        self.json(request).await
    }

    /// A customer's budget.
    ///
    /// # Errors
    /// Any.
    pub async fn budget(&self, one: &BudgetOneArgs) -> Result<Budget, ApiError> {
        self.budget_of_month(one, None).await
    }

    /// A customer's budget, with what was spent in a month; the present one where none is said.
    ///
    /// # Errors
    /// Any.
    pub async fn budget_of_month(&self, one: &BudgetOneArgs, month: Option<&str>) -> Result<Budget, ApiError> {
        self.json(self.of_customer(Method::GET, one, "budget").query(&[("month", month)])).await
    }

    /// Somebody has seen to the warnings of a month.
    ///
    /// # Errors
    /// Any.
    pub async fn acknowledge_warnings(&self, args: &BudgetAcknowledgeArgs) -> Result<Budget, ApiError> {
        let request =
            self.of_customer(Method::POST, &args.one, "budget/acknowledge").query(&[("month", &args.month), ("until", &args.until)]);
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string()).json(&said(&args.who))).await
    }

    /// Sets it; none takes it away.
    ///
    /// # Errors
    /// Any.
    pub async fn set_budget(&self, one: &BudgetOneArgs, amount: Option<&RawValue>) -> Result<(), ApiError> {
        let request = self.of_customer(Method::PATCH, one, "usagebudget").header(REQUEST_ID, Uuid::new_v4().to_string());
        self.json::<Value>(request.json(&SpendingBudget { amount })).await.map(|_| ())
    }

    /// It is set in the Azure portal.
    ///
    /// # Errors
    /// Any.
    pub async fn budget_done(&self, one: &BudgetOneArgs, who: &WhoArgs) -> Result<Budget, ApiError> {
        let request = self.of_customer(Method::POST, one, "budget/done").header(REQUEST_ID, Uuid::new_v4().to_string());
        self.json(request.json(&said(who))).await
    }

    fn of_customer(&self, method: Method, one: &BudgetOneArgs, what: &str) -> RequestBuilder {
        let url = format!("{}/v1/customers/{}/{what}", self.base, one.customer.customer);
        self.client.request(method, url).query(&[("partnerId", one.partner.partner)])
    }
}
