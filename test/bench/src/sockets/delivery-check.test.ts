import { expect, test } from 'vitest';
import { ClassCheck } from './delivery-check.ts';
import { TEXT } from './socket-frames.ts';
import { planBroadcasts, planMixed } from './socket-writes.ts';
import { VIEW_CLASSES, fieldsFor, seenAs } from './view-classes.ts';
import type { SocketWrite, ViewClass } from './view-classes.ts';

const OUTSIDER: ViewClass = { level: 3, insider: false, filter: 'amount:lt:150' };

function changeOf(viewClass: ViewClass, write: SocketWrite, serial: number, fields?: object): Buffer {
  const transition = seenAs(viewClass, write);
  const image = (row: SocketWrite['after']): object => ({ fields: fields ?? fieldsFor(viewClass, row) });
  return Buffer.from(
    JSON.stringify({
      type: 'change',
      recordId: write.uuid,
      eventId: `evt-${String(serial).padStart(12, '0')}`,
      transition,
      ...(transition !== 'left' && { record: image(write.after) }),
      ...(transition === 'updated' && write.before !== undefined && { oldRecord: image(write.before) }),
    }),
  );
}

function begin(writes: readonly SocketWrite[]): ClassCheck {
  const check = new ClassCheck(OUTSIDER);
  check.expect(writes);
  return check;
}

test('a hundred classes differ in what they see of mixed writes', () => {
  const writes = planMixed(400, 1000);
  const seen = VIEW_CLASSES.map((viewClass) =>
    JSON.stringify([
      viewClass.insider,
      writes.map((write) => [seenAs(viewClass, write), seenAs(viewClass, write) && write.uuid]),
    ]),
  );
  expect(new Set(seen).size).toBe(100);
  expect(new Set(writes.map((write) => seenAs(OUTSIDER, write)))).toEqual(
    new Set(['created', 'entered', 'updated', 'left', undefined]),
  );
});

test('what a class may see is right in its order, for the first socket and for every other one', () => {
  const writes = planMixed(100, 1000);
  const told = writes.filter((write) => seenAs(OUTSIDER, write) !== undefined);
  const check = begin(writes);
  expect(check.expected).toBe(told.length);
  for (let socket = 0; socket < 2; socket += 1) {
    for (const [place, write] of told.entries()) {
      expect(check.take(place, TEXT, changeOf(OUTSIDER, write, place), 0)).toBe(writes.indexOf(write));
    }
  }
});

test('a hidden field, an event out of place, an event too many and an id that goes back are found', () => {
  const writes = planBroadcasts(3, 10);
  const [one, two] = writes as [SocketWrite, SocketWrite, SocketWrite];
  const leaky = changeOf(OUTSIDER, one, 1, one.after);
  expect(begin(writes).take(0, TEXT, leaky, 0)).toBe('a record with other fields');
  expect(begin(writes).take(0, TEXT, changeOf(OUTSIDER, two, 1), 0)).toBeTypeOf('string');
  expect(begin(writes).take(3, TEXT, changeOf(OUTSIDER, two, 1), 0)).toBeTypeOf('string');
  const check = begin(writes);
  expect(check.take(0, TEXT, changeOf(OUTSIDER, one, 5), 0)).toBe(0);
  expect(check.take(1, TEXT, changeOf(OUTSIDER, two, 5), 0)).toBeTypeOf('string');
  expect(check.take(0, TEXT, changeOf(OUTSIDER, one, 6), 0)).toBeTypeOf('string');
});
