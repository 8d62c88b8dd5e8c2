import { inspect } from 'node:util';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { GRAPHQL_LIBRARIES } from '../support/graphql-client.ts';
import type { GraphqlClient, GraphqlLibrary, ToldEvents, WantedEvents } from '../support/graphql-client.ts';

const SAMPLE = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { _uuid titel status } }';
const WITH_HIDDEN = 'subscription { meldingenEvents(filter: {status: "nieuw"}) { titel melderEmail } }';
const WITH_CURSOR = 'subscription { meldingenEvents { _eventId titel } }';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2, demo: true });
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Somebody of the demo, with a library of theirs at one of the gateways. */
class App implements Disposable {
  readonly #client: GraphqlClient;
  readonly #credential: string;

  private constructor(client: GraphqlClient, credential: string) {
    this.#client = client;
    this.#credential = credential;
  }

  /** At one of the gateways, or behind the edge. */
  static async open(
    { open }: GraphqlLibrary,
    principal: 'alice' | 'bob',
    gateway: 0 | 1 | 'edge',
  ): Promise<App> {
    const admin = createApi(platform.origin, platform.adminToken);
    const { id, token } = await admin.send<{ id: string; token: string }>('POST', '/api/auth/tokens', {
      principal,
      name: 'app',
    });
    const base = gateway === 'edge' ? platform.origin : platform.gateways[gateway]?.url;
    return new App(open(base ?? '', token), id);
  }

  /** Resolves when the gateway knows what is wanted. */
  async watch(wanted: WantedEvents): Promise<ToldEvents & Disposable> {
    const told = this.#client.watch(wanted);
    const admin = createApi(platform.origin, platform.adminToken);
    await waitFor(
      async () => {
        const { connections } = await admin.send<{ connections: { topics: readonly string[] }[] }>(
          'GET',
          `/api/connections?credential=${this.#credential}`,
        );
        return connections.some(({ topics }) => topics.length > 0) || told.failures.length > 0;
      },
      { what: 'the subscription begins', timeoutMs: 10_000 },
    );
    const [failure] = told.failures;
    if (failure !== undefined) throw new Error('the subscription failed', { cause: failure });
    return told;
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

async function report(titel: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const alice = createApi(platform.origin, 'demo-alice');
  const row = { titel, status: 'nieuw', ...more };
  const { id } = await alice.send<{ id: string }>('POST', '/api/objects/meldingen-register/meldingen', row);
  return id;
}

async function untilTold(
  told: ToldEvents,
  count: number,
): Promise<readonly { data: { meldingenEvents: Readonly<Record<string, unknown>> } }[]> {
  const arrived = (): boolean => told.results.length >= count || told.failures.length > 0;
  const options = { what: `${count} events arrive`, timeoutMs: 10_000 };
  await waitFor(arrived, options).catch((cause: unknown) => {
    throw new Error(`came instead: ${inspect(told, { depth: 6 })}`, { cause });
  });
  return told.results as never;
}

describe.each(GRAPHQL_LIBRARIES.map((library) => [library.name, library] as const))(
  '%s',
  (_name, library) => {
    test('follows what is new in the demo’s register, as the document shows it', async () => {
      using app = await App.open(library, 'alice', 0);
      using told = await app.watch({ query: SAMPLE });
      await report('elsewhere', { status: 'afgehandeld' });
      const _uuid = await report('Losse tegel');
      await report('Lantaarn stuk');
      const [first, second] = await untilTold(told, 2);
      // Apollo Client asks for the name of every type.
      const { __typename, ...row } = first?.data.meldingenEvents ?? {};
      expect(['MeldingenEvent', undefined]).toContain(__typename);
      expect(row).toEqual({ _uuid, titel: 'Losse tegel', status: 'nieuw' });
      expect(second?.data.meldingenEvents).toMatchObject({ titel: 'Lantaarn stuk' });
      expect([told.results.length, told.resyncs, told.failures]).toEqual([2, [], []]);
    });

    test('shows what may be read beside a field that may not, and says which one that is', async () => {
      using handler = await App.open(library, 'alice', 1);
      using member = await App.open(library, 'bob', 0);
      using all = await handler.watch({ query: WITH_HIDDEN });
      using some = await member.watch({ query: WITH_HIDDEN });
      await report('Losse tegel', { melderEmail: 'jan@example.org' });
      await Promise.all([untilTold(all, 1), untilTold(some, 1)]);
      const melding = { titel: 'Losse tegel', melderEmail: 'jan@example.org' };
      expect(all.results).toMatchObject([{ data: { meldingenEvents: melding }, errors: [] }]);
      expect(some.results).toMatchObject([
        {
          data: { meldingenEvents: { titel: 'Losse tegel', melderEmail: null } },
          errors: [{ path: ['meldingenEvents', 'melderEmail'], extensions: { code: 'FIELD_FORBIDDEN' } }],
        },
      ]);
      expect(JSON.stringify(some.results)).not.toContain('jan@');
    });

    test('goes on after its cursor at the other gateway', async () => {
      using before = await App.open(library, 'bob', 0);
      const seen = await before.watch({ query: WITH_CURSOR });
      await report('seen');
      const [last] = await untilTold(seen, 1);
      seen[Symbol.dispose]();
      await report('missed');
      await report('not for members', { status: 'vertrouwelijk' });
      using after = await App.open(library, 'bob', 1);
      using told = await after.watch({
        query: WITH_CURSOR,
        cursor: String(last?.data.meldingenEvents['_eventId']),
      });
      await untilTold(told, 1);
      await report('next');
      const events = await untilTold(told, 2);
      expect(events.map(({ data }) => data.meldingenEvents['titel'])).toEqual(['missed', 'next']);
      expect([told.resyncs, told.failures]).toEqual([[], []]);
    });

    test('is told to fetch again where its cursor leads nowhere, and goes on from there', async () => {
      using app = await App.open(library, 'alice', 1);
      using told = await app.watch({ query: WITH_CURSOR, cursor: 'evt-00000000-000000000001' });
      await waitFor(() => told.resyncs.length > 0, { what: 'a resync arrives', timeoutMs: 10_000 });
      await report('after');
      const [event] = await untilTold(told, 1);
      expect(told.resyncs).toMatchObject([{ reason: 'epoch' }]);
      expect(event?.data.meldingenEvents).toMatchObject({ titel: 'after' });
      expect(String(event?.data.meldingenEvents['_eventId']) > (told.resyncs[0]?.current ?? '')).toBe(true);
    });
  },
);

test('every library comes back after its cursor by itself, and has missed nothing', async () => {
  using apps = new DisposableStack();
  const all = await Promise.all(
    GRAPHQL_LIBRARIES.map(async (library) => {
      const app = apps.use(await App.open(library, 'alice', 'edge'));
      return { name: library.name, told: await app.watch({ query: WITH_CURSOR }) };
    }),
  );
  await report('before');
  await Promise.all(all.map(({ told }) => untilTold(told, 1)));
  await platform.kill('fanout-gateway-1');
  await platform.kill('fanout-gateway-2');
  await report('while nobody is there');
  await Promise.all([
    platform.restart('fanout-gateway-1', 'SIGKILL'),
    platform.restart('fanout-gateway-2', 'SIGKILL'),
  ]);
  await report('after');
  for (const { name, told } of all) {
    const events = await untilTold(told, 3);
    expect([name, ...events.map(({ data }) => data.meldingenEvents['titel'])]).toEqual([
      name,
      'before',
      'while nobody is there',
      'after',
    ]);
    expect([name, told.resyncs, told.failures]).toEqual([name, [], []]);
  }
});
