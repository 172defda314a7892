//! The portal: what a partner's people look at all day. Pages are made here, and what they show and do comes from the API.
//!
//! What is guaranteed:
//! - A page asks the API's own router, in this process, as the one who looks at it ([`api`]). So rights, other partners' 404, idempotency
//!   and French are the API's, and there is no second logic. Each path of the portal has its own line in the table of rights as well.
//! - A page works without JavaScript, except that it does not move by itself. There is no script and no style in a page: the content
//!   security policy forbids both.
//! - What comes from outside (a customer's name) is printed as text: the templates escape everything.
//! - Nothing is loaded from elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `api` | the API, asked in this process |
//! | `session` | who has signed in: cookie, encrypted token |
//! | `form` | forms, and whether they come from a page of ours |
//! | `visit` | who looks, in which language and colours |
//! | `finish` | what every answer gets: headers, compression, errors as pages |
//! | `assets/`, `assets.rs` | style and scripts, under names that change with them |
//! | `frame` | what is around every page |
//! | `parts` | small things that several pages show |
//! | `partners` | partners by name, to choose one of |
//! | `states` | states in words, and how each looks |
//! | `sign_in`, `preferences` | coming in and out; language and colours |
//! | `by_provider`, `attempt` | coming in by the OpenID provider; an attempt while its people are away |
//! | `selection` | which customers of the list are meant |
//! | `customers`, `blockers` | the list of customers, and what stands in the way of each |
//! | `customer` | one customer |
//! | `wizard` | what a transition would do, and its start |
//! | `transition/` | a transition, live |
//! | `upload`, `question` | forms that bring a file; a question before an act |
//! | `batch/` | batches: begun, brought as a file, looked at, acted on |
//! | `schedule/` | schedules |
//! | `operations/` | steps, what is stuck, dead letters |
//! | `billing/` | a month's reconciliation, invoices and usage |
//! | `ownership/` | who owns an Azure subscription's usage from when |
//! | `spending` | what of a budget is spent, and its warnings |
//! | `audit` | what happened, who did it; a customer's dossier |

mod api;
mod assets;
mod attempt;
mod audit;
mod batch;
mod billing;
mod blockers;
mod by_provider;
mod customer;
mod customers;
mod faults;
mod finish;
mod form;
mod frame;
mod operations;
mod ownership;
mod partners;
mod parts;
mod preferences;
mod question;
mod schedule;
mod selection;
mod session;
mod sign_in;
mod spending;
mod states;
mod transition;
mod upload;
mod visit;
mod wizard;

use crate::app::App;
pub(crate) use api::Api;
use axum::{
    extract::DefaultBodyLimit,
    routing::{MethodRouter, get, post},
};
pub(crate) use finish::Asked;
pub(crate) use session::caller;

/// Where the portal is.
pub(crate) const HOME: &str = "/portal";
/// Where somebody comes to who has signed in.
const FIRST: &str = "/portal/customers";

/// Is this path, in lower case, one of the portal?
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix(HOME).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Its paths, as the router has them. What each needs is in the table of rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/portal", get(customers::home)),
        ("/portal/assets/{*file}", get(assets::serve)),
        ("/portal/sign-in", get(sign_in::page).post(sign_in::sign_in)),
        ("/portal/sign-in/provider", get(by_provider::begin)),
        ("/portal/sign-in/callback", get(by_provider::back)),
        ("/portal/sign-out", post(sign_in::sign_out)),
        ("/portal/preferences", post(preferences::set)),
        ("/portal/customers", get(customers::page)),
        ("/portal/customers/look", post(blockers::look)),
        ("/portal/blockers", get(blockers::read)),
        ("/portal/customers/{customer}", get(customer::page)),
        ("/portal/customers/{customer}/budget", post(customer::tick_budget)),
        ("/portal/customers/{customer}/transition", get(wizard::page).post(wizard::start)),
        ("/portal/transitions", get(transition::list)),
        ("/portal/transitions/{id}", get(transition::page)),
        ("/portal/transitions/{id}/cells", get(transition::cells)),
        ("/portal/transitions/{id}/events", get(transition::events)),
        ("/portal/transitions/{id}/cancel", get(transition::ask_cancel).post(transition::cancel)),
        ("/portal/transitions/{id}/resume", post(transition::resume)),
        ("/portal/transitions/{id}/close", post(transition::close)),
        ("/portal/batches/new", get(batch::ask).post(batch::prepare)),
        ("/portal/batches/upload", post(batch::upload).layer(DefaultBodyLimit::disable())),
        ("/portal/batches", get(batch::list).post(batch::begin)),
        ("/portal/batches/{batch}", get(batch::page)),
        ("/portal/batches/{batch}/events", get(batch::events)),
        ("/portal/batches/{batch}/results", get(batch::results)),
        ("/portal/batches/{batch}/act", get(batch::ask_act).post(batch::act)),
        ("/portal/schedules", get(schedule::list).post(schedule::create)),
        ("/portal/schedules/new", get(schedule::ask)),
        ("/portal/schedules/{schedule}", get(schedule::page)),
        ("/portal/schedules/{schedule}/move", get(schedule::ask_move).post(schedule::reschedule)),
        ("/portal/schedules/{schedule}/cancel", get(schedule::ask_cancel).post(schedule::cancel)),
        ("/portal/operations", get(operations::page)),
        ("/portal/operations/now", get(operations::now)),
        ("/portal/operations/steps/{step}", get(operations::ask_step).post(operations::act_on_step)),
        ("/portal/operations/letters", get(operations::letters)),
        ("/portal/operations/letters/{key}", get(operations::letter)),
        ("/portal/operations/redrive", get(operations::ask_redrive).post(operations::redrive)),
        ("/portal/operations/drop", get(operations::ask_drop).post(operations::drop)),
        ("/portal/operations/redrives/{id}", get(operations::redrive_page)),
        ("/portal/operations/redrives/{id}/cancel", post(operations::cancel_redrive)),
        ("/portal/billing", get(billing::month)),
        ("/portal/billing/credit", get(billing::credit)),
        ("/portal/billing/table", get(billing::table)),
        ("/portal/billing/invoices", get(billing::invoices).post(billing::bring_invoice)),
        ("/portal/billing/invoices/{id}", get(billing::invoice)),
        ("/portal/billing/invoices/{id}/replace", post(billing::replace)),
        ("/portal/billing/invoices/{id}/withdraw", post(billing::withdraw)),
        ("/portal/billing/usage", get(billing::usage).post(billing::bring_usage)),
        ("/portal/customers/{customer}/azure/{subscription}", get(ownership::page)),
        ("/portal/customers/{customer}/warnings", post(spending::acknowledge)),
        ("/portal/customers/{customer}/dossier", get(audit::dossier)),
        ("/portal/audit", get(audit::page)),
    ]
}
