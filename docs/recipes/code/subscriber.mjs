// Follows a topic: one line for each event, from where the last run ended.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, createInbox } from '@nats-io/transport-node';

const { NATS_URL, TOKEN, SUBSCRIBER, TOPIC, CURSOR_FILE = 'cursor', HEARTBEAT_MS = 5000 } = process.env;
const heartbeat = Number(HEARTBEAT_MS);
const inboxPrefix = `_INBOX.${SUBSCRIBER}`;

// Your work: an event, or a resync: events may be missing, take the list (list.mjs) instead of what you have.
// What was interrupted comes once more: the same event has the same id.
const work = async (item) => process.stdout.write(`${JSON.stringify(item)}\n`);

function keep(cursor) {
  writeFileSync(`${CURSOR_FILE}.new`, cursor);
  renameSync(`${CURSOR_FILE}.new`, CURSOR_FILE);
}

async function follow(nc) {
  const messages = nc.subscribe(createInbox(inboxPrefix));
  const cursor = existsSync(CURSOR_FILE) ? readFileSync(CURSOR_FILE, 'utf8') : undefined;
  const request = JSON.stringify({ topics: [TOPIC], cursor, heartbeat, expires: 300_000 });
  nc.publish(`feed.v1.next.${SUBSCRIBER}`, request, { reply: messages.getSubject() });
  const silence = setTimeout(() => messages.unsubscribe(), heartbeat * 2.5);
  for await (const message of messages) {
    silence.refresh();
    if (message.data.length === 0) throw new Error('nobody answers there');
    const body = message.json();
    if (body.code) throw new Error(`${body.code}: ${body.detail ?? body.reason}`); // refused, or ended
    if (body.type === 'end') return;
    if (body.specversion || body.type === 'resync') await work(body);
    const done = body.id ?? body.eventId ?? body.current; // of an event, a heartbeat, a resync
    if (done) keep(done);
    message.respond();
  }
}

// Whatever goes wrong, a server away, a token that expired: connect again, and go on after the cursor.
for (;;) {
  let nc;
  try {
    nc = await connect({ servers: NATS_URL, token: TOKEN, inboxPrefix, reconnect: false });
    for (;;) await follow(nc);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
  await nc?.close();
  await pause(1000);
}
