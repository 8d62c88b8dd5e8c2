import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { connectPlainNats } from '../test/plain-nats.ts';
import { orphanServer } from '../test/orphan.ts';
import { temporaryFolder } from '../test/temporary-folder.ts';
import { natsServerFiles } from './nats/nats-server-config.ts';
import { startNatsServer } from './nats/nats-server.ts';
import { describeProcess } from './process-identity.ts';

const users = [{ user: 'operator', password: 'op-secret' }];

test('stops the server that a killed run left behind, and keeps its data', async () => {
  const dataFolder = temporaryFolder();
  const orphan = await orphanServer('nats', dataFolder);
  {
    await using client = await connectPlainNats(orphan.port, 'operator', 'op-secret');
    const stream = JSON.stringify({ name: 'S', subjects: ['s.>'] });
    client.send('SUB in.* 1');
    client.send(`PUB $JS.API.STREAM.CREATE.S in.create ${stream.length}`, stream);
    await client.heard(/MSG in\.create/);
  }
  const lines: string[] = [];
  await using server = await startNatsServer({ dataFolder, users, onProgress: (line) => lines.push(line) });
  expect(lines).toEqual([
    `stopped a nats-server (process ${orphan.pid}) that an earlier run had left behind`,
  ]);
  expect(describeProcess(orphan.pid)).toBeUndefined();
  await using client = await connectPlainNats(server.port, 'operator', 'op-secret');
  client.send('SUB in.* 1');
  client.send('PUB $JS.API.STREAM.INFO.S in.info 0', '');
  expect(await client.heard(/MSG in\.info/)).toContain('"name":"S"');
});

test('leaves a stranger alone that was given the process id of a server long gone', async () => {
  const dataFolder = temporaryFolder();
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void stranger.kill());
  writeFileSync(natsServerFiles(dataFolder).pid, String(stranger.pid));
  await using _server = await startNatsServer({ dataFolder, users });
  expect(describeProcess(stranger.pid ?? 0)?.commandLine).toBe('sleep 60');
});
