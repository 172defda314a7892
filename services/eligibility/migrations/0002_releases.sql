-- Transitions whose lines were released: each may have left a plan that purchasing makes active again, so that a plan of what a
-- transition would do is another one after it.
CREATE TABLE releases (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    transition_id uuid NOT NULL,
    PRIMARY KEY (partner_id, customer_id, transition_id)
) {sqlite: WITHOUT ROWID};
