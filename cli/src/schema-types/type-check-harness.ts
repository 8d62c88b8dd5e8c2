import { spawn } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

/** As strict as a program can be about what it imports. */
const OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  isolatedDeclarations: true,
  declaration: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  noEmit: true,
  target: 'ES2024',
  module: 'ESNext',
  moduleResolution: 'bundler',
  types: [],
};

/** What the compiler says of these files, by name; empty when nothing is wrong. */
export async function typeCheck(files: Readonly<Record<string, string>>): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tidewire-types-'));
  const config = { compilerOptions: OPTIONS, include: ['*.ts'] };
  await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(config));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, name), content);
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin',
    'tsc',
  );
  const child = spawn(process.execPath, [compiler, '--pretty', 'false', '-p', folder.path], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return await text(child.stdout);
}
