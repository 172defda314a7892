-- Webhooks: who wants which events, up to where the feed was read for them, and every delivery.

-- One for each partner, as Partner Center has it.
CREATE TABLE webhook_registrations (
    partner_id uuid NOT NULL PRIMARY KEY,
    subscriber_id uuid NOT NULL,
    url text NOT NULL,
    -- names of events, with a comma before and after each
    events text NOT NULL,
    -- what happened after this change is told
    since bigint NOT NULL,
    changed_at bigint NOT NULL,
    actor text NOT NULL
);

-- The feed is the outbox: deliveries are made of the entries after this place, in the transaction that moves it. Of several replicas
-- that do so at once, one finds the place where it was and moves it.
CREATE TABLE webhook_cursor (
    one bigint NOT NULL PRIMARY KEY,
    change bigint NOT NULL,
    transition_id uuid NOT NULL,
    number bigint NOT NULL
);
INSERT INTO webhook_cursor (one, change, transition_id, number) VALUES (1, 0, '00000000-0000-0000-0000-000000000000', 0);

CREATE TABLE webhook_deliveries (
    -- of the transition and the number of its entry: the same event is the same row, also when it is replayed
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    event text NOT NULL,
    -- none of a test
    transition_id uuid,
    number bigint NOT NULL,
    happened_at bigint NOT NULL,
    created_at bigint NOT NULL,
    -- the bytes that are signed and sent
    body text NOT NULL,
    -- pending, delivered, dead
    state text NOT NULL,
    -- since it was last begun anew
    attempts bigint NOT NULL,
    -- the last of them, JSON
    tries text NOT NULL,
    -- pending: when it is due; while somebody sends it, when he is taken to be gone
    next_at bigint NOT NULL,
    -- who sends it
    lease uuid,
    ended_at bigint
);
-- the sender asks for each partner whether something is due
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (partner_id, next_at, id) WHERE state = 'pending';
-- lists are read by key, newest first
CREATE INDEX webhook_deliveries_of_partner ON webhook_deliveries (partner_id, created_at, id);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (created_at, id);
-- and few among many are dead
CREATE INDEX webhook_deliveries_dead_of_partner ON webhook_deliveries (partner_id, created_at, id) WHERE state = 'dead';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (created_at, id) WHERE state = 'dead';
-- what is forgotten
CREATE INDEX webhook_deliveries_delivered ON webhook_deliveries (ended_at) WHERE state = 'delivered';
CREATE INDEX webhook_deliveries_tests ON webhook_deliveries (partner_id, created_at) WHERE event = 'test-created';

-- Events of the past, to be told again.
CREATE TABLE webhook_replays (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    created_at bigint NOT NULL,
    actor text NOT NULL,
    -- from, and before
    from_at bigint NOT NULL,
    to_at bigint NOT NULL,
    -- of this name alone
    event text,
    -- up to here the partner's transitions were read
    started_at bigint NOT NULL,
    transition_id uuid NOT NULL,
    number bigint NOT NULL,
    -- how many events were found
    found bigint NOT NULL,
    ended_at bigint
);
CREATE INDEX webhook_replays_running ON webhook_replays (created_at, id) WHERE ended_at IS NULL;

-- What events are signed with, where no files are given: made once, the same for all replicas.
CREATE TABLE webhook_keys (
    one bigint NOT NULL PRIMARY KEY,
    -- PEM
    private_key text NOT NULL,
    certificate text NOT NULL,
    made_at bigint NOT NULL
);
