import { randomUUID } from 'node:crypto';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MACHINE_CLOCK, createTestRuntime } from '../../test/test-runtime.ts';
import { FollowingOrder, TestOrder, Witness, toTable } from '../../test/witness.ts';
import { request } from '../http/http.ts';
import type { HttpRequest } from '../http/http.ts';
import { TRANSPORT_NAMES } from './transport.ts';
import type { Handshake, TransportConnection, TransportName } from './transport.ts';
import { createTransports } from './transports.ts';

interface Opened extends Disposable {
  readonly witness: Witness;
  readonly order: FollowingOrder;
  readonly connection: TransportConnection;
  /** Requests that were answered: method, path and status. */
  readonly answered: readonly string[];
}

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ demo: true, settings: { TIDEWIRE_SSE_HEARTBEAT_MS: '300' } });
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

function open(name: TransportName, handshakes: readonly Handshake[], token = 'demo-alice'): Opened {
  const answered: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    answered.push(`${init?.method ?? ''} ${new URL(input as string).pathname} ${response.status}`);
    return response;
  };
  const { runtime } = createTestRuntime({ clock: MACHINE_CLOCK, fetch });
  const [transport] = createTransports(runtime, [name]);
  if (transport === undefined) throw new Error(`there is no ${name}`);
  const witness = new Witness();
  const order = new FollowingOrder(witness, platform.origin, handshakes, token);
  const connection = transport.open(order, witness);
  return { witness, order, connection, answered, [Symbol.dispose]: () => connection.close() };
}

async function ask<T>(path: string, order: Partial<HttpRequest> = {}): Promise<T> {
  const { runtime } = createTestRuntime({ clock: MACHINE_CLOCK });
  const url = `${platform.origin}${path}`;
  return (await request(runtime, { url, token: 'demo-alice', ...order })).body as T;
}

/** Rows of one customer, whom nobody else has, and the filter that holds them. */
class Rows {
  readonly customer: string = randomUUID();
  readonly filter = `customer:eq:${this.customer}`;

  async create(total: number, customer = this.customer): Promise<string> {
    const body = { fields: { customer, status: 'new', total } };
    return (await ask<{ id: string }>('/api/tables/orders/records', { method: 'POST', body })).id;
  }

  async change(id: string, fields: object): Promise<void> {
    await ask(`/api/tables/orders/records/${id}`, { method: 'PATCH', body: { fields } });
  }

  async remove(id: string): Promise<void> {
    await ask(`/api/tables/orders/records/${id}`, { method: 'DELETE' });
  }
}

interface Credential {
  readonly id: string;
  readonly token: string;
}

const admin = { token: 'demo-admin' };
const makeToken = (): Promise<Credential> =>
  ask('/api/auth/tokens', { ...admin, method: 'POST', body: { principal: 'alice', name: 'claim' } });
const revoke = ({ id }: Credential): Promise<unknown> =>
  ask(`/api/auth/tokens/${id}`, { ...admin, method: 'DELETE' });

/** What a subscription was told of, as [event, total]. */
function toldOf(witness: Witness, id: string): readonly unknown[] {
  return witness
    .of('change')
    .filter(({ subscriptionId }) => subscriptionId === id)
    .map(({ event, record }) => [event, record?.fields['total']]);
}

async function untilTold(witness: Witness, id: string, count: number): Promise<readonly unknown[]> {
  await waitFor(() => toldOf(witness, id).length >= count, {
    what: `${count} changes are told to ${id}`,
    timeoutMs: 15_000,
  });
  return toldOf(witness, id);
}

describe.each(TRANSPORT_NAMES)('%s', (name) => {
  test('tells of changes as they happen, to each subscription that they concern', async () => {
    const [one, other] = [new Rows(), new Rows()];
    using opened = open(name, [
      toTable('s1', { filter: one.filter, fields: ['total'] }),
      toTable('s2', { filter: { field: 'customer', operator: 'equals', value: other.customer } }),
    ]);
    const { witness } = opened;
    await witness.until('subscribed', 2);
    const id = await one.create(1);
    await other.create(2);
    await one.change(id, { total: 3 });
    await one.remove(id);
    expect(await untilTold(witness, 's1', 3)).toEqual([
      ['insert', 1],
      ['update', 3],
      ['delete', undefined],
    ]);
    expect(await untilTold(witness, 's2', 1)).toEqual([['insert', 2]]);
    expect(witness.of('change')[0]?.record?.fields).not.toHaveProperty('customer');
    expect(witness).toMatchObject({ openings: 1, ends: [] });
  });

  test('tells of events of a topic', async () => {
    const rows = new Rows();
    const { topics } = await ask<{ topics: { topic: string }[] }>('/api/realtime/topics');
    const topic = topics.find((each) => each.topic.endsWith('/schema/orders'))?.topic ?? '';
    const filter = { customer: rows.customer, total: { gte: 2 } };
    const handshake: Handshake = {
      type: 'subscribe',
      topic,
      filter,
      events: ['object.created'],
      subscriptionId: 's1',
    };
    using opened = open(name, [handshake]);
    await opened.witness.until('subscribed');
    await rows.create(1);
    const id = await rows.create(2);
    const [message] = await opened.witness.until('event');
    expect(message).toMatchObject({
      subscriptionId: 's1',
      event: { subject: id, data: { object: { total: 2 } } },
    });
    expect(opened.witness.of('event')).toHaveLength(1);
  });

  test('goes on from the cursor after it was closed, without loss and in order', async () => {
    const rows = new Rows();
    const subscription = { filter: rows.filter };
    using before = open(name, [toTable('s1', subscription)]);
    await before.witness.until('subscribed');
    await rows.create(0);
    await untilTold(before.witness, 's1', 1);
    const lastEventId = before.witness.cursor('s1') ?? '';
    before.connection.close();
    for (const total of [1, 2, 3]) await rows.create(total);
    using after = open(name, [toTable('s1', { ...subscription, lastEventId })]);
    await after.witness.until('subscribed');
    await untilTold(after.witness, 's1', 3);
    await rows.create(4);
    expect(await untilTold(after.witness, 's1', 4)).toEqual([1, 2, 3, 4].map((total) => ['insert', total]));
    expect(after.witness.of('resync')).toEqual([]);
  });

  test('a cursor that is not good any more is answered by a resync of its subscription', async () => {
    const lastEventId = 'evt-aaaaaaaa-000000000001';
    using opened = open(name, [toTable('s1', { lastEventId }), toTable('s2')]);
    const [resync] = await opened.witness.until('resync');
    expect(resync).toMatchObject({ reason: 'epoch', scope: ['s1'] });
    await opened.witness.until('subscribed', 2);
  });

  test('a subscription that is refused leaves the others', async () => {
    const rows = new Rows();
    using opened = open(name, [
      toTable('nowhere', { table: 'nowhere' }),
      toTable('s1', { filter: rows.filter }),
      toTable('unknown', { filter: 'colour:eq:red' }),
      toTable('unreadable', { fields: [] }),
    ]);
    const { witness } = opened;
    await witness.until('error', 3);
    expect(
      Object.fromEntries(witness.of('error').map(({ subscriptionId, code }) => [subscriptionId, code])),
    ).toEqual({
      nowhere: 'NOT_FOUND',
      unknown: 'UNKNOWN_FIELD',
      unreadable: expect.stringMatching(/^(VALIDATION_ERROR|BAD_REQUEST)$/),
    });
    await witness.until('subscribed');
    await rows.create(1);
    expect(await untilTold(witness, 's1', 1)).toEqual([['insert', 1]]);
    expect(witness.ends).toEqual([]);
  });

  test('subscriptions come and go on a connection that is open', async () => {
    const [one, other] = [new Rows(), new Rows()];
    const first = toTable('s1', { filter: one.filter });
    const second = toTable('s2', { filter: other.filter });
    using opened = open(name, [first]);
    const { witness, order, connection } = opened;
    await witness.until('subscribed');
    await one.create(1);
    await untilTold(witness, 's1', 1);
    order.set(second);
    connection.add(second);
    const subscribed = (id: string): boolean =>
      witness.of('subscribed').some(({ subscriptionId }) => subscriptionId === id);
    await waitFor(() => subscribed('s2'), { what: 'the second one has begun' });
    await one.create(2);
    await other.create(3);
    expect(await untilTold(witness, 's1', 2)).toEqual([
      ['insert', 1],
      ['insert', 2],
    ]);
    expect(await untilTold(witness, 's2', 1)).toEqual([['insert', 3]]);
    order.remove('s1');
    connection.remove('s1');
    await waitFor(
      () => opened.answered.length > 2 || witness.of('unsubscribed').length > 0 || name !== 'websocket',
      {
        what: 'it is heard',
      },
    );
    await other.create(4);
    expect(await untilTold(witness, 's2', 2)).toEqual([
      ['insert', 3],
      ['insert', 4],
    ]);
    expect(witness).toMatchObject({ openings: 1, ends: [] });
  });

  test('the cursor moves on past what is not for its subscription', async () => {
    const rows = new Rows();
    using opened = open(name, [toTable('s1', { filter: rows.filter })]);
    const { witness, connection } = opened;
    await witness.until('subscribed');
    const before = await waitFor(() => witness.cursor('s1'), { what: 'there is a position' });
    await rows.create(1, 'somebody else');
    // A poll waits longer than anybody here; asked for a sign of life it does not.
    if (name === 'poll') connection.ping();
    await waitFor(() => (witness.cursor('s1') ?? '') > before, {
      what: 'the position passes the row',
      timeoutMs: 15_000,
    });
    expect(witness.of('heartbeat').length).toBeGreaterThan(0);
    expect(witness.of('change')).toEqual([]);
  });

  test('a connection outlives the credential that it was opened with', async () => {
    const rows = new Rows();
    const [first, second] = [await makeToken(), await makeToken()];
    using opened = open(name, [toTable('s1', { filter: rows.filter })], first.token);
    const { witness, connection, answered } = opened;
    await witness.until('subscribed');
    connection.renew(second.token);
    await waitFor(
      () =>
        name === 'poll' ||
        witness.of('credential-renewed').length > 0 ||
        answered.some((line) => line.startsWith('POST /api/realtime/connections/') && line.endsWith(' 204')),
      { what: 'the new one counts' },
    );
    await revoke(first);
    await rows.create(1);
    expect(await untilTold(witness, 's1', 1)).toEqual([['insert', 1]]);
    expect(witness.ends).toEqual([]);
    await revoke(second);
    expect(await witness.untilEnded()).toMatchObject({
      kind: 'unauthorized',
      error: { code: 'CREDENTIAL_ENDED' },
    });
  });

  test('a credential that does not count is told from a network that does not work', async () => {
    using opened = open(name, [toTable('s1')], 'nobody');
    expect(await opened.witness.untilEnded()).toMatchObject({
      kind: 'unauthorized',
      error: { code: 'UNAUTHORIZED' },
    });
    expect(opened.witness.told).toBe(1);
  });

  test('an installation that is not there is lost', async () => {
    const { runtime } = createTestRuntime({ clock: MACHINE_CLOCK });
    const [transport] = createTransports(runtime, [name]);
    const witness = new Witness();
    transport?.open(new TestOrder('http://127.0.0.1:9', [toTable('s1')]), witness);
    expect(await witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
    expect(witness.told).toBe(1);
  });
});
