import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REQUEST_SUBJECTS, authenticateReplySchema, setPolicyReplySchema } from '@tidewire/contract';
import { compileCache, startPostgres, startPostgresAlone, waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOutbox } from '../test/outbox.ts';
import { query } from '../test/owner.ts';
import { createPeople } from '../test/people.ts';
import { ADMIN_TOKEN, startAuthz } from '../test/start-authz.ts';

const MARKER = 'marker-5d1f';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authz-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the bootstrap command as a person would. */
function bootstrap(databaseUrl: string, ...options: string[]): Promise<CommandResult> {
  const command = join(import.meta.dirname, 'bootstrap.ts');
  const env = { DATABASE_URL: databaseUrl, TIDEWIRE_PORT: '8080', NODE_COMPILE_CACHE: compileCache() };
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...options], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('makes no administrator because something is empty: an empty database admits nobody', async () => {
  await using authz = await startAuthz({ admin: false });
  for (const token of ['admin', 'demo-admin', 'demo', '']) {
    expect([400, 401]).toContain((await authz.ask('GET', '/api/auth/me', token)).status);
  }
  expect(await query(authz.database.ownerUrl, 'SELECT FROM authz.principals')).toEqual([]);
  expect(await query(authz.database.ownerUrl, 'SELECT FROM authz.credentials')).toEqual([]);
});

test('makes the first administrator by command only, prints its token once, and the token ends in a day', async () => {
  await using authz = await startAuthz({ admin: false });
  const made = await bootstrap(authz.database.authzUrl);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toMatch(/^tw_[A-Za-z0-9_-]{43}\n$/);
  const me = await authz.ask('GET', '/api/auth/me', made.stdout.trim());
  expect(me.body).toMatchObject({ principal: { id: 'admin', admin: true } });
  expect(Date.parse(me.body.credential.expiresAt) - Date.now()).toBeLessThanOrEqual(24 * 3_600_000);
  expect(JSON.stringify(await readOutbox(authz.database.ownerUrl))).toContain('command:bootstrap');
});

test('takes the token of a demo from a file that only its owner reads, and a second run changes nothing', async () => {
  await using database = await startPostgres({ services: ['relay', 'authz'] });
  const file = join(folder, 'token');
  await writeFile(file, 'demo-admin\n', { mode: 0o600 });
  expect(await bootstrap(database.authzUrl, '--token-file', file)).toMatchObject({ code: 0, stderr: '' });
  const told = await readOutbox(database.ownerUrl);
  expect(await bootstrap(database.authzUrl, '--token-file', file)).toMatchObject({ code: 0, stderr: '' });
  expect(await readOutbox(database.ownerUrl)).toHaveLength(told.length);
  await chmod(file, 0o644);
  const refused = await bootstrap(database.authzUrl, '--token-file', file);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('chmod 600');
  expect(refused.stderr).not.toContain('demo-admin');
});

test('does not bring a removed administrator back, nor hand a token of somebody else over', async () => {
  await using authz = await startAuthz();
  const people = await createPeople(authz);
  const file = join(folder, 'taken');
  await writeFile(file, people.alice, { mode: 0o600 });
  expect((await bootstrap(authz.database.authzUrl, '--token-file', file)).code).toBe(1);
  await query(authz.database.ownerUrl, `UPDATE authz.principals SET removed = true WHERE id = 'admin'`);
  expect((await bootstrap(authz.database.authzUrl)).code).toBe(1);
  expect((await authz.ask('GET', '/api/auth/me', ADMIN_TOKEN)).status).toBe(401);
});

test('writes no secret, payload or cookie into its log, whatever is sent and however it fails', async () => {
  await using authz = await startAuthz();
  const path = `/api/auth/me?token=${MARKER}`;
  await authz.ask('GET', path);
  await authz.ask('GET', '/api/auth/me', MARKER);
  await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, `{"name": ${MARKER}`);
  await authz.ask('POST', '/api/auth/tokens', ADMIN_TOKEN, { name: MARKER, scopes: { topics: [MARKER] } });
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: MARKER, name: MARKER });
  await authz.ask('POST', '/api/principals', ADMIN_TOKEN, { id: MARKER, name: MARKER });
  await authz.ask('PUT', `/api/policies/schema/${MARKER}`, ADMIN_TOKEN, {
    authorization: { [MARKER]: [MARKER] },
  });
  await fetch(`${authz.service.address}/api/auth/me`, { headers: { cookie: `tidewire_session=${MARKER}` } });
  const secret = { type: 'token', secret: MARKER };
  await authz.bus.request(REQUEST_SUBJECTS.authenticate, secret, authenticateReplySchema);
  await authz.bus.request(
    REQUEST_SUBJECTS.authenticate,
    { type: MARKER, secret: 1 },
    authenticateReplySchema,
  );
  await authz.bus.request(REQUEST_SUBJECTS.setPolicy, { principal: MARKER }, setPolicyReplySchema);
  // A defect of the database, so that something unexpected is logged too.
  await query(authz.database.ownerUrl, 'ALTER TABLE authz.credentials RENAME TO mislaid');
  const broken = await authz.ask('GET', '/api/auth/me', MARKER);
  expect(broken.status).toBe(500);
  expect(broken.body.message).toBe('Internal error');
  await authz.bus.request(REQUEST_SUBJECTS.authenticate, secret, authenticateReplySchema);
  expect(authz.log()).toContain('request failed');
  expect(authz.log()).not.toContain(MARKER);
  expect(authz.log()).not.toContain(ADMIN_TOKEN);
});

test('says 503 and not ready while the database is away, and comes back by itself', async () => {
  const server = await startPostgresAlone({ services: ['relay', 'authz'] });
  await using authz = await startAuthz({ database: server });
  await waitFor(() => authz.service.ready() === true, { what: 'the service is ready' });
  await server.kill();
  const refused = await authz.ask('GET', '/api/auth/me', ADMIN_TOKEN);
  expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
    503,
    'SERVICE_UNAVAILABLE',
    '2',
  ]);
  const secret = { type: 'token', secret: ADMIN_TOKEN };
  expect(
    await authz.bus.request(REQUEST_SUBJECTS.authenticate, secret, authenticateReplySchema),
  ).toMatchObject({ ok: false, code: 'SERVICE_UNAVAILABLE' });
  const sweepAndLook = (): boolean => {
    authz.clock.advance(1_000);
    return authz.service.ready() === true;
  };
  await waitFor(() => !sweepAndLook(), { what: 'it is not ready' });
  await server.restart();
  await waitFor(sweepAndLook, { what: 'it is ready again' });
  expect((await authz.ask('GET', '/api/auth/me', ADMIN_TOKEN)).status).toBe(200);
});
