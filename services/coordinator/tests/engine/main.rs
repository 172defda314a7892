//! The engine on SQLite (on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one), with workers that are a few lines: what is
//! written, what is sent, what a repetition does.

mod audit;
mod line;
mod moves;
mod recovery;
mod steps;
mod watched;
mod world;
