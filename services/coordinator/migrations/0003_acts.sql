-- What a person asked to be done to a transition, and what was decided about it: the same request again, however late, gets the same
-- answer and does nothing.
CREATE TABLE acts (
    transition_id uuid NOT NULL,
    request_id uuid NOT NULL,
    at bigint NOT NULL,
    -- JSON
    outcome text NOT NULL,
    PRIMARY KEY (transition_id, request_id)
);
