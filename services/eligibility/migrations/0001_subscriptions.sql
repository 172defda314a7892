-- Partner and customer as they were at the newest import, JSON.
ALTER TABLE customers ADD COLUMN partner text;
ALTER TABLE customers ADD COLUMN customer text;

-- Subscriptions of the legacy offer. A row of an older version than the customer's counts as deleted.
CREATE TABLE subscriptions (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    commerce_subscription_id uuid NOT NULL,
    azure_subscription_id uuid,
    status text NOT NULL,
    reseller text NOT NULL,
    facts text NOT NULL,
    facts_version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, commerce_subscription_id)
) {sqlite: WITHOUT ROWID};

-- The lines of transitions: what was in scope of an eligible customer, from the check until the transition is released (which it
-- is unless it completes). So a line of another transition than the present one is under a plan already. A table of its own, for
-- a narrow row costs less than writing the subscription's again; the Azure id, for it stays when the commerce id changes.
CREATE TABLE lines (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    azure_subscription_id uuid NOT NULL,
    commerce_subscription_id uuid NOT NULL,
    transition_id uuid NOT NULL,
    reseller text NOT NULL,
    PRIMARY KEY (partner_id, customer_id, azure_subscription_id)
) {sqlite: WITHOUT ROWID};

-- Resellers on record of the customer's subscriptions.
CREATE TABLE resellers (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    mpn_id text NOT NULL,
    facts text NOT NULL,
    facts_version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, mpn_id)
) {sqlite: WITHOUT ROWID};

-- The customer's Azure plans.
CREATE TABLE plans (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    reseller text NOT NULL,
    status text NOT NULL,
    facts_version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, plan_id)
) {sqlite: WITHOUT ROWID};
