//! The columns that are read, and the names that files have for them.
//!
//! Source: the daily rated usage file as Partner Center's documentation has it since July 2022 (55 columns, `PartnerId` to `BenefitType`), the
//! same records of its API (`DailyRatedUsageLineItem`), and the resource `AzureUtilizationRecord`. Other columns are passed over.

use std::{collections::HashMap, sync::LazyLock};

macro_rules! columns {
    ($($column:ident = $shown:literal $(, $also:literal)*;)*) => {
        /// A column that is read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Column { $($column),* }
        /// Each with its name in messages, and the others that files have for it: in lower case, without spaces and underscores.
        const COLUMNS: &[(Column, &str, &[&str])] = &[$((Column::$column, $shown, &[$($also),*])),*];
    };
}
columns! {
    UsageStart = "usageStartTime", "usagestart";
    UsageEnd = "usageEndTime", "usageend";
    UsageDate = "UsageDate";
    Reported = "reportedTime", "reportedat";
    AzureSubscription = "EntitlementId", "azuresubscriptionid", "azureid";
    Subscription = "SubscriptionId", "commercesubscriptionid";
    Customer = "CustomerId", "customertenantid";
    Partner = "PartnerId";
    Quantity = "Quantity", "consumedquantity";
    Unit = "Unit", "unitofmeasure";
    Meter = "MeterId", "resource.id";
    MeterName = "MeterName", "resource.name";
    Category = "MeterCategory", "resource.category";
    Subcategory = "MeterSubCategory", "resource.subcategory";
    Region = "MeterRegion", "resource.region";
    Uri = "ResourceURI", "instancedata.resourceuri", "instanceid";
    Location = "ResourceLocation", "instancedata.location";
    PartNumber = "partNumber", "instancedata.partnumber", "infofields.partnumber";
    OrderNumber = "orderNumber", "instancedata.ordernumber", "infofields.ordernumber";
    AdditionalInfo = "AdditionalInfo", "instancedata.additionalinfo";
    Product = "ProductId";
    Sku = "SkuId";
    Reseller = "Tier2MpnId", "resellermpnid";
    Invoice = "InvoiceNumber";
    ChargeStart = "ChargeStartDate";
    ChargeEnd = "ChargeEndDate";
    ChargeType = "ChargeType";
    UnitType = "UnitType";
    UnitPrice = "UnitPrice";
    EffectiveUnitPrice = "EffectiveUnitPrice";
    BillingTotal = "BillingPreTaxTotal";
    BillingCurrency = "BillingCurrency";
    PricingTotal = "PricingPreTaxTotal";
    PricingCurrency = "PricingCurrency";
    ExchangeRate = "PCToBCExchangeRate";
    ExchangeRateDate = "PCToBCExchangeRateDate";
    Credit = "PartnerEarnedCreditPercentage", "rateofpartnerearnedcredit";
    AzureCredit = "CreditPercentage", "rateofcredit";
    CreditType = "CreditType";
    BenefitOrder = "BenefitOrderId";
    Benefit = "BenefitId";
    BenefitType = "BenefitType";
}

/// How many there are.
pub(super) const COUNT: usize = COLUMNS.len();

/// What a utilisation record cannot be without.
pub(super) const UTILIZATION: &[Column] = &[Column::UsageStart, Column::UsageEnd, Column::Meter, Column::Quantity, Column::Unit];
/// What a line of a daily rated usage file cannot be without.
pub(super) const RATED: &[Column] =
    &[Column::AzureSubscription, Column::UsageDate, Column::Meter, Column::Uri, Column::Quantity, Column::Unit];

static BY_NAME: LazyLock<HashMap<String, Column>> = LazyLock::new(|| {
    let own = COLUMNS.iter().map(|(column, shown, _)| (folded(shown), *column));
    own.chain(COLUMNS.iter().flat_map(|(column, _, also)| also.iter().map(|name| ((*name).to_owned(), *column)))).collect()
});

impl Column {
    /// As messages name it.
    pub(super) const fn shown(self) -> &'static str {
        COLUMNS[self as usize].1
    }

    /// The one that a file calls so: names in any case, with or without spaces and underscores.
    pub(super) fn named(name: &str) -> Option<Self> {
        BY_NAME.get(&folded(name)).copied()
    }
}

/// `instanceData` of real files has its content one level further down.
const INNER: &str = "microsoft.resources.";

fn folded(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_lowercase).collect();
    name.replace(INNER, "")
}

/// Those of `needed` that are not there, for a message.
pub(super) fn missing(needed: &[Column], is_there: impl Fn(Column) -> bool) -> Option<String> {
    let missing: Vec<&str> = needed.iter().filter(|column| !is_there(**column)).map(|column| column.shown()).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_stands_where_its_number_says_and_no_name_is_two() {
        let mut names = std::collections::HashSet::new();
        for (number, (column, shown, also)) in COLUMNS.iter().enumerate() {
            assert_eq!((*column as usize, column.shown()), (number, *shown));
            assert!(names.insert(folded(shown)), "{shown}");
            for name in *also {
                assert!(names.insert((*name).to_owned()) && folded(name) == *name, "{name}");
            }
        }
        const { assert!(COUNT <= 64) };
        assert_eq!(Column::named("Usage Date"), Some(Column::UsageDate));
        assert_eq!(Column::named("instanceData.Microsoft.Resources.resourceUri"), Some(Column::Uri));
        assert_eq!(Column::named("ServiceInfo1"), None);
    }
}
