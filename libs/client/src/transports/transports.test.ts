import { expect, test } from 'vitest';
import { createTestRuntime } from '../../test/test-runtime.ts';
import { createTransports } from './transports.ts';

const { runtime } = createTestRuntime();
const namesOf = (...order: Parameters<typeof createTransports>): readonly string[] =>
  createTransports(...order).map(({ name }) => name);

test('the ladder has every transport, best first', () => {
  expect(namesOf(runtime)).toEqual(['websocket', 'sse', 'poll']);
});

test('the ladder is what was asked for, each once', () => {
  expect(namesOf(runtime, ['poll', 'websocket', 'poll'])).toEqual(['poll', 'websocket']);
  expect(namesOf(runtime, [])).toEqual([]);
});

test('where there are no WebSockets the ladder begins one lower', () => {
  expect(namesOf({ ...runtime, WebSocket: undefined })).toEqual(['sse', 'poll']);
});
