-- Who may enter the database. Run as an administrator, connected to the database `tidewire` (owner: tidewire_owner),
-- after roles.sql; running it again changes nothing.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format(
    'GRANT CONNECT ON DATABASE %I TO tidewire_records, tidewire_authz, tidewire_relay, tidewire_push',
    current_database());
END
$$;
-- Nobody puts objects in front of somebody else's search path, and nothing is found there by accident.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
