import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import type { LogFields } from './logger.ts';

const MARKER = 'marker-7f3a';

function capture(write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(
    createLogger({ service: 'records', level: 'debug', destination: { write: (line) => lines.push(line) } }),
  );
  return lines.join('');
}

test('writes one JSON line with constant message, level in words and permitted fields', () => {
  const line = capture((logger) => logger.child({ transport: 'sse' }).info('stream opened', { count: 2 }));
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    service: 'records',
    message: 'stream opened',
    transport: 'sse',
    count: 2,
  });
  expect(line.endsWith('\n')).toBe(true);
});

test('drops a field that is not on the list, and objects in the place of a value', () => {
  const fields = { payload: MARKER, token: MARKER, reason: { text: MARKER } } as unknown as LogFields;
  expect(capture((logger) => logger.child(fields).warn('refused', fields))).not.toContain(MARKER);
});

test.each([
  `/api/realtime/subscribe?topic=register/hr&token=${MARKER}&x=1`,
  `http://127.0.0.1/?access_token=${MARKER}`,
  `nats://records:${MARKER}@127.0.0.1:4222`,
])('redacts the secret in %s', (url) => {
  const line = capture((logger) => logger.info('seen', { url }));
  expect(line).not.toContain(MARKER);
  expect(line).toContain('***');
});

const databaseError = Object.assign(new Error(`invalid input syntax for type uuid: ${MARKER}`), {
  severity: 'ERROR',
  code: '22P02',
  detail: MARKER,
  table: 'objects',
});

test.each([
  ['a JSON parser', parseFailure()],
  ['the database', databaseError],
  ['a library that quotes its input', new TypeError(`cannot read "${MARKER}"`)],
  ['a cause', new Error('outer', { cause: databaseError })],
  ['something that is not an error', MARKER],
  ['our own refusal', new TidewireError('BAD_REQUEST', MARKER)],
])('does not repeat the input that an error of %s holds', (_what, error) => {
  expect(capture((logger) => logger.error('failed', { error }))).not.toContain(MARKER);
});

test('keeps what finds a fault: code, table and place', () => {
  const line = capture((logger) => logger.error('failed', { error: databaseError }));
  expect(JSON.parse(line)).toMatchObject({ error: { code: '22P02', table: 'objects' } });
  expect(line).toContain('logger.test.ts');
});

function parseFailure(): unknown {
  try {
    return JSON.parse(`{"a": ${MARKER}}`);
  } catch (error) {
    return error;
  }
}
