import { formatRightsSubject, rightsMessageSchema } from '@tidewire/contract';
import type { RightsKind, RightsMessage } from '@tidewire/contract';
import { expect } from 'vitest';
import { query } from './owner.ts';

/** What is on its way to the log, in order, each held against the contract. */
export async function readOutbox(ownerUrl: string): Promise<RightsMessage[]> {
  const rows = await query<{ subject: string; key: string; message: string; images: string | null }>(
    ownerUrl,
    'SELECT subject, key, message, images FROM outbox.rows ORDER BY id',
  );
  return rows.map((row) => {
    const message = rightsMessageSchema.parse(JSON.parse(row.message));
    expect(row.subject).toBe(formatRightsSubject(message.state.kind as RightsKind, message.state.id));
    expect(row.key).toBe(message.state.id);
    expect(row.images).toBeNull();
    return message;
  });
}

/** Empties the outbox, as the relay does after publishing. */
export async function clearOutbox(ownerUrl: string): Promise<void> {
  await query(ownerUrl, 'DELETE FROM outbox.rows');
}
