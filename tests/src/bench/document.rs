//! The account document whose customers move: every one of them may, and each comes to the same number of plans and subscriptions.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    ops::Range,
    path::{Path, PathBuf},
};
use uuid::{Uuid, uuid};

const NAMESPACE: Uuid = uuid!("6f0d9c70-1b0e-4f0e-9d3b-7a4f3f5f6a11");
const PARTNER_MPN_ID: usize = 4_391_227;
const FIRST_RESELLER_MPN_ID: usize = 4_847_383;

/// The partner that all customers are of.
pub fn partner() -> Uuid {
    id("partner")
}

/// Another partner, for what is between partners.
pub fn other_partner(name: &str) -> Uuid {
    id(&format!("partner {name}"))
}

/// A customer.
pub fn customer(number: usize) -> Uuid {
    id(&format!("customer {number}"))
}

/// Spread evenly, as real ones are; the same each time.
fn id(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// Writes a document with these customers of a partner, so many resellers of each, and so many Azure subscriptions of each, which the resellers
/// share. One customer is held at a time.
///
/// # Errors
/// What writing comes to.
pub fn write(partner: Uuid, customers: Range<usize>, resellers: usize, subscriptions: usize, mut out: impl Write) -> io::Result<()> {
    write!(
        out,
        r#"{{"partner":{{"id":"{partner}","name":"Wide World Distribution","mpnId":"{PARTNER_MPN_ID}","type":"IndirectProvider","isAgreementSigned":true,"programStatus":"Active"}},
"resellers":["#
    )?;
    for number in 0..resellers {
        let (id, mpn_id) = (id(&format!("reseller {number}")), reseller(number));
        let comma = comma(number);
        write!(
            out,
            r#"{comma}{{"id":"{id}","name":"Reseller {number}","mpnId":"{mpn_id}","relationshipType":"is_indirect_cloud_solution_provider_of","state":"Active","location":"US","isAgreementSigned":true}}"#
        )?;
    }
    write!(out, "],\n\"customers\":[")?;
    let first = customers.start;
    for number in customers {
        write!(out, "{}", comma(number - first))?;
        write_customer(number, resellers, subscriptions, &mut out)?;
    }
    writeln!(out, "]}}")?;
    out.flush()
}

fn write_customer(number: usize, resellers: usize, subscriptions: usize, out: &mut impl Write) -> io::Result<()> {
    let id = customer(number);
    let domain = format!("customer-{number}.example");
    write!(
        out,
        r#"{{"id":"{id}","companyProfile":{{"tenantId":"{id}","domain":"{domain}","companyName":"Customer {number} SA"}},"billingProfile":{{"defaultAddress":{{"country":"FR"}}}},"relationshipToPartner":"reseller","segment":"Commercial","currencyCode":"EUR",
"agreements":[{{"type":"MicrosoftCustomerAgreement","templateId":"117a77b0-9360-443b-8795-c6dedc750cf9","dateAgreed":"2021-05-11T09:30:00Z","primaryContact":{{"firstName":"Marie","lastName":"Durand","email":"contact@{domain}"}}}}],
"subscriptions":["#
    )?;
    for index in 0..subscriptions {
        // now and then a change of billing owner has made the commerce subscription another one
        let azure = subscription(number, index);
        let commerce = if index % 8 == 7 { self::id(&format!("commerce {number}/{index}")) } else { azure };
        let (comma, mpn_id) = (comma(index), reseller(index % resellers.max(1)));
        write!(
            out,
            r#"{comma}{{"id":"{commerce}","entitlementId":"{azure}","offerId":"MS-AZR-0145P","offerName":"Microsoft Azure","friendlyName":"Production {index}","quantity":1,"unitType":"Usage-based","creationDate":"2018-03-07T10:15:00Z","commitmentEndDate":"9999-12-10T00:00:00Z","status":"active","autoRenewEnabled":false,"billingType":"usage","contractType":"subscription","partnerId":"{mpn_id}"}}"#
        )?;
    }
    write!(out, "],\n\"roleAssignments\":[")?;
    for index in 0..subscriptions {
        let (comma, azure) = (comma(index), subscription(number, index));
        write!(out, r#"{comma}{{"entitlementId":"{azure}","mpnId":"{PARTNER_MPN_ID}","role":"Owner"}}"#)?;
    }
    write!(out, "]}}")
}

/// An Azure subscription of a customer.
pub fn subscription(customer: usize, index: usize) -> Uuid {
    id(&format!("subscription {customer}/{index}"))
}

const fn reseller(number: usize) -> usize {
    FIRST_RESELLER_MPN_ID + number * 50
}

/// A file in this folder with such a document.
///
/// # Panics
/// Where it cannot be written.
pub fn file(folder: &Path, customers: Range<usize>, resellers: usize, subscriptions: usize) -> PathBuf {
    file_of(partner(), folder, customers, resellers, subscriptions)
}

/// The same of another partner.
///
/// # Panics
/// Where it cannot be written.
pub fn file_of(partner: Uuid, folder: &Path, customers: Range<usize>, resellers: usize, subscriptions: usize) -> PathBuf {
    let path = folder.join(format!("accounts-{}-{}.json", customers.start, customers.end));
    let file = File::create(&path).expect("a file for the document");
    write(partner, customers, resellers, subscriptions, BufWriter::new(file)).expect("the document written");
    path
}

/// How many customers a document must have to be so large, in bytes.
pub fn customers_in(bytes: usize, resellers: usize, subscriptions: usize) -> usize {
    let mut one = Vec::new();
    // a number of the length that most of them have; to memory nothing fails to be written
    let _ = write_customer(10_000, resellers, subscriptions, &mut one);
    bytes.div_ceil(one.len() + comma(1).len())
}

/// Items of a list stand on lines of their own.
const fn comma(index: usize) -> &'static str {
    if index == 0 { "\n" } else { ",\n" }
}
