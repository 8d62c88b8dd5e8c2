import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { chooseRunFolderPlace } from './run-folder-place.ts';

test('TMPDIR decides where the servers of a run keep their data', () => {
  expect(chooseRunFolderPlace({ TMPDIR: '/somewhere' })).toBe(tmpdir());
});

test('without TMPDIR it is a folder in memory or the temporary one', () => {
  expect(['/dev/shm', tmpdir()]).toContain(chooseRunFolderPlace({}));
});
