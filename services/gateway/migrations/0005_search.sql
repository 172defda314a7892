-- Live events and search.

-- A change has a number, taken under the lock of this one row in the transaction that writes it: so numbers are seen in their order,
-- and whoever has read the clock has seen everything up to it. A sequence would not do: it does not commit in order.
CREATE TABLE feed_clock (
    one bigint NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO feed_clock (one, value) VALUES (1, 0);

-- The last change of each transition, in a narrow table of its own: an index on the transition's row would make each move write all of
-- that row's indexes.
CREATE TABLE feed (
    transition_id uuid NOT NULL PRIMARY KEY,
    change bigint NOT NULL
);
INSERT INTO feed (transition_id, change) SELECT id, 0 FROM transitions;
CREATE INDEX feed_by_change ON feed (change, transition_id);

-- The change that rows were written with.
ALTER TABLE history ADD COLUMN change bigint NOT NULL DEFAULT 0;
CREATE INDEX history_by_change ON history (change, transition_id, number);
ALTER TABLE packets ADD COLUMN change bigint NOT NULL DEFAULT 0;
ALTER TABLE lines ADD COLUMN change bigint NOT NULL DEFAULT 0;

-- When a packet's answer was told here: what the pace of a transition is known by.
ALTER TABLE packets ADD COLUMN told_at bigint NOT NULL DEFAULT 0;

-- What Partner Center calls Failed is listed by key too.
CREATE INDEX transitions_failed ON transitions (started_at, id) WHERE settled IN ('Ineligible', 'Compensated', 'NeedsOperator');
