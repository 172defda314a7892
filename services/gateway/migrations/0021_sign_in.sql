-- Signing in at an OpenID provider.

-- 1: the provider led here with a code, and signing out leads there again
ALTER TABLE portal_sessions ADD COLUMN by_provider bigint NOT NULL DEFAULT 0;

-- Attempts that somebody has come back from: each counts once, at whichever gateway. A browser has the secret, and this table what it
-- hashes to; a row stays until its attempt would be too old anyway.
CREATE TABLE portal_sign_ins (
    attempt text NOT NULL PRIMARY KEY,
    ends_at bigint NOT NULL
);
CREATE INDEX portal_sign_ins_by_end ON portal_sign_ins (ends_at);
