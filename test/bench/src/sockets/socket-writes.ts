import { randomUUID } from 'node:crypto';
import { nowUs } from '../bench-town.ts';
import { LEVELS } from './view-classes.ts';
import type { SocketRow, SocketWrite } from './view-classes.ts';

/** About 600 bytes as an event. */
const NOTE = 'n'.repeat(120);
const STATUSES = ['open', 'held', 'gone'] as const;
/** Between the order and the first write, so that the sockets' process has read what it is to expect. */
const LEAD_US = 500_000;

let serial = 0;

function createRow(changes: Partial<SocketRow>): SocketRow {
  serial += 1;
  return {
    title: 'a row of ordinary size',
    level: LEVELS - 1,
    status: 'open',
    amount: 100,
    note: NOTE,
    serial,
    sentUs: 0,
    secret: 'only for insiders',
    ...changes,
  };
}

/** New rows that every reader may see, due at this rate; all at once when it is infinite. */
export function planBroadcasts(count: number, perSecond: number, note = NOTE): SocketWrite[] {
  return atRate(count, perSecond, (sentUs) => ({
    uuid: randomUUID(),
    before: undefined,
    after: createRow({ sentUs, note }),
  }));
}

/** Rows that some may see, half of them changed so that they come and go: different events for every class. */
export function planMixed(count: number, perSecond: number): SocketWrite[] {
  const rows: { readonly uuid: string; row: SocketRow }[] = [];
  return atRate(count, perSecond, (sentUs) => {
    const level = (serial * 7) % LEVELS;
    const status = STATUSES[serial % STATUSES.length] ?? 'open';
    const after = createRow({ sentUs, level, status, amount: (serial * 37) % 200 });
    const known = serial % 2 === 0 ? rows[serial % Math.max(1, rows.length)] : undefined;
    if (known !== undefined) {
      const before = known.row;
      known.row = after;
      return { uuid: known.uuid, before, after };
    }
    const uuid = randomUUID();
    rows.push({ uuid, row: after });
    return { uuid, before: undefined, after };
  });
}

function atRate(count: number, perSecond: number, make: (sentUs: number) => SocketWrite): SocketWrite[] {
  const began = nowUs() + LEAD_US;
  return Array.from({ length: count }, (_, index) => make(Math.round(began + (index / perSecond) * 1e6)));
}

/** Writes each when it is due, one after the other; those that are due together in one go. */
export async function writeWhenDue(
  writes: readonly SocketWrite[],
  write: (some: readonly SocketWrite[]) => Promise<void>,
): Promise<void> {
  for (const [due, some] of Map.groupBy(writes, ({ after }) => after.sentUs)) {
    await new Promise((wake) => {
      setTimeout(wake, Math.max(0, (due - nowUs()) / 1000));
    });
    await write(some);
  }
}
