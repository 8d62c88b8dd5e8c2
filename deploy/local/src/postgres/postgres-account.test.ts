import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { canReach } from './postgres-account.ts';

const stranger = { name: 'stranger', uid: 64_999, gid: 64_999 };

test('a user reaches a path only when every folder on the way lets it pass', () => {
  const closed = temporaryFolder();
  const inside = join(closed, 'a', 'b');
  mkdirSync(inside, { recursive: true });
  chmodSync(closed, 0o700);
  expect(canReach(stranger, inside)).toBe(false);
  chmodSync(closed, 0o711);
  expect(canReach(stranger, inside)).toBe(true);
  expect(canReach(stranger, join(inside, 'not', 'there', 'yet'))).toBe(true);
  chmodSync(join(closed, 'a'), 0o750);
  expect(canReach(stranger, inside)).toBe(false);
});

test('the folder of a user itself is judged by its own bits, not by those of the others', () => {
  const folder = temporaryFolder();
  const owner = { name: 'owner', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  chmodSync(folder, 0o100);
  expect(canReach(owner, folder)).toBe(true);
  chmodSync(folder, 0o011);
  expect(canReach(owner, folder)).toBe(false);
  chmodSync(folder, 0o700);
});
