-- Usage records, each with the one owner that mapping's ledger says (ADR 30).

-- Files of usage that were brought, one at a time of each partner. What a file brought is seen when it is Done, and not before.
CREATE TABLE usage_imports (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    -- Running; Undoing (what it brought is being taken out again); Done, Refused, Broken
    state text NOT NULL,
    -- what it comes to when that is done: Refused or Broken
    undoing_to text,
    format text NOT NULL,
    actor text NOT NULL,
    -- SHA-256 of the file, hexadecimal; empty until it was read to its end
    document text NOT NULL,
    created_at bigint NOT NULL,
    -- when whoever reads it was last seen: one that is silent for long is undone by others
    alive_at bigint NOT NULL,
    ended_at bigint,
    records bigint NOT NULL,
    added bigint NOT NULL,
    repeated bigint NOT NULL,
    corrected bigint NOT NULL,
    -- what is wrong with it, as JSON
    faults text
);
CREATE UNIQUE INDEX usage_imports_under_way ON usage_imports (partner_id) WHERE state IN ('Running', 'Undoing');
CREATE INDEX usage_imports_of_partner ON usage_imports (partner_id, created_at, id);
CREATE INDEX usage_imports_by_start ON usage_imports (created_at, id);
CREATE INDEX usage_imports_by_document ON usage_imports (partner_id, document);

-- One row for each record, whatever files it was in; the newest revision of it.
CREATE TABLE usage_records (
    azure_id uuid NOT NULL,
    start_at bigint NOT NULL,
    identity uuid NOT NULL,
    partner_id uuid NOT NULL,
    end_at bigint NOT NULL,
    -- from a daily rated usage file; else a utilisation record
    rated boolean NOT NULL,
    -- the owner: a plan, or the legacy commerce subscription
    plan_id uuid,
    -- the quantity: whole + high / 10^18 + low / 10^36
    whole bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    resource uuid NOT NULL,
    revision bigint NOT NULL,
    import_id uuid NOT NULL,
    reported_at bigint,
    subscription text,
    -- what was charged, as JSON
    body text,
    PRIMARY KEY (azure_id, start_at, identity)
) {sqlite: WITHOUT ROWID};

-- What was used: the same for all the hours and days that it was used, so it is here once.
CREATE TABLE usage_resources (
    resource uuid NOT NULL PRIMARY KEY,
    unit text NOT NULL,
    body text NOT NULL
) {sqlite: WITHOUT ROWID};

-- Which Azure subscriptions have usage, and whether what is known of their owners is what mapping knows: it is when answered has come up to wanted.
CREATE TABLE usage_subscriptions (
    partner_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    customer_id uuid,
    wanted bigint NOT NULL,
    answered bigint NOT NULL,
    asked_at bigint NOT NULL,
    -- when its change points last became more
    changed_at bigint NOT NULL,
    PRIMARY KEY (partner_id, azure_id)
) {sqlite: WITHOUT ROWID};
CREATE INDEX usage_subscriptions_by_azure ON usage_subscriptions (azure_id);
CREATE INDEX usage_subscriptions_of_customer ON usage_subscriptions (partner_id, customer_id, azure_id);
CREATE INDEX usage_subscriptions_to_ask ON usage_subscriptions (asked_at) WHERE answered < wanted;
CREATE INDEX usage_subscriptions_by_age ON usage_subscriptions (asked_at);

-- A copy of mapping's change points. Like those, only ever more.
CREATE TABLE usage_points (
    azure_id uuid NOT NULL,
    from_at bigint NOT NULL,
    revision bigint NOT NULL,
    plan_id uuid,
    transition_id uuid NOT NULL,
    PRIMARY KEY (azure_id, from_at, revision)
) {sqlite: WITHOUT ROWID};

-- Of which subscriptions an import that is under way has brought records: where to look for what is to be taken out again, or assigned again.
CREATE TABLE usage_touched (
    import_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    PRIMARY KEY (import_id, azure_id)
) {sqlite: WITHOUT ROWID};

-- Corrections that an import under way has brought: records that were here, with other quantities or prices.
CREATE TABLE usage_corrections (
    import_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    start_at bigint NOT NULL,
    identity uuid NOT NULL,
    whole bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    resource uuid NOT NULL,
    reported_at bigint,
    body text,
    PRIMARY KEY (import_id, azure_id, start_at, identity)
) {sqlite: WITHOUT ROWID};

-- What records said before they were corrected. Kept for ever.
CREATE TABLE usage_revisions (
    azure_id uuid NOT NULL,
    start_at bigint NOT NULL,
    identity uuid NOT NULL,
    revision bigint NOT NULL,
    import_id uuid NOT NULL,
    whole bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    resource uuid NOT NULL,
    body text,
    replaced_by uuid NOT NULL,
    PRIMARY KEY (azure_id, start_at, identity, revision)
) {sqlite: WITHOUT ROWID};

-- The change of the feed up to which it is known whose owners are to be asked for again.
CREATE TABLE usage_cursor (
    one bigint NOT NULL PRIMARY KEY,
    change bigint NOT NULL
);
INSERT INTO usage_cursor (one, change) VALUES (1, 0);
