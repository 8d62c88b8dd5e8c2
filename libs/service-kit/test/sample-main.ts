/** A service that does nothing but say what is done with it, for the tests of the life cycle. */
import { z } from 'zod';
import { baseConfig, busConfig } from '../src/config.ts';
import { runService } from '../src/run-service.ts';

const schema = z.object({
  ...baseConfig.shape,
  ...busConfig.shape,
  TIDEWIRE_FAULT: z
    .enum(['none', 'start', 'drain', 'later', 'stuck'])
    .default('none')
    .describe('What goes wrong.'),
});

await runService((config, dependencies) => {
  const fault = config.TIDEWIRE_FAULT;
  const say = (phase: string): void => dependencies?.logger?.info('sample', { reason: phase });
  let timer: NodeJS.Timeout | undefined;
  return {
    address: 'http://127.0.0.1:1',
    ready: () => true,
    async start() {
      if (fault === 'start') throw new Error('cannot start');
      timer = setInterval(() => {}, 60_000);
      if (fault === 'later') setImmediate(() => void Promise.reject(new Error('nobody caught this')));
    },
    async drain() {
      say('drain');
      if (fault === 'drain') throw new Error('cannot drain');
      if (fault === 'stuck') await new Promise(() => {});
    },
    async stop() {
      say('stop');
      clearInterval(timer);
    },
  };
}, schema);
