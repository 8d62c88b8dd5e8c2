/** The packages that are published, and what of their workspaces is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

interface PublishedPackage {
  readonly folder: string;
  /** What is run, or imported. */
  readonly entry: string;
  /** Files of the workspace that go along, besides README.md. */
  readonly files: readonly string[];
  /** Of a command: its name. Everything else is a library, for browsers and Node. */
  readonly command?: string;
}

export const PUBLISHED_PACKAGES: readonly PublishedPackage[] = [
  { folder: 'libs/client', entry: 'src/index.ts', files: [] },
  { folder: 'libs/react', entry: 'src/index.ts', files: [] },
  { folder: 'libs/tanstack-db', entry: 'src/index.ts', files: [] },
  { folder: 'cli', entry: 'src/main.ts', files: ['data'], command: 'tidewire' },
];

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/** Members of the workspace's package.json that are true of the published one, in the order in which they are written. */
const KEPT = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'type',
  'sideEffects',
  'dependencies',
  'peerDependencies',
] as const;

/** Private: what is used of them becomes part of who uses it. */
const isBundled = (name: string): boolean => name === '@tidewire/contract';

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

/**
 * The package.json that is published. In this repository `exports` names the sources, so that nothing has to be built here;
 * npm does not replace it when it packs.
 */
export function createPublishedManifest({ folder, files, command }: PublishedPackage): Manifest {
  const workspace = readManifest(folder);
  const kept = KEPT.filter((member) => workspace[member] !== undefined).map((member) => [
    member,
    workspace[member],
  ]);
  const { dependencies = {}, ...manifest } = Object.fromEntries(kept) as Manifest;
  const needed = Object.entries(dependencies).filter(([name]) => !isBundled(name));
  return {
    ...manifest,
    // Here everything runs on the Node that the root pins.
    engines: { node: command === undefined ? '>=20' : '>=22' },
    ...(command === undefined
      ? { exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } } }
      : { bin: { [command]: './dist/main.js' } }),
    files: ['dist', ...files],
    ...(needed.length > 0 && { dependencies: Object.fromEntries(needed) }),
  };
}
