import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PUSH_PATHS } from '@tidewire/contract';
import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');
const COLLECTION = 'meldingen-register/meldingen';
const WRITE = ['--write', COLLECTION, '--row', '{"titel": "doctor", "status": "nieuw"}'];

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ notifiers: 1, demo: true });
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

interface Examination {
  readonly code: number;
  readonly output: string;
  /** What failed, with what is said of it; with `--json`. */
  readonly failed: Readonly<Record<string, string>>;
  readonly skipped: readonly string[];
}

async function examine(url: string, ...words: readonly string[]): Promise<Examination> {
  const child = spawn(process.execPath, [COMMAND, 'doctor', 'push', '--url', url, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
  const { checks } = (words.includes('--json') ? JSON.parse(output) : { checks: [] }) as {
    checks: { check: string; result: string; text: string }[];
  };
  const failed = checks.filter(({ result }) => result === 'failed');
  return {
    code,
    output,
    failed: Object.fromEntries(failed.map((report) => [report.check, report.text])),
    skipped: checks.filter(({ result }) => result === 'skipped').map(({ check }) => check),
  };
}

async function rowsCalled(titel: string): Promise<number> {
  const { results } = await createApi(platform.origin, platform.adminToken).send<{ results: object[] }>(
    'GET',
    `/api/objects/${COLLECTION}?titel=${titel}`,
  );
  return results.length;
}

test.each([
  ['a token', ['--token', 'demo-alice']],
  ['a name and a password', ['--user', 'alice', '--password', 'demo']],
])('with %s every check goes well, and the row is gone afterwards', async (_name, words) => {
  const { code, failed, skipped } = await examine(platform.origin, ...words, ...WRITE, '--json');
  expect({ code, failed, skipped }).toEqual({ code: 0, failed: {}, skipped: [] });
  expect(await rowsCalled('doctor')).toBe(0);
});

test('without being told to it writes nothing, and has a line for each check', async () => {
  const { code, output } = await examine(platform.origin, '--token', 'demo-bob');
  expect(code).toBe(0);
  const lines = output.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('✓ '))).toHaveLength(13);
  expect(lines.filter((line) => line.startsWith('– '))).toHaveLength(6);
  expect(lines.at(-1)).toBe('Push works as far as was looked: 13 well, 0 wrong, 6 skipped.');
});

test('a wrong password is told from everything else that may be wrong', async () => {
  const words = ['--user', 'alice', '--password', 'wrong', '--json'];
  const { code, failed } = await examine(platform.origin, ...words);
  expect([code, Object.keys(failed)]).toEqual([1, ['credential']]);
});

test('a proxy that knows nothing of WebSockets, and of which Tidewire knows nothing, is found', async () => {
  const proxy = createServer((request, response) => {
    const { method, url, headers } = request;
    const kept = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !['upgrade', 'connection', 'host'].includes(name)),
    );
    const onward = ask(`${platform.origin}${url ?? ''}`, { method, headers: kept }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const { code, failed } = await examine(url, '--token', 'demo-alice', '--json');
  proxy.closeAllConnections();
  proxy.close();
  expect([code, Object.keys(failed)]).toEqual([1, ['endpoints', 'upgrade']]);
  expect(failed['endpoints']).toContain(PUSH_PATHS.socket);
  expect(failed['upgrade']).toBe('the request reached Tidewire without its Upgrade: a proxy strips it');
});

test('a notifier that is away is found', async () => {
  const [notifier] = platform.notifiers;
  const name = notifier?.name ?? 'push-notifier';
  await platform.kill(name);
  const { code, failed } = await examine(platform.origin, '--token', 'demo-alice', '--json');
  await platform.restart(name, 'SIGKILL');
  expect([code, Object.keys(failed)]).toEqual([1, ['credential', 'upgrade']]);
  expect(failed['credential']).toContain('503');
});
