// Prints every object of a schema that the subscriber may see: what to begin with, and what to take after a resync.
import { connect } from '@nats-io/transport-node';

const { NATS_URL, TOKEN, SUBSCRIBER, REGISTER, SCHEMA } = process.env;
const nc = await connect({ servers: NATS_URL, token: TOKEN, inboxPrefix: `_INBOX.${SUBSCRIBER}` });
for (let page = 1, pages = 1; page <= pages; page += 1) {
  const request = {
    register: REGISTER,
    schema: SCHEMA,
    query: { '_page': `${page}`, '_order[_created]': 'asc' },
  };
  const answer = await nc.request(`read.v1.list.${SUBSCRIBER}`, JSON.stringify(request), { timeout: 10_000 });
  const list = answer.json();
  if (list.code) throw new Error(`${list.code}: ${list.detail}`);
  // The position of the first page is the cursor to subscribe with: later changes come as events.
  if (page === 1) process.stderr.write(`${list._position}\n`);
  for (const object of list.results) process.stdout.write(`${JSON.stringify(object)}\n`);
  pages = list.pages;
}
await nc.close();
