import { createLogger } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import type { AppBundle } from './app-bundle.ts';
import { createLazyBundle } from './lazy-bundle.ts';

const logger = createLogger({ service: 'pages', level: 'silent' });
const made: AppBundle = { apps: new Map(), files: new Map() };

test('apps are bundled once, however many ask at the same time', async () => {
  let count = 0;
  const bundle = createLazyBundle(logger, async () => {
    count += 1;
    return made;
  });
  await Promise.all([bundle(), bundle()]);
  await bundle();
  expect(count).toBe(1);
});

test('what could not be bundled is tried again', async () => {
  const attempts = [Promise.reject(new Error('broken')), Promise.resolve(made)];
  const bundle = createLazyBundle(logger, () => attempts.shift() ?? Promise.reject(new Error('too often')));
  await expect(bundle()).rejects.toThrow('broken');
  expect(await bundle()).toBe(made);
});
