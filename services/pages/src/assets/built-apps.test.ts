import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AppBundle } from './app-bundle.ts';
import { loadApps, writeApps } from './built-apps.ts';

test('apps that were built before are served as they were built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidewire-apps-'));
  const bundle: AppBundle = {
    apps: new Map([['one', { script: 'one-1.js', preloads: ['two-2.js'], styles: [] }]]),
    files: new Map([
      ['one-1.js', { type: 'text/javascript', body: Buffer.from('1') }],
      ['two-2.js', { type: 'text/javascript', body: Buffer.from([0, 255]) }],
    ]),
  };
  await writeApps(bundle, folder);
  expect(await loadApps(folder)).toEqual(bundle);
  await rm(folder, { recursive: true });
  expect([...(await loadApps(folder)).apps.keys()]).toContain('live-pages');
});
