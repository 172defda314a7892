-- Dead letters: what was given another chance, and what was dropped, by whom and why. The letters themselves are the broker's.

-- One pass through the letters at a time, of all replicas: what one has got, another does not see. The lease ends by itself.
CREATE TABLE letter_pass (
    one bigint NOT NULL PRIMARY KEY,
    holder uuid NOT NULL,
    until bigint NOT NULL
);
INSERT INTO letter_pass (one, holder, until) VALUES (1, '00000000-0000-0000-0000-000000000000', 0);

CREATE TABLE redrives (
    id uuid NOT NULL PRIMARY KEY,
    created_at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    -- which letters, as JSON
    wanted text NOT NULL,
    -- letters a second at most
    rate bigint,
    -- the first so many must be seen to succeed
    canary bigint NOT NULL,
    state text NOT NULL,
    -- why it was stopped or cancelled
    note text NOT NULL,
    -- when the last were sent
    sent_at bigint NOT NULL,
    -- nothing is left that is wanted
    all_sent boolean NOT NULL,
    ended_at bigint
);
CREATE INDEX redrives_by_time ON redrives (created_at, id);
CREATE INDEX redrives_running ON redrives (created_at, id) WHERE state = 'Running';

CREATE TABLE redriven (
    redrive_id uuid NOT NULL,
    -- what the letter was known by
    letter text NOT NULL,
    message_id text NOT NULL,
    kind text NOT NULL,
    queue text NOT NULL,
    reason text NOT NULL,
    sent_at bigint NOT NULL,
    -- when it was seen to finish, and why it was given up again where it was
    ended_at bigint,
    dead text,
    description text,
    PRIMARY KEY (redrive_id, letter)
);
CREATE INDEX redriven_by_message ON redriven (message_id);

CREATE TABLE dropped_letters (
    letter text NOT NULL PRIMARY KEY,
    dropped_at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    -- the whole letter as JSON
    body text NOT NULL
);
CREATE INDEX dropped_letters_by_time ON dropped_letters (dropped_at, letter);
