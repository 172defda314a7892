//! Carts, and the orders that they became: what was bought through this API.

use super::{ReadModel, from_json, to_json};
use planshift_domain::{
    ids::{CustomerId, PartnerId, Reseller},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bought {
    LegacyAzure,
    AzurePlan,
}

/// A line of a cart, and of the order that it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderLine {
    pub(crate) number: u32,
    pub(crate) bought: Bought,
    pub(crate) reseller: Reseller,
    /// The subscription, or the plan, that it is: fixed with the cart, so that a checkout that is repeated buys nothing twice.
    pub(crate) subscription_id: Uuid,
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cart {
    pub(crate) id: Uuid,
    pub(crate) partner_id: PartnerId,
    pub(crate) customer_id: CustomerId,
    pub(crate) created_at: Timestamp,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) order_id: Option<Uuid>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) lines: Vec<OrderLine>,
}

static PUT_CART: Statement = Statement::new(
    "INSERT INTO carts (id, partner_id, customer_id, created_at, lines) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
);
static CART: Statement = Statement::new("SELECT id, partner_id, customer_id, created_at, lines, order_id FROM carts WHERE id = $1");
static ORDERED: Statement = Statement::new("UPDATE carts SET order_id = $2 WHERE id = $1 AND order_id IS NULL RETURNING created_at");
static PUT_ORDER: Statement =
    Statement::new("INSERT INTO orders (partner_id, customer_id, created_at, id, lines) VALUES ($1, $2, $3, $4, $5)");
static ORDER: Statement = Statement::new("SELECT id, created_at, lines FROM orders WHERE id = $1 AND partner_id = $2 AND customer_id = $3");
static ORDERS: Statement = Statement::new(
    "SELECT id, created_at, lines FROM orders WHERE partner_id = $1 AND customer_id = $2 AND (created_at, id) > ($3::bigint, $4::uuid)
     ORDER BY created_at, id LIMIT $5",
);
static COUNT: Statement = Statement::new("SELECT count(*) FROM orders WHERE partner_id = $1 AND customer_id = $2");

impl ReadModel {
    /// Keeps a cart. The same again changes nothing.
    pub(crate) async fn put_cart(&self, cart: &Cart) -> Result<(), StorageError> {
        let args = Args::new().value(cart.id).value(cart.partner_id.0).value(cart.customer_id.0).value(cart.created_at.as_micros());
        self.database.execute(&PUT_CART, args.value(to_json(&cart.lines)?)).await.map(drop)
    }

    /// The cart of that id.
    pub(crate) async fn cart(&self, id: Uuid) -> Result<Option<Cart>, StorageError> {
        let rows = self.database.query(&CART, Args::new().value(id)).await?;
        let read = |row: &Row| {
            Ok(Cart {
                id: row.get(0)?,
                partner_id: PartnerId(row.get(1)?),
                customer_id: CustomerId(row.get(2)?),
                created_at: Timestamp::from_micros(row.get(3)?),
                lines: from_json("a cart", &row.get::<String>(4)?)?,
                order_id: row.get(5)?,
            })
        };
        rows.first().map(read).transpose()
    }

    /// The cart has become this order. Of two who say so, the first is heard.
    pub(crate) async fn ordered(&self, cart: &Cart, order: &Order) -> Result<(), StorageError> {
        let mut tx = self.database.begin().await?;
        if !tx.query(&ORDERED, Args::new().value(cart.id).value(order.id)).await?.is_empty() {
            let args = Args::new().value(cart.partner_id.0).value(cart.customer_id.0).value(order.created_at.as_micros());
            tx.execute(&PUT_ORDER, args.value(order.id).value(to_json(&order.lines)?)).await?;
        }
        tx.commit().await
    }

    /// The customer's order of that id.
    pub(crate) async fn order(&self, partner: PartnerId, customer: CustomerId, id: Uuid) -> Result<Option<Order>, StorageError> {
        let rows = self.database.query(&ORDER, Args::new().value(id).value(partner.0).value(customer.0)).await?;
        rows.first().map(order).transpose()
    }

    /// The customer's orders after this key, the oldest first, at most `limit`; and how many there are in all.
    pub(crate) async fn orders(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<(Vec<Order>, u64), StorageError> {
        let whose = || Args::new().value(partner.0).value(customer.0);
        let (at, id) = after.map_or((i64::MIN, Uuid::nil()), |(at, id)| (at.as_micros(), id));
        let rows = self.database.query(&ORDERS, whose().value(at).value(id).value(limit)).await?;
        let count = self.database.query(&COUNT, whose()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok((rows.iter().map(order).collect::<Result<_, _>>()?, u64::try_from(count).unwrap_or_default()))
    }
}

fn order(row: &Row) -> Result<Order, StorageError> {
    let lines = from_json("an order", &row.get::<String>(2)?)?;
    Ok(Order { id: row.get(0)?, created_at: Timestamp::from_micros(row.get(1)?), lines })
}
