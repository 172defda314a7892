//! The API over HTTP, with a coordinator and an eligibility service that do as each test says, on the embedded broker and SQLite; on
//! Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one.

mod audit;
mod batches;
mod budgets;
mod changes;
mod client;
mod french;
mod holder;
mod importing;
mod instances;
mod invariants;
mod isolation;
mod left;
mod letters;
mod limits;
mod live;
mod operators;
mod planning;
mod portal;
mod portal_billing;
mod provider;
mod reading;
mod receiver;
mod reconciliation;
mod rights;
mod schedules;
mod signing_in;
mod spending;
mod surface;
mod tokens;
mod upgrades;
mod usage;
mod webhooks;
mod world;
