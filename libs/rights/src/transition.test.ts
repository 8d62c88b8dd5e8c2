import type { ObjectAction, Transition } from '@tidewire/contract';
import { carriesImage, decideTransition } from './transition.ts';
import type { AfterView, BeforeView } from './transition.ts';
import { expect, test } from 'vitest';

const BEFORE = ['none', 'hidden', 'once', 'now'] as const;
const AFTER = ['none', 'hidden', 'now'] as const;

type Row = Readonly<Record<AfterView, Transition | undefined>>;
const nothing: Row = { none: undefined, hidden: undefined, now: undefined };
const creation: Row = { none: undefined, hidden: undefined, now: 'created' };
const deletion: Row = { none: 'deleted', hidden: 'deleted', now: 'deleted' };

/** Every event there is, from every place that a subscriber can stand in. */
const TABLE: Readonly<Record<ObjectAction, Readonly<Record<BeforeView, Row>>>> = {
  created: { none: creation, hidden: creation, once: creation, now: creation },
  updated: {
    none: { none: undefined, hidden: undefined, now: 'entered' },
    hidden: { none: undefined, hidden: undefined, now: 'entered' },
    once: { none: 'left', hidden: 'left', now: 'entered' },
    now: { none: 'left', hidden: 'left', now: 'updated' },
  },
  deleted: { none: nothing, hidden: nothing, once: deletion, now: deletion },
};

const cases = (['created', 'updated', 'deleted'] as const).flatMap((action) =>
  BEFORE.flatMap((before) =>
    AFTER.map((after) => [action, before, after, TABLE[action][before][after]] as const),
  ),
);

test.each(cases)('%s, seen %s before and %s after, is %s', (action, before, after, transition) => {
  expect(decideTransition(action, before, after)).toBe(transition);
});

test('shows an image only where the object is still there for the reader', () => {
  const shown = (['created', 'entered', 'updated', 'left', 'deleted'] as const).filter(carriesImage);
  expect(shown).toEqual(['created', 'entered', 'updated']);
});
