//! Every statement of the mapping worker.

use planshift_storage::Statement;

/// Facts, newest first served: a row is the newest version's, whoever's customer it was before. What a transition did (`plan_id`,
/// `attached_by`) is not touched.
pub(crate) static STORE: Statement = Statement::new(
    "INSERT INTO azure_subscriptions (partner_id, azure_subscription_id, customer_id, facts_version, friendly_name, roles)
     SELECT r.partner_id, r.azure_subscription_id, r.customer_id, r.facts_version, r.friendly_name, r.roles
     FROM {1: partner_id uuid, azure_subscription_id uuid, customer_id uuid, facts_version bigint, friendly_name text, roles text} AS r
     WHERE true
     ORDER BY r.partner_id, r.azure_subscription_id
     ON CONFLICT (partner_id, azure_subscription_id) DO UPDATE
     SET customer_id = excluded.customer_id, facts_version = excluded.facts_version,
         friendly_name = excluded.friendly_name, roles = excluded.roles",
);

/// Attaches what is there at its facts' version and under no plan.
pub(crate) static ATTACH: Statement = Statement::new(
    "UPDATE azure_subscriptions SET plan_id = r.plan, attached_by = r.transition
     FROM {1: partner uuid, azure uuid, customer uuid, version bigint, plan uuid, transition uuid} AS r
     WHERE azure_subscriptions.partner_id = r.partner AND azure_subscriptions.azure_subscription_id = r.azure
       AND azure_subscriptions.customer_id = r.customer AND azure_subscriptions.facts_version >= r.version
       AND azure_subscriptions.plan_id IS NULL
     RETURNING partner_id, azure_subscription_id, attached_by",
);

/// Those of a set that are there, with the plan that they are under.
pub(crate) static LOOK: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_subscription_id, s.plan_id
     FROM {1: partner uuid, azure uuid, customer uuid, version bigint} AS r CROSS JOIN azure_subscriptions AS s
     WHERE s.partner_id = r.partner AND s.azure_subscription_id = r.azure AND s.customer_id = r.customer AND s.facts_version >= r.version",
);

/// Detaches what that transition attached.
pub(crate) static DETACH: Statement = Statement::new(
    "UPDATE azure_subscriptions SET plan_id = NULL, attached_by = NULL
     FROM {1: partner uuid, azure uuid, transition uuid} AS r
     WHERE azure_subscriptions.partner_id = r.partner AND azure_subscriptions.azure_subscription_id = r.azure
       AND azure_subscriptions.attached_by = r.transition
     RETURNING partner_id, azure_subscription_id",
);

/// From when each transition gave its Azure subscriptions to plans.
pub(crate) static GIVEN_AT: Statement = Statement::new(
    "SELECT o.azure_subscription_id, o.transition_id, min(o.from_at)
     FROM {1: azure uuid, transition uuid} AS r CROSS JOIN ownership AS o
     WHERE o.azure_subscription_id = r.azure AND o.transition_id = r.transition AND o.plan_id IS NOT NULL
     GROUP BY o.azure_subscription_id, o.transition_id",
);

/// From an instant on another owner: a change point above what is there at that instant, and above each one after it. Later ones
/// are there where two clocks do not agree about the hour: an undo gave back from 12:00 on, and the next transition, told by a
/// clock that is behind, begins at 11:00.
pub(crate) static APPEND: Statement = Statement::new(
    "INSERT INTO ownership (azure_subscription_id, from_at, revision, plan_id, transition_id, at)
     SELECT x.azure, x.from_at,
            coalesce((SELECT max(o.revision) + 1 FROM ownership AS o WHERE o.azure_subscription_id = x.azure AND o.from_at = x.from_at), 0),
            x.plan, x.transition, $2
     FROM (SELECT r.azure, r.from_at, r.plan, r.transition FROM {1: azure uuid, from_at bigint, plan uuid, transition uuid} AS r
           UNION
           SELECT r.azure, o.from_at, r.plan, r.transition
           FROM {1: azure uuid, from_at bigint, plan uuid, transition uuid} AS r CROSS JOIN ownership AS o
           WHERE o.azure_subscription_id = r.azure AND o.from_at > r.from_at) AS x",
);

/// A page of attachments.
pub(crate) static PAGE_SUBSCRIPTIONS: Statement = Statement::new(
    "SELECT partner_id, azure_subscription_id, customer_id, facts_version, friendly_name, roles, plan_id, attached_by
     FROM azure_subscriptions
     WHERE (partner_id, azure_subscription_id) > ($1, $2)
     ORDER BY partner_id, azure_subscription_id LIMIT $3",
);

/// A page of change points.
pub(crate) static PAGE_OWNERSHIP: Statement = Statement::new(
    "SELECT azure_subscription_id, from_at, revision, plan_id, transition_id, at
     FROM ownership
     WHERE (azure_subscription_id, from_at, revision) > ($1, $2, $3)
     ORDER BY azure_subscription_id, from_at, revision LIMIT $4",
);

/// Under which plans Azure subscriptions are, by their keys.
pub(crate) static FIND_PLANS: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_subscription_id, s.plan_id, s.attached_by
     FROM {1: partner uuid, azure uuid} AS r CROSS JOIN azure_subscriptions AS s
     WHERE s.partner_id = r.partner AND s.azure_subscription_id = r.azure",
);

/// The roles on Azure subscriptions, by their keys.
pub(crate) static FIND_ROLES: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_subscription_id, s.customer_id, s.facts_version, s.roles
     FROM {1: partner uuid, azure uuid} AS r CROSS JOIN azure_subscriptions AS s
     WHERE s.partner_id = r.partner AND s.azure_subscription_id = r.azure",
);

/// A page of attachments, each with all change points of its Azure subscription.
pub(crate) static PAGE_OWNED: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_subscription_id, s.plan_id, s.attached_by, o.from_at, o.revision, o.plan_id, o.transition_id
     FROM (SELECT partner_id, azure_subscription_id, plan_id, attached_by FROM azure_subscriptions
           WHERE (partner_id, azure_subscription_id) > ($1, $2) ORDER BY partner_id, azure_subscription_id LIMIT $3) AS s
     LEFT JOIN ownership AS o ON o.azure_subscription_id = s.azure_subscription_id
     ORDER BY s.partner_id, s.azure_subscription_id, o.from_at, o.revision",
);

/// All change points of a set of Azure subscriptions.
pub(crate) static FIND_POINTS: Statement = Statement::new(
    "SELECT o.azure_subscription_id, o.from_at, o.revision, o.plan_id, o.transition_id, o.at
     FROM {1: azure uuid} AS r CROSS JOIN ownership AS o WHERE o.azure_subscription_id = r.azure",
);

/// All change points of those Azure subscriptions that the partner has. A set in which one stands twice gives it once.
pub(crate) static FIND_OWNED: Statement = Statement::new(
    "SELECT s.azure_subscription_id, s.customer_id, o.from_at, o.revision, o.plan_id, o.transition_id
     FROM (SELECT DISTINCT r.partner, r.azure FROM {1: partner uuid, azure uuid} AS r) AS r
     CROSS JOIN azure_subscriptions AS s LEFT JOIN ownership AS o ON o.azure_subscription_id = s.azure_subscription_id
     WHERE s.partner_id = r.partner AND s.azure_subscription_id = r.azure
     ORDER BY s.azure_subscription_id, o.from_at, o.revision",
);
