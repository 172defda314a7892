-- What stands in a customer's way, as the last look found it: how many things; -1 where nobody has looked since the last import. Lists are
-- sorted by it. Nothing is decided by it: whoever begins a transition asks anew.
ALTER TABLE customers ADD COLUMN blockers bigint NOT NULL DEFAULT -1;
CREATE INDEX customers_by_blockers ON customers (partner_id, blockers, customer_id);

-- Partners by name, as the newest import of each says. Before its next import a partner has none.
CREATE TABLE partners (
    partner_id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    -- when the import began
    at bigint NOT NULL
);
INSERT INTO partners (partner_id, name, at) SELECT DISTINCT partner_id, '', -1 FROM customers;
