import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectPlainNats } from '../../test/plain-nats.ts';
import { startNatsServer } from './nats-server.ts';
import type { NatsUser } from './nats-server-config.ts';

const all: NatsUser = { user: 'operator', password: 'op-secret' };

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidewire-nats-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('refuses who has no password or a wrong one', async () => {
  await using server = await startNatsServer({ dataFolder: dataFolder(), users: [all] });
  await expect(connectPlainNats(server.port, 'operator', 'wrong')).rejects.toThrow(/Authorization Violation/);
  await expect(connectPlainNats(server.port, 'nobody', 'op-secret')).rejects.toThrow(
    /Authorization Violation/,
  );
  await expect(connectPlainNats(server.port, '', '')).rejects.toThrow(/Authorization Violation/);
  await using welcome = await connectPlainNats(server.port, 'operator', 'op-secret');
  expect(welcome.info['max_payload']).toBe(2 * 1024 * 1024);
});

test('a user can neither read nor write the subjects of another', async () => {
  const one = { user: 'one', password: 'p1', permissions: { publish: ['one.>'], subscribe: ['one.in'] } };
  const mute = { user: 'mute', password: 'p2', permissions: { publish: [], subscribe: [] } };
  await using server = await startNatsServer({ dataFolder: dataFolder(), users: [all, one, mute] });
  await using operator = await connectPlainNats(server.port, 'operator', 'op-secret');
  operator.send('SUB > 1');
  operator.send('PING');
  await operator.heard(/PONG\r\nPONG/);

  await using client = await connectPlainNats(server.port, 'one', 'p1');
  for (const subject of ['two.in', '>', 'one.*', '$JS.API.>']) client.send(`SUB ${subject} 1`);
  client.send('PUB two.secret 4', 'evil');
  client.send('PUB one.hello 4', 'good');
  await client.heard(/Permissions Violation for Publish to "two.secret"/);
  for (const subject of ['two.in', '>', 'one.*', '$JS.API.>']) {
    expect(await client.heard(/Violation for Publish/)).toContain(
      `Violation for Subscription to "${subject}"`,
    );
  }
  const seen = await operator.heard(/good/);
  expect(seen).not.toContain('evil');

  await using silent = await connectPlainNats(server.port, 'mute', 'p2');
  silent.send('SUB one.in 1');
  silent.send('PUB one.in 4', 'evil');
  await silent.heard(/Violation for Subscription to "one.in"[^]*Violation for Publish to "one.in"/);
});

test('keeps acknowledged messages over a kill -9 and a restart on the same port', async () => {
  await using server = await startNatsServer({ dataFolder: dataFolder(), users: [all] });
  const before = { pid: server.pid, port: server.port };
  {
    await using client = await connectPlainNats(server.port, 'operator', 'op-secret');
    const stream = JSON.stringify({ name: 'S', subjects: ['s.>'], storage: 'file' });
    client.send('SUB in.* 1');
    client.send(`PUB $JS.API.STREAM.CREATE.S in.create ${stream.length}`, stream);
    await client.heard(/MSG in\.create/);
    client.send('PUB s.a in.ack 5', 'hello');
    await client.heard(/"stream":"S",\s*"seq":1/);
  }
  await server.kill();
  expect(server.ended()).toBe('signal SIGKILL');
  await expect(connectPlainNats(server.port)).rejects.toThrow();
  await server.restart();
  expect(server.port).toBe(before.port);
  expect(server.pid).not.toBe(before.pid);
  await using client = await connectPlainNats(server.port, 'operator', 'op-secret');
  client.send('SUB in.* 1');
  const body = JSON.stringify({ seq: 1 });
  client.send(`PUB $JS.API.STREAM.MSG.GET.S in.get ${body.length}`, body);
  expect(await client.heard(/MSG in\.get/)).toContain(Buffer.from('hello').toString('base64'));
});

test('says why it did not start, with the last lines of its log', async () => {
  await using first = await startNatsServer({ dataFolder: dataFolder(), users: [all] });
  const second = startNatsServer({ dataFolder: dataFolder(), users: [all], port: first.port });
  await expect(second).rejects.toThrow(/did not start \(exit code 1\)[^]*address already in use/);
});

test('refuses a data folder that a living process uses', async () => {
  const folder = dataFolder();
  await using _server = await startNatsServer({ dataFolder: folder, users: [all] });
  await expect(startNatsServer({ dataFolder: folder, users: [all] })).rejects.toThrow(
    `in use by process ${process.pid}`,
  );
});

test('keeps the passwords from other users of the machine', async () => {
  const folder = dataFolder();
  await using _server = await startNatsServer({ dataFolder: folder, users: [all] });
  expect(statSync(join(folder, 'nats-server.conf')).mode & 0o777).toBe(0o600);
});

test('may answer whoever asks it once, without a right on the inbox, and nobody else', async () => {
  const service = { user: 'service', password: 'p', permissions: { publish: [], subscribe: ['ask'] } };
  await using server = await startNatsServer({ dataFolder: dataFolder(), users: [all, service] });
  await using asked = await connectPlainNats(server.port, 'service', 'p');
  asked.send('SUB ask 1');
  asked.send('PING');
  await asked.heard(/PONG\r\nPONG/);
  await using asking = await connectPlainNats(server.port, 'operator', 'op-secret');
  asking.send('SUB inbox.> 1');
  asking.send('PUB ask inbox.mine 1', '?');
  await asked.heard(/MSG ask 1 inbox\.mine/);
  asked.send('PUB inbox.other 5', 'other');
  asked.send('PUB inbox.mine 5', 'first');
  asked.send('PUB inbox.mine 6', 'second');
  await asked.heard(/Violation for Publish to "inbox.mine"/);
  const heard = await asking.heard(/first/);
  expect(heard).not.toContain('other');
  expect(heard).not.toContain('second');
});
