-- Roles, schemas and rights of Planshift's services in the database that this is run in. Safe to repeat, on a database in use too.
--
--   planshift_migrate    owns every schema and what is in it; `planshift migrate` connects as it
--   planshift_SERVICE    reads and changes the rows of its own schema, and nothing else
--   planshift_verify     reads all of them; `planshift verify` connects as it
--
-- Run by psql as a superuser (or as a role with CREATEROLE that owns the database), with the passwords as variables, one for each
-- role; `deploy/postgres/roles` does so with those of the secret files:
--
--   psql -v ON_ERROR_STOP=1 -v migrate=… -v verify=… -v gateway=… -v coordinator=… … -d planshift -f roles.sql
\set QUIET on
SET client_min_messages = warning;
BEGIN;

CREATE TEMPORARY TABLE service (name text) ON COMMIT DROP;
INSERT INTO service VALUES ('gateway'), ('coordinator'), ('eligibility'), ('purchasing'), ('mapping'), ('suspension');

CREATE TEMPORARY TABLE login (name text, password text) ON COMMIT DROP;
INSERT INTO login VALUES
    ('migrate', :'migrate'), ('verify', :'verify'), ('gateway', :'gateway'), ('coordinator', :'coordinator'),
    ('eligibility', :'eligibility'), ('purchasing', :'purchasing'), ('mapping', :'mapping'), ('suspension', :'suspension');

SELECT format('CREATE ROLE planshift_%s', name) FROM login
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'planshift_' || name) \gexec
SELECT format('ALTER ROLE planshift_%s LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD %L', name, password) FROM login \gexec
ALTER ROLE planshift_verify SET default_transaction_read_only = on;

-- Nobody has anything by being there: not a connection, a temporary table, or the schema that everybody may see.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO planshift_%s', current_database(), name) FROM login \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Schemas, and whatever is in them already, belong to whoever migrates.
SELECT format('CREATE SCHEMA IF NOT EXISTS %I', name) FROM service \gexec
SELECT format('ALTER SCHEMA %I OWNER TO planshift_migrate', name) FROM service \gexec
SELECT format('ALTER %s %I.%I OWNER TO planshift_migrate',
              CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, nspname, relname)
    FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname IN (SELECT name FROM service) AND relkind IN ('r', 'p', 'v', 'S')
      -- a sequence that a column owns goes with its table
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i') AND relkind = 'S') \gexec

-- What is there now, and, by default privileges, what later migrations bring.
SELECT format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', name),
       format('GRANT USAGE ON SCHEMA %1$I TO planshift_%1$s, planshift_verify', name),
       format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO planshift_%1$s', name),
       format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$I TO planshift_%1$s', name),
       format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO planshift_verify', name),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE planshift_migrate IN SCHEMA %1$I
               GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO planshift_%1$s', name),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE planshift_migrate IN SCHEMA %1$I GRANT USAGE ON SEQUENCES TO planshift_%1$s', name),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE planshift_migrate IN SCHEMA %I GRANT SELECT ON TABLES TO planshift_verify', name)
    FROM service \gexec

COMMIT;
