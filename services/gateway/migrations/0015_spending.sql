-- What usage has come to, month by month, and the warnings of budgets (ADR 32).

-- What of a subscription's month is to be reckoned, because an import has changed its records. The mark is the import's: what is reckoned
-- counts where nothing came meanwhile.
CREATE TABLE spending_due (
    azure_id uuid NOT NULL,
    -- the first instant of it
    month bigint NOT NULL,
    partner_id uuid NOT NULL,
    mark uuid NOT NULL,
    PRIMARY KEY (azure_id, month, partner_id)
) {sqlite: WITHOUT ROWID};

-- Of which months of which subscriptions an import under way has brought records.
CREATE TABLE usage_months (
    import_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    month bigint NOT NULL,
    PRIMARY KEY (import_id, azure_id, month)
) {sqlite: WITHOUT ROWID};

-- Subscriptions whose records were there before there was any of this: their months are looked for, from an instant on.
CREATE TABLE spending_unlooked (
    partner_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    from_at bigint NOT NULL,
    PRIMARY KEY (partner_id, azure_id)
) {sqlite: WITHOUT ROWID};
INSERT INTO spending_unlooked (partner_id, azure_id, from_at) SELECT partner_id, azure_id, -9223372036854775807 FROM usage_subscriptions;

-- What a subscription's month has come to, as JSON, and in which customer's it is.
CREATE TABLE spending (
    partner_id uuid NOT NULL,
    azure_id uuid NOT NULL,
    month bigint NOT NULL,
    customer_id uuid NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (partner_id, azure_id, month)
) {sqlite: WITHOUT ROWID};

-- What a customer's month has come to: always the sum of those of its subscriptions.
CREATE TABLE customer_spending (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    month bigint NOT NULL,
    body text NOT NULL,
    at bigint NOT NULL,
    -- the budget that it was held against last, and how much of it that is, in hundredths of a percent
    budget text,
    currency text NOT NULL,
    percent bigint,
    PRIMARY KEY (partner_id, customer_id, month)
) {sqlite: WITHOUT ROWID};

-- Customers whose budget has changed since their spending was held against it.
CREATE TABLE budget_checks (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
) {sqlite: WITHOUT ROWID};

-- That a threshold was reached: once for a month and an amount of the budget. Nothing deletes them.
CREATE TABLE budget_warnings (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    month bigint NOT NULL,
    amount text NOT NULL,
    currency text NOT NULL,
    threshold bigint NOT NULL,
    -- at that time
    spent text NOT NULL,
    percent bigint,
    at bigint NOT NULL,
    -- the highest of those that were reached at once: it was told, for all of them
    told boolean NOT NULL,
    -- somebody has seen to it
    acknowledged_at bigint,
    actor text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (partner_id, customer_id, month, amount, currency, threshold)
) {sqlite: WITHOUT ROWID};
CREATE INDEX budget_warnings_open ON budget_warnings (at) WHERE acknowledged_at IS NULL;
-- they are told again by key
CREATE INDEX budget_warnings_told ON budget_warnings (partner_id, at, customer_id, month, threshold) WHERE told;

-- A customer whose imports have not told of its currency has not told of its budget either: it was imported by an older version.
ALTER TABLE customers ADD COLUMN budget_asked_at bigint NOT NULL DEFAULT 0;
CREATE INDEX customers_untold ON customers (budget_asked_at) WHERE currency = '';

-- Where a replay of warnings has come to, once that of transitions is done.
ALTER TABLE webhook_replays ADD COLUMN warnings_at bigint NOT NULL DEFAULT 0;
ALTER TABLE webhook_replays ADD COLUMN warnings_of uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
