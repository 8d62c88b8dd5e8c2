/** The row that the socket benchmark writes, as its schema has it. */
export interface SocketRow {
  readonly title: string;
  readonly level: number;
  readonly status: 'open' | 'held' | 'gone';
  readonly amount: number;
  readonly note: string;
  /** Counts the writes: no two have the same. */
  readonly serial: number;
  /** The machine's monotonic clock when it was written, microseconds. */
  readonly sentUs: number;
  readonly secret: string;
}

/** Readers who see the same: the rows from a level on, the secret or not, and what a filter leaves of that. */
export interface ViewClass {
  readonly level: number;
  readonly insider: boolean;
  readonly filter: string;
}

/** One write, as the log will tell of it. */
export interface SocketWrite {
  readonly uuid: string;
  readonly before: SocketRow | undefined;
  readonly after: SocketRow;
}

export type SeenAs = 'created' | 'entered' | 'updated' | 'left';

export const LEVELS = 10;

/** Filters as a client would write them, beside what they mean: read by hand, so that the gateway is not asked. */
const FILTERS: ReadonlyMap<string, (row: SocketRow) => boolean> = new Map([
  ['', () => true],
  ['status:eq:open', ({ status }: SocketRow) => status === 'open'],
  ['status:in:["open","held"]', ({ status }: SocketRow) => status !== 'gone'],
  ['amount:gte:50', ({ amount }: SocketRow) => amount >= 50],
  ['amount:lt:150', ({ amount }: SocketRow) => amount < 150],
]);

/** All hundred of them. */
export const VIEW_CLASSES: readonly ViewClass[] = [...FILTERS.keys()].flatMap((filter) =>
  [true, false].flatMap((insider) =>
    Array.from({ length: LEVELS }, (_, level) => ({ level, insider, filter })),
  ),
);

/** The rule that gives a group its rows; {@link seenAs} says the same in code. */
export function levelRule(level: number): Record<string, unknown> {
  return { group: `level-${level}`, match: { level: { $gte: level } } };
}

/** What a write is to the readers of a class; undefined: nothing. */
export function seenAs(viewClass: ViewClass, { before, after }: SocketWrite): SeenAs | undefined {
  const saw = before !== undefined && isSeen(viewClass, before);
  const sees = isSeen(viewClass, after);
  if (saw) return sees ? 'updated' : 'left';
  if (!sees) return undefined;
  return before === undefined ? 'created' : 'entered';
}

/** The fields of a row that readers of a class get. */
export function fieldsFor({ insider }: ViewClass, { secret, ...open }: SocketRow): Partial<SocketRow> {
  return insider ? { ...open, secret } : open;
}

function isSeen({ level, filter }: ViewClass, row: SocketRow): boolean {
  return row.level >= level && (FILTERS.get(filter)?.(row) ?? false);
}
