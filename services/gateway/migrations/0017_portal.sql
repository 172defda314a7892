-- The portal's list of customers, sorted by whatever somebody likes, and who has signed in.

-- What a list is sorted by. The state of a customer's last transition follows the feed: nothing here is written where a transition moves.
ALTER TABLE customers ADD COLUMN standing text {postgres: COLLATE "C"} NOT NULL DEFAULT '';
-- when that transition was accepted
ALTER TABLE customers ADD COLUMN standing_at bigint NOT NULL DEFAULT 0;
-- -1: no import has told of it since this version
ALTER TABLE customers ADD COLUMN azure_subscriptions bigint NOT NULL DEFAULT -1;
ALTER TABLE customers ADD COLUMN first_reseller text {postgres: COLLATE "C"} NOT NULL DEFAULT '';
UPDATE customers SET
    standing = coalesce((SELECT t.state FROM transitions AS t WHERE t.customer_id = customers.customer_id AND t.partner_id = customers.partner_id
                         ORDER BY t.started_at DESC, t.id DESC LIMIT 1), ''),
    standing_at = coalesce((SELECT max(t.started_at) FROM transitions AS t
                            WHERE t.customer_id = customers.customer_id AND t.partner_id = customers.partner_id), 0),
    first_reseller = coalesce((SELECT min(r.mpn_id) FROM customer_resellers AS r WHERE r.partner_id = customers.partner_id
                               AND r.customer_id = customers.customer_id AND r.version >= customers.version), '');
CREATE INDEX customers_by_standing ON customers (partner_id, standing, customer_id);
CREATE INDEX customers_by_azure ON customers (partner_id, azure_subscriptions, customer_id);
CREATE INDEX customers_by_reseller ON customers (partner_id, first_reseller, customer_id);
CREATE INDEX customers_by_country ON customers (partner_id, country, customer_id);

-- A large customer is imported in parts: how many Azure subscriptions each has.
CREATE TABLE customer_parts (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    part bigint NOT NULL,
    version bigint NOT NULL,
    azure_subscriptions bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, part)
) {sqlite: WITHOUT ROWID};

-- The place in the feed up to which customers know their last transition.
CREATE TABLE standings_to (
    one bigint NOT NULL PRIMARY KEY,
    change bigint NOT NULL,
    transition_id uuid NOT NULL
);
INSERT INTO standings_to (one, change, transition_id) SELECT 1, value, 'ffffffff-ffff-ffff-ffff-ffffffffffff' FROM feed_clock WHERE one = 1;

-- Who has signed in. A browser has the secret, and this table its SHA-256: whoever reads the table can neither come in nor read the
-- token, which is encrypted with that secret.
CREATE TABLE portal_sessions (
    session text NOT NULL PRIMARY KEY,
    token text NOT NULL,
    ends_at bigint NOT NULL
);
CREATE INDEX portal_sessions_by_end ON portal_sessions (ends_at);
