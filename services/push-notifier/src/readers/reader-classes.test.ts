import { randomUUID } from 'node:crypto';
import type { ObjectMessage, PushAction, RightsState } from '@tidewire/contract';
import { isVisibleAt, RightsView } from '@tidewire/policy';
import { decideRead } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import {
  credentialOf,
  objectMessage,
  organisation,
  person,
  policyOf,
  register,
  rightsMessage,
  schemaOf,
} from '@tidewire/test-kit';
import type { Person, Row } from '@tidewire/test-kit';
import { beforeEach, expect, test } from 'vitest';
import { ReaderClasses } from './reader-classes.ts';

const NOW = Date.parse('2026-09-01T12:00:00Z');
const STATUSES = ['open', 'intern', 'dicht'] as const;

const home = organisation('thuis');
const zaken = register('zaken');
const meldingen = schemaOf(zaken, 'meldingen');
const policy = policyOf('schema', meldingen.id, {
  read: [
    { group: 'behandelaars' },
    { group: 'authenticated', match: { status: 'open' } },
    { group: 'lezers', match: { status: { $in: ['open', 'dicht'] } } },
  ],
});
const people: readonly Person[] = [
  person('handler', home, ['behandelaars']),
  person('other-handler', home, ['behandelaars']),
  person('reader', home, ['lezers']),
  person('member', home, []),
  person('other-member', home, []),
  person('stranger', organisation('elders'), ['behandelaars']),
  person('admin', home, [], true),
];

let view: RightsView;
let classes: ReaderClasses<Reader>;

beforeEach(() => {
  view = new RightsView();
  view.loadState([home, zaken, meldingen, policyOf('register', zaken.id, {}), policy], 1);
  classes = new ReaderClasses(() => view);
  for (const who of people) classes.add(admitted(who));
});

function admitted(who: Person): Reader {
  expect(view.hold({ ...who, position: { sequence: 1 } }, NOW).ok).toBe(true);
  return { principalId: who.principal.id, credentialId: who.credential.id };
}

function row(status: string, owner: string | null = null): Row {
  return {
    uuid: randomUUID(),
    schema: { id: meldingen.id, slug: meldingen.slug },
    register: { id: zaken.id, slug: zaken.slug },
    organisation: home.id,
    owner,
    version: 1,
    properties: { status },
  };
}

function told(message: ObjectMessage): Readonly<Record<string, PushAction>> {
  const found = [...classes.judge(message, NOW)].map(([{ principalId }, action]) => [principalId, action]);
  expect(new Set(found.map(([principal]) => principal)).size).toBe(found.length);
  return Object.fromEntries(found) as Record<string, PushAction>;
}

/** The same for one reader alone, without classes. */
function toldAlone(reader: Reader, { action, before, after }: ObjectMessage): PushAction | undefined {
  const decision = decideRead(view, reader, meldingen.id);
  const sees = (image: ObjectMessage['after']): boolean =>
    image !== null && decision.allowed && isVisibleAt(decision, image, NOW);
  if (action === 'created') return sees(after) ? 'create' : undefined;
  if (action === 'deleted') return sees(before) ? 'delete' : undefined;
  if (sees(after)) return sees(before) ? 'update' : 'create';
  return sees(before) ? 'delete' : undefined;
}

function apply(state: RightsState, sequence: number): void {
  classes.rightsChanged(view.apply(rightsMessage(state), sequence));
}

test('everybody is told what it would be told alone, whatever the row was and is, and whose', () => {
  const owners = [null, 'member', 'handler', 'stranger', 'nobody'];
  const messages = STATUSES.flatMap((from) =>
    owners.flatMap((owner) => {
      const before = row(from, owner);
      return [
        objectMessage('created', null, before),
        objectMessage('deleted', before, null),
        ...STATUSES.flatMap((to) =>
          owners.map((next) =>
            objectMessage('updated', before, {
              ...before,
              owner: next,
              version: 2,
              properties: { status: to },
            }),
          ),
        ),
      ];
    }),
  );
  expect(messages.length).toBe(255);
  for (const message of messages) {
    const alone = [...classes.all()].flatMap((reader) => {
      const action = toldAlone(reader, message);
      return action === undefined ? [] : [[reader.principalId, action]];
    });
    expect(told(message)).toEqual(Object.fromEntries(alone));
  }
});

test('a row is its owner’s even where nobody else sees it, and no owner of another one’s', () => {
  expect(told(objectMessage('created', null, row('intern', 'member')))).toEqual({
    'handler': 'create',
    'other-handler': 'create',
    'member': 'create',
    'admin': 'create',
  });
});

test('who is given a group, or loses one, is judged as one of those from then on', () => {
  const hidden = objectMessage('created', null, row('intern'));
  const [, , , member] = people;
  if (member === undefined) throw new TypeError('there is a member');
  expect(told(hidden)).not.toHaveProperty('member');
  const groups = [{ organisation: home.id, group: 'behandelaars' }];
  apply({ ...member.principal, groups, version: 2 }, 2);
  expect(told(hidden)).toHaveProperty('member');
  apply({ ...member.principal, groups: [], version: 3 }, 3);
  expect(told(hidden)).not.toHaveProperty('member');
  expect(told(hidden)).not.toHaveProperty('other-member');
});

test('another policy counts for everybody from the next event on', () => {
  const open = objectMessage('created', null, row('open'));
  expect(told(open)).toHaveProperty('member');
  apply({ ...policy, authorization: { read: [{ group: 'behandelaars' }] }, version: 2 }, 2);
  expect(told(open)).toEqual({ 'handler': 'create', 'other-handler': 'create', 'admin': 'create' });
});

test('a credential that is for something else hears nothing, whatever its principal may', () => {
  const [handler] = people;
  if (handler === undefined) throw new TypeError('there is a handler');
  const credential = { ...credentialOf('handler'), scopes: { topics: ['register/elders'] } };
  const limited = admitted({ ...handler, credential });
  classes.add(limited);
  const open = objectMessage('created', null, row('open'));
  expect([...classes.judge(open, NOW)].map(([reader]) => reader)).not.toContain(limited);
  apply({ ...credential, scopes: { topics: ['register/zaken'] }, version: 2 }, 2);
  expect([...classes.judge(open, NOW)].map(([reader]) => reader)).toContain(limited);
  apply({ ...credential, scopes: null, endedAt: '2026-09-01T11:00:00.000Z', version: 3 }, 3);
  expect([...classes.judge(open, NOW)].map(([reader]) => reader)).not.toContain(limited);
});

test('who is taken out is told nothing more, and who is added late is told the next', () => {
  const open = objectMessage('created', null, row('open'));
  expect(told(open)).toHaveProperty('reader');
  const [reader] = classes.ofPrincipal('reader');
  if (reader === undefined) throw new TypeError('there is a reader');
  classes.remove(reader);
  expect(told(open)).not.toHaveProperty('reader');
  expect(classes.size).toBe(people.length - 1);
  classes.add(reader);
  expect(told(open)).toHaveProperty('reader');
});
