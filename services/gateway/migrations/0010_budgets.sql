-- Budgets as the newest import of each customer says, in one spelling (no zeros at the end), so that two of the same value are the same text.
ALTER TABLE customers ADD COLUMN budget text;
ALTER TABLE customers ADD COLUMN currency text NOT NULL DEFAULT '';
CREATE INDEX customers_with_budget ON customers (sort_name, customer_id, partner_id) WHERE budget IS NOT NULL;

-- Who has said that a budget is set in the Azure portal too. Append-only: the last one of a customer counts, for the amount that it names.
CREATE TABLE budget_ticks (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number bigint NOT NULL,
    amount text NOT NULL,
    currency text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (partner_id, customer_id, number)
) {sqlite: WITHOUT ROWID};
