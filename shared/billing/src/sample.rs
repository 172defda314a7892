//! Writes files of usage of any size, for trying out and for measuring. The same options give the same bytes, and no more than a row is held.

use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId},
    time::Timestamp,
};
use std::io::{self, Write};
use uuid::Uuid;

use crate::{Format, Kind};

/// What a file is to be of.
#[derive(Clone, Debug)]
pub struct SampleOptions<'a> {
    /// Whose.
    pub partner: PartnerId,
    /// The subscriptions that use something, each with its customer. At least one.
    pub subscriptions: &'a [(CustomerId, AzureSubscriptionId)],
    /// How many records.
    pub records: u64,
    /// The first hour (of utilisation) or day (of daily rated usage).
    pub from: Timestamp,
    /// Of which kind.
    pub kind: Kind,
    /// Written how.
    pub format: Format,
}

struct Meter {
    id: Uuid,
    name: &'static str,
    category: &'static str,
    unit: &'static str,
    /// In ten thousandths of the pricing currency.
    price: u64,
    provider: &'static str,
}

const METERS: [Meter; 4] = [
    Meter {
        id: Uuid::from_u128(0x8e7f_e7b3_0f0f_4c9f_8b5e_b3d5_a5a5_0001),
        name: "D2 v3",
        category: "Virtual Machines",
        unit: "1 Hour",
        price: 8_680,
        provider: "Microsoft.Compute/virtualMachines/vm",
    },
    Meter {
        id: Uuid::from_u128(0x8e7f_e7b3_0f0f_4c9f_8b5e_b3d5_a5a5_0002),
        name: "P10 Disks",
        category: "Storage",
        unit: "1/Month",
        price: 197_100,
        provider: "Microsoft.Compute/disks/disk",
    },
    Meter {
        id: Uuid::from_u128(0x8e7f_e7b3_0f0f_4c9f_8b5e_b3d5_a5a5_0003),
        name: "Standard Data Transfer Out",
        category: "Bandwidth",
        unit: "1 GB",
        price: 870,
        provider: "Microsoft.Network/publicIPAddresses/ip",
    },
    Meter {
        id: Uuid::from_u128(0x8e7f_e7b3_0f0f_4c9f_8b5e_b3d5_a5a5_0004),
        name: "vCore",
        category: "SQL Database",
        unit: "1 Hour",
        price: 2_525,
        provider: "Microsoft.Sql/servers/sql",
    },
];

/// The columns of utilisation as CSV.
const UTILIZATION: &str = "usageStartTime,usageEndTime,resource.id,resource.name,resource.category,resource.region,quantity,unit,instanceData.resourceUri,instanceData.location";
/// Those of the daily rated usage file that the sample fills.
const RATED: &str = "PartnerId,CustomerId,SubscriptionId,UsageDate,MeterId,MeterName,MeterCategory,MeterRegion,Unit,ResourceLocation,ResourceURI,ChargeType,UnitPrice,Quantity,BillingCurrency,PricingCurrency,EffectiveUnitPrice,PCToBCExchangeRate,EntitlementId,PartnerEarnedCreditPercentage";

/// Writes the file: hour after hour (or day after day), each with a record of every subscription and meter.
///
/// # Errors
/// `InvalidInput` where there is no subscription; else what writing to `out` came to.
pub fn write(options: &SampleOptions<'_>, mut out: impl Write) -> io::Result<()> {
    if options.subscriptions.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file of usage needs a subscription"));
    }
    let (open, separator, close) = match options.format {
        Format::Csv => (if options.kind == Kind::Utilization { UTILIZATION } else { RATED }, "\n", "\n"),
        Format::Json => ("[", ",\n", "]\n"),
        Format::Ndjson => ("", "\n", "\n"),
    };
    out.write_all(open.as_bytes())?;
    for number in 0..options.records {
        if number > 0 || options.format == Format::Csv {
            out.write_all(separator.as_bytes())?;
        }
        record(options, number, &mut out)?;
    }
    out.write_all(close.as_bytes())?;
    out.flush()
}

fn record(options: &SampleOptions<'_>, number: u64, out: &mut impl Write) -> io::Result<()> {
    let subscriptions = options.subscriptions.len() as u64;
    let (place, round) = (number % subscriptions, number / subscriptions);
    let (which, period) = ((round % METERS.len() as u64) as usize, round / METERS.len() as u64);
    let Meter { id, name, category, unit, price, provider } = &METERS[which];
    let (customer, azure) = options.subscriptions[place as usize];
    let seconds = if options.kind == Kind::Utilization { 3600 } else { 24 * 3600 };
    let start = options.from.plus_seconds(i64::try_from(period).unwrap_or(i64::MAX).saturating_mul(seconds));
    let end = start.plus_seconds(seconds);
    // some of every size, none of them round
    let quantity = (number.wrapping_mul(2_654_435_761) % 24_000_000) + 1;
    let (whole, millionths) = (quantity / 1_000_000, quantity % 1_000_000);
    let uri = format!("/subscriptions/{azure}/resourceGroups/production/providers/{provider}{}", place % 10);
    match (options.kind, options.format) {
        (Kind::Utilization, Format::Csv) => {
            write!(out, "{start},{end},{id},{name},{category},EU West,{whole}.{millionths:06},{unit},{uri},westeurope")
        }
        (Kind::Utilization, _) => write!(
            out,
            r#"{{"usageStartTime":"{start}","usageEndTime":"{end}","resource":{{"id":"{id}","name":"{name}","category":"{category}","subcategory":"","region":"EU West"}},"quantity":{whole}.{millionths:06},"unit":"{unit}","infoFields":{{}},"instanceData":{{"resourceUri":"{uri}","location":"westeurope"}}}}"#
        ),
        (Kind::RatedDaily, format) => {
            let (partner, date) = (options.partner, &start.to_string()[..10]);
            let (units, ten_thousandths) = (price / 10_000, price % 10_000);
            // 15 % of partner earned credit
            let effective = price * 85;
            let (e_units, e_rest) = (effective / 1_000_000, effective % 1_000_000);
            if format == Format::Csv {
                write!(
                    out,
                    "{partner},{customer},usCBMgAAAAAAAAIA,{date},{id},{name},{category},EU West,{unit},westeurope,{uri},new,{units}.{ten_thousandths:04},{whole}.{millionths:06},EUR,USD,{e_units}.{e_rest:06},0.846202666,{azure},15"
                )
            } else {
                write!(
                    out,
                    r#"{{"partnerId":"{partner}","customerId":"{customer}","subscriptionId":"usCBMgAAAAAAAAIA","usageDate":"{date}","meterId":"{id}","meterName":"{name}","meterCategory":"{category}","meterRegion":"EU West","unit":"{unit}","resourceLocation":"westeurope","resourceUri":"{uri}","chargeType":"new","unitPrice":{units}.{ten_thousandths:04},"quantity":{whole}.{millionths:06},"billingCurrency":"EUR","pricingCurrency":"USD","effectiveUnitPrice":{e_units}.{e_rest:06},"pcToBCExchangeRate":0.846202666,"entitlementId":"{azure}","rateOfPartnerEarnedCredit":15}}"#
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Defaults, read};
    use std::{collections::HashSet, ops::ControlFlow};

    #[test]
    fn what_is_written_is_read_and_the_same_in_every_format() {
        let subscriptions = [
            (CustomerId(Uuid::from_u128(1)), AzureSubscriptionId(Uuid::from_u128(2))),
            (CustomerId(Uuid::from_u128(1)), AzureSubscriptionId(Uuid::from_u128(3))),
        ];
        for kind in Kind::ALL {
            let mut seen: Option<HashSet<Uuid>> = None;
            for format in [Format::Csv, Format::Json, Format::Ndjson] {
                let (partner, from) = (PartnerId(Uuid::from_u128(9)), "2026-09-18T00:00:00Z".parse().unwrap());
                let mut file = Vec::new();
                write(&SampleOptions { partner, subscriptions: &subscriptions, records: 40, from, kind, format }, &mut file).unwrap();
                let mut identities = HashSet::new();
                let reading = read(&file[..], format, &Defaults::default(), |_, record| {
                    assert_eq!(record.kind, kind);
                    assert!(identities.insert(record.identity(partner)), "each record is another one");
                    ControlFlow::Continue(())
                });
                assert_eq!(reading.unwrap().records, 40, "{format:?}");
                assert_eq!(seen.get_or_insert_with(|| identities.clone()), &identities);
            }
        }
    }
}
