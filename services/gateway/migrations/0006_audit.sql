-- Customers' chains, as the coordinator has told them: entries never change, and the first that comes stays. They are kept for seven
-- years and longer: nothing deletes them.
CREATE TABLE customer_audit (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    -- as Partner Center names what it is about
    resource_type text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (partner_id, customer_id, number)
);
-- records are listed by key, newest first: those of a partner, and those of all
CREATE INDEX customer_audit_of_partner ON customer_audit (partner_id, at, customer_id, number);
CREATE INDEX customer_audit_of_all ON customer_audit (at, partner_id, customer_id, number);

-- The highest number that was told of each chain; where one below it is missing, the coordinator is asked to tell again at ask_at.
CREATE TABLE customer_chains (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    told bigint NOT NULL,
    whole boolean NOT NULL,
    ask_at bigint NOT NULL,
    asked bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
);
CREATE INDEX customer_chains_by_customer ON customer_chains (customer_id, partner_id);
CREATE INDEX customer_chains_with_gaps ON customer_chains (ask_at) WHERE NOT whole;
