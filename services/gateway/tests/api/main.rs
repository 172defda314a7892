//! The API over HTTP, with a coordinator and an eligibility service that do as each test says, on the embedded broker and SQLite.

mod importing;
mod letters;
mod live;
mod operators;
mod planning;
mod reading;
mod surface;
mod upgrades;
mod world;
