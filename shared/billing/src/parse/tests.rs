//! Files as they are, and what is wrong with others.

use super::*;
use planshift_domain::ids::PartnerId;
use uuid::Uuid;

const AZURE: &str = "42226ed6-070a-4e0f-b80c-4cdfb3e97aa7";
const PARTNER: PartnerId = PartnerId(Uuid::from_u128(1));

fn all(text: &str, format: Format) -> Result<Vec<UsageRecord>, UsageError> {
    let mut records = Vec::new();
    read(text.as_bytes(), format, &Defaults::default(), |_, record| {
        records.push(record);
        ControlFlow::Continue(())
    })?;
    Ok(records)
}

fn faults(text: &str, format: Format) -> Faults {
    match all(text, format) {
        Err(UsageError::Faults(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

fn utilization() -> String {
    format!(
        r#"{{"usageStartTime":"2026-09-18T00:00:00+00:00","usageEndTime":"2026-09-18T01:00:00Z","resource":{{"id":"8E7FE7B3-0F0F-4C9F-8B5E-B3D5A5A5A5A5","name":"D2 v3","category":"Virtual Machines","subcategory":"Dv3","region":"EU West"}},"quantity":0.10,"unit":"Hours","infoFields":{{}},"instanceData":{{"resourceUri":"/subscriptions/{AZURE}/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/vm1","location":"westeurope","tags":{{"a":"b"}}}},"attributes":{{"objectType":"AzureUtilizationRecord"}}}}"#
    )
}

const UTILIZATION_HEADER: &str = "usageStartTime,usageEndTime,resource.id,resource.name,resource.category,resource.subcategory,resource.region,quantity,unit,instanceData";

fn utilization_row() -> String {
    format!(
        "9/18/2026 12:00:00 AM,2026-09-18T03:00:00+02:00,8e7fe7b3-0f0f-4c9f-8b5e-b3d5a5a5a5a5,D2 v3,Virtual Machines,Dv3,EU West,1e-1,Hours,\"{{\"\"Microsoft.Resources\"\":{{\"\"resourceUri\"\":\"\"/subscriptions/{}/resourcegroups/g/providers/Microsoft.Compute/virtualMachines/vm1\"\",\"\"location\"\":\"\"westeurope\"\"}}}}\"",
        AZURE.to_uppercase()
    )
}

const RATED_HEADER: &str = "PartnerId,CustomerId,InvoiceNumber,SubscriptionId,UsageDate,MeterId,MeterName,Unit,ResourceURI,UnitPrice,Quantity,BillingPreTaxTotal,BillingCurrency,EffectiveUnitPrice,PCToBCExchangeRate,EntitlementId,PartnerEarnedCreditPercentage,CreditType,ServiceInfo1";

fn rated_row(day: &str, quantity: &str) -> String {
    format!(
        "0e195b37-4574-4539-bc42-0e539b9684c0,196e2273-9651-43a3-ba7e-7cbcd918fc40,,usCBMgAAAAAAAAIA,{day},8e7fe7b3-0f0f-4c9f-8b5e-b3d5a5a5a5a5,\"D2, v3\",1 Hour,/subscriptions/{AZURE}/x,0.868,{quantity},14.97,EUR,0.7378,0.846202666,{AZURE},15,,x"
    )
}

#[test]
fn the_same_record_in_every_format_is_the_same() {
    let (json, csv) = (utilization(), format!("\u{feff}{UTILIZATION_HEADER}\r\n{}\r\n", utilization_row()));
    let formats = [
        (format!("[{json}]"), Format::Json),
        (
            format!(r#"{{"totalCount":1,"items":[{json}],"links":{{"self":{{"uri":"x"}}}},"attributes":{{"objectType":"Collection"}}}}"#),
            Format::Json,
        ),
        (format!("\u{feff}{json}\n\n{json}\n"), Format::Ndjson),
        (json, Format::Json),
        (csv, Format::Csv),
    ];
    let mut identities = std::collections::HashSet::new();
    for (text, format) in formats {
        for record in all(&text, format).unwrap_or_else(|error| panic!("{error} in {text}")) {
            assert_eq!(record.azure_subscription_id.to_string(), AZURE);
            assert_eq!(record.usage_start.to_string(), "2026-09-18T00:00:00Z");
            assert_eq!((record.quantity.to_string().as_str(), record.resource.unit.as_str()), ("0.1", "Hours"));
            assert_eq!((record.kind, &record.rated), (Kind::Utilization, &None));
            identities.insert(record.identity(PARTNER));
        }
    }
    assert_eq!(identities.len(), 1);
    assert!(!identities.contains(&all(&utilization(), Format::Json).unwrap()[0].identity(PartnerId(Uuid::from_u128(2)))));
}

#[test]
fn a_daily_rated_file_is_read_and_its_days_are_whole() {
    let text = format!("{RATED_HEADER}\n{}\n{}\n", rated_row("9/18/2026", "14"), rated_row("2026-09-19T00:00:00Z", "24"));
    let records = all(&text, Format::Csv).unwrap();
    assert_eq!(records.len(), 2);
    let first = &records[0];
    assert_eq!(
        (first.usage_start.to_string().as_str(), first.usage_end.to_string().as_str()),
        ("2026-09-18T00:00:00Z", "2026-09-19T00:00:00Z")
    );
    assert_eq!(
        (first.kind, first.subscription_id.as_deref(), first.resource.name.as_str()),
        (Kind::RatedDaily, Some("usCBMgAAAAAAAAIA"), "D2, v3")
    );
    let rated = first.rated.as_ref().unwrap();
    assert_eq!(rated.exchange_rate.as_ref().unwrap().to_string(), "0.846202666");
    assert_eq!((rated.billing_currency.as_deref(), &rated.credit_type, &rated.invoice_number), (Some("EUR"), &None, &None));
    // another quantity is the same record, another day or price is not
    let other = |row: String| all(&format!("{RATED_HEADER}\n{row}\n"), Format::Csv).unwrap()[0].identity(PARTNER);
    assert_eq!(first.identity(PARTNER), other(rated_row("2026-09-18", "15")));
    assert_ne!(first.identity(PARTNER), records[1].identity(PARTNER));
    assert_ne!(first.identity(PARTNER), other(rated_row("9/18/2026", "14").replace("0.868", "0.9")));
}

#[test]
fn numbers_keep_every_digit_also_in_json() {
    let text = utilization().replace("0.10", "0.00013888888888888889");
    assert_eq!(all(&text, Format::Ndjson).unwrap()[0].quantity.to_string(), "0.00013888888888888889");
    let text = utilization().replace("0.10", "\"-8.3E-05\"");
    assert_eq!(all(&text, Format::Json).unwrap()[0].quantity.to_string(), "-0.000083");
}

#[test]
fn faults_say_row_column_what_stood_there_and_what_was_expected() {
    let text = format!(
        "{RATED_HEADER}\n{}\n{}\n{}\n",
        rated_row("18/9/2026", "14"),
        rated_row("9/18/2026", "1,5").replace("1,5", "\"1,5\""),
        rated_row("", "x")
    );
    let faults = faults(&text, Format::Csv);
    let told: Vec<String> = faults.listed.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "row 2, column UsageDate: \"18/9/2026\", expected a time as 2026-09-18T10:00:00Z, or a date as 2026-09-18 or 9/18/2026",
            "row 3, column Quantity: \"1,5\", expected a decimal number with a point, as 1234.5",
            "row 4, column UsageDate: nothing, expected a value",
        ]
    );
    assert_eq!(faults.total, 3);
}

#[test]
fn what_is_no_usage_is_refused_with_what_is_missing() {
    let missing = faults("PartnerId,UsageDate,MeterId,Quantity\n", Format::Csv);
    assert_eq!((missing.listed[0].row, missing.listed[0].column.as_str()), (1, "EntitlementId, ResourceURI, Unit"));
    for (text, format, found) in [
        ("a,b\n1,2\n", Format::Csv, "\"a, b\""),
        ("", Format::Csv, "no record"),
        ("", Format::Json, "no record"),
        ("[]", Format::Json, "no record"),
        ("\u{feff}", Format::Ndjson, "no record"),
        ("[[{}]]", Format::Json, "a list in a list"),
        ("{\"items\":[", Format::Json, "EOF"),
        ("3", Format::Json, "invalid type"),
        ("{}\n{\"quantity\":1}", Format::Ndjson, "nothing"),
        ("not json\n", Format::Ndjson, "expected"),
    ] {
        let faults = faults(text, format);
        assert!(faults.listed[0].found.contains(found), "{text}: {faults}");
    }
    let wide = format!("{RATED_HEADER}\n{},more\n", rated_row("9/18/2026", "1"));
    assert_eq!(faults(&wide, Format::Csv).listed[0].found, "20 cells");
    let nul = utilization().replace("westeurope", "a\\u0000b");
    assert!(faults(&nul, Format::Ndjson).listed[0].found.contains("U+0000"));
}

#[test]
fn a_subscription_that_nothing_tells_is_asked_for_and_two_that_disagree_are_a_fault() {
    let without = utilization().replace("resourceUri", "elsewhere");
    assert_eq!(faults(&without, Format::Json).listed[0].column, "ResourceURI");
    let defaults = Defaults { azure_subscription_id: Some(AZURE.parse().unwrap()), customer_id: None };
    let reading = read(without.as_bytes(), Format::Json, &defaults, |_, record| {
        assert_eq!(record.azure_subscription_id.to_string(), AZURE);
        ControlFlow::Continue(())
    });
    assert_eq!(reading.unwrap().records, 1);
    let disagrees = utilization().replacen('{', "{\"entitlementId\":\"0e195b37-4574-4539-bc42-0e539b9684c0\",", 1);
    assert!(faults(&disagrees, Format::Json).listed[0].expected.contains("as in the column EntitlementId"));
}

#[test]
fn no_record_is_given_after_a_fault_and_faults_are_counted_beyond_those_listed() {
    let mut text = format!("{RATED_HEADER}\n{}\n", rated_row("9/18/2026", "1"));
    (0..250).for_each(|_| text.push_str(&format!("{}\n", rated_row("9/18/2026", "x"))));
    text.push_str(&format!("{}\n", rated_row("9/20/2026", "1")));
    let mut given = 0;
    let result = read(text.as_bytes(), Format::Csv, &Defaults::default(), |_, _| {
        given += 1;
        ControlFlow::Continue(())
    });
    let Err(UsageError::Faults(faults)) = result else { panic!("{result:?}") };
    assert_eq!((given, faults.listed.len(), faults.total), (1, LISTED_FAULTS, 250));
    assert!(faults.to_string().ends_with("and 150 more"));
}

#[test]
fn a_row_that_does_not_end_is_a_fault_and_not_a_cell_of_the_whole_file() {
    struct Endless<'a>(&'a [u8], u8);
    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                buffer.fill(self.1);
                return Ok(buffer.len());
            }
            self.0.read(buffer)
        }
    }
    let header = format!("{RATED_HEADER}\n\"open");
    for (start, format) in [(header.as_str(), Format::Csv), ("[{\"a\":\"", Format::Json), ("{\"a\":\"", Format::Ndjson)] {
        let result = read(Endless(start.as_bytes(), b'x'), format, &Defaults::default(), |_, _| ControlFlow::Continue(()));
        let Err(UsageError::Faults(faults)) = result else { panic!("{result:?}") };
        assert_eq!(faults.total, 1, "{faults}");
    }
}

#[test]
fn whoever_takes_records_may_have_had_enough() {
    let two = format!("[{0},{0}]", utilization());
    for (text, format) in [(two, Format::Json), (format!("{0}\n{0}\n", utilization()), Format::Ndjson)] {
        let reading = read(text.as_bytes(), format, &Defaults::default(), |_, _| ControlFlow::Break(())).unwrap();
        assert_eq!((reading.records, reading.ended_early), (1, true));
    }
}
