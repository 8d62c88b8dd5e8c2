-- The users of PostgreSQL, for the whole server. Run as an administrator; running it again changes nothing.
-- Passwords are set apart from this file: ALTER ROLE tidewire_owner PASSWORD '...'.
--
--   tidewire_owner    owns the database; only migrations log in as it
--   tidewire_records  the service records
--   tidewire_authz    the service authz
--   tidewire_relay    the service relay
--   tidewire_push     the service push-notifier
--
-- A service's role may connect and nothing more: what else it may do is granted by the migrations, schema by schema.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY[
    'tidewire_owner', 'tidewire_records', 'tidewire_authz', 'tidewire_relay', 'tidewire_push'
  ] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I', role_name);
    END IF;
    EXECUTE format(
      'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT', role_name);
  END LOOP;
END
$$;
