/** Builds what is published, and has the usual tools look at the tarballs: publint, and are the types wrong? */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { buildPackages } from './build-packages.ts';

/** Resolutions that there are ES modules for. The others are of `require`, and of TypeScript before it knew `exports`. */
const RESOLUTIONS: ReadonlySet<string> = new Set(['node16-esm', 'bundler']);

const faults: string[] = [];

async function lint(tarball: string): Promise<void> {
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true,
  });
  for (const message of messages) {
    const text = formatMessage(message, pkg, { color: false }) ?? message.code;
    faults.push(`${basename(tarball)}: ${text}`);
  }
}

async function checkTypes(tarball: string): Promise<void> {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!result.types) {
    // A command is run, not imported.
    if (basename(tarball) !== 'tidewire.tgz') faults.push(`${basename(tarball)}: there are no types`);
    return;
  }
  for (const problem of result.problems) {
    if ('resolutionKind' in problem && !RESOLUTIONS.has(problem.resolutionKind)) continue;
    faults.push(`${basename(tarball)}: ${JSON.stringify(problem)}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tidewire-packages-'));
try {
  for (const tarball of await buildPackages(folder)) {
    await lint(tarball);
    await checkTypes(tarball);
  }
} finally {
  rmSync(folder, { recursive: true });
}
for (const fault of faults) console.log(fault);
if (faults.length > 0) process.exit(1);
