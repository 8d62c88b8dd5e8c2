/**
 * Makes what is published of this repository: a folder and a tarball for each package.
 *
 *   node scripts/build-packages.ts [FOLDER]     default: packages, beside package.json
 *
 * Prints the paths of the tarballs. Nothing of the workspaces is touched: they run from their sources.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import type { OutputAsset, OutputChunk } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { PUBLISHED_PACKAGES, createPublishedManifest, root } from './published-packages.ts';
import type { Manifest } from './published-packages.ts';

type PublishedPackage = (typeof PUBLISHED_PACKAGES)[number];

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** Declarations of all libraries, file by file, as the compiler says them. */
function emitDeclarations(folder: string): void {
  const project = join(import.meta.dirname, 'tsconfig.packages.json');
  run(join(root, 'node_modules/typescript/bin/tsc'), '--project', project, '--outDir', folder);
}

/** What stays an import is installed with the package: everything else has to be in it. */
function requireDeclared(imports: readonly string[], manifest: Manifest): void {
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const strange = imports.filter((name) => !/^(\.|node:)/.test(name) && !declared.includes(name));
  if (strange.length > 0)
    throw new Error(`${manifest.name} imports what its package.json does not name: ${strange.join(', ')}`);
}

/** Names in the text, which are those that readers of it have to resolve. */
const importsOf = (output: readonly (OutputChunk | OutputAsset)[]): readonly string[] =>
  output
    .filter((part) => part.type === 'chunk')
    .flatMap(({ code }) => [
      ...code.matchAll(/^(?:import|export)\b[^;'"]*?from ["']([^"']+)["']|^import ["']([^"']+)["']/gm),
    ])
    .map(([, from, bare]) => from ?? bare ?? '');

async function bundleCode(one: PublishedPackage, manifest: Manifest, to: string): Promise<void> {
  const { folder, entry, command } = one;
  const isCommand = command !== undefined;
  const bundle = await rolldown({
    cwd: root,
    input: join(root, folder, entry),
    platform: isCommand ? 'node' : 'neutral',
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    transform: { target: isCommand ? 'node22' : 'es2022' },
    // 'use client' is one of a whole package here, and its entry keeps it.
    onLog: (level, log, print) => void (log.code !== 'MODULE_LEVEL_DIRECTIVE' && print(level, log)),
  });
  const { output } = await bundle.write({
    dir: to,
    format: 'esm',
    sourcemap: true,
    // Sources are in the map: their paths are names, and say nothing of where they were built.
    sourcemapPathTransform: (path, map) => relative(join(root, folder), resolve(map, '..', path)),
    chunkFileNames: '[name].js',
    ...(isCommand && { banner: '#!/usr/bin/env node' }),
  });
  requireDeclared(importsOf(output), manifest);
}

/** One file of declarations, of what is exported and nothing else. */
async function bundleDeclarations(declarations: string, manifest: Manifest, to: string): Promise<void> {
  const bundle = await rolldown({
    input: { index: join(declarations, 'src/index.d.ts') },
    external: [/^[^./]/],
    // The compiler has written them already: nothing is left to generate.
    plugins: [dts({ dtsInput: true, emitDtsOnly: true, tsconfig: false, generator: 'oxc' })],
  });
  const { output } = await bundle.write({ dir: to, format: 'esm', entryFileNames: '[name].ts' });
  requireDeclared(importsOf(output), manifest);
}

/** @returns the path of the tarball. */
function pack(folder: string, to: string): string {
  const npm = process.env['npm_execpath'];
  const [program, ...first] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const args = [...first, 'pack', '--json', '--ignore-scripts', '--pack-destination', to];
  const { status, stdout, stderr } = spawnSync(program ?? 'npm', args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32' && program === 'npm',
  });
  if (status !== 0) throw new Error(`npm pack failed in ${folder}:\n${stderr}`);
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { name: string; filename: string }>);
  if (packed === undefined) throw new Error(`npm pack made nothing of ${folder}`);
  // Without the version: who installs it by its path need not know it.
  const tarball = join(to, `${packed.name.replace('@', '').replace('/', '-')}.tgz`);
  renameSync(join(to, packed.filename), tarball);
  return tarball;
}

/** Builds all of them below an empty folder. Gives the paths of the tarballs, in the order of {@link PUBLISHED_PACKAGES}. */
export async function buildPackages(to: string): Promise<readonly string[]> {
  rmSync(to, { recursive: true, force: true });
  const declarations = join(to, 'declarations');
  emitDeclarations(declarations);
  const tarballs: string[] = [];
  for (const one of PUBLISHED_PACKAGES) {
    const manifest = createPublishedManifest(one);
    const folder = join(to, one.folder);
    const dist = join(folder, 'dist');
    mkdirSync(dist, { recursive: true });
    await bundleCode(one, manifest, dist);
    if (one.command === undefined) await bundleDeclarations(join(declarations, one.folder), manifest, dist);
    for (const file of ['README.md', ...one.files])
      cpSync(join(root, one.folder, file), join(folder, file), { recursive: true });
    cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    tarballs.push(pack(folder, to));
  }
  rmSync(declarations, { recursive: true });
  return tarballs;
}

if (import.meta.main) {
  const tarballs = await buildPackages(resolve(process.argv[2] ?? join(root, 'packages')));
  for (const tarball of tarballs) console.log(relative(process.cwd(), tarball));
}
