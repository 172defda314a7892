//! The public face: the HTTP API, and the read model behind it.
//!
//! It decides nothing about transitions. What is asked of it, it asks the coordinator (or eligibility), and waits for the
//! answer on a queue of its own; what it shows, the coordinator's events have told it.
//!
//! | module | holds |
//! |---|---|
//! | `alone` | the gateway in a process of its own |
//! | `gateway` | options, bind, run, drain |
//! | `auth` | bearer tokens, and what each is good for |
//! | `http` | paths, rights, bodies, errors, idempotency |
//! | `ask` | questions and their answers |
//! | `instances` | which processes live, and in which version |
//! | `import` | a document, cut into chunks |
//! | `model` | the read model, and the order in which everything happened (`model/feed.rs`) |
//! | `events` | events into the read model |
//! | `hooks` | what happens, told to whom partners have registered |
//! | `hub`, `wait`, `look` | who waits for a transition |
//! | `together` | one write for many callers |
//! | `housekeeping` | what is missing for long, what is too old |
//! | `files` | files that are brought, of usage and of invoices: begun, alive, ended, undone |
//! | `usage` | usage records, each with its owner |
//! | `invoices` | invoices as files, line by line |
//! | `queues` | how much queues hold |
//! | `reconciliation` | what belongs on which invoice, and what is wrong with those that came |
//! | `portal` | the pages |
//! | `view` | a transition from its rows |
//! | `records` | entries of customers' chains as Partner Center's audit records |
//! | `words` | what people read, in English and in French |
//! | `settings` | every limit |

mod alone;
mod app;
mod ask;
mod auth;
mod batches;
mod events;
mod files;
#[cfg(test)]
mod fixtures;
mod gateway;
mod hooks;
mod housekeeping;
mod http;
mod hub;
mod import;
mod instances;
mod invoices;
mod letters;
mod look;
mod model;
mod portal;
mod queues;
mod reconciliation;
mod records;
mod schedules;
mod settings;
mod spending;
mod together;
mod usage;
mod view;
mod wait;
mod words;

pub use alone::{JAEGER_URL, made_text, serve, web_address};
pub use auth::{
    Auth, ClientOptions, ClientSecret, InvalidOidc, LocalToken, LocalTokenError, Made, OidcOptions, OidcSettings, Right, TOKEN_FILE,
};
pub use gateway::{DEFAULT_ADDRESS, Gateway, GatewayError, Options};
pub use hooks::{InvalidWebhooks, SigningKey, SigningKeyError, WebhookOptions};
pub use http::{RULES, Rule, openapi, paths};
pub use model::MIGRATIONS;
pub use settings::{Settings, WebhookSettings};
pub use usage::inspect;

/// Which service this is.
pub const SERVICE: planshift_messaging::Service = planshift_messaging::Service::Gateway;
