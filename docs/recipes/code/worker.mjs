// One worker of a group: each event goes to one of them, and to another one if it is not done in time.
import { setTimeout as pause } from 'node:timers/promises';
import { connect, createInbox } from '@nats-io/transport-node';

const { NATS_URL, TOKEN, SUBSCRIBER, TOPIC, GROUP, HEARTBEAT_MS = 5000, ACK_WAIT_MS = 30_000 } = process.env;
const [heartbeat, ackWait] = [Number(HEARTBEAT_MS), Number(ACK_WAIT_MS)];
const inboxPrefix = `_INBOX.${SUBSCRIBER}`;

// Your work. What took too long, or was interrupted, comes once more: the same event has the same id.
const work = async (item) => process.stdout.write(`${JSON.stringify(item)}\n`);

async function follow(nc) {
  const messages = nc.subscribe(createInbox(inboxPrefix));
  const request = JSON.stringify({ topics: [TOPIC], group: GROUP, ackWait, heartbeat, expires: 300_000 });
  nc.publish(`feed.v1.next.${SUBSCRIBER}`, request, { reply: messages.getSubject() });
  const silence = setTimeout(() => messages.unsubscribe(), heartbeat * 2.5);
  for await (const message of messages) {
    silence.refresh();
    if (message.data.length === 0) throw new Error('nobody answers there');
    const body = message.json();
    if (body.code) throw new Error(`${body.code}: ${body.detail ?? body.reason}`); // refused, or ended
    if (body.type === 'end') return;
    if (body.type === 'resync') await work({ resync: body.reason }); // events may be missing: compare with the list
    if (body.specversion) await work(body);
    message.respond(); // done: the group keeps its position itself
  }
}

// Whatever goes wrong, a server away, a token that expired: connect again. The group has not forgotten.
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
