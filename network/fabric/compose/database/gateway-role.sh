#!/bin/bash
# A gateway's role in its database server: it owns its one database, and nothing else. The postgres image runs this when it
# makes a new server. For one that was made when the gateway's role was the server's superuser it is run by hand, while the
# gateway is stopped (README.md); what the database holds stays. Repeated, it changes nothing.
set -euo pipefail

owner=$POSTGRES_USER
SECRET=$(cat "$GATEWAY_PASSWORD_FILE")
# The image reads the file itself, and runs this with what it holds in place of its name.
OWNER_SECRET=${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}
export SECRET OWNER_SECRET
as() { PGPASSWORD=$2 psql --no-psqlrc --quiet --tuples-only --no-align -v ON_ERROR_STOP=1 -v owner="$owner" -U "$1" -d "$POSTGRES_DB" "${@:3}"; }

if [ "$(as gateway "$SECRET" -c 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user' 2>/dev/null)" = t ]; then
  # The role that a server was made with stays its superuser for good: under another name, by which nobody signs in.
  as gateway "$SECRET" <<'SQL'
\getenv secret OWNER_SECRET
SELECT format('CREATE ROLE %I SUPERUSER LOGIN PASSWORD %L', :'owner', :'secret')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SQL
  as "$owner" "$OWNER_SECRET" -c 'ALTER ROLE gateway RENAME TO gateway_before' -c 'ALTER ROLE gateway_before NOLOGIN'
fi

as "$owner" "$OWNER_SECRET" <<'SQL'
\getenv secret SECRET
BEGIN;
SELECT format('CREATE ROLE gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L', :'secret')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gateway') \gexec
SELECT format('ALTER DATABASE %I OWNER TO gateway', current_database()) \gexec
SELECT format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', datname) FROM pg_database WHERE datallowconn \gexec
SELECT format('ALTER SCHEMA %I OWNER TO gateway', nspname)
FROM pg_namespace WHERE nspname IN ('index', 'journal') \gexec
-- Indexes, and sequences of columns, go with their tables.
SELECT format('ALTER TABLE %I.%I OWNER TO gateway', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname IN ('index', 'journal') AND relkind IN ('r', 'p', 'v') \gexec
SELECT format('ALTER SEQUENCE %I.%I OWNER TO gateway', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname IN ('index', 'journal') AND relkind = 'S'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i')) \gexec
SELECT format('ALTER ROUTINE %I.%I(%s) OWNER TO gateway', nspname, proname, pg_get_function_identity_arguments(pg_proc.oid))
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname IN ('index', 'journal') \gexec
COMMIT;
SQL
