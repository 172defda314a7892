//! Tests: events that a partner asks for, to see whether its receiver is there. Source: Partner Center's validation events.

use super::{
    Webhooks,
    deliveries::{AT_ONCE, INSERT, ONE, micros, write},
    event::NewDelivery,
};
use planshift_domain::ids::PartnerId;
use planshift_storage::{Args, Statement, StorageError};
use std::time::Duration;
use uuid::Uuid;

/// How many tests a partner may ask for in [`TEST_SPAN`]. Source: Partner Center's two a minute.
const TESTS: usize = 2;
const TEST_SPAN: Duration = Duration::from_secs(60);

/// What became of a test that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tested {
    /// It is to be sent, and known by this id.
    Now(Uuid),
    /// There were too many: again after so many seconds.
    After(u32),
}

static TESTS_SINCE: Statement = Statement::new(
    "SELECT created_at FROM webhook_deliveries WHERE partner_id = $1 AND event = 'test-created' AND created_at > $2 ORDER BY created_at DESC",
);
/// Held until the test is there: two that are asked for at once are counted one after the other.
static LOCK: Statement = Statement::new("SELECT partner_id FROM webhook_registrations WHERE partner_id = $1 {for update}");

impl Webhooks {
    /// Has a test sent; `None` where the partner has no registration. The same `id` again is the same test.
    pub(crate) async fn test(&self, partner: PartnerId, id: Uuid) -> Result<Option<Tested>, StorageError> {
        let now = self.ports.clock.now();
        let mut transaction = self.database.begin().await?;
        if transaction.query(&LOCK, Args::new().value(partner.0)).await?.is_empty() {
            transaction.rollback().await?;
            return Ok(None);
        }
        let since = now.as_micros() - micros(TEST_SPAN);
        let before = transaction.query(&TESTS_SINCE, Args::new().value(partner.0).value(since)).await?;
        let is_known = !transaction.query(&ONE, Args::new().value(id)).await?.is_empty();
        if let (false, Some(last)) = (is_known, before.get(TESTS - 1)) {
            let left = last.get::<i64>(0)? - since;
            transaction.rollback().await?;
            let seconds = u32::try_from(left / 1_000_000 + 1).unwrap_or(1);
            return Ok(Some(Tested::After(seconds)));
        }
        write(&mut transaction, &INSERT, &[NewDelivery::test(&self.base, partner, id, now)], now, AT_ONCE).await?;
        transaction.commit().await?;
        self.news.ask(partner);
        Ok(Some(Tested::Now(id)))
    }
}
