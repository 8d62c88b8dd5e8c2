-- Besides API tokens: sessions of browsers, passwords, and access tokens of issuers. All of them are credentials, so
-- their end is told to the log, and to every open stream, by what already does so for tokens.

ALTER TABLE authz.credentials
  DROP CONSTRAINT credentials_type_check,
  ADD CONSTRAINT credential_type CHECK (type IN ('token', 'session', 'password', 'access-token'));
