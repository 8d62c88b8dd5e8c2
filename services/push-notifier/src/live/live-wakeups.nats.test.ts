import { SIGNAL_SUBJECTS } from '@tidewire/contract';
import type { LogMessage, PushBody } from '@tidewire/contract';
import { connectBus, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { RightsView } from '@tidewire/policy';
import { createManualClock } from '@tidewire/service-kit';
import {
  credentialOf,
  objectMessage,
  organisation,
  person,
  policyOf,
  register,
  rightsMessage,
  schemaOf,
  startNats,
  waitFor,
} from '@tidewire/test-kit';
import type { Person, Row, TestNats } from '@tidewire/test-kit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LiveWakeUps } from './live-wakeups.ts';
import type { Listener } from './live-wakeups.ts';

const home = organisation('thuis');
const zaken = register('zaken');
const meldingen = schemaOf(zaken, 'meldingen');
const policy = policyOf('schema', meldingen.id, { read: ['authenticated'] });
const alice = person('alice', home, []);
const collection = { register: 'zaken', schema: 'meldingen' };

let nats: TestNats;
let bus: MessageBus;
let clock: ReturnType<typeof createManualClock>;
let view: RightsView;
let fresh: boolean;
let sequence: number;
let live: LiveWakeUps;

beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ url: nats.url, user: 'test', logger: silentLogger });
});

afterAll(async () => {
  await bus.close();
  await nats[Symbol.asyncDispose]();
});

beforeEach(() => {
  clock = createManualClock();
  view = new RightsView();
  view.loadState([home, zaken, meldingen, policyOf('register', zaken.id, {}), policy], 1);
  fresh = true;
  sequence = 1;
  live = new LiveWakeUps({ bus, clock, view: () => view, fresh: () => fresh });
  live.start();
  return () => live.stop();
});

interface Heard extends Listener {
  readonly told: [string, PushBody][];
  reminded: number;
  ended: boolean;
  holdsUnsent: boolean;
}

function listener(who: Person): Heard {
  view.hold({ ...who, position: { sequence: 1 } }, clock.now());
  const heard: Heard = {
    principalId: who.principal.id,
    credentialId: who.credential.id,
    told: [],
    reminded: 0,
    ended: false,
    holdsUnsent: false,
    tell: (name, body) => void heard.told.push([name, body]),
    remind: () => void (heard.reminded += 1),
    end: () => {
      heard.ended = true;
      live.remove(heard);
    },
  };
  live.add(heard);
  return heard;
}

function row(): Row {
  return {
    uuid: crypto.randomUUID(),
    schema: { id: meldingen.id, slug: meldingen.slug },
    register: { id: zaken.id, slug: zaken.slug },
    organisation: home.id,
    owner: null,
    version: 1,
    properties: {},
  };
}

function append(message: LogMessage): void {
  sequence += 1;
  const change = view.apply(message, sequence);
  const entry = { epoch: 'e', sequence, subject: '', problem: undefined, bytes: 0, message };
  live.log.onEntry(entry, change);
}

test('nobody is told anything while rights are behind, and everything once they are level', () => {
  const heard = listener(alice);
  fresh = false;
  append(objectMessage('created', null, row()));
  clock.advance(1000);
  expect(heard.told).toEqual([]);
  fresh = true;
  clock.advance(100);
  expect(heard.told.map(([, { action }]) => action)).toEqual(['create', 'create']);
});

test('what comes while rights are behind is judged by those that are level', () => {
  const heard = listener(alice);
  fresh = false;
  append(objectMessage('created', null, row()));
  append(rightsMessage({ ...policy, authorization: { read: [] }, version: 2 }));
  fresh = true;
  clock.advance(100);
  expect(heard.told).toEqual([]);
});

test('of more than can be kept only the collection is told', () => {
  const heard = listener(alice);
  fresh = false;
  for (let count = 0; count <= 10_000; count += 1) append(objectMessage('created', null, row()));
  const last = row();
  append(objectMessage('created', null, last));
  fresh = true;
  clock.advance(100);
  expect(heard.told[0]).toEqual(['or-collection-zaken-meldingen', { action: 'batch', ...collection }]);
  expect(heard.told.slice(1).map(([name]) => name)).toEqual([
    `or-object-${last.uuid}`,
    'or-collection-zaken-meldingen',
  ]);
});

test('an event without images is told as one of the collection, to those for whom it is there', () => {
  const heard = listener(alice);
  const elsewhere = listener(person('bob', organisation('elders'), []));
  append({ ...objectMessage('created', null, row()), after: null, unencodable: true });
  expect(heard.told).toEqual([['or-collection-zaken-meldingen', { action: 'batch', ...collection }]]);
  expect(elsewhere.told).toEqual([]);
});

test('a change of rights cuts off who has not taken what was sent by the rights before, and nobody else', () => {
  const [slow, quick] = [listener(alice), listener(person('bob', home, []))];
  slow.holdsUnsent = true;
  append(objectMessage('created', null, row()));
  expect([slow.ended, quick.ended]).toEqual([false, false]);
  append(rightsMessage({ ...policy, authorization: { read: [] }, version: 2 }));
  expect([slow.ended, quick.ended]).toEqual([true, false]);
});

test('what was written down is reminded of, and another sight is told with its collection', async () => {
  const heard = listener(alice);
  const credential = { ...credentialOf('alice'), scopes: { topics: ['register/elders'] } };
  const limited = listener({ ...alice, credential });
  bus.signal(SIGNAL_SUBJECTS.pushChanged, { principals: ['bob'] });
  bus.signal(SIGNAL_SUBJECTS.pushChanged, { principals: ['alice'], collection });
  await waitFor(() => heard.reminded > 0, { what: 'alice is reminded' });
  expect(heard.told).toEqual([['or-collection-zaken-meldingen', { action: 'batch', ...collection }]]);
  expect([heard.reminded, limited.reminded, limited.told]).toEqual([1, 1, []]);
});

test('rights that were loaded anew, and a principal that is removed, end everybody whom they let in', () => {
  const [one, other] = [listener(alice), listener(person('bob', home, []))];
  append(rightsMessage({ ...alice.principal, removed: true, version: 2 }));
  expect([one.ended, other.ended]).toEqual([true, false]);
  live.log.onLoaded({ epoch: 'e', sequence: 1 });
  expect(other.ended).toBe(true);
});
