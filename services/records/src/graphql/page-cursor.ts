import { badParameter } from '../objects/list-terms.ts';

const PREFIX = 'after:';

/**
 * The cursor of a row: its place in the list, counted from 0. Rows that come and go before it move it by as many places, as
 * they do with pages that are counted; a list that must not miss anything is read by `position` and a subscription.
 */
export function formatPageCursor(place: number): string {
  return Buffer.from(`${PREFIX}${place}`).toString('base64url');
}

/** @throws TidewireError BAD_REQUEST for what is no cursor. */
export function parsePageCursor(cursor: string): number {
  const [, digits] = /^after:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (digits === undefined || formatPageCursor(Number(digits)) !== cursor) {
    throw badParameter('after', 'after is a cursor of a page before.');
  }
  return Number(digits);
}
