-- What verifications have found: the last pass of each that tells.
CREATE TABLE invariant_reports (
    reporter text NOT NULL PRIMARY KEY,
    told_at bigint NOT NULL,
    told_by text NOT NULL,
    -- when the pass ended
    ended_at bigint NOT NULL,
    -- the time from pass to pass; 0: one alone
    every_seconds bigint NOT NULL,
    took_millis bigint NOT NULL,
    -- a row for each invariant, as JSON
    invariants text NOT NULL
);
