import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';

const file = join(import.meta.dirname, '..', 'public', 'push-worker.js');

interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
}

/** The service worker in a scope that writes down what it does. */
async function startWorker(openPages: readonly string[] = []) {
  const shown: Shown[] = [];
  const told: unknown[] = [];
  const opened: string[] = [];
  const focused: string[] = [];
  const listeners = new Map<string, (event: object) => void>();
  const clients = openPages.map((url) => ({
    url,
    postMessage: (message: unknown) => told.push(message),
    focus: async () => void focused.push(url),
  }));
  const scope = {
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, listener),
    registration: {
      showNotification: async (title: string, options: Omit<Shown, 'title'>) => {
        shown.push({ title, body: options.body, tag: options.tag });
      },
    },
    clients: {
      matchAll: async () => clients,
      openWindow: async (url: string) => void opened.push(url),
      claim: async () => undefined,
    },
    skipWaiting: async () => undefined,
  };
  runInContext(await readFile(file, 'utf8'), createContext({ self: scope, URL }));
  /** Dispatches an event and waits for all that it is kept alive for. */
  const dispatch = async (type: string, event: object): Promise<void> => {
    const work: Promise<unknown>[] = [];
    listeners.get(type)?.({ ...event, waitUntil: (promise: Promise<unknown>) => work.push(promise) });
    await Promise.all(work);
  };
  const push = async (text: string | undefined): Promise<void> =>
    await dispatch('push', { data: text === undefined ? null : { json: () => JSON.parse(text) as unknown } });
  return { shown, told, opened, focused, dispatch, push };
}

test('shows that something changed, and where', async () => {
  const { shown, push } = await startWorker();
  await push(
    '{"type":"changed","since":"evt-m0000000-000000000041","topics":["register/a","register/b"]}   ',
  );
  expect(shown).toEqual([{ title: 'Something changed', body: 'register/a\nregister/b', tag: 'tidewire' }]);
});

test('names a few topics at most', async () => {
  const { shown, push } = await startWorker();
  const topics = ['a', 'b', 'c', 'd', 'e', 'f'];
  await push(JSON.stringify({ type: 'changed', topics }));
  await push(JSON.stringify({ type: 'changed', topics: null }));
  expect(shown.map(({ body }) => body)).toEqual(['a\nb\nc\nd\nand 2 more', 'In more than one place.']);
});

test('shows something whatever comes, since a browser would show a notification of its own otherwise', async () => {
  const { shown, push } = await startWorker();
  for (const text of [undefined, 'not JSON', '{}', '{"topics":7}']) await push(text);
  expect(shown.map(({ title }) => title)).toEqual(Array.from({ length: 4 }, () => 'Something changed'));
});

test('shows a test as one', async () => {
  const { shown, told, push } = await startWorker(['https://tidewire.example/notifications.html']);
  await push('{"type":"test"}');
  expect(shown).toMatchObject([{ title: 'This is a test' }]);
  expect(told).toEqual([]);
});

test('tells pages that are open', async () => {
  const { told, push } = await startWorker(['https://tidewire.example/notifications.html']);
  await push('{"type":"changed","topics":null}');
  expect(told).toEqual([{ type: 'changed' }]);
});

test('a click closes the notification and brings the page, once', async () => {
  const page = 'https://tidewire.example/notifications.html';
  for (const [open, expected] of [
    [[], { opened: ['/notifications.html'], focused: [] }],
    [['https://tidewire.example/', page], { opened: [], focused: [page] }],
  ] as const) {
    const { opened, focused, dispatch } = await startWorker(open);
    let closed = 0;
    await dispatch('notificationclick', { notification: { close: () => (closed += 1) } });
    expect({ opened, focused, closed }).toEqual({ ...expected, closed: 1 });
  }
});

test('says when the browser gave its address up', async () => {
  const { shown, dispatch } = await startWorker();
  await dispatch('pushsubscriptionchange', {});
  expect(shown).toMatchObject([{ title: 'Notifications were interrupted' }]);
});
