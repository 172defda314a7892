//! Every statement of the suspension worker.

use planshift_storage::Statement;

/// Facts. What a transition suspended stays suspended, whatever a document says.
pub(crate) static STORE: Statement = Statement::new(
    "INSERT INTO commerce_subscriptions
            (partner_id, customer_id, commerce_subscription_id, status, version, suspension_reasons, facts_version)
     SELECT r.partner_id, r.customer_id, r.commerce_subscription_id, r.status, 1, '[]', r.facts_version
     FROM {1: partner_id uuid, customer_id uuid, commerce_subscription_id uuid, status text, facts_version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id, r.commerce_subscription_id
     ON CONFLICT (partner_id, customer_id, commerce_subscription_id) DO UPDATE
     SET facts_version = excluded.facts_version, version = commerce_subscriptions.version + 1,
         status = CASE WHEN commerce_subscriptions.suspended_by IS NULL THEN excluded.status ELSE commerce_subscriptions.status END,
         suspension_reasons = CASE WHEN commerce_subscriptions.suspended_by IS NULL AND excluded.status <> 'suspended' THEN '[]'
                                   ELSE commerce_subscriptions.suspension_reasons END",
);

/// What is there, at its facts' version, with the version that a write must name.
pub(crate) static READ: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.commerce_subscription_id, s.status, s.version, s.suspension_reasons
     FROM {1: partner uuid, customer uuid, commerce uuid, facts_version bigint} AS r CROSS JOIN commerce_subscriptions AS s
     WHERE s.partner_id = r.partner AND s.customer_id = r.customer AND s.commerce_subscription_id = r.commerce
       AND s.facts_version >= r.facts_version",
);

/// Suspends what still has the version that was read.
pub(crate) static SUSPEND: Statement = Statement::new(
    "UPDATE commerce_subscriptions
     SET status = 'suspended', version = commerce_subscriptions.version + 1, suspension_reasons = r.reasons, suspended_by = r.transition
     FROM {1: partner uuid, customer uuid, commerce uuid, read_version bigint, reasons text, transition uuid} AS r
     WHERE commerce_subscriptions.partner_id = r.partner AND commerce_subscriptions.customer_id = r.customer
       AND commerce_subscriptions.commerce_subscription_id = r.commerce AND commerce_subscriptions.version = r.read_version
     RETURNING partner_id, customer_id, commerce_subscription_id",
);

/// A page of commerce subscriptions.
pub(crate) static PAGE: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.commerce_subscription_id, s.status, s.version, s.suspension_reasons, s.suspended_by,
            s.facts_version, coalesce(c.complete_version, 0)
     FROM commerce_subscriptions AS s
     LEFT JOIN customers AS c ON c.partner_id = s.partner_id AND c.customer_id = s.customer_id
     WHERE (s.partner_id, s.customer_id, s.commerce_subscription_id) > ($1, $2, $3)
     ORDER BY s.partner_id, s.customer_id, s.commerce_subscription_id LIMIT $4",
);

/// Commerce subscriptions by their keys.
pub(crate) static FIND: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.commerce_subscription_id, s.status, s.version, s.suspension_reasons, s.suspended_by,
            s.facts_version, coalesce(c.complete_version, 0)
     FROM {1: partner uuid, customer uuid, commerce uuid} AS r CROSS JOIN commerce_subscriptions AS s
     LEFT JOIN customers AS c ON c.partner_id = s.partner_id AND c.customer_id = s.customer_id
     WHERE s.partner_id = r.partner AND s.customer_id = r.customer AND s.commerce_subscription_id = r.commerce",
);
