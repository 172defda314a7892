//! Every statement of the eligibility worker.

use planshift_storage::Statement;

pub(crate) static STORE_HEADS: Statement = Statement::new(
    "UPDATE customers SET partner = r.partner_facts, customer = r.customer_facts
     FROM {1: partner_key uuid, customer_key uuid, partner_facts text, customer_facts text} AS r
     WHERE customers.partner_id = r.partner_key AND customers.customer_id = r.customer_key",
);

pub(crate) static STORE_SUBSCRIPTIONS: Statement = Statement::new(
    "INSERT INTO subscriptions
            (partner_id, customer_id, commerce_subscription_id, azure_subscription_id, status, reseller, facts, facts_version)
     SELECT r.partner_id, r.customer_id, r.commerce, r.azure, r.status, r.reseller, r.facts, r.facts_version
     FROM {1: partner_id uuid, customer_id uuid, commerce uuid, azure uuid, status text, reseller text, facts text, facts_version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id, r.commerce
     ON CONFLICT (partner_id, customer_id, commerce_subscription_id) DO UPDATE
     SET azure_subscription_id = excluded.azure_subscription_id, status = excluded.status, reseller = excluded.reseller,
         facts = excluded.facts, facts_version = excluded.facts_version",
);
pub(crate) static STORE_RESELLERS: Statement = Statement::new(
    "INSERT INTO resellers (partner_id, customer_id, mpn_id, facts, facts_version)
     SELECT r.partner_id, r.customer_id, r.mpn_id, r.facts, r.facts_version
     FROM {1: partner_id uuid, customer_id uuid, mpn_id text, facts text, facts_version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id, r.mpn_id
     ON CONFLICT (partner_id, customer_id, mpn_id) DO UPDATE SET facts = excluded.facts, facts_version = excluded.facts_version",
);
pub(crate) static STORE_PLANS: Statement = Statement::new(
    "INSERT INTO plans (partner_id, customer_id, plan_id, reseller, status, facts_version)
     SELECT r.partner_id, r.customer_id, r.plan_id, r.reseller, r.status, r.facts_version
     FROM {1: partner_id uuid, customer_id uuid, plan_id uuid, reseller text, status text, facts_version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id, r.plan_id
     ON CONFLICT (partner_id, customer_id, plan_id) DO UPDATE
     SET reseller = excluded.reseller, status = excluded.status, facts_version = excluded.facts_version",
);

/// The versions of a customer's facts: the newest, and the newest that is whole. Locked, so that no import changes the rows
/// between one statement of an assessment and the next; a check needs no lock, for no import comes into a transition.
pub(crate) static LOCK_VERSION: Statement =
    Statement::new("SELECT version, complete_version FROM customers WHERE partner_id = $1 AND customer_id = $2 {for update}");

pub(crate) static HEADS: Statement = Statement::new(
    "SELECT r.place, c.partner, c.customer
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN customers AS c
     WHERE c.partner_id = r.partner AND c.customer_id = r.customer",
);
pub(crate) static RESELLERS: Statement = Statement::new(
    "SELECT r.place, s.facts
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN resellers AS s
     WHERE s.partner_id = r.partner AND s.customer_id = r.customer AND s.facts_version = r.version",
);

/// For whom there is an active plan: by the facts, or because an earlier transition's lines are under it.
pub(crate) static ACTIVE_PLANS: Statement = Statement::new(
    "SELECT r.place, p.reseller
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN plans AS p
     WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.facts_version = r.version AND p.status = 'active'
     UNION
     SELECT r.place, l.reseller
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN lines AS l
     WHERE l.partner_id = r.partner AND l.customer_id = r.customer AND l.transition_id <> r.transition",
);

/// Where plans come from: the active ones of the facts, by their ids, and without an id whose lines are under one already.
pub(crate) static PLANS: Statement = Statement::new(
    "SELECT r.place, p.reseller, p.plan_id
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN plans AS p
     WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.facts_version = r.version AND p.status = 'active'
     UNION
     SELECT r.place, l.reseller, NULL::uuid
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN lines AS l
     WHERE l.partner_id = r.partner AND l.customer_id = r.customer AND l.transition_id <> r.transition",
);

/// How many transitions of a customer were released.
pub(crate) static RELEASES: Statement = Statement::new(
    "SELECT r.place, (SELECT count(*) FROM releases AS e
                      WHERE e.partner_id = r.partner AND e.customer_id = r.customer AND e.transition_id <> r.transition)
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r",
);

/// Notes that transitions were released.
pub(crate) static NOTE_RELEASE: Statement = Statement::new(
    "INSERT INTO releases (partner_id, customer_id, transition_id)
     SELECT r.partner, r.customer, r.transition
     FROM {1: partner uuid, customer uuid, transition uuid} AS r
     WHERE true
     ORDER BY r.partner, r.customer, r.transition
     ON CONFLICT (partner_id, customer_id, transition_id) DO NOTHING",
);

/// Subscriptions in scope of several customers, customer by customer from the one at `$2` on.
pub(crate) static IN_SCOPE: Statement = Statement::new(
    "SELECT r.place, s.commerce_subscription_id, s.facts
     FROM {1: place bigint, partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN subscriptions AS s
     WHERE r.place >= $2 AND s.partner_id = r.partner AND s.customer_id = r.customer
       AND s.facts_version = r.version AND s.status <> 'deleted'
       AND NOT EXISTS (SELECT 1 FROM lines AS l
                       WHERE l.partner_id = s.partner_id AND l.customer_id = s.customer_id
                         AND l.azure_subscription_id = s.azure_subscription_id AND l.transition_id <> r.transition)
     ORDER BY r.place, s.commerce_subscription_id LIMIT $3",
);

/// The same of one customer, from one commerce id on: a large customer is read along its key, not sorted anew for each page.
pub(crate) static IN_SCOPE_OF_ONE: Statement = Statement::new(
    "SELECT s.commerce_subscription_id, s.facts
     FROM subscriptions AS s
     WHERE s.partner_id = $1 AND s.customer_id = $2 AND s.commerce_subscription_id > $5
       AND s.facts_version = $3 AND s.status <> 'deleted'
       AND NOT EXISTS (SELECT 1 FROM lines AS l
                       WHERE l.partner_id = s.partner_id AND l.customer_id = s.customer_id
                         AND l.azure_subscription_id = s.azure_subscription_id AND l.transition_id <> $4)
     ORDER BY s.commerce_subscription_id LIMIT $6",
);

/// What is in scope of eligible customers becomes the lines of their transitions; those that are it already stay so.
pub(crate) static MARK: Statement = Statement::new(
    "INSERT INTO lines (partner_id, customer_id, azure_subscription_id, commerce_subscription_id, transition_id, reseller)
     SELECT s.partner_id, s.customer_id, s.azure_subscription_id, s.commerce_subscription_id, r.transition, s.reseller
     FROM {1: partner uuid, customer uuid, version bigint, transition uuid} AS r CROSS JOIN subscriptions AS s
     WHERE s.partner_id = r.partner AND s.customer_id = r.customer
       AND s.facts_version = r.version AND s.status <> 'deleted' AND s.azure_subscription_id IS NOT NULL
     ON CONFLICT (partner_id, customer_id, azure_subscription_id) DO NOTHING",
);

/// The lines of transitions are nobody's again.
pub(crate) static RELEASE: Statement = Statement::new(
    "DELETE FROM lines
     WHERE (partner_id, customer_id) IN (SELECT r.partner, r.customer FROM {1: partner uuid, customer uuid, transition uuid} AS r)
       AND transition_id IN (SELECT t.transition FROM {1: partner uuid, customer uuid, transition uuid} AS t)",
);

/// A page of lines.
pub(crate) static PAGE_LINES: Statement = Statement::new(
    "SELECT partner_id, customer_id, azure_subscription_id, commerce_subscription_id, transition_id, reseller
     FROM lines
     WHERE (partner_id, customer_id, azure_subscription_id) > ($1, $2, $3)
     ORDER BY partner_id, customer_id, azure_subscription_id LIMIT $4",
);

/// A page of subscriptions.
pub(crate) static PAGE_SUBSCRIPTIONS: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.commerce_subscription_id, s.facts, s.facts_version, coalesce(c.complete_version, 0)
     FROM subscriptions AS s LEFT JOIN customers AS c ON c.partner_id = s.partner_id AND c.customer_id = s.customer_id
     WHERE (s.partner_id, s.customer_id, s.commerce_subscription_id) > ($1, $2, $3)
     ORDER BY s.partner_id, s.customer_id, s.commerce_subscription_id LIMIT $4",
);

/// A page of the subscriptions of which facts tell, and whether each is a line.
pub(crate) static PAGE_TOLD: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.commerce_subscription_id, s.azure_subscription_id, s.status, s.facts, s.facts_version,
            coalesce(c.complete_version, 0),
            CASE WHEN EXISTS (SELECT 1 FROM lines AS l WHERE l.partner_id = s.partner_id AND l.customer_id = s.customer_id
                                AND l.azure_subscription_id = s.azure_subscription_id) THEN 1 ELSE 0 END
     FROM subscriptions AS s LEFT JOIN customers AS c ON c.partner_id = s.partner_id AND c.customer_id = s.customer_id
     WHERE (s.partner_id, s.customer_id, s.commerce_subscription_id) > ($1, $2, $3)
     ORDER BY s.partner_id, s.customer_id, s.commerce_subscription_id LIMIT $4",
);

/// A page of lines: whose they are.
pub(crate) static PAGE_MARKS: Statement = Statement::new(
    "SELECT partner_id, customer_id, azure_subscription_id, transition_id
     FROM lines
     WHERE (partner_id, customer_id, azure_subscription_id) > ($1, $2, $3)
     ORDER BY partner_id, customer_id, azure_subscription_id LIMIT $4",
);

/// Lines by their keys.
pub(crate) static FIND_LINES: Statement = Statement::new(
    "SELECT l.partner_id, l.customer_id, l.azure_subscription_id, l.commerce_subscription_id, l.transition_id, l.reseller
     FROM {1: partner uuid, customer uuid, azure uuid} AS r CROSS JOIN lines AS l
     WHERE l.partner_id = r.partner AND l.customer_id = r.customer AND l.azure_subscription_id = r.azure",
);

/// A customer without its subscriptions.
pub(crate) static HEAD: Statement = Statement::new("SELECT partner, customer FROM customers WHERE partner_id = $1 AND customer_id = $2");
/// The resellers on record of its subscriptions.
pub(crate) static ALL_RESELLERS: Statement =
    Statement::new("SELECT facts FROM resellers WHERE partner_id = $1 AND customer_id = $2 AND facts_version = $3 ORDER BY mpn_id");

// What a customer has, to be shown: of a reseller and of an order where one is given, along the key. And by ids.
macro_rules! told {
    ($from:literal, $of:literal, $select:literal, $id:literal, $page:ident, $count:ident, $by_id:ident) => {
        pub(crate) static $page: Statement = Statement::new(concat!(
            "SELECT ",
            $select,
            " FROM ",
            $from,
            " WHERE partner_id = $1 AND customer_id = $2 AND facts_version = $3
               AND ($4::text IS NULL OR reseller = $4) AND ($5::text IS NULL OR ",
            $of,
            ") AND ",
            $id,
            " > $6 ORDER BY ",
            $id,
            " LIMIT $7",
        ));
        pub(crate) static $count: Statement = Statement::new(concat!(
            "SELECT count(*) FROM ",
            $from,
            " WHERE partner_id = $1 AND customer_id = $2 AND facts_version = $3
               AND ($4::text IS NULL OR reseller = $4) AND ($5::text IS NULL OR ",
            $of,
            ")",
        ));
        pub(crate) static $by_id: Statement = Statement::new(concat!(
            "SELECT ",
            $select,
            " FROM {4: id uuid} AS r CROSS JOIN ",
            $from,
            "
             WHERE partner_id = $1 AND customer_id = $2 AND ",
            $id,
            " = r.id AND facts_version = $3 ORDER BY ",
            $id,
        ));
    };
}
told!(
    "subscriptions",
    "{postgres: facts::json->>'orderId'}{sqlite: json_extract(facts, '$.orderId')} = $5",
    "facts",
    "commerce_subscription_id",
    TOLD,
    COUNT_TOLD,
    TOLD_BY_ID
);
told!("plans", "$5 = ''", "plan_id, reseller, status", "plan_id", TOLD_PLANS, COUNT_PLANS, PLANS_BY_ID);
