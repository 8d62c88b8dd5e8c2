/**
 * Holds the client to what it may cost a page: minified and compressed, of what is loaded before anything is asked for. Parts
 * that a page may never need are chunks of their own; they are printed, not counted.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import type { OutputChunk } from 'rolldown';

/** Bytes: 15 KB. */
const LIMIT = 15 * 1024;

const bundle = await rolldown({
  input: join(import.meta.dirname, '..', 'libs', 'client', 'src', 'index.ts'),
  platform: 'browser',
});
const { output } = await bundle.generate({ format: 'esm', minify: true, chunkFileNames: '[name].js' });
const chunks = new Map(
  output
    .filter((part) => part.type === 'chunk')
    .map((chunk): [string, OutputChunk] => [chunk.fileName, chunk]),
);

/** Names of a chunk and of all that it cannot be without. */
function loadedWith(name: string, seen: Set<string>): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const other of chunks.get(name)?.imports ?? []) loadedWith(other, seen);
  return seen;
}

const compressed = (code: string): number => gzipSync(code, { level: 9 }).length;
const core = loadedWith('index.js', new Set());
const coreCode: string[] = [];
const later: string[] = [];
for (const [name, { code }] of chunks) {
  if (core.has(name)) coreCode.push(code);
  else later.push(`${name} ${compressed(code)}`);
  if (/\bzod\b/i.test(code)) throw new Error(`${name}: the client's bundle has zod in it`);
}
// Apps make one file of what is loaded together.
const size = compressed(coreCode.join('\n'));
console.log(
  `client: ${size} bytes minified and compressed, at most ${LIMIT}; when needed: ${later.join(', ')}`,
);
if (size > LIMIT) process.exit(1);
