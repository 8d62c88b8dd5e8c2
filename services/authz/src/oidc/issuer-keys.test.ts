import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newIssuerSchema } from '@tidewire/contract';
import type { Issuer } from '@tidewire/contract';
import { createLogger, createManualClock } from '@tidewire/service-kit';
import type { ManualClock } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIssuerKeys } from './issuer-keys.ts';
import type { IssuerKeys } from './issuer-keys.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let key: JWK;
beforeAll(async () => {
  key = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'k' };
});

let server: Server;
let other: Server;
let asked: string[];
let answer: Answer;
let clock: ManualClock;
let keys: IssuerKeys;
let url: string;
const addressOf = (of: Server): string => `http://127.0.0.1:${(of.address() as AddressInfo).port}`;
const listen = async (of: Server): Promise<Server> => {
  await new Promise<void>((resolve) => {
    of.listen(0, '127.0.0.1', resolve);
  });
  return of;
};
beforeEach(async () => {
  asked = [];
  answer = tell({ keys: [key] });
  const record =
    (name: string): Answer =>
    (request, response) => {
      asked.push(`${name}${request.url}`);
      answer(request, response);
    };
  server = await listen(createServer(record('')));
  other = await listen(createServer(record('other:')));
  url = addressOf(server);
  clock = createManualClock();
  keys = createIssuerKeys({ fetch, clock, logger: createLogger({ service: 'test', level: 'silent' }) });
});
afterEach(() => {
  for (const of of [server, other]) {
    of.close();
    of.closeAllConnections();
  }
});

const tell =
  (value: unknown): Answer =>
  (_request, response) => {
    response.end(JSON.stringify(value));
  };

function issuer(settings: Partial<Issuer> = {}): Issuer {
  const given = { slug: 'a', issuer: url, audiences: ['api'], organisations: [], jwksUri: `${url}/keys` };
  return {
    ...newIssuerSchema.parse(given),
    id: '2c9d7b1e-6f0a-4b3c-8d5e-1a2b3c4d5e6f',
    version: 1,
    ...settings,
  };
}

/** Moves time on until the issuer was given up. */
async function givenUp(work: Promise<unknown>): Promise<unknown> {
  let settled = false;
  const result = work.then(
    () => 'keys',
    (error: { code?: string }) => error.code,
  );
  void result.finally(() => {
    settled = true;
  });
  await waitFor(
    () => {
      clock.advance(100);
      return settled;
    },
    { what: 'the caller got an answer' },
  );
  return await result;
}

test('asks an issuer once, however many want its keys at the same time, and remembers them', async () => {
  const found = await Promise.all([keys.get(issuer()), keys.get(issuer()), keys.get(issuer())]);
  expect(new Set(found).size).toBe(1);
  expect(await keys.get(issuer())).toBe(found[0]);
  expect(asked).toEqual(['/keys']);
});

test('finds the keys where the configuration of the issuer says that they are', async () => {
  answer = (request, response) =>
    request.url === '/keys'
      ? tell({ keys: [key] })(request, response)
      : tell({ issuer: url, jwks_uri: `${url}/keys` })(request, response);
  await keys.get(issuer({ jwksUri: null }));
  expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test.each([
  ['is of another issuer', () => ({ issuer: `${url}/`, jwks_uri: `${url}/keys` })],
  ['names no keys', () => ({ issuer: url })],
  ['leads to an address that others can read', () => ({ issuer: url, jwks_uri: 'http://keys.example/keys' })],
  ['leads to a file', () => ({ issuer: url, jwks_uri: 'file:///etc/passwd' })],
  ['is null', () => null],
])('does not follow a configuration that %s', async (_what, configuration) => {
  answer = tell(configuration());
  expect(await givenUp(keys.get(issuer({ jwksUri: null })))).toBe('SERVICE_UNAVAILABLE');
  expect(asked).toEqual(['/.well-known/openid-configuration']);
});

test('an issuer elsewhere does not make us ask this machine', async () => {
  const asking: string[] = [];
  const local = createIssuerKeys({
    fetch: async (from) => {
      asking.push(from);
      return Response.json({ issuer: 'https://a.example', jwks_uri: 'http://127.0.0.1:8222/varz' });
    },
    clock,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  await expect(local.get(issuer({ issuer: 'https://a.example', jwksUri: null }))).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
  });
  expect(asking).toEqual(['https://a.example/.well-known/openid-configuration']);
});

test.each<[string, () => Answer]>([
  [
    'redirects to another host',
    () => (_request, response) => response.writeHead(302, { location: `${addressOf(other)}/keys` }).end(),
  ],
  ['redirects to itself', () => (_request, response) => response.writeHead(307, { location: '/keys' }).end()],
  [
    'answers an error with keys',
    () => (_request, response) => response.writeHead(500).end(JSON.stringify({ keys: [key] })),
  ],
  ['answers no JSON', () => (_request, response) => response.end('<html>')],
  ['answers no keys', () => tell({ keys: [] })],
  ['hangs up', () => (request) => request.destroy()],
  ['is huge', () => tell({ keys: [key], padding: 'x'.repeat(300_000) })],
])('gives up on an issuer that %s', async (_what, how) => {
  answer = how();
  expect(await givenUp(keys.get(issuer()))).toBe('SERVICE_UNAVAILABLE');
  expect(asked.every((path) => path === '/keys')).toBe(true);
  expect(asked).toHaveLength(1);
});

test('stops reading an answer that never ends', async () => {
  let written = 0;
  let closed = false;
  answer = (_request, response) => {
    const write = (): void => {
      if (closed || written > 64 * 1024 * 1024) return;
      written += 16_384;
      if (response.write('x'.repeat(16_384))) setImmediate(write);
      else response.once('drain', write);
    };
    response.on('close', () => {
      closed = true;
    });
    write();
  };
  expect(await givenUp(keys.get(issuer()))).toBe('SERVICE_UNAVAILABLE');
  await waitFor(() => closed, { what: 'the connection is closed' });
  expect(written).toBeLessThan(64 * 1024 * 1024);
});

test('whoever asks waits little for a slow issuer, which is given up after a while', async () => {
  let closed = false;
  answer = (request, response) => {
    response.write('{"keys":');
    request.on('close', () => {
      closed = true;
    });
  };
  const startedAt = clock.monotonic();
  expect(await givenUp(keys.get(issuer()))).toBe('SERVICE_UNAVAILABLE');
  expect(clock.monotonic() - startedAt).toBeLessThan(2_000);
  await waitFor(
    () => {
      clock.advance(100);
      return closed;
    },
    { what: 'the attempt is given up' },
  );
});

test('keys that come late are there for who asks again', async () => {
  let release: () => void = () => undefined;
  answer = (request, response) => {
    release = () => tell({ keys: [key] })(request, response);
  };
  expect(await givenUp(keys.get(issuer()))).toBe('SERVICE_UNAVAILABLE');
  await waitFor(() => asked.length === 1, { what: 'the issuer was asked' });
  release();
  await waitFor(
    () =>
      keys.get(issuer()).then(
        () => true,
        () => false,
      ),
    { what: 'the keys are there' },
  );
  expect(asked).toHaveLength(1);
});

test('holds up only a few for one slow issuer', async () => {
  answer = () => undefined;
  const waiting = Array.from({ length: 16 }, () => keys.get(issuer()));
  // Time stands still: this one is not answered because its time is over.
  await expect(keys.get(issuer())).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  const waited = Promise.allSettled(waiting);
  clock.advance(1_200);
  expect((await waited).every(({ status }) => status === 'rejected')).toBe(true);
});

test('asks an issuer at most once in 10 s, whatever comes', async () => {
  const known = await keys.get(issuer());
  expect(await keys.getNewer(issuer(), known)).toBe(known);
  clock.advance(9_999);
  expect(await keys.getNewer(issuer(), known)).toBe(known);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  expect(await keys.getNewer(issuer(), known)).not.toBe(known);
  expect(asked).toHaveLength(2);
});

test('an issuer that is away is not asked again at once', async () => {
  answer = (_request, response) => response.writeHead(503).end();
  expect(await givenUp(keys.get(issuer()))).toBe('SERVICE_UNAVAILABLE');
  await expect(keys.get(issuer())).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retryAfterSeconds: 2,
  });
  expect(asked).toHaveLength(1);
});

test('takes other keys after a while, so that a key that its issuer took back stops counting', async () => {
  const known = await keys.get(issuer());
  clock.advance(299_999);
  expect(await keys.get(issuer())).toBe(known);
  clock.advance(1);
  expect(await keys.get(issuer())).not.toBe(known);
});

test('keys of an issuer that is away go on for a day and no longer', async () => {
  const known = await keys.get(issuer());
  answer = (_request, response) => response.writeHead(503).end();
  for (let hour = 1; hour < 24; hour += 1) {
    clock.advance(3_600_000);
    expect(await keys.get(issuer())).toBe(known);
  }
  clock.advance(3_600_000);
  await expect(keys.get(issuer())).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  answer = tell({ keys: [key] });
  clock.advance(10_000);
  expect(await keys.get(issuer())).toBeDefined();
});

test('an issuer that was changed is asked anew', async () => {
  const known = await keys.get(issuer());
  expect(await keys.get(issuer({ version: 2, jwksUri: `${url}/other-keys` }))).not.toBe(known);
  expect(asked).toEqual(['/keys', '/other-keys']);
});
