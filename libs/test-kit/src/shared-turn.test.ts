import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeTurn } from './shared-turn.ts';
import { testRun } from './test-run.ts';

const fileOf = (thing: string): string => join(testRun().folder, `${thing}.turn`);

test('a process has its turn until it has given it back as often as it has taken it', async () => {
  const first = await takeTurn('turn-of-one');
  const second = await takeTurn('turn-of-one');
  first();
  first();
  expect(existsSync(fileOf('turn-of-one'))).toBe(true);
  second();
  expect(existsSync(fileOf('turn-of-one'))).toBe(false);
});

test('who asks meanwhile waits, and the turn of a process that has died is over', async () => {
  const dead = execFileSync(process.execPath, ['-e', 'console.log(process.pid)'], {
    encoding: 'utf8',
  }).trim();
  writeFileSync(fileOf('turn-of-others'), String(process.ppid));
  let isMine = false;
  const taking = takeTurn('turn-of-others').then((give) => {
    isMine = true;
    return give;
  });
  await new Promise((wake) => {
    setImmediate(wake);
  });
  expect(isMine).toBe(false);
  writeFileSync(fileOf('turn-of-others'), dead);
  (await taking)();
});
