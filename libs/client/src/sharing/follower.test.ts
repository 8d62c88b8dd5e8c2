import type { StreamMessage } from '@tidewire/contract';
import { expect, test } from 'vitest';
import type { LinkStatus } from '../link/link.ts';
import { ManualClock } from '../../test/manual-clock.ts';
import { LogLink, LogServer } from '../../test/log-link.ts';
import { Browser } from '../../test/tabs.ts';
import { Follower } from './follower.ts';
import { OwnWants } from './own-wants.ts';
import type { MessageOf, SharedBody } from './shared-messages.ts';
import { serve } from './want.ts';
import type { Wanter } from './want.ts';

const STATUS: LinkStatus = {
  state: 'live',
  transport: 'websocket',
  exhausted: false,
  retryAt: null,
  error: null,
};
const LEADER = { from: 'leader', term: 7 };

function createWanter() {
  const told: unknown[] = [];
  const wanter: Wanter = {
    position: () => undefined,
    message: (message) => told.push(message),
    interrupted: () => told.push('interrupted'),
    ended: ({ code }) => told.push(code),
  };
  return { told, wanter };
}

function createFollower() {
  const posted: SharedBody[] = [];
  const { told, wanter } = createWanter();
  const wants = new OwnWants(() => {
    throw new Error('Nobody asked for a connection');
  });
  wants.add({ kind: 'page', pagePath: '/dashboard' }, wanter);
  const follower = new Follower({
    wants,
    clock: new ManualClock(),
    random: () => 0,
    post: (body) => posted.push(body),
    changed: () => undefined,
    abandoned: () => undefined,
  });
  follower.follow({ ...LEADER, type: 'here', status: { ...STATUS, error: null } });
  const news = (number: number, changes: Partial<MessageOf<'news'>> = {}): MessageOf<'news'> => ({
    ...LEADER,
    type: 'news',
    to: 'self',
    session: 1,
    number,
    id: 'w1',
    news: { message: pong(number) },
    ...changes,
  });
  return { follower, posted, told, news };
}

function pong(number: number): StreamMessage {
  return { type: 'pong', timestamp: String(number) };
}

test('a follower is told what its leader says, and nothing of other leaders and sessions', () => {
  const { follower, told, news } = createFollower();
  follower.hear(news(1, { session: 0 }));
  follower.hear(news(1, { from: 'other' }));
  follower.hear(news(1, { term: 6 }));
  follower.hear(news(1));
  follower.hear(news(2));
  expect(told).toEqual([pong(1), pong(2)]);
});

test('a follower to which something was not brought begins anew, without what came too late', () => {
  const { follower, posted, told, news } = createFollower();
  follower.hear(news(1));
  posted.length = 0;
  follower.hear(news(3));
  follower.hear(news(4));
  expect(told).toEqual([pong(1), 'interrupted']);
  expect(posted.map(({ type }) => type)).toEqual(['enter', 'want']);
  expect(posted).toMatchObject([{ session: 2 }, { session: 2 }]);
});

test('nothing is told of what is not wanted any more, even if it was under way', async () => {
  const browser = new Browser(1);
  const server = new LogServer('ann');
  const tab = browser.open();
  server.unwelcome.add(tab);
  const link = new LogLink(server, tab);
  const { told, wanter } = createWanter();
  const wish = { type: 'subscribe', topic: 'orders' };
  serve(link, { kind: 'subscription', wish }, wanter);
  await browser.pass(1000);
  expect(link.status.state).toBe('refused');
  serve(link, { kind: 'subscription', wish }, wanter)();
  await browser.pass(1000);
  expect(told).toEqual([]);
});
