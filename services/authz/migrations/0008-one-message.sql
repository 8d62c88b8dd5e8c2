-- A principal is told once per transaction, as it is at the end of it. A change of its organisations and of its groups
-- is several statements, and each message would tell every stream of it to fetch again.

DROP TRIGGER publish_created ON authz.principals;
DROP TRIGGER publish_changed ON authz.principals;

-- Of several that wait for the commit, the one of the newest version tells; authz.publish() passes over the others.
CREATE CONSTRAINT TRIGGER publish_created AFTER INSERT ON authz.principals
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION authz.publish();
CREATE CONSTRAINT TRIGGER publish_changed AFTER UPDATE ON authz.principals
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.publish();
ALTER TABLE authz.principals ENABLE ALWAYS TRIGGER publish_created;
ALTER TABLE authz.principals ENABLE ALWAYS TRIGGER publish_changed;
