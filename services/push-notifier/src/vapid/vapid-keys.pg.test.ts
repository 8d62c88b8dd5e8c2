import { createECDH } from 'node:crypto';
import { createLogger, createPool } from '@tidewire/service-kit';
import { startPostgres } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { loadVapidKeys } from './vapid-keys-postgres.ts';

test('is made once, by whoever is first, and is a pair', async () => {
  await using database = await startPostgres({ services: ['push-notifier'] });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const pool = createPool({ databaseUrl: database.pushUrl, service: 'test', logger });
  try {
    const made = await Promise.all(Array.from({ length: 8 }, () => loadVapidKeys(pool)));
    expect(new Set(made.map(({ publicKey }) => publicKey)).size).toBe(1);
    const { publicKey, privateKey } = await loadVapidKeys(pool);
    expect(publicKey).toBe(made[0]?.publicKey);
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(privateKey, 'base64url');
    expect(curve.getPublicKey('base64url')).toBe(publicKey);
    await expect(pool.query('UPDATE push.vapid_keys SET public_key = $1', ['x'])).rejects.toThrow(/denied/);
  } finally {
    await pool.end();
  }
});
