//! Writes a valid account document of any size, for trying out and for measuring.
//!
//! Every customer of it may move. The same options give the same bytes, and no more than a line is held at a time.

use std::io::{self, Write};
use uuid::{Builder, Uuid};

/// How large a document is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// How many customers, at least one.
    pub customers: u32,
    /// How many subscriptions of the legacy Azure offer each of them has; a few of other offers come on top.
    pub subscriptions: u32,
    /// Another seed gives other ids and names.
    pub seed: u64,
    /// How many indirect resellers share the subscriptions; without any, all are the partner's own.
    pub resellers: u32,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { customers: 3, subscriptions: 4, seed: 1, resellers: 3 }
    }
}

const PARTNER_MPN_ID: u32 = 4_391_227;
const FIRST_RESELLER_MPN_ID: u32 = 4_847_383;

const RESELLERS: [&str; 8] = [
    "First Up Consultants",
    "ReleCloud",
    "Lamna Resale",
    "Proseware Cloud",
    "VanArsdel Services",
    "Best For You Hosting",
    "Nod Partners",
    "Woodgrove Digital",
];
const COMPANIES: [(&str, &str); 16] = [
    ("Contoso", "contoso"),
    ("Fabrikam", "fabrikam"),
    ("Adventure Works", "adventure-works"),
    ("Northwind Traders", "northwind"),
    ("Tailspin Toys", "tailspin"),
    ("Wingtip Logistics", "wingtip"),
    ("Trey Research", "trey"),
    ("Żubr Foods", "zubr"),
    ("Alpine Ski House", "alpine"),
    ("Margie's Travel", "margies"),
    ("Munson's Farm", "munsons"),
    ("Bellows College Press", "bellows"),
    ("Humongous Insurance", "humongous"),
    ("Graphic Design Institute", "graphic"),
    ("Consolidated Messenger", "consolidated"),
    ("École Lumière", "ecole-lumiere"),
];
const MARKETS: [(&str, &str, &str); 8] = [
    ("FR", "EUR", "SA"),
    ("DE", "EUR", "GmbH"),
    ("GB", "GBP", "Ltd"),
    ("US", "USD", "Inc."),
    ("PL", "PLN", "S.A."),
    ("NL", "EUR", "B.V."),
    ("SE", "SEK", "AB"),
    ("CH", "CHF", "AG"),
];
const CONTACTS: [(&str, &str); 6] =
    [("Marie", "Durand"), ("Jonas", "Weber"), ("Amelia", "Clarke"), ("Zofia", "Nowak"), ("Daan", "de Vries"), ("Elin", "Lindqvist")];
const WORKLOADS: [&str; 10] =
    ["Production", "Datalake", "Web shop", "ERP", "Test", "Backup", "Analytics", "Intranet", "Identity", "Disaster recovery"];
const OTHER_OFFERS: [(&str, &str); 3] = [
    ("796b6b5f-613c-4e24-a17c-eba730d49c02", "Office 365 E3"),
    ("031c9e47-4802-4248-838e-778fb1d2cc05", "Dynamics 365 Sales"),
    ("195416c1-3447-423a-b37b-ee59a99a19c4", "Exchange Online Plan 1"),
];

/// Writes the document.
///
/// # Errors
/// `InvalidInput` where it is to have no customer, which no valid document may; else what writing to `out` came to.
pub fn write(options: SampleOptions, mut out: impl Write) -> io::Result<()> {
    let mut random = head(options, &mut out)?;
    write!(out, ",\n\"customers\":[")?;
    for number in 0..options.customers {
        write!(out, "{}", comma(number))?;
        customer(&mut out, &mut random, options, number)?;
    }
    writeln!(out, "]}}")?;
    out.flush()
}

/// Writes the same document in lines (NDJSON): the partner and its resellers, then a customer a line.
///
/// # Errors
/// As [`write()`].
pub fn write_lines(options: SampleOptions, out: impl Write) -> io::Result<()> {
    let mut out = OneLine(out);
    let mut random = head(options, &mut out)?;
    write!(out, "}}")?;
    for number in 0..options.customers {
        writeln!(out.0)?;
        customer(&mut out, &mut random, options, number)?;
    }
    writeln!(out.0)?;
    out.flush()
}

/// Leaves line breaks out: in JSON they stand between things only.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split(|byte| *byte == b'\n') {
            self.0.write_all(line)?;
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The beginning of the document, up to its customers.
fn head(options: SampleOptions, out: &mut impl Write) -> io::Result<Random> {
    if options.customers == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an account document has at least one customer"));
    }
    let mut random = Random(options.seed);
    let partner = random.guid();
    write!(
        out,
        r#"{{"partner":{{"id":"{partner}","name":"Wide World Distribution","mpnId":"{PARTNER_MPN_ID}","type":"IndirectProvider","isAgreementSigned":true,"programStatus":"Active"}},
"resellers":["#
    )?;
    for number in 0..options.resellers {
        let (id, mpn_id, name) = (random.guid(), reseller_mpn_id(number), numbered(&RESELLERS, number));
        let comma = comma(number);
        write!(
            out,
            r#"{comma}{{"id":"{id}","name":"{name}","mpnId":"{mpn_id}","relationshipType":"is_indirect_cloud_solution_provider_of","state":"Active","location":"US","isAgreementSigned":true}}"#
        )?;
    }
    write!(out, "]")?;
    Ok(random)
}

fn customer(out: &mut impl Write, random: &mut Random, options: SampleOptions, number: u32) -> io::Result<()> {
    let id = random.guid();
    let (company, host) = random.pick(&COMPANIES);
    let (country, currency, form) = random.pick(&MARKETS);
    let (first_name, last_name) = random.pick(&CONTACTS);
    let domain = format!("{host}-{number}.example");
    let agreed = random.date(2019, 3);
    write!(
        out,
        r#"{{"id":"{id}","companyProfile":{{"tenantId":"{id}","domain":"{domain}","companyName":"{company} {number} {form}"}},"billingProfile":{{"defaultAddress":{{"country":"{country}"}}}},"relationshipToPartner":"reseller","segment":"Commercial","currencyCode":"{currency}",
"agreements":[{{"type":"MicrosoftCustomerAgreement","templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"{agreed}","primaryContact":{{"firstName":"{first_name}","lastName":"{last_name}","email":"contact@{domain}"}}}}],
"#
    )?;
    if random.one_in(4) {
        write!(out, r#""usageBudget":{{"amount":{}.50}},"#, 500 + random.below(20_000))?;
    }
    write!(out, r#""subscriptions":["#)?;
    // roles name the Azure ids again; drawing them from a copy of the generator saves keeping them
    let before = *random;
    for index in 0..options.subscriptions {
        let one = Subscription::draw(random, options.resellers);
        one.write(out, index)?;
    }
    let others = random.below(3);
    for index in 0..others {
        let (offer, name) = random.pick(&OTHER_OFFERS);
        let (id, quantity, bought) = (random.guid(), 5 + random.below(200), random.date(2017, 3));
        let comma = comma(options.subscriptions + index);
        write!(
            out,
            r#"{comma}{{"id":"{id}","entitlementId":null,"offerId":"{offer}","offerName":"{name}","friendlyName":"{name}","quantity":{quantity},"unitType":"Licenses","creationDate":"{bought}","status":"active","billingType":"license"}}"#
        )?;
    }
    write!(out, "],\n\"roleAssignments\":[")?;
    let mut again = before;
    for index in 0..options.subscriptions {
        let azure = Subscription::draw(&mut again, options.resellers).azure;
        let comma = comma(index);
        write!(out, r#"{comma}{{"entitlementId":"{azure}","mpnId":"{PARTNER_MPN_ID}","role":"Owner"}}"#)?;
    }
    write!(out, "]}}")
}

/// A subscription of the legacy offer.
struct Subscription {
    commerce: Uuid,
    azure: Uuid,
    workload: &'static str,
    bought: String,
    reseller: Option<u32>,
}

impl Subscription {
    fn draw(random: &mut Random, resellers: u32) -> Self {
        let azure = random.guid();
        // after a change of billing owner the commerce subscription is another one
        let commerce = if random.one_in(8) { random.guid() } else { azure };
        let workload = random.pick(&WORKLOADS);
        let bought = random.date(2016, 4);
        let reseller = (resellers > 0).then(|| reseller_mpn_id(random.below(resellers)));
        Self { commerce, azure, workload, bought, reseller }
    }

    fn write(&self, out: &mut impl Write, index: u32) -> io::Result<()> {
        let Self { commerce, azure, workload, bought, reseller } = self;
        let comma = comma(index);
        write!(
            out,
            r#"{comma}{{"id":"{commerce}","entitlementId":"{azure}","offerId":"MS-AZR-0145P","offerName":"Microsoft Azure","friendlyName":"{workload} {index}","quantity":1,"unitType":"Usage-based","creationDate":"{bought}","commitmentEndDate":"9999-12-10T00:00:00Z","status":"active","autoRenewEnabled":false,"billingType":"usage","contractType":"subscription""#
        )?;
        if let Some(mpn_id) = reseller {
            write!(out, r#","partnerId":"{mpn_id}""#)?;
        }
        write!(out, "}}")
    }
}

const fn reseller_mpn_id(number: u32) -> u32 {
    FIRST_RESELLER_MPN_ID.wrapping_add(number.wrapping_mul(50))
}

/// Items of a list stand on lines of their own.
const fn comma(index: u32) -> &'static str {
    if index == 0 { "\n" } else { ",\n" }
}

fn numbered(names: &[&str], number: u32) -> String {
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let name = names[(number % count) as usize];
    if number < count { name.to_owned() } else { format!("{name} {}", number / count + 1) }
}

/// `splitmix64`: small, and the same everywhere and for ever, which a library's generator does not promise.
#[derive(Clone, Copy)]
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn guid(&mut self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// A number less than `bound`, which is not zero.
    const fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * bound as u64) >> 32) as u32
    }

    const fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(u32::try_from(items.len()).unwrap_or(u32::MAX)) as usize]
    }

    /// Some time in one of the `years` after `year`.
    fn date(&mut self, year: u32, years: u32) -> String {
        let (month, day) = (1 + self.below(12), 1 + self.below(28));
        let (hour, minute) = (self.below(24), self.below(60));
        format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z", year + 1 + self.below(years))
    }
}
