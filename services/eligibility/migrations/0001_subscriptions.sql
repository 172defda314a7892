-- Partner and customer as they were at the newest import, JSON.
ALTER TABLE customers ADD COLUMN partner text;
ALTER TABLE customers ADD COLUMN customer text;

-- Subscriptions of the legacy offer. A row of an older version than the customer's counts as deleted.
-- line_of: the transition that it is a line of, from the check that found the customer eligible until that transition is
-- released. So a row with a line_of other than the present transition is under a plan already. line_reseller: the reseller then.
CREATE TABLE subscriptions (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    commerce_subscription_id uuid NOT NULL,
    azure_subscription_id uuid,
    status text NOT NULL,
    reseller text NOT NULL,
    facts text NOT NULL,
    facts_version bigint NOT NULL,
    line_of uuid,
    line_reseller text,
    PRIMARY KEY (partner_id, customer_id, commerce_subscription_id)
) {sqlite: WITHOUT ROWID};

-- The Azure id is what stays: the same one under another commerce id, or at another customer, is under its plan all the same.
CREATE INDEX lines_by_azure_id ON subscriptions (partner_id, azure_subscription_id) WHERE line_of IS NOT NULL;

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
