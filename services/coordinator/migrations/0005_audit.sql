-- What happened to a customer, hash-chained, for ever: a row is written in the transaction of what it tells, and never changed.
CREATE TABLE customer_audit (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL,
    text text NOT NULL,
    actor text NOT NULL,
    -- the transition that it is about, with how many entries its history had then, and the hash of the last of them
    transition_id uuid,
    history bigint,
    history_hash text,
    request_id uuid,
    correlation_id uuid,
    -- JSON
    old_value text,
    new_value text,
    hash text NOT NULL,
    PRIMARY KEY (partner_id, customer_id, number)
) {sqlite: WITHOUT ROWID};

-- Where each chain ends. The row that is locked by who adds to it, after all others.
CREATE TABLE customer_chains (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    entries bigint NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
) {postgres: WITH (fillfactor = 70)};
