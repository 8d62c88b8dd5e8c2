import type { Pool } from '@tidewire/service-kit';
import webPush from 'web-push';

/** By which push services know this server, and what belongs to it (RFC 8292). Both in base64url. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The key pair that all replicas share; whoever is first makes it. It is never exchanged: subscriptions are bound to it. */
export async function loadVapidKeys(pool: Pool): Promise<VapidKeys> {
  const known = await readKeys(pool);
  if (known !== undefined) return known;
  const made = webPush.generateVAPIDKeys();
  await pool.query(
    'INSERT INTO push.vapid_keys (public_key, private_key) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [made.publicKey, made.privateKey],
  );
  // Another replica may have been first.
  const kept = await readKeys(pool);
  if (kept === undefined) throw new Error('push.vapid_keys has no row');
  return kept;
}

async function readKeys(pool: Pool): Promise<VapidKeys | undefined> {
  const { rows } = await pool.query<VapidKeys>(
    'SELECT public_key AS "publicKey", private_key AS "privateKey" FROM push.vapid_keys',
  );
  return rows[0];
}
