//! Facts stored as they come, for the rules to read.

use crate::{store, worker::Eligibility};
use async_trait::async_trait;
use planshift_domain::message::command::EligibilityFacts;
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use planshift_worker::facts::{FactsStore, Part};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

type Rows<K> = BTreeMap<(Uuid, Uuid, K), Vec<Value>>;

#[async_trait]
impl FactsStore for Eligibility {
    type Facts = EligibilityFacts;

    async fn store(&self, tx: &mut Transaction, parts: &[Part<'_, EligibilityFacts>]) -> Result<(), StorageError> {
        // by key: all parts of a customer have the same head, and the same reseller may be on record in several
        let (mut heads, mut resellers): (Rows<()>, Rows<&str>) = (Rows::new(), Rows::new());
        let (mut subscriptions, mut plans): (Rows<Uuid>, Rows<Uuid>) = (Rows::new(), Rows::new());
        for Part { partner, part } in parts {
            let (partner, customer, facts) = (partner.0, part.customer_id.0, &part.facts);
            let version = Value::from(part.version);
            let row = |rest: Vec<Value>| [vec![partner.into(), customer.into()], rest].concat();
            heads.insert((partner, customer, ()), row(vec![json(&facts.partner), json(&facts.customer)]));
            for reseller in &facts.resellers {
                let mpn_id = reseller.mpn_id.as_str();
                resellers.insert((partner, customer, mpn_id), row(vec![mpn_id.into(), json(reseller), version.clone()]));
            }
            for plan in &facts.plans {
                let rest = vec![plan.id.0.into(), plan.reseller.key().into(), plan.status.text().into(), version.clone()];
                plans.insert((partner, customer, plan.id.0), row(rest));
            }
            for subscription in &facts.subscriptions {
                let commerce = subscription.commerce_subscription_id.0;
                let rest = vec![
                    commerce.into(),
                    subscription.azure_subscription_id.map(|id| id.0).into(),
                    subscription.status.text().into(),
                    subscription.reseller.key().into(),
                    json(subscription),
                    version.clone(),
                ];
                subscriptions.insert((partner, customer, commerce), row(rest));
            }
        }
        write(tx, &store::STORE_HEADS, heads).await?;
        write(tx, &store::STORE_RESELLERS, resellers).await?;
        write(tx, &store::STORE_PLANS, plans).await?;
        write(tx, &store::STORE_SUBSCRIPTIONS, subscriptions).await
    }
}

async fn write<K>(tx: &mut Transaction, statement: &Statement, rows: Rows<K>) -> Result<(), StorageError> {
    if !rows.is_empty() {
        tx.execute(statement, Args::new().rows(rows.into_values().collect())).await?;
    }
    Ok(())
}

/// As text. JSON writes a NUL character as an escape, so it is a text that every database takes.
fn json<T: Serialize>(facts: &T) -> Value {
    // facts have no map with keys that are not texts, the one thing that serde_json refuses
    serde_json::to_string(facts).unwrap_or_default().into()
}
