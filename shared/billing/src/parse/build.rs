//! From a row's cells to a record.

use super::{
    Defaults,
    cells::Cells,
    columns::{Column, RATED, UTILIZATION, missing},
    fault::{Faults, quoted},
    times::{DAY, time},
};
use crate::{Decimal, Kind, Rated, Resource, UsageRecord};
use planshift_domain::{
    ids::{AzureSubscriptionId, parse_guid},
    time::Timestamp,
};
use uuid::Uuid;

/// What the row of these columns is of; none where it is neither.
pub(super) fn kind_of(has: impl Fn(Column) -> bool) -> Option<Kind> {
    if has(Column::UsageDate) {
        Some(Kind::RatedDaily)
    } else {
        (has(Column::UsageStart) || has(Column::UsageEnd)).then_some(Kind::Utilization)
    }
}

/// Of which columns a kind cannot do without.
pub(super) const fn needed(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Utilization => UTILIZATION,
        Kind::RatedDaily => RATED,
    }
}

/// A row that is being read, and what is wrong with it.
struct Row<'a> {
    cells: &'a Cells,
    number: u64,
    faults: &'a mut Faults,
}

/// The record of a row; none where it is at fault, which is noted.
pub(super) fn build(kind: Kind, cells: &Cells, defaults: &Defaults, number: u64, faults: &mut Faults) -> Option<UsageRecord> {
    let before = faults.total;
    if let Some(names) = missing(needed(kind), |column| cells.get(column).is_some()) {
        faults.add(number, &names, "nothing", "a value");
        return None;
    }
    let mut row = Row { cells, number, faults };
    let record = row.record(kind, defaults);
    (row.faults.total == before).then_some(record).flatten()
}

impl Row<'_> {
    fn record(&mut self, kind: Kind, defaults: &Defaults) -> Option<UsageRecord> {
        let azure_subscription_id = self.azure_subscription(kind, defaults);
        let (usage_start, usage_end) = match kind {
            Kind::Utilization => (self.time(Column::UsageStart), self.time(Column::UsageEnd)),
            Kind::RatedDaily => {
                let day = self.time(Column::UsageDate);
                (day, day.map(|day| day.plus_seconds(DAY)))
            }
        };
        if let (Some(start), Some(end)) = (usage_start, usage_end)
            && end <= start
        {
            self.fault(Column::UsageEnd, end.to_string(), format!("a time after the start, {start}"));
        }
        let quantity = self.decimal(Column::Quantity);
        if quantity.as_ref().is_some_and(|quantity| quantity.packed().is_none()) {
            let found = quoted(self.cells.get(Column::Quantity).unwrap_or_default());
            self.fault(Column::Quantity, found, "a number of at most 18 digits before the point and 36 after it".to_owned());
        }
        let (partner_id, customer_id) = (self.guid(Column::Partner), self.guid(Column::Customer));
        let reported_at = self.time(Column::Reported);
        let rated = (kind == Kind::RatedDaily).then(|| Box::new(self.rated()));
        Some(UsageRecord {
            kind,
            partner_id: partner_id.map(Into::into),
            customer_id: customer_id.map(Into::into).or(defaults.customer_id),
            azure_subscription_id: azure_subscription_id?,
            subscription_id: self.cells.option(Column::Subscription),
            usage_start: usage_start?,
            usage_end: usage_end?,
            reported_at,
            quantity: quantity?,
            resource: self.resource(),
            rated,
        })
    }

    fn resource(&self) -> Resource {
        let cells = self.cells;
        let mut meter_id = cells.text(Column::Meter);
        meter_id.make_ascii_lowercase();
        Resource {
            meter_id,
            name: cells.text(Column::MeterName),
            category: cells.text(Column::Category),
            subcategory: cells.text(Column::Subcategory),
            region: cells.text(Column::Region),
            unit: cells.text(Column::Unit),
            uri: cells.text(Column::Uri),
            location: cells.text(Column::Location),
            part_number: cells.text(Column::PartNumber),
            order_number: cells.text(Column::OrderNumber),
            additional_info: cells.text(Column::AdditionalInfo),
            product_id: cells.text(Column::Product),
            sku_id: cells.text(Column::Sku),
        }
    }

    fn rated(&mut self) -> Rated {
        let cells = self.cells;
        Rated {
            unit_price: self.decimal(Column::UnitPrice),
            effective_unit_price: self.decimal(Column::EffectiveUnitPrice),
            billing_pre_tax_total: self.decimal(Column::BillingTotal),
            billing_currency: cells.option(Column::BillingCurrency),
            pricing_pre_tax_total: self.decimal(Column::PricingTotal),
            pricing_currency: cells.option(Column::PricingCurrency),
            exchange_rate: self.decimal(Column::ExchangeRate),
            exchange_rate_date: self.time(Column::ExchangeRateDate),
            partner_earned_credit_percentage: self.decimal(Column::Credit),
            credit_percentage: self.decimal(Column::AzureCredit),
            credit_type: cells.option(Column::CreditType),
            charge_type: cells.option(Column::ChargeType),
            unit_type: cells.option(Column::UnitType),
            invoice_number: cells.option(Column::Invoice),
            charge_start: self.time(Column::ChargeStart),
            charge_end: self.time(Column::ChargeEnd),
            reseller_mpn_id: cells.option(Column::Reseller),
            benefit_order_id: cells.option(Column::BenefitOrder),
            benefit_id: cells.option(Column::Benefit),
            benefit_type: cells.option(Column::BenefitType),
        }
    }

    /// As the row says it, or else as its resource's path does. A utilisation record has no column for it: it was asked for by its
    /// commerce subscription, so where its path has none, whoever brings the file says it.
    fn azure_subscription(&mut self, kind: Kind, defaults: &Defaults) -> Option<AzureSubscriptionId> {
        let said = self.guid(Column::AzureSubscription);
        let in_path = (kind == Kind::Utilization).then(|| self.cells.get(Column::Uri).and_then(of_path)).flatten();
        if let (Some(said), Some(in_path)) = (said, in_path)
            && said != in_path
        {
            self.fault(Column::Uri, format!("the Azure subscription {in_path}"), format!("{said}, as in the column EntitlementId"));
        }
        let id = said.or(in_path).map(AzureSubscriptionId).or(defaults.azure_subscription_id);
        if id.is_none() && self.cells.get(Column::AzureSubscription).is_none() {
            self.fault(
                Column::Uri,
                "no Azure subscription".to_owned(),
                "a path that begins with /subscriptions/, or a value in EntitlementId".to_owned(),
            );
        }
        id
    }

    fn guid(&mut self, column: Column) -> Option<Uuid> {
        self.parsed(column, "a GUID", parse_guid)
    }

    fn decimal(&mut self, column: Column) -> Option<Decimal> {
        self.parsed(column, "a decimal number with a point, as 1234.5", |text| text.parse().ok())
    }

    fn time(&mut self, column: Column) -> Option<Timestamp> {
        self.parsed(column, "a time as 2026-09-18T10:00:00Z, or a date as 2026-09-18 or 9/18/2026", time)
    }

    /// A cell that is there must be what its column holds.
    fn parsed<T>(&mut self, column: Column, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.cells.get(column)?;
        let value = parse(text);
        if value.is_none() {
            self.faults.add(self.number, column.shown(), quoted(text), expected);
        }
        value
    }

    fn fault(&mut self, column: Column, found: String, expected: String) {
        self.faults.add(self.number, column.shown(), found, expected);
    }
}

/// The Azure subscription of a path in Azure.
fn of_path(uri: &str) -> Option<Uuid> {
    const START: &str = "/subscriptions/";
    let start = uri.get(..START.len()).filter(|start| start.eq_ignore_ascii_case(START))?;
    parse_guid(uri.get(start.len()..start.len() + 36)?)
}
