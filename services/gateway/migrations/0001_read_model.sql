-- The read model: what the coordinator's events have told, searchable. Nothing here decides anything.
-- Each row keeps the version that it is of; one of a lower version never overwrites it.

CREATE TABLE transitions (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    state text NOT NULL,
    started_at bigint NOT NULL,
    -- how many rows there must be beneath it, by its own account
    lines bigint NOT NULL,
    plans bigint NOT NULL,
    history bigint NOT NULL,
    -- everything that it says is there, is here; where not, the coordinator is asked to tell again at ask_at
    whole boolean NOT NULL,
    ask_at bigint NOT NULL,
    asked bigint NOT NULL,
    -- the whole row as JSON
    body text NOT NULL
);
-- lists are read by key, newest first: all of them, of a customer, of a partner, in a state
CREATE INDEX transitions_by_start ON transitions (started_at, id);
CREATE INDEX transitions_by_customer ON transitions (customer_id, started_at, id);
CREATE INDEX transitions_by_partner ON transitions (partner_id, started_at, id);
CREATE INDEX transitions_by_state ON transitions (state, started_at, id);
CREATE INDEX transitions_with_gaps ON transitions (ask_at) WHERE NOT whole;

CREATE TABLE lines (
    transition_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    commerce_id uuid NOT NULL,
    reseller text NOT NULL,
    packet bigint NOT NULL,
    -- an item's error and the step it failed at, as JSON
    error text,
    undo text,
    version bigint NOT NULL,
    PRIMARY KEY (transition_id, azure_id)
);
CREATE INDEX lines_by_azure ON lines (azure_id);
CREATE INDEX lines_by_commerce ON lines (commerce_id);

CREATE TABLE plans (
    transition_id uuid NOT NULL,
    reseller text NOT NULL,
    plan_id uuid,
    version bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (transition_id, reseller)
);
CREATE INDEX plans_by_plan ON plans (plan_id);

CREATE TABLE packets (
    transition_id uuid NOT NULL,
    step text NOT NULL,
    action text NOT NULL,
    packet bigint NOT NULL,
    version bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (transition_id, step, action, packet)
);

-- entries never change: the first that comes stays
CREATE TABLE history (
    transition_id uuid NOT NULL,
    number bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (transition_id, number)
);

CREATE TABLE customers (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    company_name text NOT NULL,
    domain text NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
);
CREATE INDEX customers_by_id ON customers (customer_id);

-- Idempotency keys. A key without an answer is under way: the same request again asks the coordinator again, which answers the same.
CREATE TABLE requests (
    -- the caller's partner; all zeros while there are no tokens
    partner_id uuid NOT NULL,
    request_id uuid NOT NULL,
    -- method and path, and a hash of the body: another request under the same key is refused
    target text NOT NULL,
    body_hash text NOT NULL,
    created_at bigint NOT NULL,
    status bigint,
    headers text,
    body text,
    PRIMARY KEY (partner_id, request_id)
);
CREATE INDEX requests_by_age ON requests (created_at);
