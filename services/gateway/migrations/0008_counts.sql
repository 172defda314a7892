-- How many transitions there are of each partner in each state: a list says it, and to count a million rows for each of its pages would
-- cost more than the page. Nothing is counted where changes are written. Counting follows the feed: what has changed since it was last
-- here is counted when somebody asks, and now and then.
CREATE TABLE transition_counts (
    partner_id uuid NOT NULL,
    state text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (partner_id, state)
);
-- the state that each transition is counted in
CREATE TABLE counted (
    transition_id uuid NOT NULL PRIMARY KEY,
    state text NOT NULL
);
-- the place in the feed up to which everything is counted
CREATE TABLE counted_to (
    one bigint NOT NULL PRIMARY KEY,
    change bigint NOT NULL,
    transition_id uuid NOT NULL
);
INSERT INTO counted_to (one, change, transition_id) VALUES (1, -1, '00000000-0000-0000-0000-000000000000');

-- a partner among many lists what has settled as quickly as one that is alone
CREATE INDEX transitions_of_partner_settled ON transitions (partner_id, settled, started_at, id) WHERE settled IS NOT NULL;
CREATE INDEX transitions_of_partner_failed ON transitions (partner_id, started_at, id)
    WHERE settled IN ('Ineligible', 'Compensated', 'NeedsOperator');

-- Up to which number a customer's chain is here without a gap: so that only what is after it is looked at when more comes.
ALTER TABLE customer_chains ADD COLUMN whole_to bigint NOT NULL DEFAULT 0;
