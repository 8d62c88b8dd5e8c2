import { useLayoutEffect, useRef, useState } from 'react';
import type { FocusEvent, KeyboardEvent, RefObject } from 'react';

/** A cell by its row and field; `row` is where the row was when it was last seen. */
interface Cell {
  readonly id: string;
  readonly field: string;
  readonly row: number;
}

interface GridOptions {
  readonly ids: readonly string[];
  readonly fields: readonly string[];
  /** While somebody writes in a cell the keyboard is that cell's. */
  readonly busy: boolean;
  /** @returns whether there is such a page. */
  readonly turnPage: (by: 1 | -1) => boolean;
  readonly enter: (id: string, field: string) => void;
}

export interface GridFocus {
  readonly body: RefObject<HTMLTableSectionElement | null>;
  /** The cell that the Tab key goes to. */
  readonly tab: { readonly id: string; readonly field: string } | undefined;
  /** After the next render the keyboard is back in the grid. */
  readonly takeFocus: () => void;
  readonly onFocus: (event: FocusEvent) => void;
  readonly onBlur: (event: FocusEvent) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/** Going through a table's cells by keyboard. When the row with the focus goes, the one in its place has it. */
export function useGridFocus({ ids, fields, busy, turnPage, enter }: GridOptions): GridFocus {
  const body = useRef<HTMLTableSectionElement>(null);
  const [active, setActive] = useState<Cell | null>(null);
  const wants = useRef(false);
  const has = useRef(false);

  const known = active === null ? 0 : ids.indexOf(active.id);
  const row = known >= 0 ? known : Math.min(active?.row ?? 0, ids.length - 1);
  const column = Math.max(0, fields.indexOf(active?.field ?? ''));
  const id = ids[row];
  const field = fields[column];

  useLayoutEffect(() => {
    const lost = has.current && document.activeElement === document.body;
    if (busy || (!wants.current && !lost)) return;
    wants.current = false;
    cellOf(body.current, id, field)?.focus();
  });

  const go = (toRow: number, toColumn: number): void => {
    const nextRow = clamp(toRow, ids.length);
    const nextId = ids[nextRow];
    const nextField = fields[clamp(toColumn, fields.length)];
    if (nextId === undefined || nextField === undefined) return;
    setActive({ id: nextId, field: nextField, row: nextRow });
    wants.current = true;
  };
  const turn = (by: 1 | -1): void => {
    if (!turnPage(by)) return;
    setActive({ id: '', field: field ?? '', row: by === 1 ? 0 : Number.MAX_SAFE_INTEGER });
    wants.current = true;
  };

  return {
    body,
    tab: id === undefined || field === undefined ? undefined : { id, field },
    takeFocus: () => (wants.current = true),
    onFocus: ({ target }) => {
      has.current = true;
      const at = placeOf(target);
      if (at !== undefined && (at.id !== id || at.field !== field))
        setActive({ ...at, row: Math.max(0, ids.indexOf(at.id)) });
    },
    onBlur: ({ target }) => {
      // An element that was taken out has not been left by anybody.
      if (target.isConnected) has.current = false;
    },
    onKeyDown: (event) => {
      if (busy || event.altKey || event.metaKey) return;
      const moves: Record<string, (() => void) | undefined> = {
        ArrowUp: () => go(row - 1, column),
        ArrowDown: () => go(row + 1, column),
        ArrowLeft: () => go(row, column - 1),
        ArrowRight: () => go(row, column + 1),
        Home: () => go(event.ctrlKey ? 0 : row, 0),
        End: () => go(event.ctrlKey ? ids.length : row, fields.length),
        PageUp: () => turn(-1),
        PageDown: () => turn(1),
        Enter: () => id !== undefined && field !== undefined && enter(id, field),
        F2: () => id !== undefined && field !== undefined && enter(id, field),
      };
      const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
      if (move === undefined) return;
      event.preventDefault();
      move();
    },
  };
}

function clamp(place: number, length: number): number {
  return Math.max(0, Math.min(place, length - 1));
}

/** The row and field of the cell that an element is in. */
export function placeOf(element: Element): { readonly id: string; readonly field: string } | undefined {
  const cell = element.closest('td');
  const id = cell?.closest('tr')?.dataset['id'];
  const field = cell?.dataset['field'];
  return id === undefined || field === undefined ? undefined : { id, field };
}

function cellOf(
  body: HTMLElement | null,
  id: string | undefined,
  field: string | undefined,
): HTMLElement | undefined {
  const row = [...(body?.querySelectorAll('tr') ?? [])].find((one) => one.dataset['id'] === id);
  return [...(row?.cells ?? [])].find((one) => one.dataset['field'] === field);
}
