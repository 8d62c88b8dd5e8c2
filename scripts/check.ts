/** Everything that is checked before the tests: format, lint, types, boundaries, unused code, generated files. */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const modules = join(root, 'node_modules');

type Step = readonly [name: string, ...command: string[]];

/** The formatter works on one core and takes as long as the next two: it runs beside the others, which follow one another. */
const LANES: readonly (readonly Step[])[] = [
  [
    ['format', join(modules, 'prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
    ['size', join(import.meta.dirname, 'check-size.ts')],
    ['packages', join(import.meta.dirname, 'check-packages.ts')],
  ],
  [
    ['lint', join(modules, 'oxlint/bin/oxlint'), '--type-aware', '--quiet'],
    ['types', join(modules, 'typescript/bin/tsc'), '-b'],
    ['boundaries', join(import.meta.dirname, 'check-boundaries.ts')],
    ['unused', join(modules, 'knip/bin/knip.js'), '--no-progress'],
    ['reference', join(import.meta.dirname, 'generate-reference.ts'), '--check'],
    ['openapi', join(import.meta.dirname, 'check-openapi.ts')],
    ['asyncapi', join(import.meta.dirname, 'check-asyncapi.ts')],
  ],
];

const failed: string[] = [];

/** Prints what a step says when it has ended, so that lanes do not talk into each other. */
async function run([name, program, ...rest]: Step): Promise<void> {
  const started = performance.now();
  const child = spawn(process.execPath, [program ?? '', ...rest], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [output, errors, status] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  process.stdout.write(output);
  process.stderr.write(errors);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`check: ${name} ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)\n`);
  if (status !== 0) failed.push(name);
}

await Promise.all(
  LANES.map(async (steps) => {
    for (const step of steps) await run(step);
  }),
);
if (failed.length > 0) {
  process.stdout.write(
    `check: failed: ${failed.join(', ')}. "npm run format" and "npm run reference" mend two of them.\n`,
  );
  process.exit(1);
}
