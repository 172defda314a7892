//! Invoices as files, line by line: what they say is held against what was metered (ADR 31).
//!
//! A file is taken whole or not at all, and is known by its hash: the same one again changes nothing. One that was wrong is withdrawn, and
//! stays as it was.
//!
//! | file | does |
//! |---|---|
//! | `bring` | a file: read twice, first for what is wrong with it |
//! | `parse` | lines of both kinds of file |
//! | `invoice` | invoices, as [files](crate::files) that are begun, count, and are withdrawn |
//! | `lines` | lines, as they are compared |

mod bring;
mod invoice;
mod lines;
mod parse;

pub(crate) use bring::BringInvoice;
pub(crate) use invoice::{Invoice, InvoiceFile};
pub(crate) use lines::Span;

use crate::files::Files;
use planshift_storage::Database;
use planshift_worker::Ports;

/// Invoices of all partners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Invoices {
    /// Their files.
    pub(crate) files: Files<Invoice>,
    database: Database,
    ports: Ports,
}

impl Invoices {
    pub(crate) fn new(database: Database, ports: Ports) -> Self {
        Self { files: Files::new(database.clone(), ports.clone()), database, ports }
    }
}
