import { formatObjectMessage } from '@tidewire/contract';
import type { PushBody } from '@tidewire/contract';
import type { Api } from './api.ts';

export interface VersionWriterOptions {
  readonly api: Api;
  readonly table: string;
  readonly collection: { readonly register: string; readonly schema: string };
  readonly rows: number;
  /** Of each row, its creation included. */
  readonly versions: number;
  /** Events per second. */
  readonly rate: number;
  readonly onWritten: (events: number) => void;
}

/** Rows of one request, which is one transaction. */
const BATCH = 10;

/**
 * Creates rows, and changes each of them so many times, at a steady rate. Returns what somebody is told on a push socket who may
 * read all of it, letter for letter: one text for each event.
 */
export async function writeVersions(options: VersionWriterOptions): Promise<readonly string[]> {
  const { api, table, collection, rows, versions, rate, onWritten } = options;
  const path = `/api/tables/${table}/records/batch`;
  const ids: string[] = [];
  const texts: string[] = [];
  const began = performance.now();
  for (let version = 1; version <= versions; version += 1) {
    for (let from = 0; from < rows; from += BATCH) {
      const due = began + (texts.length / rate) * 1000;
      await new Promise((wake) => {
        setTimeout(wake, Math.max(0, due - performance.now()));
      });
      const count = Math.min(BATCH, rows - from);
      const fields = { title: `version ${version}` };
      if (version === 1) {
        const records = Array.from({ length: count }, () => ({ fields }));
        const body = { records, returnRecords: true };
        const made = await api.send<{ records: { id: string }[] }>('POST', path, body);
        ids.push(...made.records.map(({ id }) => id));
      } else {
        const records = ids.slice(from, from + count).map((id) => ({ id, fields }));
        await api.send('PATCH', path, { records });
      }
      const action = version === 1 ? 'create' : 'update';
      for (const uuid of ids.slice(from, from + count)) {
        const body: PushBody = { action, ...collection, uuid, version: String(version) };
        texts.push(`${formatObjectMessage(uuid)} ${JSON.stringify(body)}`);
      }
      onWritten(count);
    }
  }
  return texts;
}
