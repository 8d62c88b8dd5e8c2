import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEpoch, formatEventId, parseEventId } from './event-id.ts';

test('an event id comes back from its text', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999_999_999_999 }),
      fc.integer({ min: 0, max: 2 ** 41 }),
      (sequence, ms) => {
        const position = { epoch: createEpoch(ms), sequence };
        expect(parseEventId(formatEventId(position))).toEqual(position);
      },
    ),
  );
});

test('ids of one log sort as text in the order of their events, and epochs in the order of their creation', () => {
  const ids = [9, 10, 99, 1000, 123_456_789_012].map((sequence) =>
    formatEventId({ epoch: 'mwrd70tk', sequence }),
  );
  expect(ids.toSorted()).toEqual(ids);
  const epochs = [0, 1_700_000_000_000, 1_795_000_000_000, 1_795_000_000_001].map(createEpoch);
  expect(epochs.toSorted()).toEqual(epochs);
});

test.each([
  '',
  'evt-123',
  'evt_mwrd70tk-000000000001',
  'evt-MWRD70TK-000000000001',
  'evt-mwrd70tk-1',
  'evt-mwrd70tk-000000000001\n',
  '../etc',
])('%j is not an event id', (text) => {
  expect(parseEventId(text)).toBeUndefined();
});
