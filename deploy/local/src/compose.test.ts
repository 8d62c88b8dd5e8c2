import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAccountKey } from '@tidewire/messaging';
import { expect, test } from 'vitest';
import { readEdgeSettings } from './edge/edge-settings.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const section = (name: string): string =>
  compose.split(/^(?=\S)/m).find((part) => part.startsWith(`${name}:`)) ?? '';
const services = [...section('services').matchAll(/^ {2}([\w-]+):/gm)].map((match) => match[1] ?? '');

function variables(text: string): Set<string> {
  return new Set([...text.matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map((match) => match[1] ?? ''));
}

test('the edge of the compose file sends requests to services that it has, on the port that they listen on', () => {
  const upstreams = /TIDEWIRE_EDGE_UPSTREAMS: >-\n((?: {8}.*\n)+)/.exec(compose)?.[1] ?? '';
  const settings = readEdgeSettings({ TIDEWIRE_EDGE_UPSTREAMS: upstreams });
  const targets = [...settings.upstreams.values()].flat();
  expect(targets).toHaveLength(6);
  for (const { host, port } of targets) {
    expect(services).toContain(host);
    expect(port).toBe(Number(/TIDEWIRE_PORT: (\d+)/.exec(section('x-settings'))?.[1]));
  }
});

test('every program that the compose file runs is there', () => {
  const programs = [...compose.matchAll(/command: \[.*?([\w/-]+\.ts)\]/g)].map((match) => match[1] ?? '');
  expect(programs.length).toBeGreaterThanOrEqual(7);
  for (const program of programs) expect(existsSync(join(root, program)), program).toBe(true);
});

test('deploy/make-env gives every variable that the compose file has no default for, each time another secret', () => {
  const makeEnv = (): Map<string, string> => {
    const text = execFileSync(join(root, 'deploy', 'make-env'), { encoding: 'utf8' });
    return new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']));
  };
  const [first, second] = [makeEnv(), makeEnv()];
  const required = [...compose.matchAll(/\$\{([A-Z_]+):\?/g)].map((match) => match[1] ?? '');
  expect(required.length).toBeGreaterThan(0);
  for (const name of required) expect(first.get(name), name).toMatch(/^\S+$/);
  for (const [name, value] of first) {
    if (!name.endsWith('_PASSWORD')) continue;
    expect(value).toMatch(/^s[0-9a-f]{48}$/);
    expect(value).not.toBe(second.get(name));
  }
});

test('the key that deploy/make-env makes is one: authz signs with what NATS believes', () => {
  const text = execFileSync(join(root, 'deploy', 'make-env'), { encoding: 'utf8' });
  const valueOf = (name: string): string => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1] ?? '';
  const key = readAccountKey(valueOf('TIDEWIRE_CALLOUT_SEED'));
  expect(key.publicKey).toBe(valueOf('TIDEWIRE_NATS_CALLOUT_ISSUER'));
});

test('NATS is given every variable that its configuration asks for', () => {
  const asked = variables(
    readFileSync(join(root, 'deploy', 'nats', 'nats-server.conf'), 'utf8').replaceAll('"$', '"'),
  );
  const nats = /^ {2}nats:\n([\s\S]*?)^ {2}\S/m.exec(compose)?.[1] ?? '';
  asked.delete('JS');
  asked.delete('KV');
  expect(asked.size).toBeGreaterThan(0);
  for (const name of asked) expect(nats).toContain(`${name}:`);
});

test('what opens NATS to others adds to services that the compose file has, and gives tls.conf what it asks for', () => {
  const override = readFileSync(join(root, 'deploy', 'nats', 'compose.tls.yml'), 'utf8');
  const changed = [...override.matchAll(/^ {2}([\w-]+):(?: \*trust)?$/gm)].map((match) => match[1] ?? '');
  expect(changed.length).toBeGreaterThanOrEqual(6);
  for (const name of changed) expect(services).toContain(name);
  // Everybody who has an address of NATS has to trust its certificate.
  const speaking = compose.split(/^(?= {2}\S)/m).filter((part) => part.includes('NATS_URL:'));
  expect(speaking.length).toBe(5);
  for (const name of ['relay', 'authz', 'records', 'gateway-1', 'gateway-2', 'push-notifier'])
    expect(changed).toContain(name);
  for (const name of variables(readFileSync(join(root, 'deploy', 'nats', 'tls.conf'), 'utf8')))
    expect(override).toContain(`${name}:`);
});
