//! Which records are the same.
//!
//! A record is the same when it tells of the same use: the same kind of file, partner, Azure subscription, meter, resource and time. How
//! much was used, what it is called and when it was reported are no part of it: the same record with another quantity is a correction.
//! A daily rated file also splits a day of a meter by what is charged for it, so that the parts are told apart by product, price, charge,
//! credit and benefit.
//!
//! It is a hash and not the values: those are long, and a key of a table must not be.

use crate::{Kind, Resource, UsageRecord};
use planshift_domain::ids::PartnerId;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

impl UsageRecord {
    /// The same for the same record, whatever file it is in, of whatever format; another one for each partner.
    pub fn identity(&self, partner: PartnerId) -> Uuid {
        let mut hash = Hash::new(b"usage record 1");
        hash.bytes(self.kind.name().as_bytes());
        hash.bytes(partner.0.as_bytes());
        hash.bytes(self.azure_subscription_id.0.as_bytes());
        hash.bytes(&self.usage_start.as_micros().to_be_bytes());
        hash.bytes(&self.usage_end.as_micros().to_be_bytes());
        let resource = &self.resource;
        hash.bytes(resource.meter_id.as_bytes());
        // Azure's paths have no case, and files disagree about it
        hash.folded(&resource.uri);
        hash.folded(&resource.region);
        hash.bytes(resource.part_number.as_bytes());
        hash.bytes(resource.order_number.as_bytes());
        if self.kind == Kind::RatedDaily {
            hash.bytes(resource.product_id.as_bytes());
            hash.bytes(resource.sku_id.as_bytes());
            hash.bytes(resource.additional_info.as_bytes());
            if let Some(rated) = &self.rated {
                let texts = [&rated.charge_type, &rated.credit_type, &rated.benefit_order_id, &rated.benefit_id];
                texts.iter().for_each(|text| hash.bytes(text.as_deref().unwrap_or_default().as_bytes()));
                let price = rated.unit_price.as_ref().map(ToString::to_string);
                hash.bytes(price.unwrap_or_default().as_bytes());
            }
        }
        hash.end()
    }
}

impl Resource {
    /// The same for the same description, so that it is stored once for all the hours and days that it was used.
    pub fn key(&self) -> Uuid {
        let mut hash = Hash::new(b"usage resource 1");
        let Self {
            meter_id,
            name,
            category,
            subcategory,
            region,
            unit,
            uri,
            location,
            part_number,
            order_number,
            additional_info,
            product_id,
            sku_id,
        } = self;
        for text in [
            meter_id,
            name,
            category,
            subcategory,
            region,
            unit,
            uri,
            location,
            part_number,
            order_number,
            additional_info,
            product_id,
            sku_id,
        ] {
            hash.bytes(text.as_bytes());
        }
        hash.end()
    }
}

/// SHA-256 over texts with their lengths: `ab`, `c` is not `a`, `bc`.
struct Hash(Sha256);

impl Hash {
    fn new(of: &[u8]) -> Self {
        let mut hash = Self(Sha256::new());
        hash.bytes(of);
        hash
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn folded(&mut self, text: &str) {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.bytes(text.to_ascii_lowercase().as_bytes());
        } else {
            self.bytes(text.as_bytes());
        }
    }

    /// Its first 16 bytes, as an id of no other version's kind.
    fn end(self) -> Uuid {
        let digest = self.0.finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(first).into_uuid()
    }
}
