-- Customers, as far as the coordinator must know them: the version of their facts, and the row that a start locks.
CREATE TABLE customers (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    facts_version bigint NOT NULL,
    import_id uuid NOT NULL,
    begun_at bigint NOT NULL,
    parts bigint NOT NULL,
    parts_seen bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
);

-- Chunks of imports: which workers have not taken them yet, and what to answer when all have.
CREATE TABLE imports (
    import_id uuid NOT NULL,
    chunk bigint NOT NULL,
    waiting bigint NOT NULL,
    reply_to text,
    answer text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (import_id, chunk)
);

-- One row for each transition, of fixed size. "open": not at an end, or with output that may not have been sent.
CREATE TABLE transitions (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    request_id uuid NOT NULL,
    facts_version bigint NOT NULL,
    state text NOT NULL,
    left_state text,
    version bigint NOT NULL,
    sent bigint NOT NULL,
    open boolean NOT NULL,
    attempt bigint NOT NULL,
    lines bigint NOT NULL,
    plans bigint NOT NULL,
    packet_items bigint NOT NULL,
    tallies text NOT NULL,
    failure text,
    effective_at bigint,
    resend_at bigint NOT NULL,
    give_up_at bigint NOT NULL,
    touched_at bigint NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    closed_at bigint,
    started_by text NOT NULL,
    history bigint NOT NULL,
    history_hash text NOT NULL,
    acted uuid,
    traceparent text NOT NULL,
    tracestate text NOT NULL
) {postgres: WITH (fillfactor = 60)};

-- The lock on a customer: one transition that is not at an end.
CREATE UNIQUE INDEX transitions_live ON transitions (partner_id, customer_id) WHERE ended_at IS NULL;
-- The same request again is the same transition.
CREATE UNIQUE INDEX transitions_request ON transitions (partner_id, request_id);
-- What the deadlines and the recovery look through.
CREATE INDEX transitions_open ON transitions (id) WHERE open;
-- Has a transition of this customer completed? (By its end, which is written once: an index that speaks of the state would make
-- every move of every transition touch all indexes.)
CREATE INDEX transitions_ended ON transitions (partner_id, customer_id) WHERE ended_at IS NOT NULL;

-- One row for each Azure subscription. Written once when all goes well: its packet's answers say how far it is.
CREATE TABLE lines (
    transition_id uuid NOT NULL,
    packet bigint NOT NULL,
    azure_subscription_id uuid NOT NULL,
    commerce_subscription_id uuid NOT NULL,
    reseller text NOT NULL,
    error_step text,
    error_code text,
    error_description text,
    undo text,
    version bigint NOT NULL,
    PRIMARY KEY (transition_id, packet, azure_subscription_id)
) {sqlite: WITHOUT ROWID};

CREATE TABLE plans (
    transition_id uuid NOT NULL,
    reseller text NOT NULL,
    plan_id uuid,
    reused boolean NOT NULL,
    status text,
    error_code text,
    error_description text,
    undo text,
    version bigint NOT NULL,
    PRIMARY KEY (transition_id, reseller)
) {sqlite: WITHOUT ROWID};

-- Packets that were answered.
CREATE TABLE packets (
    transition_id uuid NOT NULL,
    step text NOT NULL,
    action text NOT NULL,
    packet bigint NOT NULL,
    attempt bigint NOT NULL,
    good bigint NOT NULL,
    refused bigint NOT NULL,
    findings text,
    version bigint NOT NULL,
    PRIMARY KEY (transition_id, step, action, packet)
) {sqlite: WITHOUT ROWID};

CREATE TABLE history (
    transition_id uuid NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    state text NOT NULL,
    event text NOT NULL,
    text text NOT NULL,
    actor text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (transition_id, number)
) {sqlite: WITHOUT ROWID};
