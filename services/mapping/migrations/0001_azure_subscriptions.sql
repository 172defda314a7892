-- Azure subscriptions as the newest facts have them, and the plan that each is under (attachment: changes at once).
-- The key has no customer: an Azure subscription may be another customer's of the same partner in a later document, and is
-- under one plan at a time all the same.
CREATE TABLE azure_subscriptions (
    partner_id uuid NOT NULL,
    azure_subscription_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    facts_version bigint NOT NULL,
    friendly_name text NOT NULL,
    roles text NOT NULL,
    plan_id uuid,
    attached_by uuid,
    PRIMARY KEY (partner_id, azure_subscription_id)
) {sqlite: WITHOUT ROWID};

-- Who is billed for an Azure subscription's usage from when (ownership: changes on whole UTC hours). Append-only.
-- Without a plan it is the legacy commerce subscription.
CREATE TABLE ownership (
    azure_subscription_id uuid NOT NULL,
    from_at bigint NOT NULL,
    revision bigint NOT NULL,
    plan_id uuid,
    transition_id uuid NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (azure_subscription_id, from_at, revision)
) {sqlite: WITHOUT ROWID};
