import { BusUnavailableError, connectBus, readLog, readLogInfo, silentLogger } from '@tidewire/messaging';
import type { LogEntry, MessageBus } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect } from 'vitest';

/** Every committed change, written by a trigger of the test in the writer's own transaction. */
export const AUDIT = `
  create schema audit;
  create table audit.changes (uuid uuid, version bigint, action text, primary key (uuid, version));
  create function audit.note() returns trigger language plpgsql security definer as $$
  begin
    if tg_op = 'DELETE' then
      insert into audit.changes select uuid, version, 'deleted' from records.tombstones where uuid = old.uuid;
      return null;
    end if;
    insert into audit.changes values (new.uuid, new.version, case tg_op when 'INSERT' then 'created' else 'updated' end);
    return null;
  end $$;
  create trigger zz_audit after insert or update or delete on records.objects for each row execute function audit.note();
`;

/** Holds the log against the audit: every committed change once, of each object in the order of its versions. */
export async function compareLogWithAudit(platform: Platform): Promise<void> {
  const committed = await platform.sql<{ uuid: string; version: string; action: string }>(
    'select uuid, version, action from audit.changes',
  );
  const bus = await connectBus({ url: platform.natsUrl('records'), user: 'records', logger: silentLogger });
  try {
    const published: string[] = [];
    const lastVersions = new Map<string, number>();
    for (const { message } of await readWholeLog(bus)) {
      if (message?.kind !== 'object') continue;
      published.push(`${message.uuid} ${message.version} ${message.action}`);
      expect(message.version).toBeGreaterThan(lastVersions.get(message.uuid) ?? 0);
      lastVersions.set(message.uuid, message.version);
    }
    expect(new Set(published).size, 'no change twice').toBe(published.length);
    expect(published.toSorted()).toEqual(
      committed.map(({ uuid, version, action }) => `${uuid} ${version} ${action}`).toSorted(),
    );
  } finally {
    await bus.close();
  }
}

/** Every entry of the log; from its beginning again when the servers are busy finding out who leads it. */
async function readWholeLog(bus: MessageBus): Promise<LogEntry[]> {
  return await waitFor(
    async () => {
      try {
        const { epoch, first, last } = await readLogInfo(bus);
        const entries: LogEntry[] = [];
        for await (const entry of readLog(bus, { epoch, from: first - 1, to: last })) entries.push(entry);
        return entries;
      } catch (error) {
        if (error instanceof BusUnavailableError) return undefined;
        throw error;
      }
    },
    { what: 'the log can be read to its end', timeoutMs: 60_000 },
  );
}
