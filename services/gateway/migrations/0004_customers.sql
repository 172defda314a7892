-- Customers as lists show them, in the order of their names.
ALTER TABLE customers ADD COLUMN country text NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN relationship text NOT NULL DEFAULT '';
-- the name in lower case, compared byte by byte, so that a page goes on where the one before it ended on every server
ALTER TABLE customers ADD COLUMN sort_name text {postgres: COLLATE "C"} NOT NULL DEFAULT '';
UPDATE customers SET sort_name = lower(company_name);
CREATE INDEX customers_by_name ON customers (sort_name, customer_id, partner_id);
CREATE INDEX customers_of_partner ON customers (partner_id, sort_name, customer_id);

-- Resellers on record of a customer's subscriptions; a row of an older version than the customer's is of the past.
CREATE TABLE customer_resellers (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    mpn_id text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, mpn_id)
);
CREATE INDEX customers_of_reseller ON customer_resellers (partner_id, mpn_id, customer_id);

-- A partner's resellers, as the newest import that told of each says.
CREATE TABLE resellers (
    partner_id uuid NOT NULL,
    mpn_id text NOT NULL,
    reseller_id uuid,
    -- when the import began
    at bigint NOT NULL,
    -- JSON
    body text NOT NULL,
    PRIMARY KEY (partner_id, mpn_id)
);
CREATE INDEX resellers_by_tenant ON resellers (reseller_id, partner_id);

-- Carts, and the orders that they became.
CREATE TABLE carts (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    created_at bigint NOT NULL,
    -- what is in it, JSON
    lines text NOT NULL,
    -- the order that it became
    order_id uuid
);
CREATE TABLE orders (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    created_at bigint NOT NULL,
    id uuid NOT NULL,
    -- what was bought, JSON
    lines text NOT NULL,
    PRIMARY KEY (partner_id, customer_id, created_at, id)
);
CREATE INDEX orders_by_id ON orders (id);
