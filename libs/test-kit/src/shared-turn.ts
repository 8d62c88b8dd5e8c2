import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeProcess } from '@tidewire/local';
import { testRun } from './test-run.ts';
import { waitFor } from './wait-for.ts';

/** Longer than any file needs; less than a hook of the tests may take. */
const PATIENCE_MS = 170_000;
/** How often this process holds each turn: a file may ask for the same thing twice. */
const held = new Map<string, number>();

/**
 * Waits until no other process of the run uses something that all share, and returns how to let the next one have it. The
 * turn of a process that has died is over.
 *
 * @throws when others take too long.
 */
export async function takeTurn(thing: string): Promise<() => void> {
  const file = join(testRun().folder, `${thing}.turn`);
  const count = held.get(thing) ?? 0;
  held.set(thing, count + 1);
  if (count === 0) {
    await waitFor(() => claim(file), {
      what: `it is this file's turn with the ${thing}`,
      timeoutMs: PATIENCE_MS,
    });
  }
  let mine = true;
  return () => {
    if (!mine) return;
    mine = false;
    const left = (held.get(thing) ?? 1) - 1;
    held.set(thing, left);
    if (left === 0) rmSync(file, { force: true });
  };
}

function claim(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Read between its making and its writing it is empty, which is nobody who has died.
    const holder = Number(read(file) || process.pid);
    if (describeProcess(holder) === undefined) rmSync(file, { force: true });
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
