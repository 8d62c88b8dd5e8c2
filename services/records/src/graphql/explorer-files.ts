import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A file of the explorer. */
export interface ExplorerFile {
  readonly content: Buffer;
  readonly mediaType: string;
  readonly tag: string;
}

const GRAPHIQL = import.meta.resolve('graphiql/package.json');

/** What the page consists of, in the order in which it is needed: built files as the packages bring them, and our own. */
export const EXPLORER_FILES: ReadonlyMap<string, URL> = new Map([
  ['graphiql.css', new URL('graphiql.min.css', GRAPHIQL)],
  ['explorer.css', new URL('../../public/explorer.css', import.meta.url)],
  ['explorer.js', new URL('../../public/explorer.js', import.meta.url)],
  ['react.js', new URL('umd/react.production.min.js', import.meta.resolve('react/package.json'))],
  ['react-dom.js', new URL('umd/react-dom.production.min.js', import.meta.resolve('react-dom/package.json'))],
  ['graphql-sse.js', new URL('umd/graphql-sse.min.js', import.meta.resolve('graphql-sse/package.json'))],
  ['graphiql.js', new URL('graphiql.min.js', GRAPHIQL)],
]);

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
]);

/** Reads files once each, when they are asked for the first time: most processes are never asked. */
export class ExplorerFiles {
  readonly #read = new Map<string, Promise<ExplorerFile>>();

  /** Undefined: the explorer has no such file. */
  async get(name: string): Promise<ExplorerFile | undefined> {
    const url = EXPLORER_FILES.get(name);
    if (url === undefined) return undefined;
    const file = this.#read.get(name) ?? read(url);
    this.#read.set(name, file);
    return await file;
  }
}

async function read(url: URL): Promise<ExplorerFile> {
  const content = await readFile(url);
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  const ending = url.pathname.split('.').at(-1) ?? '';
  return { content, mediaType: MEDIA_TYPES.get(ending) ?? 'application/octet-stream', tag: `"${digest}"` };
}
