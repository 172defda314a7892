-- Legacy commerce subscriptions. version counts up with every change of a row: a write that read another version is stale.
-- suspended_by: the transition that suspended it; an import does not make such a row active again.
CREATE TABLE commerce_subscriptions (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    commerce_subscription_id uuid NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL,
    suspension_reasons text NOT NULL,
    suspended_by uuid,
    facts_version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, commerce_subscription_id)
) {sqlite: WITHOUT ROWID};
