import type { ReactElement } from 'react';
import type { ShownRows } from './shown-rows.ts';

interface PagerProps {
  readonly shown: ShownRows;
  /** How many rows are here, and how many the server has. */
  readonly loaded: number;
  readonly total: number;
  readonly searching: boolean;
  readonly onTurn: (page: number) => void;
}

const number = new Intl.NumberFormat();

/** Which rows are looked at, of how many; and the way to the others. */
export function Pager({ shown, loaded, total, searching, onTurn }: PagerProps): ReactElement {
  const { page, pages } = shown;
  return (
    <div className="pager">
      <p role="status">{wordsOf(shown, loaded, total, searching)}</p>
      {pages > 1 && (
        <div role="group" aria-label="Pages of this table">
          <button type="button" disabled={page === 0} onClick={() => onTurn(page - 1)}>
            Previous
          </button>
          <span>
            {number.format(page + 1)} of {number.format(pages)}
          </span>
          <button type="button" disabled={page >= pages - 1} onClick={() => onTurn(page + 1)}>
            Next
          </button>
        </div>
      )}
    </div>
  );
}

/** Says what was looked through where that is not all. */
export function wordsOf(
  { rows, matching, offset }: Pick<ShownRows, 'rows' | 'matching' | 'offset'>,
  loaded: number,
  total: number,
  searching: boolean,
): string {
  const all = Math.max(total, loaded);
  const beyond = loaded < all ? `; the server has ${number.format(all)}` : '';
  const here = loaded < all ? `the first ${number.format(loaded)}` : number.format(loaded);
  const range = `${number.format(offset + 1)}–${number.format(offset + rows.length)}`;
  if (searching) {
    const found = rows.length === 0 ? 'No row matches' : `${range} of ${number.format(matching)} that match`;
    return `${found}, of ${here}${beyond}`;
  }
  return rows.length === 0 ? 'No rows' : `${range} of ${here}${beyond}`;
}
