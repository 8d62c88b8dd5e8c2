import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Asker, PlacedRow, Probe, TwinWorlds, World } from './twin-worlds.ts';

export const ONE = randomUUID();
export const TWO = randomUUID();
const THREE = randomUUID();
export const HIDDEN = randomUUID();
export const FOREIGN = randomUUID();
export const AT = '2026-01-02T03:04:05.006Z';

/** A row that everybody may read, with hidden values. */
function open(uuid: string, rank: number, secret: Readonly<Record<string, unknown>>): PlacedRow {
  return { uuid, properties: { title: `row ${rank}`, state: 'open', rank, shared: false, ...secret } };
}

const FIRST = open(ONE, 1, { shared: true, memo: 'middle', pay: 150, tag: 'm' });

/** The same rows; what the reader may not see is different in every way that a question could depend on. */
export const VALUES: readonly [World, World] = [
  [FIRST, open(TWO, 2, { memo: 'alpha', pay: 100, tag: 'a' }), open(THREE, 3, { memo: 'omega', pay: 200 })],
  [FIRST, open(TWO, 2, { memo: 'the zeta of all', pay: 300 }), open(THREE, 3, { pay: -5, tag: 'long' })],
];

export const rowsOnly: World = [open(ONE, 1, {}), open(TWO, 2, {})];
export const shut = { title: 'row 2', state: 'shut', rank: 2, memo: 'alpha', shared: true, pay: 100 };
/** With and without rows that the reader may not see: one of its own organisation, one of another. */
export const ROWS: readonly [World, World] = [
  rowsOnly,
  [
    ...rowsOnly,
    { uuid: HIDDEN, properties: shut },
    { uuid: FOREIGN, properties: { ...shut, state: 'open' }, organisation: 'other' },
  ],
];

export const buried = ROWS[1].map((row): PlacedRow =>
  rowsOnly.includes(row) ? row : { ...row, deleted: 'restorable' },
);
export const emptied = buried.map((row): PlacedRow =>
  row.deleted === undefined ? row : { ...row, deleted: 'emptied' },
);

export const get = (path: string, headers?: Record<string, string>): Probe => ({
  method: 'GET',
  path,
  ...(headers === undefined ? {} : { headers }),
});

export interface Asked {
  readonly asker?: Asker;
  /** Who must be answered differently in the two worlds, so that the question is one. */
  readonly knower?: Asker | 'none';
  readonly clean?: (answer: string) => string;
}

/** Asks all of it in both worlds: whoever may not see the difference is answered alike, to the byte. */
export async function learnsNothing(
  twins: TwinWorlds,
  worlds: readonly [World, World],
  probes: readonly Probe[],
  { asker = 'reader', knower = 'chief', clean = (answer) => answer }: Asked = {},
): Promise<void> {
  const told: string[][] = [];
  const known: string[][] = [];
  for (const world of worlds) {
    told.push(await answersIn(twins, world, probes, { asker, clean }));
    if (knower !== 'none') known.push(await answersIn(twins, world, probes, { asker: knower, clean }));
  }
  const learnt = probes.flatMap((_, index) =>
    told[0]?.[index] === told[1]?.[index] ? [] : [{ in: told[0]?.[index], or: told[1]?.[index] }],
  );
  expect(learnt).toEqual([]);
  const useless = probes.filter((_, index) => known[0]?.[index] === known[1]?.[index]);
  if (knower !== 'none') expect(useless.map(({ path }) => path)).toEqual([]);
}

/** The world is made anew for every question: an answer may change it. */
async function answersIn(
  twins: TwinWorlds,
  world: World,
  probes: readonly Probe[],
  { asker, clean }: Required<Pick<Asked, 'asker' | 'clean'>>,
): Promise<string[]> {
  const answers: string[] = [];
  for (const [index, probe] of probes.entries()) {
    if (index === 0 || probe.method !== 'GET') await twins.become(world);
    answers.push(clean(await twins.ask(asker, probe)));
  }
  return answers;
}
