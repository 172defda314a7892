//! The API over HTTP, with a coordinator and an eligibility service that do as each test says, on the embedded broker and SQLite.

mod audit;
mod importing;
mod letters;
mod operators;
mod reading;
mod surface;
mod upgrades;
mod world;
