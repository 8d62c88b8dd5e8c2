import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TwinWorlds, withoutNewNames } from './twin-worlds.ts';
import type { Asker, World } from './twin-worlds.ts';
import { FOREIGN, HIDDEN, ONE, ROWS, TWO, VALUES, get } from './worlds.ts';

let twins: TwinWorlds;

beforeAll(async () => {
  twins = await TwinWorlds.build(await sharedPlatform());
});

afterAll(async () => {
  await twins.platform[Symbol.asyncDispose]();
});

/** Everything that can be followed, as queries; `organisation` is the one of who asks. */
function topicQueries(organisation: string): readonly string[] {
  const schema = `topic=register/${twins.register}/schema/things`;
  return [
    schema,
    `${schema}&filter[memo][exists]=true`,
    `${schema}&filter[memo][ne]=alpha&_fields=title,memo`,
    `topic=register/${twins.register}&filter[rank][gt]=0`,
    `topic=organisation/${organisation}`,
    [ONE, TWO, HIDDEN, FOREIGN].map((uuid) => `topic=object/${uuid}`).join('&'),
  ];
}

function tableQueries(): readonly string[] {
  const table = `table=${twins.table}`;
  return [table, `${table}&filter=memo:isNotNull&fields=title,memo`, `${table}&filter=rank:gt:0`];
}

async function poll(asker: Asker, query: string, cursor: string): Promise<string> {
  return await twins.ask(
    asker,
    get(`/api/realtime/poll?${query}&lastEventId=${cursor}&timeoutMs=0&limit=1000`),
  );
}

/** Where the log ends for a poll of one's own. */
async function cursorOf(asker: Asker): Promise<string> {
  const url = `${twins.platform.origin}/api/realtime/poll?topic=object/${ONE}&timeoutMs=0`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${twins.token(asker)}` } });
  return ((await answer.json()) as { readonly lastEventId: string }).lastEventId;
}

const told = /"(?:specversion|recordId)":/;

/**
 * What polls of everything answer after writes that somebody else was told of, but for the names of events and times. `reader`
 * asks; `knower` is who is told.
 */
async function polled(world: World, writes: readonly string[], knower: Asker): Promise<readonly string[]> {
  await twins.become(world);
  const cursor = await cursorOf('reader');
  for (const write of writes) await twins.platform.sql(write);
  const [all = ''] = topicQueries(twins.organisations.home);
  const isTold = async (): Promise<boolean> =>
    writes.length === 0 || told.test(await poll(knower, all, cursor));
  // Each gateway has its own place in the log: both are asked in turn.
  await waitFor(async () => (await isTold()) && (await isTold()), { what: `the ${knower} is told` });
  const answers: string[] = [];
  for (const query of [...topicQueries(twins.organisations.home), ...tableQueries()]) {
    answers.push(await poll('reader', query, cursor), await poll('reader', query, cursor));
  }
  return answers.map(withoutPlace);
}

/** What differs between any two events: their numbers, which everybody may count, and ids and times. */
function withoutPlace(text: string): string {
  return withoutNewNames(text)
    .replaceAll(/evt-[^&"\s]*/g, 'evt')
    .replaceAll(/"sequence":"\d+"/g, '"sequence"');
}

function update(uuid: string, properties: object): string {
  return `update records.objects set properties = properties || '${JSON.stringify(properties)}' where uuid = '${uuid}'`;
}

function remove(uuid: string): string {
  return `delete from records.objects where uuid = '${uuid}'`;
}

test('a poll does not tell that hidden rows are written and deleted', async () => {
  const quiet = await polled(ROWS[1], [], 'chief');
  expect(quiet.some((answer) => told.test(answer))).toBe(false);
  const shownTo = [
    [HIDDEN, 'chief'],
    [FOREIGN, 'outsider'],
  ] as const;
  for (const [uuid, knower] of shownTo) {
    expect(await polled(ROWS[1], [update(uuid, { title: 'changed', memo: 'new' })], knower)).toEqual(quiet);
    expect(await polled(ROWS[1], [update(uuid, { pay: 5 }), remove(uuid)], knower)).toEqual(quiet);
  }
});

test('a poll does not tell hidden values, nor by a filter that they meet before and not after', async () => {
  const worlds = [
    [VALUES[0], { pay: 101, memo: null, tag: 'x' }],
    [VALUES[1], { pay: 5, memo: 'alpha', tag: 'y' }],
    [VALUES[0], { pay: 100 }],
  ] as const;
  const answers: (readonly string[])[] = [];
  for (const [world, values] of worlds) {
    answers.push(await polled(world, [update(TWO, { title: 'changed', ...values })], 'chief'));
  }
  expect(answers[0]?.some((answer) => told.test(answer))).toBe(true);
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});

/** A stream and all that came on it, but for the names of events and times. */
class Stream implements Disposable {
  readonly frames: string[] = [];
  readonly #source: EventSource;

  constructor(asker: Asker, gateway: number, query: string) {
    const base = twins.platform.gateways[gateway]?.url ?? '';
    const url = `${base}/api/realtime/subscribe?${query}&token=${twins.token(asker)}`;
    this.#source = new EventSource(url);
    for (const name of ['object.created', 'object.updated', 'object.deleted', 'resync', 'end', 'message']) {
      this.#source.addEventListener(name, (frame) => {
        this.frames.push(`${name} ${withoutPlace(String(frame.data))}`);
      });
    }
  }

  get isOpen(): boolean {
    return this.#source.readyState === EventSource.OPEN;
  }

  [Symbol.dispose](): void {
    this.#source.close();
  }
}

/** What streams of everything bring until a row is written that everybody may see. */
async function streamed(world: World, writes: readonly string[]): Promise<readonly (readonly string[])[]> {
  await twins.become(world);
  using open = new DisposableStack();
  // So many as a principal may have, half of them on each gateway.
  const streams = topicQueries(twins.organisations.home).map((query, index) =>
    open.use(new Stream('reader', index % 2, query)),
  );
  await waitFor(() => streams.every(({ isOpen }) => isOpen), { what: 'all streams are open' });
  for (const write of writes) await twins.platform.sql(write);
  await twins.platform.sql(update(ONE, { title: 'the end', shared: true, memo: 'for everybody' }));
  const isEnd = (frame: string): boolean => frame.includes('the end');
  await waitFor(() => streams.every(({ frames }) => frames.some(isEnd)), { what: 'the last row came' });
  return streams.map(({ frames }) => frames);
}

test('a stream does not tell that hidden rows are created, changed and deleted', async () => {
  const quiet = await streamed(ROWS[1], []);
  const loud = await streamed(ROWS[1], [
    update(HIDDEN, { title: 'changed', memo: 'new' }),
    update(FOREIGN, { pay: 7 }),
    remove(HIDDEN),
    remove(FOREIGN),
  ]);
  expect(loud).toEqual(quiet);
});

test('a stream does not tell hidden values, whatever its filter', async () => {
  const first = await streamed(VALUES[0], [
    update(TWO, { title: 'changed', pay: 101, memo: 'beta' }),
    update(TWO, { pay: 102, memo: null }),
  ]);
  const second = await streamed(VALUES[1], [
    update(TWO, { title: 'changed', pay: 5, memo: null }),
    update(TWO, { pay: 6, memo: 'alpha' }),
  ]);
  expect(first.some((frames) => frames.length > 1)).toBe(true);
  expect(second).toEqual(first);
});
