import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import type { AppBundle, AppEntry, AssetFile } from './app-bundle.ts';

const appsFolder = join(import.meta.dirname, '..', '..', 'app');
/** Next to the scripts of every app, before its own style sheets. */
const SHARED = 'shared';
/** Of names, in base64url: 48 bits are enough for the dozens of files there are. */
const HASH_LENGTH = 8;

/** Apps that there are: folders of `app/` with a `main.tsx`. */
export function listApps(folder: string = appsFolder): readonly string[] {
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'main.tsx')));
}

/**
 * Every app as scripts that browsers can load, split where it imports dynamically, and its style sheets. Takes some 0.3 s.
 *
 * @throws Error that says what does not fit together, and in which file.
 */
export async function bundleApps(folder: string = appsFolder): Promise<AppBundle> {
  const names = listApps(folder);
  const files = new Map<string, AssetFile>();
  const shared = addStyles(files, folder, SHARED);
  const scripts = await bundleScripts(folder, names, files);
  const apps = names.map((name): [string, AppEntry] => {
    const script = scripts.get(name);
    if (script === undefined) throw new Error(`nothing was built of app/${name}/main.tsx`);
    return [name, { ...script, styles: [...shared, ...addStyles(files, folder, name)] }];
  });
  return { apps: new Map(apps), files };
}

type Script = Pick<AppEntry, 'script' | 'preloads'>;

async function bundleScripts(
  folder: string,
  names: readonly string[],
  files: Map<string, AssetFile>,
): Promise<ReadonlyMap<string, Script>> {
  // Loaded when it is needed: where apps were built before it never is.
  const { rolldown } = await import('rolldown');
  await using bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(names.map((name) => [name, join(folder, name, 'main.tsx')])),
    platform: 'browser',
    resolve: { alias: ownReact() },
    transform: { target: 'es2022', jsx: 'react-jsx' },
    // 'use client' is for servers that render.
    onLog: (level, log, print) => void (log.code !== 'MODULE_LEVEL_DIRECTIVE' && print(level, log)),
  });
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    entryFileNames: `[name]-[hash:${HASH_LENGTH}].js`,
    chunkFileNames: `[name]-[hash:${HASH_LENGTH}].js`,
  });
  const scripts = new Map<string, Script>();
  for (const part of output) {
    if (part.type !== 'chunk') continue;
    files.set(part.fileName, { type: 'text/javascript; charset=utf-8', body: Buffer.from(part.code) });
    if (part.isEntry) scripts.set(part.name, { script: part.fileName, preloads: part.imports });
  }
  return scripts;
}

/**
 * One React for apps and for `@tidewire/react`, which takes whatever version its user has: two copies would not know each
 * other's hooks.
 */
function ownReact(): Record<string, string> {
  const { resolve } = createRequire(import.meta.url);
  const folderOf = (name: string): string => join(resolve(`${name}/package.json`), '..');
  return { 'react': folderOf('react'), 'react-dom': folderOf('react-dom') };
}

/** @returns names of the style sheets of a folder, in the order of their files. */
function addStyles(files: Map<string, AssetFile>, folder: string, name: string): readonly string[] {
  const of = join(folder, name);
  if (!existsSync(of)) return [];
  const sheets = readdirSync(of)
    .filter((file) => extname(file) === '.css')
    .toSorted();
  return sheets.map((sheet) => {
    const body = readFileSync(join(of, sheet));
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, HASH_LENGTH);
    const fileName = `${sheet.replace(/\.css$/, '')}-${hash}.css`;
    files.set(fileName, { type: 'text/css; charset=utf-8', body });
    return fileName;
  });
}
