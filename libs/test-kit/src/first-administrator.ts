import { createHash, randomBytes } from 'node:crypto';
import { withDatabase } from '@tidewire/local';

/**
 * Makes the principal `admin`, who may do everything, and answers its token. Through the database, because nobody can
 * log in yet who could make it through the API.
 */
export async function makeFirstAdministrator(ownerUrl: string): Promise<string> {
  const token = `tw_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(token, 'utf8').digest();
  await withDatabase(ownerUrl, async (client) => {
    await client.query(
      "INSERT INTO authz.principals (id, name, admin) VALUES ('admin', 'Administrator', true)",
    );
    await client.query(
      `INSERT INTO authz.credentials (type, principal, name, prefix, hash)
       VALUES ('token', 'admin', 'first', $1, $2)`,
      [token.slice(0, 8), hash],
    );
  });
  return token;
}
