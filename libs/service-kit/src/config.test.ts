import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  baseConfig,
  booleanSetting,
  busConfig,
  databaseConfig,
  describeConfig,
  integerSetting,
  parseConfig,
  printableConfig,
  secret,
} from './config.ts';
import { formatHelp } from './run-service.ts';

const schema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  ...databaseConfig.shape,
  TIDEWIRE_LIMIT: integerSetting(1, 10).default(3).describe('A limit.'),
  TIDEWIRE_FLAG: booleanSetting().default(false).describe('A flag.'),
  TIDEWIRE_KEY: secret(z.string().min(20)).optional().describe('A key.'),
});
const valid = {
  NATS_URL: 'nats://records:marker-nats@127.0.0.1:4222',
  DATABASE_URL: 'postgresql://r:marker-db@127.0.0.1/x',
};

test('reads settings and fills in defaults', () => {
  const result = parseConfig(schema, { ...valid, TIDEWIRE_LIMIT: '7', TIDEWIRE_FLAG: 'true', PATH: '/bin' });
  expect(result).toMatchObject({
    ok: true,
    config: { ...valid, TIDEWIRE_LIMIT: 7, TIDEWIRE_FLAG: true, TIDEWIRE_PORT: 0, LOG_LEVEL: 'info' },
  });
});

test.each([
  ['one server', 'nats://a:b@one:4222', true],
  ['a cluster', 'nats://a:b@one:4222,nats://a:b@two:4222, tls://a:b@three:4222', true],
  ['a server of something else', 'nats://a:b@one:4222,http://two:80', false],
  ['a name without a protocol', 'nats://a:b@one:4222,two:4222', false],
  ['nothing after a comma', 'nats://a:b@one:4222,', false],
])('takes NATS as one server or as several: %s', (_what, NATS_URL, ok) => {
  expect(parseConfig(schema, { ...valid, NATS_URL }).ok).toBe(ok);
});

test('reports every fault of the settings at once and repeats no value', () => {
  const result = parseConfig(schema, {
    NATS_URL: 'marker-nats',
    TIDEWIRE_LIMIT: '11',
    TIDEWIRE_FLAG: 'marker-flag',
    TIDEWIRE_KEY: 'marker-key',
  });
  expect(result.ok).toBe(false);
  const faults = result.ok ? [] : result.faults;
  expect(faults.map((fault) => fault.name).toSorted()).toEqual([
    'DATABASE_URL',
    'NATS_URL',
    'TIDEWIRE_FLAG',
    'TIDEWIRE_KEY',
    'TIDEWIRE_LIMIT',
  ]);
  expect(JSON.stringify(faults)).not.toContain('marker');
});

test('refuses an unknown TIDEWIRE_ variable and names the nearest known one', () => {
  const result = parseConfig(schema, { ...valid, TIDEWIRE_LIMTI: '7', TIDEWIRE_QUITE_SOMETHING_ELSE: '1' });
  expect(result).toEqual({
    ok: false,
    faults: [
      { name: 'TIDEWIRE_LIMTI', message: 'is not a setting of this service; did you mean TIDEWIRE_LIMIT?' },
      { name: 'TIDEWIRE_QUITE_SOMETHING_ELSE', message: 'is not a setting of this service' },
    ],
  });
});

test('takes an empty variable for an absent one', () => {
  expect(parseConfig(schema, { ...valid, TIDEWIRE_LIMIT: '' })).toMatchObject({
    config: { TIDEWIRE_LIMIT: 3 },
  });
  expect(parseConfig(schema, { ...valid, DATABASE_URL: '' })).toMatchObject({
    faults: [{ name: 'DATABASE_URL', message: 'is required' }],
  });
});

test('describes each setting whatever layer its description and mark are on', () => {
  const rows = new Map(describeConfig(schema).map((row) => [row.name, row]));
  expect(rows.get('TIDEWIRE_LIMIT')).toEqual({
    name: 'TIDEWIRE_LIMIT',
    type: 'integer',
    default: '3',
    required: false,
    description: 'A limit.',
    secret: false,
  });
  expect(rows.get('TIDEWIRE_KEY')).toMatchObject({ secret: true, required: false, description: 'A key.' });
  expect(rows.get('DATABASE_URL')).toMatchObject({ secret: true, required: true, type: 'URL' });
  expect(rows.get('TIDEWIRE_FLAG')).toMatchObject({ type: 'true | false', default: 'false' });
  expect([...rows.values()].filter((row) => row.description === '')).toEqual([]);
});

test('shows no secret in what it prints', () => {
  const result = parseConfig(schema, valid);
  const printed = JSON.stringify(result.ok && printableConfig(schema, result.config));
  expect(printed).toContain('"DATABASE_URL":"***"');
  expect(printed + formatHelp('records', schema)).not.toContain('marker');
});
