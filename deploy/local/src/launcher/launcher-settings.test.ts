import { join } from 'node:path';
import { expect, test } from 'vitest';
import { machineVariables, settingsByService } from './launcher-settings.ts';

test('a setting reaches the services that know it and no other', async () => {
  const settings = await settingsByService({
    TIDEWIRE_REPLAY_RING_EVENTS: '7',
    TIDEWIRE_DRAIN_MS: '100',
    TIDEWIRE_EMPTY: '',
    HOME: '/root',
  });
  expect(settings.get('fanout-gateway')).toEqual({
    TIDEWIRE_REPLAY_RING_EVENTS: '7',
    TIDEWIRE_DRAIN_MS: '100',
  });
  expect(settings.get('pages')).toEqual({ TIDEWIRE_DRAIN_MS: '100' });
});

test('a setting that no service knows is refused with the nearest one', async () => {
  await expect(settingsByService({ TIDEWIRE_REPLAY_RING_EVENT: '7' })).rejects.toThrow(
    'TIDEWIRE_REPLAY_RING_EVENT is not a setting of any service; did you mean TIDEWIRE_REPLAY_RING_EVENTS?',
  );
});

test('what the launcher wires itself cannot be set from outside', async () => {
  await expect(settingsByService({ TIDEWIRE_PORT: '1' })).rejects.toThrow('set by npm start itself');
});

test('a service gets what a program needs of the machine, and nothing secret', () => {
  const machine = { PATH: '/bin', LOG_LEVEL: 'debug', AWS_SECRET_ACCESS_KEY: 'x', DATABASE_URL: 'y' };
  const ours = { PATH: '/bin', LOG_LEVEL: 'debug', NODE_COMPILE_CACHE: join('/data', 'cache') };
  expect(machineVariables(machine, '/data')).toEqual(ours);
  const shared = { NODE_COMPILE_CACHE: '/elsewhere' };
  expect(machineVariables({ ...machine, ...shared }, '/data')).toEqual({ ...ours, ...shared });
});
