import type { Principal, RightsState } from '@tidewire/contract';
import { admit } from '@tidewire/rights';
import { createManualClock } from '@tidewire/service-kit';
import { organisation, person, policyOf, register, rightsMessage, schemaOf } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { Streams } from '../transports/stream.ts';
import type { Stream } from '../transports/stream.ts';
import { RightsFeed } from './rights-feed.ts';

const home = organisation('home');
const cases = register('cases');
const notes = schemaOf(cases, 'notes');
const alice = person('alice', home, ['clerks']);
const expelled: Principal = { ...alice.principal, groups: [], version: 2 };
const secret = { type: 'token', source: 'bearer', secret: 'alice' } as const;

/** A feed with open streams of alice, and what was done to them. */
function follow(count: number) {
  const streams = new Streams();
  const changed: string[] = [];
  const feed = new RightsFeed(streams, {
    changed: ({ id }) => void changed.push(id),
    reread: () => undefined,
    credentialEnded: () => undefined,
    credentialExpires: () => undefined,
    gone: () => undefined,
  });
  const states: RightsState[] = [
    home,
    cases,
    notes,
    policyOf('register', cases.id, {}),
    policyOf('schema', notes.id, { read: ['clerks'] }),
  ];
  feed.view.loadState(states, 10);
  feed.view.hold({ ...alice, position: { sequence: 10 } }, 0);
  for (let index = 1; index <= count; index += 1) streams.add(streamOfAlice(`stream-${index}`));
  return { feed, changed };
}

function streamOfAlice(id: string): Stream {
  const reader = { principalId: alice.principal.id, credentialId: alice.credential.id };
  const interests = [{ kind: 'schema' as const, schemaId: notes.id, registerId: cases.id }];
  return { id, reader, interests, wish: { filter: [] }, ended: false } as unknown as Stream;
}

test('a stream learns of rights that an answer brought before the log did', () => {
  const { feed, changed } = follow(2);
  // Another stream of hers was opened between the change and its place in the log.
  feed.view.hold({ ...alice, principal: expelled, position: { sequence: 10 } }, 0);
  feed.apply(rightsMessage(expelled), 11);
  expect(changed).toEqual(['stream-1', 'stream-2']);
});

test('whoever comes with an answer that is ahead of the log waits until the log has told it', async () => {
  const { feed, changed } = follow(1);
  const clock = createManualClock();
  const reply = { ok: true, ...alice, principal: expelled, position: { epoch: '0abcdefg', sequence: 10 } };
  const bus = { request: async () => reply } as unknown as Parameters<typeof admit>[0]['bus'];
  const asked = admit({ bus, view: () => feed.view, epoch: () => '0abcdefg', clock }, secret);
  await Promise.resolve();
  clock.advance(100);
  expect(feed.view.principal(alice.principal.id)).toEqual(alice.principal);
  feed.apply(rightsMessage(expelled), 11);
  expect(changed).toEqual(['stream-1']);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve().then(() => clock.advance(100));
  const admission = await asked;
  expect(feed.view.principal(alice.principal.id)).toEqual(expelled);
  admission.release();
});

test('nobody is let in with an answer that the log does not tell', async () => {
  const { feed } = follow(1);
  const clock = createManualClock();
  const reply = { ok: true, ...alice, principal: expelled, position: { epoch: '0abcdefg', sequence: 10 } };
  const bus = { request: async () => reply } as unknown as Parameters<typeof admit>[0]['bus'];
  const asked = admit({ bus, view: () => feed.view, epoch: () => '0abcdefg', clock }, secret).catch(
    (error: unknown) => error,
  );
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve().then(() => clock.advance(100));
  expect(await asked).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});
