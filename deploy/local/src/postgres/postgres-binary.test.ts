import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { makeMissingLinks } from './postgres-binary.ts';

function packageWithoutLinks(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'native', 'lib'), { recursive: true });
  writeFileSync(join(folder, 'native', 'lib', 'libpq.so.5.18'), 'library');
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }));
  writeFileSync(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  return folder;
}

test('completes a package whose install script did not run, with links that survive a move', () => {
  const folder = packageWithoutLinks();
  makeMissingLinks(folder);
  makeMissingLinks(folder);
  for (const name of ['libpq.so', 'libpq.so.5']) {
    expect(readlinkSync(join(folder, 'native', 'lib', name))).toBe('libpq.so.5.18');
    expect(readFileSync(join(folder, 'native', 'lib', name), 'utf8')).toBe('library');
  }
});

test('leaves a package alone that has no list of links', () => {
  const folder = temporaryFolder();
  makeMissingLinks(folder);
  expect(existsSync(join(folder, 'native'))).toBe(false);
});
