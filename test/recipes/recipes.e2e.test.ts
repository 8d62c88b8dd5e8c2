import { join } from 'node:path';
import { runFolder, startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { LIST, RecipeProcess, SUBSCRIBERS, WORKER, keptCursor } from './recipe-process.ts';

/** What authz lets a subscriber in for: short, so that connections expire while the tests run. */
const USER_TTL_S = 5;

let platform: Platform;
beforeAll(async () => {
  const settings = { TIDEWIRE_NATS_USER_TTL_S: String(USER_TTL_S) };
  platform = await startPlatform({ gateways: 2, settings });
});
afterAll(() => platform[Symbol.asyncDispose]());

/** Writes rows as Alice, and remembers them in their order. */
class Rows {
  readonly written: string[] = [];
  readonly #town: Town;

  constructor(town: Town) {
    this.#town = town;
  }

  async write(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await this.#writeOne();
  }

  /** In no order, so that there is work for several at once. */
  async writeAtOnce(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, async () => this.#writeOne()));
  }

  async #writeOne(): Promise<void> {
    const { collection } = this.#town;
    const row = { titel: 'Losse tegel', status: 'nieuw' };
    const alice = this.#town.as('alice');
    const { id } = await alice.send<{ id: string }>('POST', `/api/objects/${collection}`, row);
    this.written.push(id);
  }
}

async function environmentFor(town: Town): Promise<Record<string, string>> {
  const [register = '', schema = ''] = town.collection.split('/');
  const { principal } = await town.as('alice').send<{ principal: { id: string } }>('GET', '/api/auth/me');
  return {
    NATS_URL: platform.natsServer,
    TOKEN: town.tokens.alice,
    SUBSCRIBER: principal.id,
    TOPIC: `register/${register}/schema/${schema}`,
    REGISTER: register,
    SCHEMA: schema,
    CURSOR_FILE: join(runFolder('recipe'), 'cursor'),
    HEARTBEAT_MS: '1000',
  };
}

test.for(SUBSCRIBERS)(
  '$name prints exactly the events, whatever is killed meanwhile',
  { timeout: 180_000 },
  async (recipe, { skip }) => {
    const missing = recipe.missing();
    if (missing !== undefined) {
      process.stdout.write(`${recipe.name} is not run: ${missing}\n`);
      skip(missing);
    }
    const town = await buildTown(platform.origin, platform.adminToken, 'unique');
    const rows = new Rows(town);
    const environment = await environmentFor(town);
    await using program = new RecipeProcess(recipe.command(), environment);
    const told = (what: string): Promise<void> => program.until(rows.written.length, what);

    program.start();
    await waitFor(() => keptCursor(environment['CURSOR_FILE'] ?? '') !== undefined, {
      what: 'it has a place to go on from',
      timeoutMs: 30_000,
    });
    await rows.write(3);
    await told('events as they happen');

    await program.kill();
    await rows.write(3);
    for (const { name } of platform.gateways) await platform.restart(name, 'SIGKILL');
    program.start();
    await told('what happened while it was dead, from other gateways');

    for (const { name } of platform.gateways) {
      await rows.write(1);
      await platform.restart(name, 'SIGKILL');
    }
    await rows.write(2);
    await told('events of whichever gateway is there');

    await platform.restart('nats', 'SIGKILL');
    await rows.write(2);
    await told('events after the server was killed');

    // Its connection expires, and nobody is there who would let it in again.
    const said = program.errors.length;
    await platform.kill('authz');
    await waitFor(() => program.errors.length > said, {
      what: 'it is refused',
      timeoutMs: 4 * USER_TTL_S * 1000,
    });
    await platform.restart('authz', 'SIGKILL');
    await rows.write(2);
    await told('events after its token was not taken for a while');

    expect(program.events.map(({ subject }) => subject)).toEqual(rows.written);
  },
);

test('list.mjs prints every object that the subscriber may see, and the cursor to go on from', async () => {
  const town = await buildTown(platform.origin, platform.adminToken, 'unique');
  const rows = new Rows(town);
  await rows.write(25);
  await using program = new RecipeProcess(LIST(), await environmentFor(town));
  program.start();
  expect(await program.ended(), program.errors).toBe(0);
  const objects = program.lines.map((line) => (JSON.parse(line) as { id: string }).id);
  expect(objects).toEqual(rows.written);
  expect(program.errors).toMatch(/^evt-\w+-\d+\n$/);
});

test('worker.mjs shares the events with another one, and nothing is lost when one of them and the gateways are killed', async () => {
  const town = await buildTown(platform.origin, platform.adminToken, 'unique');
  const rows = new Rows(town);
  const environment = { ...(await environmentFor(town)), GROUP: 'import', ACK_WAIT_MS: '1000' };
  await using one = new RecipeProcess(WORKER(), environment);
  await using other = new RecipeProcess(WORKER(), environment);
  const told = (): readonly string[] =>
    [...one.events, ...other.events]
      .map(({ subject }) => subject)
      .filter((subject) => rows.written.includes(subject));
  const missing = (): readonly string[] => rows.written.filter((id) => !told().includes(id));
  const untilTold = (what: string): Promise<unknown> =>
    waitFor(() => missing().length === 0, { what, timeoutMs: 30_000 }).catch((error: unknown) => {
      throw new Error(`${what}: ${String(missing())}; they say: ${one.errors}${other.errors}`, {
        cause: error,
      });
    });
  for (const worker of [one, other]) worker.start();
  // A group is told what happens from when it is made on: these may be too early, and do not count.
  await waitFor(
    async () => {
      await rows.writeAtOnce(5);
      return one.events.length > 0 && other.events.length > 0;
    },
    { what: 'both are workers of the group', timeoutMs: 30_000 },
  );
  rows.written.length = 0;
  await rows.writeAtOnce(20);
  await untilTold('every event, by one of them');
  expect(told().toSorted()).toEqual(rows.written.toSorted());

  await one.kill();
  await rows.write(5);
  for (const { name } of platform.gateways) {
    await rows.write(1);
    await platform.restart(name, 'SIGKILL');
  }
  await untilTold('what the dead one would have had');
  one.start();
  await rows.write(5);
  await untilTold('events for both again');
  expect(new Set(told())).toEqual(new Set(rows.written));
});
