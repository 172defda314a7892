//! The audit: records as Partner Center lists them, and the dossier of a customer.
//!
//! | file | holds |
//! |---|---|
//! | `records` | `GET /v1/auditrecords` |
//! | `batches` | what was done to batches, there |
//! | `dossier` | `GET /v1/customers/{id}/dossier`: what is in it, and how it is streamed |
//! | `page` | the same as a page to print |

mod batches;
mod dossier;
mod page;
mod records;

pub(super) use dossier::dossier;
pub(super) use records::records;
