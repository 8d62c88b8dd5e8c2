import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AppBundle, AppEntry } from './app-bundle.ts';
import { bundleApps } from './bundle-apps.ts';

/** Where images have the apps, so that they need not bundle them. Nothing makes it by itself: sources would be newer. */
export const builtFolder = join(import.meta.dirname, '..', '..', 'dist');
const MANIFEST = 'manifest.json';

interface Manifest {
  readonly apps: Readonly<Record<string, AppEntry>>;
  /** Media types by file name. */
  readonly types: Readonly<Record<string, string>>;
}

/** The apps of a folder where they were built before, and otherwise of their sources. */
export async function loadApps(folder: string = builtFolder): Promise<AppBundle> {
  return existsSync(join(folder, MANIFEST)) ? await readApps(folder) : await bundleApps();
}

/** Puts the apps into a folder, in place of what is there. */
export async function writeApps({ apps, files }: AppBundle, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, { body }] of files) await writeFile(join(folder, name), body);
  const types = [...files].map(([name, { type }]): [string, string] => [name, type]);
  const manifest: Manifest = { apps: Object.fromEntries(apps), types: Object.fromEntries(types) };
  await writeFile(join(folder, MANIFEST), JSON.stringify(manifest));
}

async function readApps(folder: string): Promise<AppBundle> {
  const { apps, types } = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Manifest;
  const files = await Promise.all(
    Object.entries(types).map(
      async ([name, type]) => [name, { type, body: await readFile(join(folder, name)) }] as const,
    ),
  );
  return { apps: new Map(Object.entries(apps)), files: new Map(files) };
}
