//! The open task that a transition leaves behind: the budget is to be set in the Azure portal too. Until somebody says that it is, it is
//! shown. Source: the domain's sections 8, 9 (I17) and 11.

use super::{
    Whose,
    list::{key, token},
    spending::{month_of, shown as spending, warning},
};
use crate::{
    app::App,
    http::{
        actor::{actor, reason},
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Fields, Parameters},
        once::{hash, once},
        pages::{Asked, LARGEST_PAGE, Page, again, link},
    },
    model::{Amount, BudgetFilter, BudgetRow, Moved, Tick},
    spending::{Spent, Warning},
    words::words,
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use planshift_billing::month::Month;
use planshift_domain::ids::{CustomerId, PartnerId};
use serde_json::{Value, json};

/// Where budgets are set in the Azure portal.
const PORTAL: &str = "https://portal.azure.com/#view/Microsoft_Azure_CostManagement/Menu/~/budgets";

/// The most that may be asked for.
const MOST_PERCENT: u32 = 1_000_000;

/// How the task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// There is no budget, or no transition has completed.
    NotNeeded,
    /// It is to be done.
    Open,
    /// It is done, for the amount that the budget has.
    Done,
}

impl Task {
    const ALL: [Self; 3] = [Self::NotNeeded, Self::Open, Self::Done];

    fn of(budget: Option<&Amount>, moved: Option<&Moved>, tick: Option<&Tick>) -> Self {
        match (budget, moved) {
            (Some(budget), Some(_)) if tick.is_some_and(|tick| tick.amount == *budget) => Self::Done,
            (Some(_), Some(_)) => Self::Open,
            _ => Self::NotNeeded,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::NotNeeded => "notNeeded",
            Self::Open => "open",
            Self::Done => "done",
        }
    }
}

/// A customer's budget with its task, and with what of it is spent in a month.
pub(super) struct Standing {
    whose: (PartnerId, CustomerId),
    budget: Option<Amount>,
    currency: String,
    moved: Option<Moved>,
    tick: Option<Tick>,
    month: Month,
    spent: Spent,
    /// Of a list's, none are shown.
    one: Option<One>,
}

/// What is shown of one customer alone.
struct One {
    warnings: Vec<Warning>,
    /// All usage that has come is in what is spent.
    is_up_to_date: bool,
}

impl Standing {
    pub(super) async fn read(app: &App, context: &Context, whose: Whose, month: Month) -> Result<Self, ApiError> {
        let customer = whose.head(app, context).await?.customer;
        let key = (whose.partner, whose.customer);
        let budget = customer.budget.map(|amount| Amount::new(&amount, &customer.currency_code));
        let (moved, tick) = (app.model.moved(key).await?, app.model.budget_tick(key).await?);
        // asked before what is spent is read: what comes meanwhile is told of, or is in it
        let is_up_to_date = !app.spendings.is_behind(whose.partner, whose.customer, month).await?;
        let spent = app.spendings.of(whose.partner, whose.customer, month).await?;
        let one = Some(One { warnings: app.spendings.warnings(whose.partner, whose.customer, month).await?, is_up_to_date });
        Ok(Self { whose: key, budget, currency: customer.currency_code, moved, tick, month, spent, one })
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        self.one.as_ref().map_or(&[], |one| &one.warnings)
    }

    fn task(&self) -> Task {
        Task::of(self.budget.as_ref(), self.moved.as_ref(), self.tick.as_ref())
    }

    /// Amounts are texts: a reader that makes binary fractions of JSON's numbers would lose digits.
    pub(super) fn shown(&self) -> Value {
        let mut spending = spending(&self.spent, self.month, self.budget.as_ref().map(|budget| budget.amount.as_str()), &self.currency);
        let (partner, customer) = self.whose;
        let done = match &self.tick {
            Some(tick) => json!({
                "amount": tick.amount.amount, "currencyCode": tick.amount.currency, "at": tick.at, "by": tick.actor, "reason": tick.reason,
            }),
            None => Value::Null,
        };
        let mut shown = json!({
            "customerId": customer,
            "partnerId": partner,
            "amount": self.budget.as_ref().map(|budget| &budget.amount),
            "currencyCode": self.currency,
            "azurePortal": {
                "task": self.task().name(),
                "transitionId": self.moved.as_ref().map(|moved| moved.transition_id),
                "since": self.moved.as_ref().and_then(|moved| moved.ended_at),
                "link": PORTAL,
                "lastDone": done,
            },
            "links": { "self": link(format!("/customers/{customer}/budget")) },
            "attributes": { "objectType": "Budget" },
        });
        if let Some(one) = &self.one {
            spending["isUpToDate"] = one.is_up_to_date.into();
            shown["warnings"] = one.warnings.iter().map(warning).collect();
        }
        shown["spending"] = spending;
        shown
    }
}

/// `GET /v1/customers/{id}/budget`: the budget, whether it is set in the Azure portal, what of it is spent, and warnings.
pub(in crate::http) async fn task(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let month = month_of(&app, &parameters)?;
    Answer::json(&Standing::read(&app, &context, whose, month).await?.shown())
}

/// `POST /v1/customers/{id}/budget/done`: it is set there. Said twice, the first one counts.
pub(in crate::http) async fn done(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let (actor, reason) = (actor(&fields, &context)?, reason(&fields)?);
    let target = format!("POST /v1/customers/{}/budget/done of {}", whose.customer, whose.partner);
    once(&app, &context, &target, &hash(&fields.raw), async {
        let mut standing = Standing::read(&app, &context, whose, app.spendings.this_month()).await?;
        match (standing.task(), &standing.budget) {
            (Task::Done, _) => {}
            (Task::Open, Some(amount)) => {
                let tick = Tick { amount: amount.clone(), at: app.ports.clock.now(), actor, reason };
                app.model.tick_budget(standing.whose, &tick).await?;
                standing.tick = app.model.budget_tick(standing.whose).await?;
            }
            (Task::NotNeeded | Task::Open, _) => {
                let text = words!(
                    "There is nothing to set in the Azure portal: the customer has no budget, or has not moved.",
                    "Il n’y a rien à définir dans le portail Azure : le client n’a pas de budget, ou n’a pas été transféré."
                );
                return Err(ApiError::new(StatusCode::CONFLICT, "409", "NoOpenTask", text));
            }
        }
        Answer::json(&standing.shown())
    })
    .await
}

/// `GET /v1/budgets?azurePortal=open&over=80`: budgets of all customers, in the order of their names; `open` and `done` are of those that
/// have moved, and `over` of those that have spent so many percent in the month.
pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let partner = parameters.parse("partnerId", A_GUID, |text| text.parse::<PartnerId>().ok())?;
    let wanted = parameters.get("azurePortal").map(|name| Task::ALL.into_iter().find(|task| task.name() == name).ok_or(name)).transpose();
    let done = match wanted {
        Ok(None) => None,
        Ok(Some(Task::Open)) => Some(false),
        Ok(Some(Task::Done)) => Some(true),
        Ok(Some(Task::NotNeeded)) | Err(_) => {
            let text = words!("The parameter azurePortal is open or done.", "Le paramètre azurePortal est open ou done.");
            return Err(ApiError::bad_input("InvalidParameter", text));
        }
    };
    let month = month_of(&app, &parameters)?;
    let over = parameters.number("over", 0, MOST_PERCENT)?;
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    // a caller that is a partner sees its own, whatever it asks for
    let filter = BudgetFilter { partner: context.caller.partner.or(partner), done, month, over };
    let page = app.model.budgets(filter, asked.after(key)?, asked.size, asked.counted).await?;
    let items = page.rows.into_iter().map(|row| {
        let BudgetRow { partner_id, customer_id, company_name, budget, moved, tick, spent, .. } = row;
        let (whose, currency) = ((partner_id, customer_id), budget.currency.clone());
        let mut item = Standing { whose, budget: Some(budget), currency, moved, tick, month, spent, one: None }.shown();
        item["companyName"] = Value::String(company_name);
        item
    });
    let (items, next) = (items.collect(), page.next.map(|key| Asked::counted(page.total, token(&key))));
    let page = Page { items, total: Some(page.total), next, ..Page::default() };
    asked.answer("/budgets", &again(&parameters, &["partnerId", "azurePortal", "month", "over"]), page)
}
