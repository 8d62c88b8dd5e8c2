import { PUSH_TEXTS, formatObjectMessage, formatTopic } from '@tidewire/contract';
import { CheckFault } from './checkup.ts';
import type { Checkup, Found } from './checkup.ts';
import { findPosition, readChanges, readNotifications } from './push-reading.ts';
import { deleteRow, writeRow } from './push-row.ts';
import type { RowPlan, WrittenRow } from './push-row.ts';
import type { PushTarget } from './push-target.ts';
import type { SocketProbe } from './socket-probe.ts';

const UNANSWERED = new CheckFault(
  'the write is not answered in time',
  'The row may be there all the same. The log of records says what it waited for.',
);
/** Between two looks at what is written down. */
const PAUSE_MS = 100;

export const WAKE_UP_CHECKS = [
  'write',
  'object-message',
  'reminder',
  'change-found',
  'notification-found',
  'delete',
] as const;

/** Writes a row, sees that its reader is woken and finds what it was woken for, and deletes the row. */
export async function examineWakeUp(
  checkup: Checkup,
  target: PushTarget,
  { plan, probe }: { readonly plan: RowPlan; readonly probe: SocketProbe | undefined },
): Promise<void> {
  let before = 0;
  let since = '';
  const row = await checkup.check(
    'write',
    async (signal) => {
      since = (await findPosition(target, signal)).value;
      before = probe?.heard.length ?? 0;
      return await writeRow(target, plan, signal);
    },
    { needs: ['login', 'changes', 'notifications'], late: UNANSWERED, interrupted: 'end' },
  );
  if (row !== undefined && probe !== undefined) {
    await awaitMessages(checkup, { probe, before, row });
  } else {
    for (const name of ['object-message', 'reminder'] as const) checkup.skip(name, 'no row was written');
  }
  await findWhatChanged(checkup, target, { plan, row, since });
  if (row === undefined) checkup.skip('delete', 'no row was written');
  else await checkup.check('delete', (signal) => deleteRow(target, row, signal), { interrupted: 'always' });
}

async function awaitMessages(
  checkup: Checkup,
  { probe, before, row }: { readonly probe: SocketProbe; readonly before: number; readonly row: WrittenRow },
): Promise<void> {
  const hear = async (isMeant: (text: string) => boolean, signal: AbortSignal): Promise<Found> => {
    const find = () => probe.heard.find(({ text }, index) => index >= before && isMeant(text));
    const { at } = await probe.until(find, signal);
    return { text: 'after the write began', value: undefined, ms: at - row.writtenAt };
  };
  const name = formatObjectMessage(row.id);
  await checkup.check('object-message', (signal) => hear((text) => text.startsWith(`${name} `), signal), {
    needs: ['login'],
    late: new CheckFault(
      'the socket was not told of the row',
      'May the caller read what it wrote? If it may: /readyz and the logs of relay and push notifier say how far they are.',
    ),
  });
  await checkup.check('reminder', (signal) => hear((text) => text === PUSH_TEXTS.notification, signal), {
    needs: ['object-message'],
    limitMs: checkup.patienceMs,
    late: new CheckFault(
      'the socket was not told that there are notifications',
      'The log of the push notifier says why changes are not written down: is PostgreSQL reached, and the log dealt with?',
    ),
  });
}

async function findWhatChanged(
  checkup: Checkup,
  target: PushTarget,
  {
    plan: { register, schema },
    row,
    since,
  }: { readonly plan: RowPlan; readonly row: WrittenRow | undefined; readonly since: string },
): Promise<void> {
  if (row === undefined) {
    for (const name of ['change-found', 'notification-found'] as const)
      checkup.skip(name, 'no row was written');
    return;
  }
  const topic = formatTopic({ kind: 'schema', register, schema });
  const late = new CheckFault(
    `${topic} is not listed`,
    'The log of the push notifier says why: it deals with the event log in order, and may be far behind.',
  );
  const look = async (isThere: (signal: AbortSignal) => Promise<boolean>, signal: AbortSignal) => {
    while (!(await isThere(signal))) await pause(signal);
    return {
      text: `${topic}, after the write began`,
      value: undefined,
      ms: performance.now() - row.writtenAt,
    };
  };
  const inChanges = async (signal: AbortSignal): Promise<boolean> => {
    const { changes, resync } = await readChanges(target, since, signal);
    return resync || changes.some((change) => change.topic === topic);
  };
  const inNotifications = async (signal: AbortSignal): Promise<boolean> =>
    (await readNotifications(target, signal)).some((notification) => notification.object_id === topic);
  await checkup.check('change-found', (signal) => look(inChanges, signal), { needs: ['changes'], late });
  await checkup.check('notification-found', (signal) => look(inNotifications, signal), {
    needs: ['notifications'],
    late,
  });
}

async function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise((wake) => {
    setTimeout(wake, PAUSE_MS);
  });
}
