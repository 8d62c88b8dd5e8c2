// Shows one notification for whatever changed, and opens the page that says what. The message holds names of topics at most:
// what the reader may see is decided when the page asks.
const PAGE = '/notifications.html';
const NAMED_TOPICS = 4;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  event.waitUntil(show(read(event.data)));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openPage());
});

// The browser made another subscription, or none: only the page knows for which topics the old one was.
self.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(
    notify(
      'Notifications were interrupted',
      'Your browser renewed its address. Open this to turn them on again.',
    ),
  );
});

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}

async function show(message) {
  if (message.type === 'test') {
    await notify('This is a test', 'Notifications reach this browser.');
    return;
  }
  await notify('Something changed', describe(message.topics));
  // A page that is open shows it without being asked.
  for (const client of await self.clients.matchAll({ type: 'window' })) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's clients are of its own origin
    client.postMessage({ type: 'changed' });
  }
}

/** Each notification takes the place of the one before. A browser shows one of its own when there is none. */
async function notify(title, body) {
  await self.registration.showNotification(title, { body, tag: 'tidewire', icon: '/icon.svg' });
}

function describe(topics) {
  if (!Array.isArray(topics) || topics.length === 0) return 'In more than one place.';
  const named = topics.slice(0, NAMED_TOPICS).join('\n');
  const others = topics.length - NAMED_TOPICS;
  return others > 0 ? `${named}\nand ${others} more` : named;
}

async function openPage() {
  const clients = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const open = clients.find(({ url }) => new URL(url).pathname === PAGE);
  if (open === undefined) await self.clients.openWindow(PAGE);
  else await open.focus();
}
