-- Followers who are told in an existing Nextcloud, too, and who they are there.

CREATE TABLE push.nextcloud_users (
  principal text PRIMARY KEY REFERENCES push.followers ON DELETE CASCADE,
  uid text NOT NULL CHECK (uid <> '' AND length(uid) <= 64),
  CONSTRAINT nextcloud_uid UNIQUE (uid)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON push.nextcloud_users TO tidewire_push;
