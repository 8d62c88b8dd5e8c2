import type { ObjectAction, Transition } from '@tidewire/contract';

/**
 * What a subscriber could see of a before image: `now`, or `once` since the image was written but not any more (rules
 * on the time), or not. There is no image before a creation.
 */
export type BeforeView = 'none' | 'hidden' | 'once' | 'now';

/** Whether a subscriber sees the after image. There is none after a deletion. */
export type AfterView = 'none' | 'hidden' | 'now';

/**
 * What happened from where a subscriber stands; undefined: nothing that it may hear of. A row that it could see `once`
 * and sees again has entered: what its old image held is not for it any more.
 */
export function decideTransition(
  action: ObjectAction,
  before: BeforeView,
  after: AfterView,
): Transition | undefined {
  const seen = before === 'now' || before === 'once';
  switch (action) {
    case 'created':
      return after === 'now' ? 'created' : undefined;
    case 'deleted':
      // Judged on the last image: who could not see the row does not learn that it existed.
      return seen ? 'deleted' : undefined;
    case 'updated':
      if (after === 'now') return before === 'now' ? 'updated' : 'entered';
      return seen ? 'left' : undefined;
  }
}

/** Whether the reader is given an image with it. */
export function carriesImage(transition: Transition): boolean {
  return transition !== 'left' && transition !== 'deleted';
}
