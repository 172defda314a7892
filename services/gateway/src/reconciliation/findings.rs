//! Invoices' lines against what was metered: one customer after the other, and of each some subscriptions at a time.

use super::{AT_ONCE, Reconciliation, Scope, reckon::used};
use crate::invoices::{InvoiceFile, Span};
use planshift_billing::reconcile::{Came, Comparison, Finding, Series};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::StorageError;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A day in seconds.
const DAY: i64 = 24 * 3600;

/// Whose invoices are looked at, and for what time.
#[derive(Clone, Debug)]
pub(crate) struct FindingsOf {
    pub(crate) partner: PartnerId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) azure: Option<AzureSubscriptionId>,
    /// From the beginning of a day until that of another one.
    pub(crate) span: Span,
    /// Only what is to be seen on this file, or is missing in the time that it is for.
    pub(crate) file: Option<InvoiceFile>,
}

/// Where a page ends: a customer, and how many of its findings were told.
pub(crate) type FindingsPlace = (Uuid, u64);

impl FindingsOf {
    /// Is it asked for?
    fn has(&self, finding: &Finding) -> bool {
        let overlaps = |(from, to): Span| finding.from < to && from < finding.to;
        let of_azure = self.azure.is_none_or(|azure| finding.azure_subscription_id.is_none_or(|of| of == azure));
        of_azure
            && overlaps(self.span)
            && self.file.as_ref().is_none_or(|file| {
                let is_missing = finding.lines.is_empty() && overlaps(file.brought.window);
                finding.series == file.brought.series && (is_missing || finding.lines.iter().any(|line| line.file == file.id))
            })
    }
}

impl Reconciliation {
    /// The findings of the next customer that has any usage or line: whose they are, what they are, and how many more there are. None at
    /// the end.
    pub(crate) async fn findings_after(
        &self,
        of: &FindingsOf,
        after: Uuid,
    ) -> Result<Option<(CustomerId, Vec<Finding>, u64)>, StorageError> {
        let Some(customer) = self.next_customer(of, after).await? else { return Ok(None) };
        let (findings, unlisted) = self.findings(of, customer).await?;
        Ok(Some((customer, findings, unlisted)))
    }

    async fn next_customer(&self, of: &FindingsOf, after: Uuid) -> Result<Option<CustomerId>, StorageError> {
        if let Some(customer) = of.customer {
            return Ok(Some(customer).filter(|customer| customer.0 > after));
        }
        let span = (of.span.0, of.span.1.plus_seconds(DAY));
        let scope = Scope { partner: of.partner, customer: None, azure: None, transition: None, from: span.0, to: span.1 };
        let used = self.subscriptions(&scope, (after, Uuid::max()), 1).await?.first().map(|(customer, _)| *customer);
        let billed = self.invoices.customers(of.partner, after, span, 1).await?.first().map(|customer| CustomerId(*customer));
        Ok(used.into_iter().chain(billed).min())
    }

    async fn findings(&self, of: &FindingsOf, customer: CustomerId) -> Result<(Vec<Finding>, u64), StorageError> {
        let whose = (of.partner, customer);
        let legacy = self.invoices.legacy_lines(whose, of.span).await?;
        // a line is compared as a whole, with all that was used in its time
        let from = legacy.iter().map(|line| line.from).chain([of.span.0]).min().unwrap_or(of.span.0);
        let to = legacy.iter().map(|line| line.to).chain([of.span.1]).max().unwrap_or(of.span.1);
        // the last hours of a day of the legacy invoice are of the next day in UTC
        let span = (from, to.plus_seconds(DAY));
        let mut came = Came::default();
        for invoice in self.invoices.files.done(of.partner).await?.into_iter().map(|file| file.brought) {
            if invoice.series == Series::Legacy { &mut came.legacy } else { &mut came.plan }.push(invoice.window);
        }
        let mut comparison = Comparison::new(customer, &legacy, came);
        let mut after = Uuid::nil();
        loop {
            let page = self.next_subscriptions(whose, after, span).await?;
            let Some(last) = page.last() else { break };
            after = last.0;
            let of_customer: Vec<(CustomerId, AzureSubscriptionId)> = page.iter().map(|azure| (customer, *azure)).collect();
            let facts = self.facts(of.partner, &of_customer, span).await?;
            let mut lines: BTreeMap<AzureSubscriptionId, Vec<_>> = BTreeMap::new();
            for line in self.invoices.plan_lines(whose, &page, span).await? {
                if let Some(azure) = line.azure_subscription_id {
                    lines.entry(azure).or_default().push(line);
                }
            }
            for facts in facts {
                comparison.subscription(&used(&facts), lines.get(&facts.azure).map_or(&[], Vec::as_slice));
            }
        }
        let (mut findings, unlisted) = comparison.end();
        findings.retain(|finding| of.has(finding));
        Ok((findings, unlisted))
    }

    /// The next subscriptions of a customer that used anything, or that an invoice has lines of.
    async fn next_subscriptions(
        &self,
        whose: (PartnerId, CustomerId),
        after: Uuid,
        span: (Timestamp, Timestamp),
    ) -> Result<Vec<AzureSubscriptionId>, StorageError> {
        let (partner, customer) = whose;
        let scope = Scope { partner, customer: Some(customer), azure: None, transition: None, from: span.0, to: span.1 };
        let used = self.subscriptions(&scope, (customer.0, after), AT_ONCE).await?;
        let billed = self.invoices.subscriptions(whose, after, span, AT_ONCE).await?;
        let both: BTreeSet<Uuid> = used.into_iter().map(|(_, azure)| azure.0).chain(billed).collect();
        Ok(both.into_iter().take(AT_ONCE as usize).map(AzureSubscriptionId).collect())
    }
}
