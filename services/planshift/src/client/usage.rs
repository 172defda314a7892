//! Usage records.

use super::{Api, ApiError, IMPORT_TIMEOUT, REQUEST_ID, streamed};
use crate::cli::{PartnerArg, UsageImportArgs, UsageImportsArgs, UsageListArgs, UsageOwnerArgs};
use planshift_billing::Format;
use reqwest::{RequestBuilder, header};
use serde_json::Value;
use tokio::io::AsyncRead;
use uuid::Uuid;

impl Api {
    /// Brings a file, read as it is sent. The same `request` again is the same import.
    ///
    /// # Errors
    /// A refusal with the file's faults; any other.
    pub async fn import_usage(
        &self,
        args: &UsageImportArgs,
        format: Format,
        file: impl AsyncRead + Send + Unpin + 'static,
        request: Uuid,
    ) -> Result<Value, ApiError> {
        let kind = match format {
            Format::Csv => "text/csv",
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
        };
        let post = self.client.post(format!("{}/v1/usage", self.base)).header(header::CONTENT_TYPE, kind);
        let post = post.header(REQUEST_ID, request.to_string()).timeout(IMPORT_TIMEOUT).body(streamed(file));
        let azure = args.azure_subscription.map(|azure| azure.to_string());
        self.json(of(post, &args.partner).query(&[("azureSubscriptionId", azure.unwrap_or_default())])).await
    }

    /// Imports of usage.
    ///
    /// # Errors
    /// Any.
    pub async fn usage_imports(&self, args: &UsageImportsArgs) -> Result<Value, ApiError> {
        let get = self.client.get(format!("{}/v1/usage/imports", self.base)).query(&[("size", args.size)]);
        self.json(of(get, &args.partner)).await
    }

    /// Records, or what each owner has of them.
    ///
    /// # Errors
    /// Any.
    pub async fn usage(&self, args: &UsageListArgs, totals: bool) -> Result<Value, ApiError> {
        let mut get = self.client.get(format!("{}/v1/usage{}", self.base, if totals { "/totals" } else { "" }));
        if !totals {
            get = get.query(&[("size", args.size)]);
        }
        let given = [
            ("azureSubscriptionId", args.azure_subscription.map(|id| id.to_string())),
            ("customerId", args.customer.map(|id| id.to_string())),
            ("from", args.from.clone()),
            ("to", args.to.clone()),
            ("owner", args.owner.clone()),
        ];
        for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            get = get.query(&[(name, value)]);
        }
        self.json(of(get, &args.partner)).await
    }

    /// Who owns an Azure subscription's usage, from when.
    ///
    /// # Errors
    /// Any.
    pub async fn ownership(&self, args: &UsageOwnerArgs) -> Result<Value, ApiError> {
        let (customer, azure) = (args.customer, args.azure_subscription);
        let get = self.client.get(format!("{}/v1/customers/{customer}/azureSubscriptions/{azure}/ownership", self.base));
        self.json(of(get, &args.partner)).await
    }
}

pub(super) fn of(request: RequestBuilder, partner: &PartnerArg) -> RequestBuilder {
    match partner.partner {
        Some(partner) => request.query(&[("partnerId", partner.to_string())]),
        None => request,
    }
}
