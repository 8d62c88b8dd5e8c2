/** Everything that is checked before the tests: format, lint, types, boundaries, unused code, generated files. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const modules = join(root, 'node_modules');

const STEPS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['format', join(modules, 'prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  ['lint', join(modules, 'oxlint/bin/oxlint'), '--type-aware', '--quiet'],
  ['types', join(modules, 'typescript/bin/tsc'), '-b'],
  ['boundaries', join(import.meta.dirname, 'check-boundaries.ts')],
  ['unused', join(modules, 'knip/bin/knip.js'), '--no-progress'],
  ['reference', join(import.meta.dirname, 'generate-reference.ts'), '--check'],
  ['openapi', join(import.meta.dirname, 'check-openapi.ts')],
];

const failed: string[] = [];
for (const [name, program, ...rest] of STEPS) {
  const started = performance.now();
  const result = spawnSync(process.execPath, [program ?? '', ...rest], { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`check: ${name} ${result.status === 0 ? 'ok' : 'FAILED'} (${seconds} s)\n`);
  if (result.status !== 0) failed.push(name);
}
if (failed.length > 0) {
  process.stdout.write(
    `check: failed: ${failed.join(', ')}. "npm run format" and "npm run reference" mend two of them.\n`,
  );
  process.exit(1);
}
