import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder that is removed when the current test has finished, after everything that the test itself disposes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidewire-local-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
