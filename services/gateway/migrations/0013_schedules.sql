-- Schedules: a batch that begins at a date, within hours, day by day. The batch does the work; the schedule says when.
CREATE TABLE schedules (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    -- the partner's own name of it: the same again is the same schedule
    reference text NOT NULL,
    batch_id uuid NOT NULL,
    -- the batch was made for it, and is cancelled with it
    owns_batch boolean NOT NULL,
    created_at bigint NOT NULL,
    actor text NOT NULL,
    -- what was asked for when it was made, JSON: the same again is held against this, also after it was moved
    asked text NOT NULL,
    -- when it is to be, as it is now, JSON
    spec text NOT NULL,
    state text NOT NULL,
    -- when the gateway has something to do for it; nothing where it has not
    next_at bigint,
    version bigint NOT NULL,
    changed_at bigint NOT NULL,
    ended_at bigint
);
CREATE UNIQUE INDEX schedules_by_reference ON schedules (partner_id, reference);
-- lists are read by key, newest first
CREATE INDEX schedules_of_partner ON schedules (partner_id, created_at, id);
CREATE INDEX schedules_by_time ON schedules (created_at, id);
CREATE INDEX schedules_by_batch ON schedules (batch_id);
-- few among many have something to do
CREATE INDEX schedules_due ON schedules (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_open ON schedules (id) WHERE state IN ('Waiting', 'Running');

-- The days of a schedule: when each begins, and which rows of the batch it has.
CREATE TABLE schedule_days (
    schedule_id uuid NOT NULL,
    -- from 1; a move adds days behind those that have begun
    day bigint NOT NULL,
    opens_at bigint NOT NULL,
    -- nothing where no hours are given
    closes_at bigint,
    first_row bigint NOT NULL,
    last_row bigint NOT NULL,
    -- those of them that waited when the day was planned
    rows bigint NOT NULL,
    begun_at bigint,
    PRIMARY KEY (schedule_id, day)
);

-- Who did what to a schedule, and why. Nothing deletes them.
CREATE TABLE schedule_acts (
    schedule_id uuid NOT NULL,
    -- the version that it made
    version bigint NOT NULL,
    at bigint NOT NULL,
    act text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    -- when it was to be from then on, JSON
    spec text NOT NULL,
    PRIMARY KEY (schedule_id, version)
);

-- A batch that a schedule has: which, up to which row it may begin, and until when. Nothing in them is a batch without a schedule.
ALTER TABLE batches ADD COLUMN schedule_id uuid;
ALTER TABLE batches ADD COLUMN up_to bigint;
ALTER TABLE batches ADD COLUMN closes_at bigint;
-- it rests because its hours are over, and not because somebody has paused it
ALTER TABLE batches ADD COLUMN closed boolean NOT NULL DEFAULT false;
