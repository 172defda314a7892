-- In line: accepted, and not begun yet, since as many as may be are under way. Such a row is not open once its event was sent: what
-- looks through the open ones does not look through a long line.
ALTER TABLE transitions ADD COLUMN waiting boolean NOT NULL DEFAULT false;
-- Held at a paused step, since when, and whether the step's commands have not gone out.
ALTER TABLE transitions ADD COLUMN held_step text;
ALTER TABLE transitions ADD COLUMN held_since bigint;
ALTER TABLE transitions ADD COLUMN withheld boolean NOT NULL DEFAULT false;

-- The lines, one for each partner, the oldest first.
CREATE INDEX transitions_waiting ON transitions (partner_id, started_at, id) WHERE waiting;

-- Rows that are locked for what only one replica may do at a time.
CREATE TABLE latches (name text NOT NULL PRIMARY KEY);
INSERT INTO latches (name) VALUES ('admission'), ('steps');

-- Who paused or resumed a step for everyone, and why. The last act about a step holds.
CREATE TABLE step_acts (
    number bigint NOT NULL PRIMARY KEY,
    step text NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL,
    request_id uuid NOT NULL
);
CREATE UNIQUE INDEX step_acts_request ON step_acts (request_id);
