-- Invoices, line by line as their files have them, to be held against what was metered (ADR 31).

-- Files that were brought, one at a time of each partner. Its lines are seen when it is Done, and not before; one that was withdrawn stays,
-- and so do its lines, but they are compared with nothing.
CREATE TABLE invoice_files (
    id uuid NOT NULL PRIMARY KEY,
    partner_id uuid NOT NULL,
    -- D or G
    series text NOT NULL,
    -- Running; Undoing (its lines are being taken out again); Done, Refused, Broken, Withdrawn
    state text NOT NULL,
    format text NOT NULL,
    actor text NOT NULL,
    -- SHA-256 of the file, hexadecimal
    document text NOT NULL,
    created_at bigint NOT NULL,
    -- when whoever writes its lines was last seen: one that is silent for long is undone by others
    alive_at bigint NOT NULL,
    ended_at bigint,
    lines bigint NOT NULL,
    -- daily rated usage that is on no invoice yet: passed over
    unbilled bigint NOT NULL,
    -- the invoices' numbers, as JSON
    numbers text NOT NULL,
    -- for what time it is: a billing cycle by its days, or calendar months
    from_at bigint NOT NULL,
    to_at bigint NOT NULL,
    -- when its earliest line begins: late usage is older than that
    first_at bigint NOT NULL,
    -- what is wrong with it, as JSON
    faults text,
    withdrawn_by text,
    withdrawn_at bigint,
    withdrawn_why text,
    -- the file that took its place
    replaced_by uuid
);
CREATE UNIQUE INDEX invoice_files_under_way ON invoice_files (partner_id) WHERE state IN ('Running', 'Undoing');
CREATE UNIQUE INDEX invoice_files_by_document ON invoice_files (partner_id, document) WHERE state = 'Done';
CREATE INDEX invoice_files_of_partner ON invoice_files (partner_id, created_at, id);
CREATE INDEX invoice_files_by_start ON invoice_files (created_at, id);

CREATE TABLE invoice_lines (
    file_id uuid NOT NULL,
    number bigint NOT NULL,
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    series text NOT NULL,
    -- none where the file tells none
    azure_id uuid,
    meter text NOT NULL,
    from_at bigint NOT NULL,
    to_at bigint NOT NULL,
    invoice text NOT NULL,
    -- the quantity: whole + high / 10^18 + low / 10^36
    whole bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    -- what tells it from others, and what it costs, as JSON
    body text NOT NULL,
    PRIMARY KEY (file_id, number)
) {sqlite: WITHOUT ROWID};
CREATE INDEX invoice_lines_of_customer ON invoice_lines (partner_id, customer_id, series, azure_id, from_at);
