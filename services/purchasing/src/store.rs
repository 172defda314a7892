//! Every statement of the purchasing worker.

use planshift_storage::Statement;

/// Plans of documents. One that was bought here is ours, whatever a document says of it.
pub(crate) static STORE: Statement = Statement::new(
    "INSERT INTO plans (partner_id, customer_id, plan_id, reseller, status, origin, facts_version, changed_at)
     SELECT r.partner_id, r.customer_id, r.plan_id, r.reseller, r.status, 'document', r.facts_version, 0
     FROM {1: partner_id uuid, customer_id uuid, plan_id uuid, reseller text, status text, facts_version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id, r.plan_id
     ON CONFLICT (partner_id, customer_id, plan_id) DO UPDATE
     SET reseller = excluded.reseller, status = excluded.status, facts_version = excluded.facts_version
     WHERE plans.origin = 'document'",
);

/// The plans that could be reused: active ones, and those that a compensation suspended. Active ones first, then by id.
pub(crate) static CANDIDATES: Statement = Statement::new(
    "SELECT p.partner_id, p.customer_id, p.reseller, p.plan_id, p.status
     FROM {1: partner uuid, customer uuid, reseller text, version bigint} AS r CROSS JOIN plans AS p
     WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.reseller = r.reseller
       AND (p.origin = 'bought' OR p.facts_version >= r.version)
       AND (p.status = 'active' OR (p.status = 'suspended' AND p.suspended_by IS NOT NULL))
     ORDER BY p.status, p.plan_id
     {for update}",
);

/// Makes suspended plans active again.
pub(crate) static REACTIVATE: Statement = Statement::new(
    "UPDATE plans SET status = 'active', activated_by = r.transition, suspended_by = NULL, changed_at = $2
     FROM {1: partner uuid, customer uuid, plan uuid, transition uuid} AS r
     WHERE plans.partner_id = r.partner AND plans.customer_id = r.customer AND plans.plan_id = r.plan",
);

/// Buys plans.
pub(crate) static BUY: Statement = Statement::new(
    "INSERT INTO plans (partner_id, customer_id, plan_id, reseller, status, origin, facts_version, activated_by, changed_at)
     SELECT r.partner, r.customer, r.plan, r.reseller, 'active', 'bought', 0, r.transition, $2
     FROM {1: partner uuid, customer uuid, plan uuid, reseller text, transition uuid} AS r",
);

/// Suspends plans that their transition bought or made active; what it only took is left alone.
pub(crate) static SUSPEND: Statement = Statement::new(
    "UPDATE plans SET status = 'suspended', suspended_by = r.transition, changed_at = $2
     FROM {1: partner uuid, customer uuid, plan uuid, transition uuid} AS r
     WHERE plans.partner_id = r.partner AND plans.customer_id = r.customer AND plans.plan_id = r.plan
       AND plans.origin = 'bought' AND plans.activated_by = r.transition",
);

/// The present status of plans.
pub(crate) static STATUSES: Statement = Statement::new(
    "SELECT p.partner_id, p.customer_id, p.plan_id, p.status
     FROM {1: partner uuid, customer uuid, plan uuid} AS r CROSS JOIN plans AS p
     WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.plan_id = r.plan",
);

/// A page of plans.
pub(crate) static PAGE: Statement = Statement::new(
    "SELECT p.partner_id, p.customer_id, p.plan_id, p.reseller, p.status, p.origin, p.activated_by, p.suspended_by, p.facts_version,
            coalesce(c.complete_version, 0)
     FROM plans AS p LEFT JOIN customers AS c ON c.partner_id = p.partner_id AND c.customer_id = p.customer_id
     WHERE (p.partner_id, p.customer_id, p.plan_id) > ($1, $2, $3)
     ORDER BY p.partner_id, p.customer_id, p.plan_id LIMIT $4",
);

/// Plans by their keys.
pub(crate) static FIND: Statement = Statement::new(
    "SELECT p.partner_id, p.customer_id, p.plan_id, p.reseller, p.status, p.origin, p.activated_by, p.suspended_by, p.facts_version,
            coalesce(c.complete_version, 0)
     FROM {1: partner uuid, customer uuid, plan uuid} AS r CROSS JOIN plans AS p
     LEFT JOIN customers AS c ON c.partner_id = p.partner_id AND c.customer_id = p.customer_id
     WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.plan_id = r.plan",
);
