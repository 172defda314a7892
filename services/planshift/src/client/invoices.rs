//! Invoices, and what is wrong with them.

use super::{Api, ApiError, IMPORT_TIMEOUT, REQUEST_ID, said, usage::of};
use crate::cli::{ImportInvoiceArgs, ListInvoicesArgs, ReconcileArgs, WithdrawInvoiceArgs};
use planshift_billing::Format;
use planshift_domain::ids::CustomerId;
use reqwest::{RequestBuilder, header};
use serde_json::Value;
use uuid::Uuid;

impl Api {
    /// Brings the file of an invoice. The same `request` again is the same file.
    ///
    /// # Errors
    /// A refusal with the file's faults; any other.
    pub async fn import_invoice(
        &self,
        args: &ImportInvoiceArgs,
        format: Format,
        file: tokio::fs::File,
        request: Uuid,
    ) -> Result<Value, ApiError> {
        let kind = match format {
            Format::Csv => "text/csv",
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
        };
        let post = self.client.post(self.invoices("")).header(header::CONTENT_TYPE, kind).header(REQUEST_ID, request.to_string());
        let mut post = of(post, &args.partner).query(&[("series", &args.series)]);
        if let Some(replaced) = args.replaces {
            post = post.query(&[("replaces", replaced.to_string())]);
        }
        self.json(post.timeout(IMPORT_TIMEOUT).body(reqwest::Body::from(file))).await
    }

    /// Files of invoices.
    ///
    /// # Errors
    /// Any.
    pub async fn list_invoices(&self, args: &ListInvoicesArgs) -> Result<Value, ApiError> {
        self.json(of(self.client.get(self.invoices("")).query(&[("size", args.size)]), &args.partner)).await
    }

    /// The file of an invoice.
    ///
    /// # Errors
    /// Any.
    pub async fn invoice(&self, id: Uuid) -> Result<Value, ApiError> {
        self.json(self.client.get(self.invoices(&format!("/{id}")))).await
    }

    /// Has an invoice compared with nothing from now on.
    ///
    /// # Errors
    /// Any.
    pub async fn withdraw_invoice(&self, args: &WithdrawInvoiceArgs) -> Result<Value, ApiError> {
        self.json(self.client.post(self.invoices(&format!("/{}/withdraw", args.one.id))).json(&said(&args.who))).await
    }

    /// What is wrong with an invoice: a page, after the token of the one before.
    ///
    /// # Errors
    /// Any.
    pub async fn invoice_findings(&self, id: Uuid, customer: Option<CustomerId>, after: Option<&str>) -> Result<Value, ApiError> {
        self.json(after_token(self.findings_of(id, customer), after)).await
    }

    /// The same as a table, written to `out` as it comes.
    ///
    /// # Errors
    /// Any.
    pub async fn export_invoice_findings(
        &self,
        id: Uuid,
        customer: Option<CustomerId>,
        out: &mut dyn std::io::Write,
    ) -> Result<(), ApiError> {
        self.export(self.findings_of(id, customer), out).await
    }

    /// A part of the reconciliation (`what` is the last part of its path): a page, after the token of the one before.
    ///
    /// # Errors
    /// Any.
    pub async fn reconciliation(&self, what: &str, args: &ReconcileArgs, after: Option<&str>) -> Result<Value, ApiError> {
        self.json(after_token(self.reconciled(what, args), after).timeout(IMPORT_TIMEOUT)).await
    }

    /// The same as a table, written to `out` as it comes.
    ///
    /// # Errors
    /// Any.
    pub async fn export_reconciliation(&self, what: &str, args: &ReconcileArgs, out: &mut dyn std::io::Write) -> Result<(), ApiError> {
        self.export(self.reconciled(what, args), out).await
    }

    fn reconciled(&self, what: &str, args: &ReconcileArgs) -> RequestBuilder {
        let given = [
            ("month", args.month.clone()),
            ("transitionId", args.transition.map(|id| id.to_string())),
            ("customerId", args.customer.map(|id| id.to_string())),
            ("azureSubscriptionId", args.azure_subscription.map(|id| id.to_string())),
            ("by", (what.is_empty() && args.by != "subscription").then(|| args.by.clone())),
        ];
        let mut get = self.client.get(format!("{}/v1/reconciliation{what}", self.base));
        for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            get = get.query(&[(name, value)]);
        }
        of(get, &args.partner)
    }

    fn findings_of(&self, id: Uuid, customer: Option<CustomerId>) -> RequestBuilder {
        let get = self.client.get(self.invoices(&format!("/{id}/findings"))).timeout(IMPORT_TIMEOUT);
        match customer {
            Some(customer) => get.query(&[("customerId", customer.to_string())]),
            None => get,
        }
    }

    async fn export(&self, request: RequestBuilder, out: &mut dyn std::io::Write) -> Result<(), ApiError> {
        let mut response = self.send(request.query(&[("format", "csv")]).timeout(IMPORT_TIMEOUT)).await?;
        while let Some(piece) = response.chunk().await.map_err(|source| self.unreachable(source))? {
            out.write_all(&piece).map_err(ApiError::Written)?;
        }
        Ok(())
    }

    fn invoices(&self, rest: &str) -> String {
        format!("{}/v1/invoices{rest}", self.base)
    }
}

fn after_token(request: RequestBuilder, after: Option<&str>) -> RequestBuilder {
    match after {
        Some(token) => request.header("MS-ContinuationToken", token),
        None => request,
    }
}
