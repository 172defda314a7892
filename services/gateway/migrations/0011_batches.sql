-- Batches: many customers moved in one go. The rows say what is to be done and what became of it; the transitions themselves are the
-- coordinator's, as those of single starts are.
CREATE TABLE batches (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    -- the partner's own name of it: the same again is the same batch
    reference text NOT NULL,
    created_at bigint NOT NULL,
    actor text NOT NULL,
    -- what was asked for but the rows, JSON; and the SHA-256 of the rows as they came
    options text NOT NULL,
    rows_hash text NOT NULL,
    rows bigint NOT NULL,
    -- how many rows may be under way at once
    at_once bigint NOT NULL,
    -- it stops by itself where more than so many of a hundred ends have failed, once there are so many ends
    stop_percent bigint,
    stop_minimum bigint NOT NULL,
    -- starts are held to the plans that the dry run has shown
    keep_to_plan boolean NOT NULL,
    -- it goes on by itself once it is planned
    start_when_planned boolean NOT NULL,
    -- what is under way is undone too
    undo boolean NOT NULL,
    state text NOT NULL,
    -- why it stopped
    note text NOT NULL,
    version bigint NOT NULL,
    changed_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint,
    -- ends and failures before it was last let go on: what it stops by is counted from there
    ends_before bigint NOT NULL,
    failures_before bigint NOT NULL,
    -- the request that ordered it, as W3C trace context
    traceparent text NOT NULL
);
CREATE UNIQUE INDEX batches_by_reference ON batches (partner_id, reference);
-- lists are read by key, newest first
CREATE INDEX batches_of_partner ON batches (partner_id, created_at, id);
CREATE INDEX batches_by_time ON batches (created_at, id);
-- few among many have something to do
CREATE INDEX batches_at_work ON batches (created_at, id) WHERE state IN ('Planning', 'Running', 'Pausing', 'Cancelling');

CREATE TABLE batch_rows (
    batch_id uuid NOT NULL,
    -- from 1, in the order in which they came
    number bigint NOT NULL,
    customer_id uuid NOT NULL,
    -- the partner's own name of the row
    reference text NOT NULL,
    -- the plan that it must keep to, as it was given
    given_hash text,
    state text NOT NULL,
    -- counts up with each retry: the coordinator is asked once for each
    attempt bigint NOT NULL,
    -- when whoever asks for it is taken to be gone
    due_at bigint NOT NULL,
    transition_id uuid,
    -- of the transition, when this row was last written from it
    version bigint NOT NULL,
    -- what the transition moves
    subscriptions bigint NOT NULL,
    -- why it was refused or has failed
    code text,
    description text,
    began_at bigint,
    ended_at bigint,
    -- the dry run: nothing, Wanted, Eligible, Refused
    plan_state text,
    plan_hash text,
    plan_subscriptions bigint NOT NULL,
    plan_buy bigint NOT NULL,
    plan_reuse bigint NOT NULL,
    plan_reactivate bigint NOT NULL,
    PRIMARY KEY (batch_id, number)
);
-- what is next, what is under way, how many there are
CREATE INDEX batch_rows_by_state ON batch_rows (batch_id, state, number);
CREATE INDEX batch_rows_to_plan ON batch_rows (batch_id, number) WHERE plan_state = 'Wanted';
-- is the customer in another batch that is at work?
CREATE INDEX batch_rows_by_customer ON batch_rows (customer_id, batch_id);
-- the last ends tell the pace
CREATE INDEX batch_rows_by_end ON batch_rows (batch_id, ended_at) WHERE ended_at IS NOT NULL;

-- Why the dry run says that a row's customer may not move.
CREATE TABLE batch_reasons (
    batch_id uuid NOT NULL,
    number bigint NOT NULL,
    place bigint NOT NULL,
    code text NOT NULL,
    resource_id text NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (batch_id, number, place)
);

-- Who did what to a batch, and why. Nothing deletes them.
CREATE TABLE batch_acts (
    batch_id uuid NOT NULL,
    -- the version that it made
    version bigint NOT NULL,
    at bigint NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (batch_id, version)
);

-- Rows that are being received: they are of no batch yet. What is left here for long was cut off, and its rows are forgotten.
CREATE TABLE batch_uploads (
    id uuid NOT NULL PRIMARY KEY,
    begun_at bigint NOT NULL
);
